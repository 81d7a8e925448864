/* SPDX-License-Identifier: MIT */
/* waiter.c - somebody in a line, polled by hand. */
#include "waiter.h"

#include <errno.h>

#include "testing.h"
#include "util.h"

static void count_wake(struct waker *waker) { container_of(waker, struct waiter, waker)->wakes++; }

bool waiter_poll(struct waiter *waiter)
{
        waiter->wakes = 0;

        bool ready = future_poll(&waiter->wait.future, &waiter->waker) == POLL_READY;

        assert_int_equal(ready, !future_pending(&waiter->wait.future));
        assert_true(host.enabled);
        return ready;
}

bool waiter_start(struct waiter *waiter, struct wait_future wait)
{
        *waiter = (struct waiter){ .waker.wake = count_wake, .wait = wait };
        return waiter_poll(waiter);
}

void waiter_expect(struct waiter *waiter, int result)
{
        assert_true(waiter_poll(waiter));
        assert_int_equal(waiter->wait.result, result);
        assert_true(waiter_poll(waiter));
}

void waiter_expect_pending(struct waiter *waiter) { assert_false(waiter_poll(waiter)); }

void waiter_expect_wakes(const struct waiter *waiter, unsigned wakes) { assert_int_equal(waiter->wakes, wakes); }

void waiter_withdraw(struct waiter *waiter)
{
        assert_int_equal(future_poll(&waiter->wait.future, NULL), POLL_READY);
        assert_int_equal(waiter->wait.result, -ECANCELED);
        waiter->wakes = 0;
        waiter_expect(waiter, -ECANCELED);
}

void expect_no_line(const struct wait_queue *queue) { assert_null(queue->first); }
