/* SPDX-License-Identifier: MIT */
/* sources: kernel/executor.c kernel/future.c kernel/printk.c tests/host/leaf.c tests/host/leaf_tasks.c */
/* Who is polled when, and when the hooks run. */
#include "leaf_tasks.h"

static void test_polls_in_the_order_of_spawns(void **state)
{
        (void)state;
        for (unsigned i = 0; i < TASKS; i++)
                leaves[i].in_poll = finish;
        spawn_first(TASKS);
        log_expect(""); /* lazy */
        for (unsigned i = 0; i < TASKS; i++)
                assert_false(task_finished(&tasks[i]));
        executor_run_until_idle(&executor);
        log_expect("abcd.");
        for (unsigned i = 0; i < TASKS; i++)
                assert_true(task_finished(&tasks[i]));
        assert_null(executor.tasks);
        assert_null(executor.current);
        assert_int_equal(host.sleeps, 0);
        assert_true(host.enabled);
}

static void test_returns_when_there_is_no_task(void **state)
{
        (void)state;
        executor_run_until_idle(&executor);
        log_expect("");
}

static void run_one(unsigned i)
{
        leaves[i] = leaf((char)('a' + i));
        leaves[i].in_poll = finish;
        spawn(i);
        executor_run_until_idle(&executor);
}

static void test_runs_again_after_it_was_idle(void **state)
{
        (void)state;
        run_one(0);
        run_one(1);
        run_one(0);
        log_expect("a.b.a.");
}

/* Linked since its spawn, so these wakes before the first poll add nothing; nor does the second one while it waits. */
static void test_two_wakes_are_one_poll(void **state)
{
        (void)state;
        host.world = complete_a_twice;
        spawn(0);
        wake(0);
        wake(0);
        executor_run_until_idle(&executor);
        log_expect("a.a.");
        assert_int_equal(leaves[0].result, 7);
        assert_int_equal(host.sleeps, 1);
        assert_int_equal(host.interrupts, 1);
}

static void test_wake_in_the_poll_is_another_poll(void **state)
{
        (void)state;
        polls_wanted = 5;
        leaves[0].in_poll = yield_some_times;
        spawn(0);
        executor_run_until_idle(&executor);
        log_expect("a.a.a.a.a.");
        assert_int_equal(host.sleeps, 0);
}

static void finish_and_wake_b_c(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        wake(1);
        wake(2);
}

/* b and c still wait for their turn in this batch, and have it once. */
static void test_wake_of_one_already_in_the_batch(void **state)
{
        (void)state;
        leaves[0].in_poll = finish_and_wake_b_c;
        leaves[1].in_poll = finish;
        leaves[2].in_poll = finish;
        spawn_first(3);
        executor_run_until_idle(&executor);
        log_expect("abc.");
}

static void test_one_woken_in_a_batch_runs_in_the_next(void **state)
{
        (void)state;
        leaves[1].in_poll = finish_and_complete_a;
        leaves[2].in_poll = finish;
        spawn_first(3);
        executor_run_until_idle(&executor);
        log_expect("abc.a.");
}

static void test_yielding_tasks_take_turns(void **state)
{
        (void)state;
        polls_wanted = 3;
        for (unsigned i = 0; i < 3; i++)
                leaves[i].in_poll = yield_some_times;
        spawn_first(3);
        executor_run_until_idle(&executor);
        log_expect("abc.abc.abc.");
}

static bool complete_c_a_d_b(void)
{
        leaf_complete(&leaves[2], 0);
        leaf_complete(&leaves[0], 0);
        leaf_complete(&leaves[3], 0);
        leaf_complete(&leaves[1], 0);
        host_raise();
        return true;
}

static void test_polls_in_the_order_of_wakes(void **state)
{
        (void)state;
        host.world = complete_c_a_d_b;
        spawn_first(TASKS);
        executor_run_until_idle(&executor);
        log_expect("abcd.cadb.");
}

/* What a busy task must not keep from happening: the hook ends it after ten batches. */
static void end_a_after_ten(struct batch_hook *self)
{
        static unsigned batches;

        (void)self;
        leaves[0].done = ++batches == 10;
}

static void wake_self(struct leaf *self, struct waker *waker)
{
        if (!self->done)
                waker->wake(waker);
}

static void test_hooks_run_beside_a_task_that_yields_for_ever(void **state)
{
        (void)state;
        hook.run = end_a_after_ten;
        leaves[0].in_poll = wake_self;
        spawn(0);
        executor_run_until_idle(&executor);
        assert_int_equal(leaves[0].polls, 11);
}

static void log_colon(struct batch_hook *self)
{
        (void)self;
        log_event(':');
}

static void test_hooks_run_in_the_order_they_were_added(void **state)
{
        struct batch_hook second = { .run = log_colon };

        (void)state;
        executor_add_hook(&executor, &second);
        leaves[0].in_poll = finish;
        spawn(0);
        executor_run_until_idle(&executor);
        log_expect("a.:");
}

static void spawn_b(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        assert_ptr_equal(executor.current, &tasks[0]);
        spawn(1);
}

static void test_spawn_in_a_poll_runs_in_the_next_batch(void **state)
{
        (void)state;
        leaves[0].in_poll = spawn_b;
        leaves[1].in_poll = finish;
        leaves[2].in_poll = finish;
        spawn(0);
        spawn(2);
        executor_run_until_idle(&executor);
        log_expect("ac.b.");
}

/* Hooks run when somebody asks, and then once for all who did. */
static void test_hooks_run_only_when_asked(void **state)
{
        (void)state;
        leaf_polled = NULL;
        polls_wanted = 2;
        leaves[0].in_poll = yield_some_times;
        leaves[1].in_poll = yield_some_times;
        spawn_first(2);
        executor_run_until_idle(&executor);
        log_expect("abab");
        executor_request_batch(&executor);
        executor_request_batch(&executor);
        leaves[2].in_poll = finish;
        spawn(2);
        executor_run_until_idle(&executor);
        log_expect("c.");
}

static void ask_again(struct batch_hook *self)
{
        static unsigned runs;

        log_dot(self);
        if (++runs < 3)
                executor_request_batch(&executor);
        else
                leaf_complete(&leaves[0], 0);
}

/* While they run as well, by a hook or by an interrupt that comes then: each request is followed by a run. */
static void test_hooks_asked_for_while_they_run(void **state)
{
        (void)state;
        hook.run = ask_again;
        spawn(0);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        log_expect("a...a.");
        assert_int_equal(host.sleeps, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_polls_in_the_order_of_spawns, tasks_setup),
                cmocka_unit_test_setup(test_returns_when_there_is_no_task, tasks_setup),
                cmocka_unit_test_setup(test_runs_again_after_it_was_idle, tasks_setup),
                cmocka_unit_test_setup(test_two_wakes_are_one_poll, tasks_setup),
                cmocka_unit_test_setup(test_wake_in_the_poll_is_another_poll, tasks_setup),
                cmocka_unit_test_setup(test_wake_of_one_already_in_the_batch, tasks_setup),
                cmocka_unit_test_setup(test_one_woken_in_a_batch_runs_in_the_next, tasks_setup),
                cmocka_unit_test_setup(test_yielding_tasks_take_turns, tasks_setup),
                cmocka_unit_test_setup(test_polls_in_the_order_of_wakes, tasks_setup),
                cmocka_unit_test_setup(test_hooks_run_beside_a_task_that_yields_for_ever, tasks_setup),
                cmocka_unit_test_setup(test_hooks_run_in_the_order_they_were_added, tasks_setup),
                cmocka_unit_test_setup(test_spawn_in_a_poll_runs_in_the_next_batch, tasks_setup),
                cmocka_unit_test_setup(test_hooks_run_only_when_asked, tasks_setup),
                cmocka_unit_test_setup(test_hooks_asked_for_while_they_run, tasks_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
