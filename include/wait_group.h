/* SPDX-License-Identifier: MIT */
/* wait_group.h - a count of things under way, and waiting until it is 0. */
#pragma once

#include "wait_queue.h"

struct wait_group {
        struct wait_queue waiters;
        uint32_t count;
};

/* Make the count 0. Before anything else is called on it. */
void wait_group_init(struct wait_group *group);

/* `more` things are under way: 0, or -EOVERFLOW, and nothing is changed, beyond 2^32 - 1. Any context. */
int wait_group_add(struct wait_group *group, uint32_t more);

/* One of them is over: 0, or -EPERM when none was under way. Any context. */
int wait_group_done(struct wait_group *group);

/* Ready when the count is 0, or has been since the first poll: 0; -ECANCELED when withdrawn. Task context. */
static inline struct wait_future wait_group_wait(struct wait_group *group) { return wait_in(&group->waiters, NULL); }
