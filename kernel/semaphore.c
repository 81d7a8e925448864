/* SPDX-License-Identifier: MIT */
/* semaphore.c - permits. */
#include "semaphore.h"

#include <errno.h>

#include "arch.h"
#include "util.h"

static bool available(struct wait_queue *queue)
{
        return container_of(queue, struct semaphore, waiters)->permits > 0;
}

static int take(struct wait_queue *queue, struct wait_future *wait)
{
        (void)wait;
        container_of(queue, struct semaphore, waiters)->permits--;
        return 0;
}

void semaphore_init(struct semaphore *semaphore, uint32_t permits)
{
        *semaphore = (struct semaphore){ .waiters = { .available = available, .take = take }, .permits = permits };
}

int semaphore_release(struct semaphore *semaphore)
{
        bool enabled = interrupts_save(), overflow = semaphore->permits == UINT32_MAX;

        if (!overflow)
                semaphore->permits++;
        interrupts_restore(enabled);
        wait_queue_serve(&semaphore->waiters);
        return overflow ? -EOVERFLOW : 0;
}
