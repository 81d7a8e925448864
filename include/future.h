/* SPDX-License-Identifier: MIT */
/*
 * future.h - anything that can be awaited.
 *
 * A leaf (a disk request, a timer), a coroutine and a combinator have this one shape, so nesting
 * needs no second mechanism. The contract of every future:
 *
 *  - it is lazy: nothing happens before its first poll;
 *  - once polled it neither moves nor dies until it is ready;
 *  - poll stores the waker before it looks whether it is done: in the other order a completion
 *    between the two would wake nobody;
 *  - a spurious poll is harmless, and a finished future stays ready;
 *  - a poll with a NULL waker withdraws it: a wait is given up and becomes ready with -ECANCELED;
 *    what a device still owns stays pending, with the waker it has, until the device lets go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"

/* A byte: gcc 12 sign-extends what a function returns as an unsigned int, 3 instructions a request. */
enum __attribute__((packed)) poll { POLL_PENDING, POLL_READY };

/* How a future says "poll me again". `wake` may be called from an interrupt, any number of times. */
struct waker {
        void (*wake)(struct waker *self);
        uint32_t registered; /* somebody holds it, or did when its task was polled last: for the executor's lint */
};

/*
 * Keep `waker` in `place` for a wake to come. A leaf does so in each poll that leaves it pending, and
 * before it looks whether it is done. Task context.
 */
static inline void waker_register(struct waker **place, struct waker *waker)
{
        waker->registered = 1;
        shared_store(place, waker);
}

enum { FUTURE_NEW = 0 };
#define FUTURE_DONE (~(uint32_t)0)

struct future {
        enum poll (*poll)(struct future *self, struct waker *waker);
        uint32_t state; /* FUTURE_NEW, FUTURE_DONE; between: a leaf's own enum, or a coroutine's source line */
        int32_t child;  /* bytes from here to the future that this one awaits; 0: a leaf, or too far away */
};

/* Whether `future` is ready. Any context. */
static inline bool future_done(const struct future *future) { return shared_load(&future->state) == FUTURE_DONE; }

/*
 * Ask `future` to go on; `waker` is called when it is worth asking again, NULL withdraws it.
 * The caller owns the future's memory and keeps it in place until POLL_READY. Task context only.
 */
static inline enum poll future_poll(struct future *future, struct waker *waker)
{
        return future_done(future) ? POLL_READY : future->poll(future, waker);
}

/* Whether `future` has been polled and is not ready yet: somebody else may own its buffer. Any context. */
static inline bool future_pending(const struct future *future)
{
        return (int32_t)shared_load(&future->state) > 0;
}

/* The future that `future` awaits, or NULL. Any context. */
static inline const struct future *future_child(const struct future *future)
{
        return future->child ? (const struct future *)(const void *)((const char *)future + future->child) : NULL;
}

/* Mark `future` ready: `return future_ready(self);`. Any context. */
static inline enum poll future_ready(struct future *future)
{
        shared_store(&future->state, FUTURE_DONE);
        return POLL_READY;
}

/* Awaiting it lets every other ready task run once. */
struct yield_future {
        struct future future;
};

/* The poll of yield_now(). Task context. */
enum poll yield_poll(struct future *future, struct waker *waker);

/* A future that is ready at its second poll. The caller owns the memory; task context only. */
static inline struct yield_future yield_now(void)
{
        struct yield_future made = { .future.poll = yield_poll };

        return made;
}

/*
 * What somebody else will complete, such as a driver when its device has answered: it is pending from the
 * start, and stays so when it is withdrawn.
 */
struct completion {
        struct future future;
        struct waker *waker; /* shared */
};

enum { COMPLETION_PENDING = 1 };

/* The poll of completion(). Task context. */
enum poll completion_poll(struct future *future, struct waker *waker);

/* A future for complete(). The caller owns the memory, which stays in place until then. Any context. */
static inline struct completion completion(void)
{
        struct completion made = { .future = { .poll = completion_poll, .state = COMPLETION_PENDING } };

        return made;
}

/* Make it ready, once, and wake who awaits it; its memory is its owner's again. Any context. */
void complete(struct completion *completion);
