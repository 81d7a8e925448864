/* SPDX-License-Identifier: MIT */
/* load.h - tasks that keep a disk busy in the background. */
#pragma once

#include "block.h"
#include "executor.h"
#include "wait_group.h"

struct load_group {
        struct wait_group running;
        unsigned count; /* spawned so far */
        bool stopping;
};

/* Make `group` empty. Before anything else is called on it. */
void load_group_init(struct load_group *group);

/* Spawn a task that reads `reads` random blocks of `disk`, and prints how far it is each second. 0 or -ENOMEM. Task context. */
int load_spawn(struct load_group *group, struct executor *executor, struct block_device *disk, uint64_t reads);

/* Let each task of the group end with its next read; await `running` to see it. Task context. */
void load_stop(struct load_group *group);
