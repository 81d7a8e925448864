/* SPDX-License-Identifier: MIT */
/* combined.c - leaves for combinators, polled by hand. */
#include "combined.h"

#include "hooks.h"
#include "timer.h"

struct executor executor;
struct leaf leaves[LEAVES];
struct future *const futures[LEAVES] = { &leaves[0].future, &leaves[1].future, &leaves[2].future, &leaves[3].future };
unsigned wakes;

static void count_wake(struct waker *self)
{
        (void)self;
        wakes++;
}

struct waker waker = { .wake = count_wake };

int combined_setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        timer_init(&executor, FREQUENCY, true);
        host.timer_interrupt = timer_interrupt;
        host.time = 100;
        for (unsigned i = 0; i < LEAVES; i++)
                leaves[i] = leaf((char)('a' + i));
        wakes = 0;
        log_reset();
        return 0;
}

void expect_pending(struct future *future, const char *log)
{
        assert_int_equal(future_poll(future, &waker), POLL_PENDING);
        assert_true(future_pending(future));
        log_expect(log);
}

void expect_ready(struct future *future, const char *log)
{
        assert_int_equal(future_poll(future, &waker), POLL_READY);
        assert_false(future_pending(future));
        log_expect(log);
        assert_int_equal(future_poll(future, &waker), POLL_READY); /* and stays so */
        assert_int_equal(future_poll(future, NULL), POLL_READY);
        log_expect("");
}

void withdraw(struct future *future, enum poll poll, const char *log)
{
        assert_int_equal(future_poll(future, NULL), poll);
        log_expect(log);
}

void expect_nothing_pending(void)
{
        for (unsigned i = 0; i < LEAVES; i++)
                assert_false(future_pending(&leaves[i].future));
}

void make_stubborn(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                leaves[i].stubborn = true;
}

void pass_time(uint64_t until)
{
        run_hooks(&executor);
        host.time = until;
        host_deliver();
        run_hooks(&executor);
}
