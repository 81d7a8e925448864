/* SPDX-License-Identifier: MIT */
/* sources: kernel/timer.c kernel/executor.c kernel/future.c */
#include "testing.h"

#include <errno.h>

#include "coro.h"
#include "timer.h"

enum { SLEEPERS = 5, FREQUENCY = 10000000 };

static struct executor executor;

/* Sleeps until its deadline, and notes its turn and the time. */
struct sleeper {
        struct future future;
        struct task task;
        struct timer_future timer;
        uint64_t deadline, woke_at;
        unsigned turn;
};

static struct sleeper sleepers[SLEEPERS];
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

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        timer_init(&executor, FREQUENCY);
        host.timer_interrupt = timer_interrupt;
        host.time = 1000;
        memset(sleepers, 0, sizeof sleepers);
        turns = 0;
        return 0;
}

static void start(unsigned i, uint64_t deadline)
{
        sleepers[i] = (struct sleeper){ .future.poll = sleeper_poll, .deadline = deadline };
        executor_spawn(&executor, &sleepers[i].task, &sleepers[i].future, "sleeper");
}

static void expect_turn(unsigned i, unsigned turn)
{
        if (sleepers[i].turn != turn)
                fail_msg("sleeper %u had turn %u, not %u", i, sleepers[i].turn, turn);
        assert_int_equal(sleepers[i].timer.result, 0);
}

static void test_by_deadline(void **state)
{
        static const uint64_t deadlines[SLEEPERS] = { 5000, 2000, 4000, 1001, 3000 };
        static const unsigned order[SLEEPERS] = { 5, 2, 4, 1, 3 };

        (void)state;
        for (unsigned i = 0; i < SLEEPERS; i++)
                start(i, deadlines[i]);
        executor_run_until_idle(&executor);
        for (unsigned i = 0; i < SLEEPERS; i++) {
                expect_turn(i, order[i]);
                assert_int_equal(sleepers[i].woke_at, deadlines[i]);
        }
        assert_int_equal(host.timer_interrupts, SLEEPERS); /* one each: no tick */
}

/* All orders of five deadlines, some of them equal: equal ones are served in the order they came. */
static void test_every_order(void **state)
{
        for (unsigned order = 0; order < 1024; order++) {
                setup(state);
                for (unsigned i = 0; i < SLEEPERS; i++)
                        start(i, 2000 + 1000 * (order >> 2 * i & 3));
                executor_run_until_idle(&executor);
                for (unsigned i = 0; i < SLEEPERS; i++) {
                        assert_int_equal(sleepers[i].woke_at, sleepers[i].deadline);
                        for (unsigned j = 0; j < SLEEPERS; j++) {
                                bool first = sleepers[i].deadline < sleepers[j].deadline ||
                                             (sleepers[i].deadline == sleepers[j].deadline && i < j);

                                if (i != j)
                                        assert_int_equal(first, sleepers[i].turn < sleepers[j].turn);
                        }
                }
        }
}

static void test_past_is_ready_at_once(void **state)
{
        (void)state;
        start(0, 999);
        start(1, 1000); /* now */
        start(2, 0);
        executor_run_until_idle(&executor);
        for (unsigned i = 0; i < 3; i++)
                expect_turn(i, i + 1);
        assert_int_equal(host.sleeps, 0);
        assert_int_equal(host.timer_interrupts, 0);
        assert_int_equal(host.timer_deadline, UINT64_MAX);
}

static void test_one_deadline_after_another(void **state)
{
        (void)state;
        for (unsigned i = 0; i < SLEEPERS; i++) {
                start(i, 2000 + i);
                executor_run_until_idle(&executor);
                assert_int_equal(sleepers[i].woke_at, 2000 + i);
        }
        start(0, 3000); /* the one that was programmed last, again */
        start(1, 3000);
        executor_run_until_idle(&executor);
        assert_int_equal(sleepers[0].woke_at, 3000);
        assert_int_equal(sleepers[1].woke_at, 3000);
}

/* Withdrawn from any place in the list: the others sleep on as they were. */
static void test_withdrawal(void **state)
{
        for (unsigned gone = 0; gone < 3; gone++) {
                setup(state);
                for (unsigned i = 0; i < 3; i++) {
                        struct future *future = &sleepers[i].timer.future;

                        start(i, 2000 + 1000 * i);
                        sleepers[i].timer = sleep_until(0);
                        (void)future;
                }
                executor.batch_wanted = 0;
                struct timer_future given_up = sleep_until(2000 + 1000 * gone);
                struct waker nobody = { NULL };

                assert_int_equal(future_poll(&given_up.future, &nobody), POLL_PENDING);
                assert_int_equal(future_poll(&given_up.future, &nobody), POLL_PENDING); /* spurious */
                assert_int_equal(future_poll(&given_up.future, NULL), POLL_READY);
                assert_int_equal(given_up.result, -ECANCELED);
                assert_int_equal(future_poll(&given_up.future, NULL), POLL_READY);
                memset(&given_up, 0xff, sizeof given_up);
                executor_run_until_idle(&executor);
                for (unsigned i = 0; i < 3; i++)
                        assert_int_equal(sleepers[i].woke_at, sleepers[i].deadline);
        }
}
int main(void)
{
        return 0;
}
