/* SPDX-License-Identifier: MIT */
/* mutex.c - what of a mutex is not in its header: waiting for it, and poison. */
#include "mutex.h"

#include "util.h"

static bool available(struct wait_queue *queue)
{
        return container_of(queue, struct mutex, waiters)->holder == NULL;
}

static int take(struct wait_queue *queue, struct wait_future *wait)
{
        struct mutex *mutex = container_of(queue, struct mutex, waiters);

        mutex->holder = wait;
        return mutex->poison;
}

void mutex_init(struct mutex *mutex)
{
        *mutex = (struct mutex){ .waiters = { .available = available, .take = take } };
}

static int set_poison(struct mutex *mutex, const struct wait_future *lock, int poison)
{
        if (mutex->holder != lock)
                return -EPERM;
        mutex->poison = poison;
        return 0;
}

int mutex_poison(struct mutex *mutex, const struct wait_future *lock) { return set_poison(mutex, lock, -EOWNERDEAD); }

int mutex_clear_poison(struct mutex *mutex, const struct wait_future *lock) { return set_poison(mutex, lock, 0); }
