/* SPDX-License-Identifier: MIT */
/* sources: kernel/watchdog.c kernel/executor.c kernel/timer.c kernel/future.c kernel/printk.c tests/host/leaf.c */
/* The watchdog: who keeps all others waiting, and who waits in vain. */
#include "testing.h"

#include <errno.h>

#include "coro.h"
#include "leaf.h"
#include "printk.h"
#include "timer.h"
#include "watchdog.h"

enum { FREQUENCY = 1000, PERIOD = FREQUENCY, SHORT = 5, LONG = 20, TASKS = 3 };

static struct executor executor;
static struct task tasks[TASKS];
static struct leaf leaves[TASKS];
static bool hope; /* somebody's may_wake says so */
static unsigned hope_asked;

static bool may_wake(struct batch_hook *self)
{
        (void)self;
        hope_asked++;
        return hope;
}

static struct batch_hook hook = { .may_wake = may_wake };

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        timer_init(&executor, FREQUENCY, true);
        executor_add_hook(&executor, &hook);
        watchdog_init(&executor);
        memset(tasks, 0, sizeof tasks);
        for (unsigned i = 0; i < TASKS; i++)
                leaves[i] = leaf(0);
        hope = false;
        hope_asked = 0;
        host.timer_interrupt = timer_interrupt;
        host.interrupt = host_lower;
        log_limit(LOG_INFO);
        return 0;
}

static void spawn(unsigned i)
{
        static const char *const names[TASKS] = { "one", "two", "three" };

        executor_spawn(&executor, &tasks[i], &leaves[i].future, names[i]);
}

/* Time goes on in a poll, and what is due comes. */
static void spend(uint64_t ticks)
{
        for (; ticks > 0; ticks--) {
                host.time++;
                host_deliver();
        }
}

static void finish(struct leaf *self, struct waker *waker)
{
        (void)waker;
        self->done = true;
}

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
        setup(state);
        leaves[0].in_poll = never_yield;
        poll_ticks = 2 * PERIOD;
        spawn(0);
        executor_run_until_idle(&executor);
        assert_string_equal(host.console, named);
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
                setup(state);
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
        struct timer_future timer = sleep_until(5 * PERIOD);

        finish(self, waker);
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

static struct timer_future timer;

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

/* In vain ---------------------------------------------------------------------------------------- */

struct waits {
        struct future future;
        struct leaf leaf;
};

static enum poll waits_poll(struct future *future, struct waker *waker)
{
        struct waits *self = container_of(future, struct waits, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->leaf, leaf(0));
        CORO_END();
}

static void expect_deadlock_of(const char *report)
{
        assert_string_equal(host.console, report);
        assert_true(host.enabled);
}

/* Every task, the daemons last, each with what it awaits. */
static void test_deadlock_names_every_task(void **state)
{
        struct waits waits = { .future.poll = waits_poll };
        char report[256];

        (void)state;
        spawn(0);
        executor_spawn(&executor, &tasks[1], &waits.future, "coroutine");
        executor_spawn_daemon(&executor, &tasks[2], &leaves[2].future, "daemon");
        assert_int_equal(executor_run_until_idle(&executor), -EDEADLK);
        snprintf(report, sizeof report,
                 "error: deadlock: nothing can ever wake one of these tasks\ntask coroutine:\n  state %u\n    state 1\n"
                 "task one:\n  state 1\ntask daemon:\n  state 1\n", waits.future.state);
        expect_deadlock_of(report);
        assert_int_equal(host.time, PERIOD);
}

/* The tasks stay as they are: somebody may wake them after all, and run them again. */
static void test_runs_again_after_a_deadlock(void **state)
{
        (void)state;
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), -EDEADLK);
        assert_false(task_finished(&tasks[0]));
        leaf_complete(&leaves[0], 0);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_true(task_finished(&tasks[0]));
        spawn(1);
        assert_int_equal(executor_run_until_idle(&executor), -EDEADLK); /* and it is seen again */
        assert_int_equal(host.time, 2 * PERIOD);
}

static void test_a_daemon_alone_is_no_deadlock(void **state)
{
        (void)state;
        executor_spawn_daemon(&executor, &tasks[2], &leaves[2].future, "daemon");
        leaves[0].in_poll = finish;
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_string_equal(host.console, "");
}

static void test_no_deadlock_while_a_timer_is_pending(void **state)
{
        (void)state;
        timer = sleep_until(7 * PERIOD);
        executor_spawn(&executor, &tasks[1], &timer.future, "sleeper");
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), -EDEADLK);
        assert_true(task_finished(&tasks[1]));
        assert_in_range(host.time, 7 * PERIOD, 8 * PERIOD);
}

static bool complete_after_three_periods(void)
{
        if (host.time < PERIOD) /* let the watchdog look first */
                return false;
        leaf_complete(&leaves[0], 0);
        hope = false;
        host_raise();
        return true;
}

static void test_no_deadlock_while_a_hook_says_so(void **state)
{
        (void)state;
        hope = true;
        host.world = complete_after_three_periods;
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_int_equal(hope_asked, 1);
        assert_string_equal(host.console, "");
}

/* Every task is named when the one that was hoped for has come and not helped. */
static bool wake_one_for_nothing(void)
{
        if (host.time < PERIOD || !hope)
                return false;
        tasks[0].waker.wake(&tasks[0].waker);
        hope = false;
        host_raise();
        return true;
}

static void test_deadlock_after_the_last_hope(void **state)
{
        (void)state;
        hope = true;
        host.world = wake_one_for_nothing;
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), -EDEADLK);
        assert_int_equal(leaves[0].polls, 2);
        assert_in_range(host.time, PERIOD + 1, 2 * PERIOD);
}

/* A call that waits --------------------------------------------------------------------------------- */

static void test_block_on_in_a_deadlock(void **state)
{
        (void)state;
        assert_int_equal(executor_block_on(&executor, &leaves[0].future), -EDEADLK);
        assert_int_equal(leaves[0].withdrawals, 1);
        assert_int_equal(leaves[0].future.state, FUTURE_DONE);
        assert_int_equal(host.time, PERIOD);
        assert_console_has("error: deadlock");
        assert_true(host.enabled);
}

static void test_block_on_withdraws_a_coroutine_whole(void **state)
{
        struct waits waits = { .future.poll = waits_poll };

        (void)state;
        assert_int_equal(executor_block_on(&executor, &waits.future), -EDEADLK);
        assert_int_equal(waits.leaf.withdrawals, 1);
        assert_int_equal(waits.future.state, FUTURE_DONE);
}

struct sleeps_then_waits {
        struct future future;
        struct timer_future timer;
        struct leaf leaf;
        uint64_t until;
};

static enum poll sleeps_then_waits_poll(struct future *future, struct waker *waker)
{
        struct sleeps_then_waits *self = container_of(future, struct sleeps_then_waits, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->timer, sleep_until(self->until));
        AWAIT(self->leaf, leaf(0));
        CORO_END();
}

/* There is hope at the watchdog's first look, and none later: it has to look again. */
static void test_block_on_in_a_deadlock_that_comes_late(void **state)
{
        (void)state;
        for (uint64_t until = PERIOD / 2; until < 5 * PERIOD; until += PERIOD) {
                struct sleeps_then_waits late = { .future.poll = sleeps_then_waits_poll, .until = until };

                setup(state);
                assert_int_equal(executor_block_on(&executor, &late.future), -EDEADLK);
                assert_int_equal(late.leaf.withdrawals, 1);
                assert_in_range(host.time, until, until + 2 * PERIOD);
        }
}

static int blocked;

static void block_in_vain(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        blocked = executor_block_on(&executor, &leaves[1].future);
}

static void test_block_on_in_a_deadlock_in_a_task(void **state)
{
        (void)state;
        leaves[0].in_poll = block_in_vain;
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_int_equal(blocked, -EDEADLK);
        assert_int_equal(leaves[1].withdrawals, 1);
        assert_true(task_finished(&tasks[0]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_names_a_task_that_never_yields, setup),
                cmocka_unit_test_setup(test_says_nothing_before_its_time, setup),
                cmocka_unit_test_setup(test_says_nothing_of_many_short_polls, setup),
                cmocka_unit_test_setup(test_names_a_task_that_blocks, setup),
                cmocka_unit_test_setup(test_long_poll_is_told_under_log_debug, setup),
                cmocka_unit_test_setup(test_long_poll_is_not_told_otherwise, setup),
                cmocka_unit_test_setup(test_goes_off_once_while_idle, setup),
                cmocka_unit_test_setup(test_does_not_tick_beside_a_sleeper, setup),
                cmocka_unit_test_setup(test_deadlock_names_every_task, setup),
                cmocka_unit_test_setup(test_runs_again_after_a_deadlock, setup),
                cmocka_unit_test_setup(test_a_daemon_alone_is_no_deadlock, setup),
                cmocka_unit_test_setup(test_no_deadlock_while_a_timer_is_pending, setup),
                cmocka_unit_test_setup(test_no_deadlock_while_a_hook_says_so, setup),
                cmocka_unit_test_setup(test_deadlock_after_the_last_hope, setup),
                cmocka_unit_test_setup(test_block_on_in_a_deadlock, setup),
                cmocka_unit_test_setup(test_block_on_withdraws_a_coroutine_whole, setup),
                cmocka_unit_test_setup(test_block_on_in_a_deadlock_that_comes_late, setup),
                cmocka_unit_test_setup(test_block_on_in_a_deadlock_in_a_task, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
