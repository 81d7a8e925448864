/* SPDX-License-Identifier: MIT */
/*
 * wait_queue.h - what mutex, semaphore, event, wait group and channel have in common: futures that wait
 * in a line, first come first served.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "future.h"

struct wait_queue;

/* A place in the line. The caller owns it and keeps it in place until it is ready. */
struct wait_future {
        struct future future;
        struct waker *waker;
        struct wait_queue *queue;
        struct wait_future *next, **link; /* in the line; link: what points to this one */
        void *item; /* of a channel: where it comes from or goes to */
        int result; /* 0; -ECANCELED when withdrawn; or what its primitive says */
};

struct wait_queue {
        /* Whether the first of the line would find what it waits for. Interrupts are masked. */
        bool (*available)(struct wait_queue *self);
        /* Let `wait` have it, and return its result; NULL: there is nothing to do, the result is 0. Interrupts are masked. */
        int (*take)(struct wait_queue *self, struct wait_future *wait);
        struct wait_future *first, **last;
};

/* Wake the first of the line, where there is a line, if there is something for it. Any context. */
void wait_queue_wake_first(struct wait_queue *queue);

/* The same where mostly nobody waits. To be called when something becomes available. Any context. */
static inline void wait_queue_serve(struct wait_queue *queue)
{
        if (shared_load(&queue->first))
                wait_queue_wake_first(queue);
}

/* Let everybody in the line have it: ready, with result 0. Any context. */
void wait_queue_release_all(struct wait_queue *queue);

/* The poll of every wait_future. Task context. */
enum poll wait_poll(struct future *future, struct waker *waker);

/* A place in `queue`, which is taken at the first poll. Task context. */
static inline struct wait_future wait_in(struct wait_queue *queue, void *item)
{
        struct wait_future made = { .future.poll = wait_poll, .queue = queue, .item = item };

        return made;
}
