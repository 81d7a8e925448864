/* SPDX-License-Identifier: MIT */
/* sleepers.c - tasks that sleep, and timers without one. */
#include "sleepers.h"

#include <errno.h>

#include "coro.h"
#include "hooks.h"

struct executor executor;
bool sstc;

struct sleeper sleepers[SLEEPERS];
static unsigned turns;

static enum poll sleeper_poll(struct future *future, struct waker *waker)
{
        struct sleeper *self = container_of(future, struct sleeper, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->timer, sleep_until(self->deadline));
        self->woke_at = timer_now();
        self->turn = ++turns;
        CORO_END();
}

int sleepers_setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        timer_init(&executor, FREQUENCY, sstc);
        host.timer_interrupt = timer_interrupt;
        host.time = 1000;
        memset(sleepers, 0, sizeof sleepers);
        turns = 0;
        return 0;
}

void start(unsigned i, uint64_t deadline)
{
        sleepers[i] = (struct sleeper){ .future.poll = sleeper_poll, .deadline = deadline };
        executor_spawn(&executor, &sleepers[i].task, &sleepers[i].future, "sleeper");
}

void expect_turn(unsigned i, unsigned turn)
{
        if (sleepers[i].turn != turn)
                fail_msg("sleeper %u had turn %u, not %u", i, sleepers[i].turn, turn);
        assert_int_equal(sleepers[i].timer.result, 0);
}

void count_wake(struct waker *waker) { container_of(waker, struct counted, waker)->wakes++; }

void arm(struct counted *counted, uint64_t deadline)
{
        *counted = (struct counted){ .waker.wake = count_wake, .timer = sleep_until(deadline) };
        assert_int_equal(future_poll(&counted->timer.future, &counted->waker), POLL_PENDING);
}

void withdraw(struct counted *counted)
{
        assert_int_equal(future_poll(&counted->timer.future, NULL), POLL_READY);
        assert_int_equal(counted->timer.result, -ECANCELED);
}

void pass_time(uint64_t until)
{
        host.time = until;
        host_deliver();
        run_hooks(&executor);
}
