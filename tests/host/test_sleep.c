/* SPDX-License-Identifier: MIT */
/* sources: kernel/executor.c kernel/future.c kernel/printk.c tests/host/leaf.c */
/* The executor asleep, and code that waits for one future: with the interrupt at every point. */
#include "testing.h"

#include <errno.h>

#include "executor.h"
#include "leaf.h"
#include "util.h"

static struct executor executor;
static struct task tasks[2];
static struct leaf leaves[2];
static unsigned hook_runs;
static bool hook_completes;

static void run_hook(struct batch_hook *self)
{
        (void)self;
        hook_runs++;
        if (hook_completes)
                leaf_complete(&leaves[0], 0);
        hook_completes = false;
}

static struct batch_hook hook = { .run = run_hook };

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        executor_add_hook(&executor, &hook);
        memset(tasks, 0, sizeof tasks);
        leaves[0] = leaf(0);
        leaves[1] = leaf(0);
        hook_runs = 0;
        hook_completes = false;
        return 0;
}

/* The interrupt comes once: at the planned point, or when everybody sleeps. */
static bool came;

static void come(void)
{
        if (!came)
                host_raise();
        came = true;
}

static bool come_at_last(void)
{
        bool news = !came;

        come();
        return news;
}

/* Run `scenario` with the one interrupt at each of its points in turn; returns how many there are. */
static uint64_t at_every_point(void **state, void (*handler)(void), void (*scenario)(void))
{
        uint64_t points = 1;

        for (uint64_t k = 0; k <= points; k++) {
                setup(state);
                came = false;
                host.interrupt = handler;
                host.world = come_at_last;
                host_plan(come, k, 0);
                scenario();
                assert_int_equal(host.interrupts, 1);
                assert_true(host.enabled);
                if (k == 0)
                        points = host.points;
        }
        return points;
}

static void handler_completes(void)
{
        host_lower();
        leaf_complete(&leaves[0], 42);
}

static void one_task_waits(void)
{
        executor_spawn(&executor, &tasks[0], &leaves[0].future, "waits");
        executor_run_until_idle(&executor);
        assert_int_equal(leaves[0].result, 42);
        assert_in_range(leaves[0].polls, 1, 2);
        come_at_last(); /* where the plan was beyond the last point */
        host_deliver();
}

static void test_completion_at_every_point(void **state)
{
        printf("# %lu points\n", (unsigned long)at_every_point(state, handler_completes, one_task_waits));
}

/* The interrupt wakes nobody: only the hook that it asks for does. */
static void handler_asks_for_batch(void)
{
        host_lower();
        hook_completes = true;
        executor_request_batch(&executor);
}

static void one_task_waits_for_hook(void)
{
        executor_spawn(&executor, &tasks[0], &leaves[0].future, "waits");
        executor_run_until_idle(&executor);
        assert_false(hook_completes);
        come_at_last();
        host_deliver();
}

static void test_requested_batch_at_every_point(void **state)
{
        printf("# %lu points\n", (unsigned long)at_every_point(state, handler_asks_for_batch, one_task_waits_for_hook));
}

static void a_batch_wanted_already(void)
{
        hook_completes = true;
        executor_request_batch(&executor);
        one_task_waits_for_hook();
}

static void test_hook_runs_before_the_first_sleep(void **state)
{
        setup(state);
        came = true;
        host.interrupt = host_lower;
        a_batch_wanted_already();
        assert_int_equal(host.sleeps, 0);
}

static void block_on_leaf(void)
{
        assert_int_equal(executor_block_on(&executor, &leaves[0].future), 0);
        assert_true(leaves[0].done);
        come_at_last();
        host_deliver();
}

static void test_block_on_at_every_point(void **state)
{
        printf("# %lu points\n", (unsigned long)at_every_point(state, handler_completes, block_on_leaf));
        at_every_point(state, handler_asks_for_batch, block_on_leaf);
}

static void block_on_in_poll(struct leaf *self, struct waker *waker)
{
        (void)waker;
        if (self->done)
                return;
        assert_int_equal(executor_block_on(&executor, &leaves[0].future), 0);
        assert_ptr_equal(executor.current, &tasks[0]);
        assert_int_equal(leaves[0].result, 42);
        self->done = true;
}

static struct leaf outer;

static void task_that_blocks(void)
{
        outer = leaf(0);
        outer.in_poll = block_on_in_poll;
        leaves[1].done = true;
        executor_spawn(&executor, &tasks[0], &outer.future, "blocks");
        executor_spawn(&executor, &tasks[1], &leaves[1].future, "is kept waiting");
        executor_run_until_idle(&executor);
        assert_int_equal(outer.polls, 1);
        assert_int_equal(leaves[1].polls, 1);
        assert_true(task_finished(&tasks[0]) && task_finished(&tasks[1]));
        come_at_last();
        host_deliver();
}

static void test_block_on_in_a_task_at_every_point(void **state)
{
        printf("# %lu points\n", (unsigned long)at_every_point(state, handler_completes, task_that_blocks));
}

static void test_block_on_runs_the_hooks_and_no_task(void **state)
{
        (void)state;
        leaves[1].done = true;
        executor_spawn(&executor, &tasks[1], &leaves[1].future, "not now");
        came = false;
        host.world = come_at_last;
        host.interrupt = handler_completes;
        assert_int_equal(executor_block_on(&executor, &leaves[0].future), 0);
        assert_int_equal(leaves[1].polls, 0);
        assert_int_equal(hook_runs, 2); /* after each of the two polls */
        executor_run_until_idle(&executor);
        assert_int_equal(leaves[1].polls, 1);
}

static void test_block_on_what_is_ready(void **state)
{
        (void)state;
        leaves[0].done = true;
        assert_int_equal(executor_block_on(&executor, &leaves[0].future), 0);
        assert_int_equal(executor_block_on(&executor, &leaves[0].future), 0);
        assert_int_equal(leaves[0].polls, 1);
        assert_int_equal(host.sleeps, 0);
}

static void test_block_on_is_refused_where_interrupts_are_masked(void **state)
{
        (void)state;
        host_interrupts_disable();
        assert_int_equal(executor_block_on(&executor, &leaves[0].future), -EDEADLK);
        assert_false(host.enabled);
        assert_int_equal(leaves[0].polls, 0);
        assert_int_equal(leaves[0].future.state, FUTURE_NEW);
}

static int refused;

static void handler_blocks(void)
{
        host_lower();
        refused = executor_block_on(&executor, &leaves[0].future);
}

static void test_block_on_is_refused_in_a_handler(void **state)
{
        (void)state;
        host.interrupt = handler_blocks;
        host_raise();
        host_deliver();
        assert_int_equal(refused, -EDEADLK);
        assert_int_equal(leaves[0].polls, 0);
}

static void test_what_a_task_costs(void **state)
{
        (void)state;
        printf("# a waiting task: %zu bytes, and a future's %zu\n", sizeof(struct task), sizeof(struct future));
        assert_in_range(sizeof(struct task) + sizeof(struct future), 1, 96);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_completion_at_every_point, setup),
                cmocka_unit_test_setup(test_requested_batch_at_every_point, setup),
                cmocka_unit_test_setup(test_hook_runs_before_the_first_sleep, setup),
                cmocka_unit_test_setup(test_block_on_at_every_point, setup),
                cmocka_unit_test_setup(test_block_on_in_a_task_at_every_point, setup),
                cmocka_unit_test_setup(test_block_on_runs_the_hooks_and_no_task, setup),
                cmocka_unit_test_setup(test_block_on_what_is_ready, setup),
                cmocka_unit_test_setup(test_block_on_is_refused_where_interrupts_are_masked, setup),
                cmocka_unit_test_setup(test_block_on_is_refused_in_a_handler, setup),
                cmocka_unit_test_setup(test_what_a_task_costs, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
