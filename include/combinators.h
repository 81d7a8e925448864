/* SPDX-License-Identifier: MIT */
/*
 * combinators.h - futures made of futures: all of them, the first of them, one within a time.
 *
 * The futures are the caller's, who keeps them in place until the combinator is ready, and finds the
 * results in them. A loser is withdrawn, and the combinator is ready when it is: a timer or a wait for a
 * lock ends at once, a disk request when its buffer is the caller's again. So nothing is pending any
 * more once a combinator is ready. A loser's own result says whether it was given up (-ECANCELED) or
 * came to its end all the same.
 */
#pragma once

#include <stdint.h>

#include "future.h"
#include "timer.h"

struct join_future {
        struct future future;
        struct future *const *futures; /* NULL: the pair */
        struct future *pair[2];
        uint32_t count;
};

struct select_future {
        struct future future;
        struct future *const *futures; /* NULL: the pair */
        struct future *pair[2];
        uint32_t count;
        int winner; /* the index of the first that was ready; -ECANCELED when withdrawn, -EINVAL for a choice of none */
};

struct timeout_future {
        struct future future;
        struct future *inner;
        struct timer_future timer;
        struct select_future race;
        int result; /* 0: it ended in time; -ETIMEDOUT; -ECANCELED when withdrawn */
};

/* The polls of those below. Task context. */
enum poll join_poll(struct future *future, struct waker *waker);
enum poll select_poll(struct future *future, struct waker *waker);
enum poll timeout_poll(struct future *future, struct waker *waker);

/* Ready when both are. Task context. */
static inline struct join_future join2(struct future *a, struct future *b)
{
        struct join_future made = { .future.poll = join_poll, .pair = { a, b }, .count = 2 };

        return made;
}

/* Ready when all `count` of them are; `futures` stays as it is until then. Task context. */
static inline struct join_future join_array(struct future *const *futures, uint32_t count)
{
        struct join_future made = { .future.poll = join_poll, .futures = futures, .count = count };

        return made;
}

/* Ready when one of the two is, and the other no longer pending. Of two that are ready `a` wins. Task context. */
static inline struct select_future select2(struct future *a, struct future *b)
{
        struct select_future made = { .future.poll = select_poll, .pair = { a, b }, .count = 2 };

        return made;
}

/* The same for an array; of several that are ready the one of the lowest index wins. Task context. */
static inline struct select_future select_array(struct future *const *futures, uint32_t count)
{
        struct select_future made = { .future.poll = select_poll, .futures = futures, .count = count };

        return made;
}

/*
 * Ready when `inner` is, which is withdrawn at `deadline` (ticks). The result says which it was; that of
 * a disk request which ended well, but too late, is -ETIMEDOUT, and its own is 0. Task context.
 */
static inline struct timeout_future with_deadline(struct future *inner, uint64_t deadline)
{
        struct timeout_future made = { .future.poll = timeout_poll, .inner = inner, .timer = sleep_until(deadline) };

        return made;
}

/* The same, `milliseconds` from now. Task context. */
static inline struct timeout_future with_timeout(struct future *inner, uint64_t milliseconds)
{
        return with_deadline(inner, timer_after(milliseconds));
}
