/* SPDX-License-Identifier: MIT */
/* waiter.h - somebody in a line, polled by hand, whose wakes are counted. */
#pragma once

#include "wait_queue.h"

struct waiter {
        struct waker waker;
        struct wait_future wait;
        unsigned wakes; /* since its last poll */
};

/* Poll `wait` for the first time, as `waiter`'s; whether it is ready. */
bool waiter_start(struct waiter *waiter, struct wait_future wait);

/* Poll it again; whether it is ready. */
bool waiter_poll(struct waiter *waiter);

/* It must be ready now, with `result`; or pending. */
void waiter_expect(struct waiter *waiter, int result);
void waiter_expect_pending(struct waiter *waiter);

/* It waits, and has been woken, or not, since its last poll. */
void waiter_expect_wakes(const struct waiter *waiter, unsigned wakes);

/* Give it up: it must be ready with -ECANCELED, at once, and stay so. */
void waiter_withdraw(struct waiter *waiter);

/* Nobody is in line. */
void expect_no_line(const struct wait_queue *queue);
