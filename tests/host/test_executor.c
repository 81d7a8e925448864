/* SPDX-License-Identifier: MIT */
/* sources: kernel/executor.c kernel/future.c kernel/printk.c tests/host/leaf.c */
#include "testing.h"

#include "executor.h"
#include "leaf.h"

enum { TASKS = 4 };

static struct executor executor;
static struct task tasks[TASKS];
static struct leaf leaves[TASKS];

static void log_dot(struct batch_hook *self)
{
        (void)self;
        log_event('.');
}

static struct batch_hook hook;

static void request_batch(void) { executor_request_batch(&executor); }

/* Task i is polled as 'a' + i, and every batch in which a leaf is polled ends with a dot. */
static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        memset(tasks, 0, sizeof tasks);
        for (unsigned i = 0; i < TASKS; i++)
                leaves[i] = leaf((char)('a' + i));
        hook.run = log_dot;
        executor_add_hook(&executor, &hook);
        leaf_polled = request_batch;
        log_reset();
        host.interrupt = host_lower;
        return 0;
}

static void spawn(unsigned i) { executor_spawn(&executor, &tasks[i], &leaves[i].future, "a task"); }

static void spawn_first(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                spawn(i);
}

static void wake(unsigned i) { tasks[i].waker.wake(&tasks[i].waker); }

static void finish(struct leaf *self, struct waker *waker)
{
        (void)waker;
        self->done = true;
}

/* Ready at the `polls_wanted`-th poll, and woken at once until then. */
static unsigned polls_wanted;

static void yield_some_times(struct leaf *self, struct waker *waker)
{
        self->done = self->polls == polls_wanted;
        if (!self->done)
                waker->wake(waker);
}

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

static bool complete_a_twice(void)
{
        leaf_complete(&leaves[0], 7);
        wake(0);
        host_raise();
        return true;
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

static void finish_and_complete_a(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        leaf_complete(&leaves[0], 0);
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

                setup(state);
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
                cmocka_unit_test_setup(test_polls_in_the_order_of_spawns, setup),
                cmocka_unit_test_setup(test_returns_when_there_is_no_task, setup),
                cmocka_unit_test_setup(test_runs_again_after_it_was_idle, setup),
                cmocka_unit_test_setup(test_two_wakes_are_one_poll, setup),
                cmocka_unit_test_setup(test_wake_in_the_poll_is_another_poll, setup),
                cmocka_unit_test_setup(test_wake_of_one_already_in_the_batch, setup),
                cmocka_unit_test_setup(test_one_woken_in_a_batch_runs_in_the_next, setup),
                cmocka_unit_test_setup(test_yielding_tasks_take_turns, setup),
                cmocka_unit_test_setup(test_polls_in_the_order_of_wakes, setup),
                cmocka_unit_test_setup(test_hooks_run_beside_a_task_that_yields_for_ever, setup),
                cmocka_unit_test_setup(test_hooks_run_in_the_order_they_were_added, setup),
                cmocka_unit_test_setup(test_spawn_in_a_poll_runs_in_the_next_batch, setup),
                cmocka_unit_test_setup(test_spawn_of_a_live_task_panics, setup),
                cmocka_unit_test_setup(test_woken_in_its_last_poll_and_spawned_again, setup),
                cmocka_unit_test_setup(test_woken_in_its_last_poll_alone, setup),
                cmocka_unit_test_setup(test_wake_of_a_finished_task_does_nothing, setup),
                cmocka_unit_test_setup(test_tasks_end_in_any_order, setup),
                cmocka_unit_test_setup(test_hooks_run_only_when_asked, setup),
                cmocka_unit_test_setup(test_hooks_asked_for_while_they_run, setup),
                cmocka_unit_test_setup(test_daemons_do_not_keep_it_running, setup),
                cmocka_unit_test_setup(test_a_daemon_goes_on_in_the_next_run, setup),
                cmocka_unit_test_setup(test_a_daemon_runs_beside_a_task, setup),
                cmocka_unit_test_setup(test_accounting, setup),
                cmocka_unit_test_setup(test_lint_of_a_waker_that_nobody_holds, setup),
                cmocka_unit_test_setup(test_no_lint_without_accounting, setup),
                cmocka_unit_test_setup(test_no_lint_of_what_is_no_mistake, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
