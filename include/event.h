/* SPDX-License-Identifier: MIT */
/* event.h - something that has happened or not, for any number of tasks to wait for. */
#pragma once

#include "wait_queue.h"

struct event {
        struct wait_queue waiters;
        bool set;
};

/* Make `event` not set. Before anything else is called on it. */
void event_init(struct event *event);

/* Ready when `event` is set, or has been since the first poll: 0; -ECANCELED when withdrawn. Task context. */
static inline struct wait_future event_wait(struct event *event) { return wait_in(&event->waiters, NULL); }

/* It has happened: all who wait go on, and so does whoever comes before event_clear(). Any context. */
void event_set(struct event *event);

/* It has not happened again. Any context. */
void event_clear(struct event *event);
