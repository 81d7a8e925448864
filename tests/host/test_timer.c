/* SPDX-License-Identifier: MIT */
/* sources: kernel/timer.c kernel/executor.c kernel/future.c kernel/printk.c */
#include "testing.h"

#include <errno.h>

#include "coro.h"
#include "timer.h"

enum { SLEEPERS = 5, FREQUENCY = 10000000 };

static struct executor executor;
static bool sstc;

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
        timer_init(&executor, FREQUENCY, sstc);
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
        for (unsigned order = 0; order < 2048; order++) {
                sstc = order & 1024;
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

/* Timers polled by hand, whose wakes are counted. */
struct counted {
        struct waker waker;
        struct timer_future timer;
        unsigned wakes;
};

static void count_wake(struct waker *waker) { container_of(waker, struct counted, waker)->wakes++; }

static void arm(struct counted *counted, uint64_t deadline)
{
        *counted = (struct counted){ .waker.wake = count_wake, .timer = sleep_until(deadline) };
        assert_int_equal(future_poll(&counted->timer.future, &counted->waker), POLL_PENDING);
}

static void withdraw(struct counted *counted)
{
        assert_int_equal(future_poll(&counted->timer.future, NULL), POLL_READY);
        assert_int_equal(counted->timer.result, -ECANCELED);
}

/* Any one or several of three, from first to last: who stays is woken, who goes is not touched any more. */
static void test_withdrawal_from_any_place(void **state)
{
        for (unsigned gone = 0; gone < 8; gone++) {
                struct counted timers[3];
                struct timer_future until_all_is_over = sleep_until(9000);

                setup(state);
                for (unsigned i = 0; i < 3; i++)
                        arm(&timers[i], 2000 + 1000 * i);
                for (unsigned i = 0; i < 3; i++)
                        if (gone >> i & 1)
                                withdraw(&timers[i]);
                assert_int_equal(executor_block_on(&executor, &until_all_is_over.future), 0);
                for (unsigned i = 0; i < 3; i++) {
                        assert_int_equal(timers[i].wakes, !(gone >> i & 1));
                        assert_int_equal(future_poll(&timers[i].timer.future, &timers[i].waker), POLL_READY);
                        assert_int_equal(timers[i].timer.result, gone >> i & 1 ? -ECANCELED : 0);
                }
        }
}

static void test_withdrawal_before_the_first_poll(void **state)
{
        struct counted timer = { .waker.wake = count_wake, .timer = sleep_until(5000) };

        (void)state;
        withdraw(&timer);
        start(0, 6000);
        executor_run_until_idle(&executor);
        assert_int_equal(timer.wakes, 0);
        assert_int_equal(sleepers[0].woke_at, 6000);
}

/* The hardware still has the deadline of one who went: its interrupt finds nothing, and the next is not late. */
static void test_interrupt_for_a_withdrawn_timer(void **state)
{
        struct counted timer;
        struct yield_future one_batch = yield_now();

        (void)state;
        arm(&timer, 2000);
        executor_block_on(&executor, &one_batch.future);
        assert_int_equal(host.timer_deadline, 2000);
        withdraw(&timer);
        host.time = 2000;
        host_deliver();
        assert_int_equal(host.timer_interrupts, 1);
        assert_false(host.timer_unmasked);
        start(0, 2500);
        executor_run_until_idle(&executor);
        assert_int_equal(sleepers[0].woke_at, 2500);
        assert_int_equal(timer.wakes, 0);
}

/* Before it was programmed, and after. */
static void test_spurious_polls_and_interrupts(void **state)
{
        struct counted timer;
        struct timer_future until_all_is_over = sleep_until(9000);

        (void)state;
        arm(&timer, 2000);
        for (unsigned i = 0; i < 3; i++) {
                struct yield_future one_batch = yield_now();

                timer_interrupt();
                assert_int_equal(future_poll(&timer.timer.future, &timer.waker), POLL_PENDING);
                executor_block_on(&executor, &one_batch.future);
                assert_int_equal(host.timer_deadline, 2000);
                timer_interrupt();
        }
        executor_block_on(&executor, &until_all_is_over.future);
        assert_int_equal(timer.wakes, 1);
}

static void test_latest_waker_is_woken(void **state)
{
        struct counted timer, other = { .waker.wake = count_wake };
        struct timer_future until_all_is_over = sleep_until(9000);

        (void)state;
        arm(&timer, 2000);
        assert_int_equal(future_poll(&timer.timer.future, &other.waker), POLL_PENDING);
        executor_block_on(&executor, &until_all_is_over.future);
        assert_int_equal(timer.wakes, 0);
        assert_int_equal(other.wakes, 1);
}

static void test_the_end_of_time(void **state)
{
        static const uint64_t deadlines[] = { UINT64_MAX, UINT64_MAX - 1, (uint64_t)1 << 63, ((uint64_t)1 << 63) - 1 };
        struct counted timers[4];
        struct timer_future until_all_is_over = sleep_until(UINT64_MAX - 1);

        (void)state;
        for (unsigned i = 0; i < 4; i++)
                arm(&timers[i], deadlines[i]);
        executor_block_on(&executor, &until_all_is_over.future);
        assert_int_equal(host.time, UINT64_MAX - 1);
        assert_int_equal(host.timer_interrupts, 3);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(timers[i].wakes, i > 0);
}

static void test_milliseconds(void **state)
{
        static const struct {
                uint64_t now, milliseconds, deadline;
        } cases[] = {
                { 1000, 0, 1000 },
                { 1000, 1, 11000 },
                { 1000, 1999, 19991000 },
                { 0, UINT64_MAX / 10000, UINT64_MAX / 10000 * 10000 },
                { UINT64_MAX % 10000, UINT64_MAX / 10000, UINT64_MAX },
                { UINT64_MAX % 10000 + 1, UINT64_MAX / 10000, UINT64_MAX },
                { 0, UINT64_MAX / 10000 + 1, UINT64_MAX },
                { 0, UINT64_MAX, UINT64_MAX },
                { UINT64_MAX, 0, UINT64_MAX },
                { UINT64_MAX, 1, UINT64_MAX },
                { UINT64_MAX - 9999, 1, UINT64_MAX },
                { UINT64_MAX - 10000, 1, UINT64_MAX },
                { UINT64_MAX - 5, UINT64_MAX, UINT64_MAX },
        };

        (void)state;
        for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                host.time = cases[i].now;

                uint64_t deadline = sleep_ms(cases[i].milliseconds).deadline;

                if (deadline != cases[i].deadline)
                        fail_msg("case %u: %lu, not %lu", i, (unsigned long)deadline, (unsigned long)cases[i].deadline);
        }
}

static void test_microseconds(void **state)
{
        (void)state;
        assert_int_equal(timer_microseconds(0), 0);
        assert_int_equal(timer_microseconds(9), 0);
        assert_int_equal(timer_microseconds(FREQUENCY + 10), 1000001);
        assert_int_equal(timer_microseconds(UINT64_MAX), UINT64_MAX / 10);
        timer_init(&executor, 32768, false);
        assert_int_equal(timer_microseconds(32769), 1000030);
}

/* With Sstc no firmware is asked, and without it nobody writes to a register that is not there. */
static void test_by_its_own_means(void **state)
{
        for (unsigned own = 0; own < 2; own++) {
                sstc = own;
                setup(state);
                start(0, 2000);
                start(1, 3000);
                assert_int_equal(executor_run_until_idle(&executor), 0);
                assert_int_equal(sleepers[1].woke_at, 3000);
                assert_int_equal(host.timer_compares, own ? 2 : 0);
                assert_int_equal(host.timer_calls, own ? 0 : 2);
        }
        sstc = false;
}

static void run_hooks(void)
{
        struct yield_future one_batch = yield_now();

        assert_int_equal(executor_block_on(&executor, &one_batch.future), 0);
}

static void pass_time(uint64_t until)
{
        host.time = until;
        host_deliver();
        run_hooks();
}

/* Nothing is told to the hardware that it will do by itself: an interrupt that comes sooner looks for the later one. */
static void test_later_deadlines_cost_nothing(void **state)
{
        struct counted timers[3];

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                arm(&timers[i], 2000 + 1000 * i);
                run_hooks();
        }
        assert_int_equal(host.timer_calls, 1);
        for (unsigned i = 0; i < 3; i++)
                pass_time(2000 + 1000 * i);
        assert_int_equal(host.timer_calls, 3);
        assert_int_equal(host.timer_interrupts, 3);
}

static void test_silence_after_the_last_deadline(void **state)
{
        (void)state;
        start(0, 2000);
        start(1, 2000);
        executor_run_until_idle(&executor);
        assert_int_equal(host.timer_interrupts, 1);
        assert_false(host.timer_unmasked);
        for (unsigned i = 0; i < 3; i++)
                pass_time(host.time + 1000000);
        assert_int_equal(host.timer_interrupts, 1);
        assert_int_equal(host.timer_calls, 1);
}

/* Each was programmed, one sooner than the other, and all of them go: one interrupt at the most comes for nothing. */
static void test_withdrawn_timers_cost_one_interrupt(void **state)
{
        struct counted timers[5];

        (void)state;
        for (unsigned i = 0; i < 5; i++) {
                arm(&timers[i], 9000 - 1000 * i);
                run_hooks();
        }
        for (unsigned i = 0; i < 5; i++) {
                withdraw(&timers[i]);
                run_hooks();
        }
        for (uint64_t time = 1100; time < 12000; time += 100)
                pass_time(time);
        assert_int_equal(host.timer_interrupts, 1);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(timers[i].wakes, 0);
}

/* The alarm ------------------------------------------------------------------------------------- */

static unsigned alarms;
static uint64_t alarm_at;

static void ring(void)
{
        assert_true(host.in_handler);
        alarms++;
        alarm_at = host.time;
}

static void not_this_one(void) { fail_msg("an alarm that was replaced goes off"); }

/* Sleepers at 2000, 3000 and 4000, the alarm at any time from before to after them; set before or after they are. */
static void run_with_alarm(void **state, uint64_t deadline, bool first)
{
        struct counted timers[3];

        setup(state);
        alarms = 0;
        if (first)
                timer_set_alarm(deadline, ring);
        for (unsigned i = 0; i < 3; i++)
                arm(&timers[i], 2000 + 1000 * i);
        if (!first) {
                run_hooks();
                timer_set_alarm(deadline, ring);
        }
        run_hooks();
        for (uint64_t time = 1000; time <= 6000; time += 250) {
                pass_time(time);
                for (unsigned i = 0; i < 3; i++)
                        assert_int_equal(timers[i].wakes, time >= 2000 + 1000 * i);
                assert_int_equal(alarms, time >= deadline);
        }
        assert_int_equal(alarm_at, deadline < 1000 ? 1000 : deadline);
        assert_in_range(host.timer_interrupts, 3, 4);
}

static void test_alarm_and_sleepers(void **state)
{
        for (unsigned own = 0; own < 2; own++) {
                sstc = own;
                for (uint64_t deadline = 500; deadline <= 5000; deadline += 250) {
                        run_with_alarm(state, deadline, true);
                        run_with_alarm(state, deadline, false);
                }
        }
        sstc = false;
}

static void test_alarm_takes_the_place_of_another(void **state)
{
        static const uint64_t former[] = { 1500, 2000, 2500 };

        for (unsigned i = 0; i < 3; i++) {
                setup(state);
                alarms = 0;
                timer_set_alarm(former[i], not_this_one);
                timer_set_alarm(2000, ring);
                for (uint64_t time = 1250; time < 4000; time += 250)
                        pass_time(time);
                assert_int_equal(alarms, 1);
                assert_int_equal(alarm_at, 2000);
                assert_in_range(host.timer_interrupts, 1, 2);
        }
}

static void ring_again(void)
{
        ring();
        if (alarms < 4)
                timer_set_alarm(host.time + 100, ring_again);
}

static void test_alarm_that_sets_the_next(void **state)
{
        (void)state;
        alarms = 0;
        timer_set_alarm(1100, ring_again);
        start(0, 1250);
        executor_run_until_idle(&executor);
        assert_int_equal(alarms, 2);
        assert_int_equal(sleepers[0].woke_at, 1250);
        start(0, 3000);
        executor_run_until_idle(&executor);
        assert_int_equal(alarms, 4);
        assert_int_equal(alarm_at, 1400);
        assert_int_equal(sleepers[0].woke_at, 3000);
}

/* It is nobody's hope: no task is woken by it. */
static void test_may_wake_while_somebody_sleeps(void **state)
{
        const struct batch_hook *hook = executor.hooks;
        struct counted timer;

        (void)state;
        assert_false(hook->may_wake(executor.hooks));
        timer_set_alarm(5000, ring);
        assert_false(hook->may_wake(executor.hooks));
        arm(&timer, 2000);
        assert_true(hook->may_wake(executor.hooks));
        withdraw(&timer);
        assert_false(hook->may_wake(executor.hooks));
}

/* Time jumps to the programmed deadline, so that its interrupt comes here. */
static void jump(void)
{
        if (host.timer_deadline != UINT64_MAX && host.time < host.timer_deadline)
                host.time = host.timer_deadline;
}

static void run_sleepers(uint64_t first, uint64_t second)
{
        static const uint64_t deadlines[SLEEPERS] = { 3000, 2000, 2000, 1000, 4000 };

        host_plan(jump, first, second);
        for (unsigned i = 0; i < SLEEPERS; i++)
                start(i, deadlines[i]);
        executor_run_until_idle(&executor);
        for (unsigned i = 0; i < SLEEPERS; i++) {
                assert_in_range(sleepers[i].woke_at, deadlines[i], 4100);
                assert_true(task_finished(&sleepers[i].task));
        }
}

/* At every point, and at every two; and while time also goes on with each look at it. */
static void test_interrupt_at_every_point(void **state)
{
        uint64_t points, runs = 0;

        setup(state);
        run_sleepers(0, 0);
        points = host.points;
        for (uint64_t step = 0; step < 2; step++) {
                sstc = step != 0;
                for (uint64_t i = 1; i <= points; i++) {
                        for (uint64_t j = i; j <= points; j++, runs++) {
                                setup(state);
                                host.time_step = step;
                                run_sleepers(i, j);
                        }
                }
        }
        printf("# %lu points, %lu runs\n", (unsigned long)points, (unsigned long)runs);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_by_deadline, setup),
                cmocka_unit_test_setup(test_every_order, setup),
                cmocka_unit_test_setup(test_past_is_ready_at_once, setup),
                cmocka_unit_test_setup(test_one_deadline_after_another, setup),
                cmocka_unit_test_setup(test_withdrawal_from_any_place, setup),
                cmocka_unit_test_setup(test_withdrawal_before_the_first_poll, setup),
                cmocka_unit_test_setup(test_interrupt_for_a_withdrawn_timer, setup),
                cmocka_unit_test_setup(test_spurious_polls_and_interrupts, setup),
                cmocka_unit_test_setup(test_latest_waker_is_woken, setup),
                cmocka_unit_test_setup(test_the_end_of_time, setup),
                cmocka_unit_test_setup(test_milliseconds, setup),
                cmocka_unit_test_setup(test_microseconds, setup),
                cmocka_unit_test_setup(test_by_its_own_means, setup),
                cmocka_unit_test_setup(test_later_deadlines_cost_nothing, setup),
                cmocka_unit_test_setup(test_silence_after_the_last_deadline, setup),
                cmocka_unit_test_setup(test_withdrawn_timers_cost_one_interrupt, setup),
                cmocka_unit_test_setup(test_alarm_and_sleepers, setup),
                cmocka_unit_test_setup(test_alarm_takes_the_place_of_another, setup),
                cmocka_unit_test_setup(test_alarm_that_sets_the_next, setup),
                cmocka_unit_test_setup(test_may_wake_while_somebody_sleeps, setup),
                cmocka_unit_test_setup(test_interrupt_at_every_point, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
