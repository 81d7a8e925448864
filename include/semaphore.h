/* SPDX-License-Identifier: MIT */
/* semaphore.h - a number of permits, taken one at a time, first come first served. */
#pragma once

#include "wait_queue.h"

struct semaphore {
        struct wait_queue waiters;
        uint32_t permits;
};

/* Give `semaphore` that many permits. Before anything else is called on it. */
void semaphore_init(struct semaphore *semaphore, uint32_t permits);

/* Ready when one permit is the caller's: 0; -ECANCELED and none when withdrawn. Task context. */
static inline struct wait_future semaphore_acquire(struct semaphore *semaphore) { return wait_in(&semaphore->waiters, NULL); }

/* Give one permit back, or one more: 0, or -EOVERFLOW when there are 2^32 - 1. Any context. */
int semaphore_release(struct semaphore *semaphore);
