/* SPDX-License-Identifier: MIT */
/* sources: kernel/watchdog.c kernel/executor.c kernel/timer.c kernel/future.c kernel/printk.c tests/host/leaf.c
 * tests/host/dog.c */
/* Who waits in vain: tasks, and calls that wait. */
#include "dog.h"

#include <errno.h>

#include "coro.h"
#include "timer.h"

static struct timer_future timer;

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

/* A hook that only works after batches has nobody to wake. */
static void nothing_to_do(struct batch_hook *self) { (void)self; }

static void test_deadlock_beside_a_hook_that_wakes_nobody(void **state)
{
        static struct batch_hook silent = { .run = nothing_to_do };

        (void)state;
        executor_add_hook(&executor, &silent);
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), -EDEADLK);
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

                dog_setup(state);
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
                cmocka_unit_test_setup(test_deadlock_names_every_task, dog_setup),
                cmocka_unit_test_setup(test_runs_again_after_a_deadlock, dog_setup),
                cmocka_unit_test_setup(test_a_daemon_alone_is_no_deadlock, dog_setup),
                cmocka_unit_test_setup(test_no_deadlock_while_a_timer_is_pending, dog_setup),
                cmocka_unit_test_setup(test_no_deadlock_while_a_hook_says_so, dog_setup),
                cmocka_unit_test_setup(test_deadlock_beside_a_hook_that_wakes_nobody, dog_setup),
                cmocka_unit_test_setup(test_deadlock_after_the_last_hope, dog_setup),
                cmocka_unit_test_setup(test_block_on_in_a_deadlock, dog_setup),
                cmocka_unit_test_setup(test_block_on_withdraws_a_coroutine_whole, dog_setup),
                cmocka_unit_test_setup(test_block_on_in_a_deadlock_that_comes_late, dog_setup),
                cmocka_unit_test_setup(test_block_on_in_a_deadlock_in_a_task, dog_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
