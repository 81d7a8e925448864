/* SPDX-License-Identifier: MIT */
/* sources: kernel/watchdog.c kernel/executor.c kernel/timer.c kernel/future.c kernel/printk.c tests/host/leaf.c
 * tests/host/dog.c */
/* The watchdog: who keeps all others waiting. */
#include "dog.h"

#include <errno.h>

#include "coro.h"
#include "printk.h"
#include "timer.h"

enum { SHORT = 5, LONG = 20 };

/* One who keeps all others waiting --------------------------------------------------------------- */

static uint64_t poll_ticks;

static void never_yield(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        spend(poll_ticks);
}

static const char named[] = "warning: task one keeps all others waiting: it has not yielded for 1000 ms\n  state 0\n";

static void test_names_a_task_that_never_yields(void **state)
{
        (void)state;
        poll_ticks = 10 * PERIOD;
        leaves[0].in_poll = never_yield;
        spawn(0);
        leaves[1].done = true;
        spawn(1);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_string_equal(host.console, named); /* once */
}

/* It looks a period after the first poll, and again a period later: between one and two pass before it says so. */
static void test_says_nothing_before_its_time(void **state)
{
        (void)state;
        leaves[0].in_poll = never_yield;
        poll_ticks = 2 * PERIOD - 1;
        spawn(0);
        executor_run_until_idle(&executor);
        assert_string_equal(host.console, "");
        dog_setup(state);
        leaves[0].in_poll = never_yield;
        poll_ticks = 2 * PERIOD;
        spawn(0);
        executor_run_until_idle(&executor);
        assert_string_equal(host.console, named);
}

static void yield_but_once(struct leaf *self, struct waker *waker)
{
        if (self->polls == 1)
                waker->wake(waker);
        else
                never_yield(self, waker);
}

static struct timer_future timer;

/* A sleeper's interrupt takes the place of the watchdog's, and no hook comes that would set it again. */
static void test_names_it_though_a_sleeper_is_due_meanwhile(void **state)
{
        (void)state;
        poll_ticks = 10 * PERIOD;
        leaves[0].in_poll = yield_but_once;
        spawn(0);
        timer = sleep_until(PERIOD / 2);
        executor_spawn(&executor, &tasks[1], &timer.future, "sleeper");
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_console_has("warning: task one keeps all others waiting");
}

static unsigned polls_wanted;

static void many_short_polls(struct leaf *self, struct waker *waker)
{
        spend(SHORT);
        self->done = self->polls == polls_wanted;
        if (!self->done)
                waker->wake(waker);
}

/* Busy for twenty periods, but it yields: no matter where in a poll the watchdog looks. */
static void test_says_nothing_of_many_short_polls(void **state)
{
        (void)state;
        for (unsigned offset = 0; offset < SHORT; offset++) {
                dog_setup(state);
                host.time = offset;
                polls_wanted = 20 * PERIOD / SHORT;
                leaves[0].in_poll = many_short_polls;
                spawn(0);
                executor_run_until_idle(&executor);
                assert_string_equal(host.console, "");
                assert_in_range(host.timer_interrupts, 15, 25); /* and it did look */
        }
}

static void block_for_long(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        timer = sleep_until(5 * PERIOD);
        assert_int_equal(executor_block_on(&executor, &timer.future), 0);
}

/* A call that waits, in a task, keeps all others waiting too. */
static void test_names_a_task_that_blocks(void **state)
{
        (void)state;
        leaves[0].in_poll = block_for_long;
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_string_equal(host.console, named);
}

/* A poll that is long, but not so very long ----------------------------------------------------- */

static void run_a_long_poll(uint64_t ticks)
{
        leaves[0] = leaf(0);
        leaves[0].in_poll = never_yield;
        poll_ticks = ticks;
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), 0);
}

static void test_long_poll_is_told_under_log_debug(void **state)
{
        (void)state;
        executor.accounting = true;
        log_limit(LOG_DEBUG);
        run_a_long_poll(10); /* of a millisecond each: still no more than allowed */
        assert_string_equal(host.console, "");
        run_a_long_poll(LONG);
        assert_string_equal(host.console, "debug: task one has kept all others waiting for 20 ticks, up to here:\n  done\n");
        run_a_long_poll(LONG); /* not longer than the longest */
        run_a_long_poll(LONG - 1);
        assert_null(strstr(host.console + 1, "debug:"));
        run_a_long_poll(LONG + 1);
        assert_console_has("waiting for 21 ticks");
        assert_int_equal(executor.longest_poll, LONG + 1);
}

static void test_long_poll_is_not_told_otherwise(void **state)
{
        (void)state;
        executor.accounting = true;
        run_a_long_poll(LONG);
        assert_string_equal(host.console, "");
        assert_int_equal(executor.longest_poll, LONG);
        log_limit(LOG_DEBUG);
        executor.accounting = false;
        run_a_long_poll(2 * LONG);
        assert_string_equal(host.console, "");
}

/* Asleep ----------------------------------------------------------------------------------------- */

static void run(void *argument)
{
        (void)argument;
        executor_run_until_idle(&executor);
}

/* One interrupt, then silence, for as long as nobody polls: the machine stays asleep. */
static void test_goes_off_once_while_idle(void **state)
{
        (void)state;
        hope = true; /* so that it waits on */
        spawn(0);
        assert_stops("lost wake-up", run, NULL);
        assert_int_equal(host.timer_interrupts, 1);
        assert_int_equal(host.time, PERIOD);
        assert_int_equal(hope_asked, 1);
        assert_string_equal(host.console, "");
}

/* A sleeper is woken once, and the watchdog looks at the sleeping hart once: two interrupts in an hour. */
static void test_does_not_tick_beside_a_sleeper(void **state)
{
        (void)state;
        timer = sleep_until(3600 * PERIOD);
        executor_spawn(&executor, &tasks[0], &timer.future, "sleeper");
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_int_equal(host.time, 3600 * PERIOD);
        assert_int_equal(host.timer_interrupts, 2);
        assert_string_equal(host.console, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_names_a_task_that_never_yields, dog_setup),
                cmocka_unit_test_setup(test_says_nothing_before_its_time, dog_setup),
                cmocka_unit_test_setup(test_names_it_though_a_sleeper_is_due_meanwhile, dog_setup),
                cmocka_unit_test_setup(test_says_nothing_of_many_short_polls, dog_setup),
                cmocka_unit_test_setup(test_names_a_task_that_blocks, dog_setup),
                cmocka_unit_test_setup(test_long_poll_is_told_under_log_debug, dog_setup),
                cmocka_unit_test_setup(test_long_poll_is_not_told_otherwise, dog_setup),
                cmocka_unit_test_setup(test_goes_off_once_while_idle, dog_setup),
                cmocka_unit_test_setup(test_does_not_tick_beside_a_sleeper, dog_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
