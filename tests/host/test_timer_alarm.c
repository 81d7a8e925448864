/* SPDX-License-Identifier: MIT */
/* sources: kernel/timer.c kernel/executor.c kernel/future.c kernel/printk.c tests/host/sleepers.c */
/* The alarm beside the sleepers; and interrupts at any point. */
#include "hooks.h"
#include "sleepers.h"

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

        sleepers_setup(state);
        alarms = 0;
        if (first)
                timer_set_alarm(deadline, ring);
        for (unsigned i = 0; i < 3; i++)
                arm(&timers[i], 2000 + 1000 * i);
        if (!first) {
                run_hooks(&executor);
                timer_set_alarm(deadline, ring);
        }
        run_hooks(&executor);
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
                sleepers_setup(state);
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

        sleepers_setup(state);
        run_sleepers(0, 0);
        points = host.points;
        for (uint64_t step = 0; step < 2; step++) {
                sstc = step != 0;
                for (uint64_t i = 1; i <= points; i++) {
                        for (uint64_t j = i; j <= points; j++, runs++) {
                                sleepers_setup(state);
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
                cmocka_unit_test_setup(test_alarm_and_sleepers, sleepers_setup),
                cmocka_unit_test_setup(test_alarm_takes_the_place_of_another, sleepers_setup),
                cmocka_unit_test_setup(test_alarm_that_sets_the_next, sleepers_setup),
                cmocka_unit_test_setup(test_may_wake_while_somebody_sleeps, sleepers_setup),
                cmocka_unit_test_setup(test_interrupt_at_every_point, sleepers_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
