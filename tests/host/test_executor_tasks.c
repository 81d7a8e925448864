/* SPDX-License-Identifier: MIT */
/* sources: kernel/executor.c kernel/future.c kernel/printk.c tests/host/leaf.c tests/host/leaf_tasks.c */
/* The life of a task, from its spawn to its last poll; daemons; what is counted, and what is complained of. */
#include "leaf_tasks.h"

static void spawn_again(void *argument) { executor_spawn(&executor, argument, &leaves[1].future, "again"); }

static void run_executor(void *argument)
{
        (void)argument;
        executor_run_until_idle(&executor);
}

static void spawn_itself(struct leaf *self, struct waker *waker)
{
        (void)self;
        (void)waker;
        spawn_again(&tasks[0]);
}

static void test_spawn_of_a_live_task_panics(void **state)
{
        (void)state;
        spawn(0);
        assert_stops("panic: task a task is spawned again before it has finished", spawn_again, &tasks[0]);
        leaves[0].in_poll = spawn_itself;
        assert_stops("panic: task a task is spawned again before it has finished", run_executor, NULL);
}

static void run_it_all(struct leaf *self, struct waker *waker)
{
        (void)self;
        (void)waker;
        executor_run_until_idle(&executor);
}

/* All others are in the batch that it is in, and would be taken for asleep. */
static void test_a_task_that_runs_the_executor_panics(void **state)
{
        (void)state;
        spawn_first(2);
        leaves[0].in_poll = run_it_all;
        assert_stops("panic: task a task runs the executor that runs it", run_executor, NULL);
}

/*
 * The last poll of `a` is one in which it is woken: it stays linked, and lives until it is popped once
 * more. b looks on in both batches, and has a's memory used again as soon as it may be.
 */
static void finish_woken(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        waker->wake(waker);
        waker->wake(waker);
}

static void watch_a(struct leaf *self, struct waker *waker)
{
        if (self->polls == 1) {
                assert_false(task_finished(&tasks[0]));
                waker->wake(waker);
                return;
        }
        assert_true(task_finished(&tasks[0]));
        executor_spawn(&executor, &tasks[0], &leaves[2].future, "a's second life");
        finish(self, waker);
}

static void test_woken_in_its_last_poll_and_spawned_again(void **state)
{
        (void)state;
        leaves[0].in_poll = finish_woken;
        leaves[1].in_poll = watch_a;
        leaves[2].in_poll = finish;
        spawn_first(2);
        executor_run_until_idle(&executor);
        log_expect("ab.b.c.");
        assert_int_equal(leaves[0].polls, 1);
        assert_true(task_finished(&tasks[0]));
}

static void test_woken_in_its_last_poll_alone(void **state)
{
        (void)state;
        leaves[0].in_poll = finish_woken;
        spawn(0);
        executor_run_until_idle(&executor);
        log_expect("a.");
        assert_true(task_finished(&tasks[0]));
        assert_ptr_equal(executor.tail, &executor.marker);
}

static void test_wake_of_a_finished_task_does_nothing(void **state)
{
        (void)state;
        leaves[0].in_poll = finish;
        spawn(0);
        executor_run_until_idle(&executor);
        wake(0);
        wake(0);
        leaves[1].in_poll = finish;
        spawn(1);
        executor_run_until_idle(&executor);
        log_expect("a.b.");
        assert_ptr_equal(executor.tail, &executor.marker);
}

/* Every order of ending leaves the list of all tasks whole. */
static void test_tasks_end_in_any_order(void **state)
{
        (void)state;
        for (unsigned order = 0; order < 256; order++) {
                unsigned ended = 0;

                tasks_setup(state);
                spawn_first(TASKS);
                for (unsigned i = 0; i < TASKS; i++) {
                        leaves[i].in_poll = yield_some_times;
                        leaves[i].name = 0;
                        leaves[i].polls = polls_wanted - 1 - (order >> 2 * i) % 4; /* so many batches from now */
                }
                executor_run_until_idle(&executor);
                for (unsigned i = 0; i < TASKS; i++)
                        ended += task_finished(&tasks[i]);
                assert_int_equal(ended, TASKS);
                assert_null(executor.tasks);
        }
}

static void spawn_daemon(unsigned i) { executor_spawn_daemon(&executor, &tasks[i], &leaves[i].future, "a daemon"); }

static void test_daemons_do_not_keep_it_running(void **state)
{
        (void)state;
        spawn_daemon(0);
        assert_int_equal(executor_run_until_idle(&executor), 0); /* nothing to wait for: not even polled */
        log_expect("");
        leaves[1].in_poll = finish;
        spawn(1);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        log_expect("ab.");
        assert_false(task_finished(&tasks[0]));
        assert_int_equal(host.sleeps, 0);
}

static void test_a_daemon_goes_on_in_the_next_run(void **state)
{
        (void)state;
        spawn_daemon(0);
        leaves[1].in_poll = finish_and_complete_a; /* in the batch that is the last */
        spawn(1);
        executor_run_until_idle(&executor);
        log_expect("ab.");
        leaves[2].in_poll = finish;
        spawn(2);
        executor_run_until_idle(&executor);
        log_expect("ac.");
        assert_true(task_finished(&tasks[0]));
        assert_null(executor.daemons);
        spawn(0); /* it is ready at once: only a task's future says what it is */
        executor_run_until_idle(&executor);
        assert_true(task_finished(&tasks[0]));
}

static bool complete_a_then_b(void)
{
        leaf_complete(&leaves[leaves[0].done], 0);
        host_raise();
        return true;
}

static void test_a_daemon_runs_beside_a_task(void **state)
{
        (void)state;
        host.world = complete_a_then_b;
        spawn_daemon(0);
        spawn(1);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        log_expect("ab.a.b.");
        assert_null(executor.daemons);
        assert_null(executor.tasks);
}

static void spend_100_ticks(struct leaf *self, struct waker *waker)
{
        (void)waker;
        host.time += 100;
        self->done = self->polls == 2;
}

static void test_accounting(void **state)
{
        (void)state;
        host.world = complete_a_twice;
        executor.accounting = true;
        leaves[0].in_poll = spend_100_ticks;
        spawn(0);
        executor_run_until_idle(&executor);
        assert_int_equal(tasks[0].polls, 2);
        assert_int_equal(tasks[0].ticks, 200);
        assert_string_equal(host.console, "");
        leaves[1].in_poll = finish;
        executor_spawn(&executor, &tasks[0], &leaves[1].future, "its next life");
        executor_run_until_idle(&executor);
        assert_int_equal(tasks[0].polls, 1); /* from 0 again */
        assert_int_equal(tasks[0].ticks, 0);
}

static void forget(struct leaf *self, struct waker *waker)
{
        (void)waker;
        self->forgets = false;
}

static bool wake_a_by_hand(void)
{
        leaves[0].done = leaves[0].polls == 2;
        wake(0);
        host_raise();
        return true;
}

static const char lint[] = "warning: task a task: a poll has returned pending, and nobody holds its waker:\n  state 1\n";

static void test_lint_of_a_waker_that_nobody_holds(void **state)
{
        (void)state;
        executor.accounting = true;
        host.world = wake_a_by_hand;
        leaves[0].forgets = true;
        leaves[0].in_poll = forget; /* that it has to: only the first poll is a mistake */
        spawn(0);
        executor_run_until_idle(&executor);
        assert_string_equal(host.console, lint);
}

static void test_no_lint_without_accounting(void **state)
{
        (void)state;
        host.world = wake_a_by_hand;
        leaves[0].forgets = true;
        spawn(0);
        executor_run_until_idle(&executor);
        assert_string_equal(host.console, "");
}

/* Nor where the task is woken already, is ready, or has said that it sees to its wake itself. */
static void test_no_lint_of_what_is_no_mistake(void **state)
{
        (void)state;
        executor.accounting = true;
        polls_wanted = 3;
        leaves[0].in_poll = yield_some_times;
        leaves[1].in_poll = finish;
        for (unsigned i = 0; i < 2; i++)
                leaves[i].forgets = true;
        spawn_first(2);
        executor_run_until_idle(&executor);
        assert_string_equal(host.console, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_spawn_of_a_live_task_panics, tasks_setup),
                cmocka_unit_test_setup(test_a_task_that_runs_the_executor_panics, tasks_setup),
                cmocka_unit_test_setup(test_woken_in_its_last_poll_and_spawned_again, tasks_setup),
                cmocka_unit_test_setup(test_woken_in_its_last_poll_alone, tasks_setup),
                cmocka_unit_test_setup(test_wake_of_a_finished_task_does_nothing, tasks_setup),
                cmocka_unit_test_setup(test_tasks_end_in_any_order, tasks_setup),
                cmocka_unit_test_setup(test_daemons_do_not_keep_it_running, tasks_setup),
                cmocka_unit_test_setup(test_a_daemon_goes_on_in_the_next_run, tasks_setup),
                cmocka_unit_test_setup(test_a_daemon_runs_beside_a_task, tasks_setup),
                cmocka_unit_test_setup(test_accounting, tasks_setup),
                cmocka_unit_test_setup(test_lint_of_a_waker_that_nobody_holds, tasks_setup),
                cmocka_unit_test_setup(test_no_lint_without_accounting, tasks_setup),
                cmocka_unit_test_setup(test_no_lint_of_what_is_no_mistake, tasks_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
