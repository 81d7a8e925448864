/* SPDX-License-Identifier: MIT */
/* sources: kernel/executor.c kernel/future.c tests/host/leaf.c */
#include "testing.h"

#include <errno.h>

#include "executor.h"
#include "leaf.h"
#include "util.h"

enum { TASKS = 4 };

static struct executor executor;
static struct task tasks[TASKS];
static struct leaf leaves[TASKS];

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        memset(tasks, 0, sizeof tasks);
        for (unsigned i = 0; i < TASKS; i++)
                leaves[i] = leaf((char)('a' + i));
        log_reset();
        return 0;
}

static void spawn(unsigned i) { executor_spawn(&executor, &tasks[i], &leaves[i].future, "a task"); }

static void wake(unsigned i) { tasks[i].waker.wake(&tasks[i].waker); }

static void finish(struct leaf *self, struct waker *waker)
{
        (void)waker;
        self->done = true;
}

static void wake_self(struct leaf *self, struct waker *waker)
{
        (void)self;
        waker->wake(waker);
}

/* Ready at its `polls_wanted`-th poll, and woken at once until then. */
static unsigned polls_wanted;

static void yield_some_times(struct leaf *self, struct waker *waker)
{
        self->done = self->polls == polls_wanted;
        if (!self->done)
                waker->wake(waker);
}

static void hook_logs(struct batch_hook *self)
{
        (void)self;
        log_event('.');
}

static struct batch_hook hook = { .run = hook_logs };

static void test_finishes_in_order(void **state)
{
        (void)state;
        for (unsigned i = 0; i < TASKS; i++) {
                leaves[i].in_poll = finish;
                spawn(i);
                assert_false(task_finished(&tasks[i]));
        }
        assert_string_equal(tasks[0].name, "a task");
        log_expect(""); /* lazy */
        executor_run_until_idle(&executor);
        log_expect("abcd");
        for (unsigned i = 0; i < TASKS; i++)
                assert_true(task_finished(&tasks[i]));
        assert_null(executor.all);
        assert_null(executor.current);
        assert_int_equal(host.sleeps, 0);
}

static void test_nothing_to_do(void **state)
{
        (void)state;
        executor_add_hook(&executor, &hook);
        executor_run_until_idle(&executor);
        log_expect("");
        assert_true(host.enabled);
}

static void wake_all_of_batch(struct leaf *self, struct waker *waker)
{
        (void)waker;
        finish(self, waker);
        wake(1);
        wake(1);
        wake(2);
}

static bool world_wakes_0(void)
{
        leaf_complete(&leaves[0], 7);
        host_raise();
        return true;
}

static void lower(void) { host_lower(); }

/* Before its first poll a task is linked already; after one it is linked once, however often it is woken. */
static void test_wake_twice_is_one_poll(void **state)
{
        (void)state;
        host.world = world_wakes_0;
        host.interrupt = lower;
        spawn(0);
        wake(0);
        wake(0);
        executor_run_until_idle(&executor);
        log_expect("aa");
        assert_int_equal(leaves[0].result, 7);
        assert_int_equal(host.sleeps, 1);
}

static void test_wake_in_poll_is_another_poll(void **state)
{
        (void)state;
        polls_wanted = 5;
        leaves[0].in_poll = yield_some_times;
        spawn(0);
        executor_run_until_idle(&executor);
        log_expect("aaaaa");
        assert_int_equal(host.sleeps, 0);
}

/* The waker is woken by `a` while b and c still wait for their turn in the same batch: that is the same poll. */
static void test_wake_of_a_queued_task(void **state)
{
        (void)state;
        leaves[0].in_poll = wake_all_of_batch;
        leaves[1].in_poll = finish;
        leaves[2].in_poll = finish;
        for (unsigned i = 0; i < 3; i++)
                spawn(i);
        executor_run_until_idle(&executor);
        log_expect("abc");
}

static void wake_first_and_finish(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        leaves[0].done = true;
        wake(0);
}

/* a waits, b wakes it, c is still of the batch: a's poll comes after the hooks. */
static void test_woken_in_a_batch_runs_in_the_next(void **state)
{
        (void)state;
        executor_add_hook(&executor, &hook);
        leaves[1].in_poll = wake_first_and_finish;
        leaves[2].in_poll = finish;
        for (unsigned i = 0; i < 3; i++)
                spawn(i);
        executor_run_until_idle(&executor);
        log_expect("abc.a.");
}

static void test_fifo_of_yielding_tasks(void **state)
{
        (void)state;
        executor_add_hook(&executor, &hook);
        polls_wanted = 3;
        for (unsigned i = 0; i < 3; i++) {
                leaves[i].in_poll = yield_some_times;
                spawn(i);
        }
        executor_run_until_idle(&executor);
        log_expect("abc.abc.abc.");
}

static void test_order_of_wakes_is_order_of_polls(void **state)
{
        (void)state;
        executor_add_hook(&executor, &hook);
        leaves[3].in_poll = yield_some_times;
        polls_wanted = 2;
        for (unsigned i = 0; i < TASKS; i++)
                spawn(i);
        host.points_max = 1000;
        for (unsigned i = 0; i < 3; i++)
                leaves[i].stubborn = true;
        /* The hook's first run wakes 2, 0, 1. */
        hook.run = NULL;
        struct batch_hook *const own = &hook;

        (void)own;
        hook.run = hook_logs;
        executor.batch_wanted = 0;
        leaves[0].done = leaves[1].done = leaves[2].done = true;
        executor_run_until_idle(&executor);
        log_expect("abcd.d.");
}

static void wake_2_0_1(struct batch_hook *self)
{
        static const unsigned order[] = { 2, 0, 1 };

        (void)self;
        log_event('.');
        for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
                leaves[order[i]].done = true;
                wake(order[i]);
        }
}
