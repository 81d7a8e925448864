/* SPDX-License-Identifier: MIT */
/*
 * mutex.h - one holder at a time, across AWAITs.
 *
 *      if (!mutex_try_lock(&mutex, &self->lock))
 *              AWAIT(self->lock, mutex_lock(&mutex));
 *      ...
 *      mutex_unlock(&mutex, &self->lock);
 *
 * The future is the proof of holding: it stays in place until the mutex is unlocked with it. A holder
 * that leaves what the mutex guards half done says so with mutex_poison(): those after it get the mutex
 * all the same, with -EOWNERDEAD for a result, until one has put things right.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "wait_queue.h"

struct mutex {
        struct wait_queue waiters;
        const struct wait_future *holder; /* NULL: nobody */
        int poison;                       /* 0 or -EOWNERDEAD */
};

/* Make `mutex` free. Before anything else is called on it. */
void mutex_init(struct mutex *mutex);

/* Take `mutex` if it is free and nobody waits for it; `lock->result` is then as after an AWAIT. Task context. */
static inline bool mutex_try_lock(struct mutex *mutex, struct wait_future *lock)
{
        if (mutex->holder || mutex->waiters.first)
                return false;
        mutex->holder = lock;
        lock->result = mutex->poison;
        return true;
}

/*
 * Ready when `mutex` is the caller's: 0, or -EOWNERDEAD when it is poisoned, which is to be unlocked as
 * well. Withdrawn, it is -ECANCELED, and the mutex is not the caller's. Task context.
 */
static inline struct wait_future mutex_lock(struct mutex *mutex) { return wait_in(&mutex->waiters, NULL); }

/* Give `mutex` up: 0, or -EPERM when it was not locked with `lock`, perhaps unlocked before. Task context. */
static inline int mutex_unlock(struct mutex *mutex, const struct wait_future *lock)
{
        if (mutex->holder != lock)
                return -EPERM;
        mutex->holder = NULL;
        wait_queue_serve(&mutex->waiters);
        return 0;
}

/* Say that what `mutex` guards is not as it should be, or is again: 0, or -EPERM when it is not locked with `lock`. Task context. */
int mutex_poison(struct mutex *mutex, const struct wait_future *lock);
int mutex_clear_poison(struct mutex *mutex, const struct wait_future *lock);
