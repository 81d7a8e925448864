/* SPDX-License-Identifier: MIT */
/* sources: kernel/timer.c kernel/executor.c kernel/future.c kernel/printk.c tests/host/sleepers.c tests/host/traced.c */
/* Who wakes when, and what the hardware is told. */
#include "hooks.h"
#include "sleepers.h"
#include "traced.h"

#include <errno.h>

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
                sleepers_setup(state);
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

/* Any one or several of three, from first to last: who stays is woken, who goes is not touched any more. */
static void test_withdrawal_from_any_place(void **state)
{
        for (unsigned gone = 0; gone < 8; gone++) {
                struct counted timers[3];
                struct timer_future until_all_is_over = sleep_until(9000);

                sleepers_setup(state);
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

        (void)state;
        arm(&timer, 2000);
        run_hooks(&executor);
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
                timer_interrupt();
                assert_int_equal(future_poll(&timer.timer.future, &timer.waker), POLL_PENDING);
                run_hooks(&executor);
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
        assert_int_equal(timer_nanoseconds(0), 0);
        assert_int_equal(timer_nanoseconds(9), 900);
        assert_int_equal(timer_nanoseconds(FREQUENCY + 10), 1000001000);
        assert_int_equal(timer_nanoseconds(UINT64_MAX / 100), UINT64_MAX / 100 * 100);
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
                sleepers_setup(state);
                start(0, 2000);
                start(1, 3000);
                assert_int_equal(executor_run_until_idle(&executor), 0);
                assert_int_equal(sleepers[1].woke_at, 3000);
                assert_int_equal(host.timer_compares, own ? 2 : 0);
                assert_int_equal(host.timer_calls, own ? 0 : 2);
        }
        sstc = false;
}

/* Nothing is told to the hardware that it will do by itself: an interrupt that comes sooner looks for the later one. */
static void test_later_deadlines_cost_nothing(void **state)
{
        struct counted timers[3];

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                arm(&timers[i], 2000 + 1000 * i);
                run_hooks(&executor);
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
                run_hooks(&executor);
        }
        for (unsigned i = 0; i < 5; i++) {
                withdraw(&timers[i]);
                run_hooks(&executor);
        }
        for (uint64_t time = 1100; time < 12000; time += 100)
                pass_time(time);
        assert_int_equal(host.timer_interrupts, 1);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(timers[i].wakes, 0);
}

/* What the hardware is told, and not what it need not be; by which way, is all the same. */
static void test_recorded(void **state)
{
        for (unsigned way = 0; way < 2; way++) {
                sstc = way;
                sleepers_setup(state);
                traced_begin();
                timer_trace();
                for (unsigned i = 0; i < 2; i++) {
                        sleepers[i].timer = sleep_until(2000 + 1000 * i);
                        executor_spawn(&executor, &sleepers[i].task, &sleepers[i].timer.future, "sleeper");
                        traced(TRACE_SPAWN, &sleepers[i].task, "sleeper", 0, 0);
                }
                executor_run_until_idle(&executor);
                for (uintptr_t i = 0; i < 2; i++) {
                        traced(TRACE_TIMER_ARM, NULL, (void *)(2000 + 1000 * i), 0, 0);
                        traced(TRACE_TIMER_FIRE, NULL, NULL, 0, 0);
                        traced(TRACE_WAKE, &sleepers[i].task, NULL, 0, 0);
                }
                traced_all();
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_by_deadline, sleepers_setup),
                cmocka_unit_test_setup(test_every_order, sleepers_setup),
                cmocka_unit_test_setup(test_past_is_ready_at_once, sleepers_setup),
                cmocka_unit_test_setup(test_one_deadline_after_another, sleepers_setup),
                cmocka_unit_test_setup(test_withdrawal_from_any_place, sleepers_setup),
                cmocka_unit_test_setup(test_withdrawal_before_the_first_poll, sleepers_setup),
                cmocka_unit_test_setup(test_interrupt_for_a_withdrawn_timer, sleepers_setup),
                cmocka_unit_test_setup(test_spurious_polls_and_interrupts, sleepers_setup),
                cmocka_unit_test_setup(test_latest_waker_is_woken, sleepers_setup),
                cmocka_unit_test_setup(test_the_end_of_time, sleepers_setup),
                cmocka_unit_test_setup(test_milliseconds, sleepers_setup),
                cmocka_unit_test_setup(test_microseconds, sleepers_setup),
                cmocka_unit_test_setup(test_by_its_own_means, sleepers_setup),
                cmocka_unit_test_setup(test_later_deadlines_cost_nothing, sleepers_setup),
                cmocka_unit_test_setup(test_silence_after_the_last_deadline, sleepers_setup),
                cmocka_unit_test_setup(test_withdrawn_timers_cost_one_interrupt, sleepers_setup),
                cmocka_unit_test_setup(test_recorded, sleepers_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
