/* SPDX-License-Identifier: MIT */
/* sources: kernel/combinators.c kernel/timer.c kernel/executor.c kernel/future.c kernel/printk.c tests/host/leaf.c
 * tests/host/combined.c */
/* One within a time: polled by hand, and by the executor. */
#include "combined.h"

#include <errno.h>

#include "panic.h"
#include "util.h"

static struct timeout_future timeout;
static struct join_future join;

static void test_in_time(void **state)
{
        (void)state;
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        leaf_complete(&leaves[0], 7);
        expect_ready(&timeout.future, "a");
        assert_int_equal(timeout.result, 0);
        assert_int_equal(leaves[0].result, 7);
        assert_false(future_pending(&timeout.timer.future));
        assert_int_equal(timeout.timer.result, -ECANCELED);
}

static void test_in_time_at_once(void **state)
{
        (void)state;
        leaves[0].done = true;
        timeout = with_timeout(futures[0], 50);
        expect_ready(&timeout.future, "a");
        assert_int_equal(timeout.result, 0);
        leaves[1].done = true;
        timeout = with_deadline(futures[1], 0); /* long past, but it is there */
        expect_ready(&timeout.future, "b");
        assert_int_equal(timeout.result, 0);
}

static void test_too_late(void **state)
{
        (void)state;
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        pass_time(149);
        assert_int_equal(wakes, 0);
        expect_pending(&timeout.future, "a");
        pass_time(150);
        assert_int_equal(wakes, 1);
        expect_ready(&timeout.future, "aA");
        assert_int_equal(timeout.result, -ETIMEDOUT);
        assert_int_equal(timeout.timer.result, 0);
}

/* The deadline has passed before the first poll: it begins, nevertheless, and is given up. */
static void test_deadline_in_the_past(void **state)
{
        (void)state;
        timeout = with_deadline(futures[0], 99);
        expect_ready(&timeout.future, "aA");
        assert_int_equal(timeout.result, -ETIMEDOUT);
}

/* Both between two polls: it has ended. */
static void test_in_time_and_too_late_at_once(void **state)
{
        (void)state;
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        pass_time(150);
        leaf_complete(&leaves[0], 0);
        expect_ready(&timeout.future, "a");
        assert_int_equal(timeout.result, 0);
        assert_int_equal(leaves[0].withdrawals, 0);
}

/* A disk request: awaited to its end, which is good, but too late. */
static void test_too_late_and_stubborn(void **state)
{
        (void)state;
        make_stubborn(1);
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        pass_time(200);
        expect_pending(&timeout.future, "aA");
        expect_pending(&timeout.future, "A");
        leaf_complete(&leaves[0], 0);
        assert_int_equal(wakes, 2);
        expect_ready(&timeout.future, "A");
        assert_int_equal(timeout.result, -ETIMEDOUT);
        assert_int_equal(leaves[0].result, 0);
}

static void test_timeout_withdrawn_at_every_state(void **state)
{
        (void)state;
        timeout = with_timeout(futures[0], 50);
        withdraw(&timeout.future, POLL_READY, "A");
        assert_int_equal(timeout.result, -ECANCELED);
        combined_setup(state);
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        withdraw(&timeout.future, POLL_READY, "A");
        assert_int_equal(timeout.result, -ECANCELED);
        assert_int_equal(timeout.timer.result, -ECANCELED);
        combined_setup(state);
        make_stubborn(1);
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        withdraw(&timeout.future, POLL_PENDING, "A");
        pass_time(500); /* no time runs out any more */
        withdraw(&timeout.future, POLL_PENDING, "A");
        leaf_complete(&leaves[0], 0);
        withdraw(&timeout.future, POLL_READY, "A");
        assert_int_equal(timeout.result, -ECANCELED);
}

static void test_timeout_withdrawn_after_it_ran_out(void **state)
{
        (void)state;
        make_stubborn(1);
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        pass_time(150);
        expect_pending(&timeout.future, "aA");
        withdraw(&timeout.future, POLL_PENDING, "A");
        leaf_complete(&leaves[0], 0);
        withdraw(&timeout.future, POLL_READY, "A");
        assert_int_equal(timeout.result, -ETIMEDOUT);
        expect_nothing_pending();
}

/* The whole way: asleep until the deadline, and no longer. */
static void test_timeouts_under_the_executor(void **state)
{
        struct timeout_future inner = with_deadline(futures[0], 300), outer = with_deadline(&inner.future, 200);
        struct timer_future timer = sleep_until(250);

        (void)state;
        assert_int_equal(executor_block_on(&executor, &outer.future), 0);
        assert_int_equal(host.time, 200);
        assert_int_equal(outer.result, -ETIMEDOUT);
        assert_int_equal(inner.result, -ECANCELED);
        timeout = with_deadline(&timer.future, 400);
        assert_int_equal(executor_block_on(&executor, &timeout.future), 0);
        assert_int_equal(host.time, 250);
        assert_int_equal(timeout.result, 0);
        inner = with_deadline(futures[1], 300);
        outer = with_deadline(&inner.future, 400);
        assert_int_equal(executor_block_on(&executor, &outer.future), 0);
        assert_int_equal(host.time, 300);
        assert_int_equal(outer.result, 0); /* the inner one ended in time: it ran out */
        assert_int_equal(inner.result, -ETIMEDOUT);
}

/* What a panic prints: a way down to one that is waited for. */
static void test_await_chain(void **state)
{
        (void)state;
        join = join2(futures[0], futures[1]);
        timeout = with_timeout(&join.future, 50);
        leaves[0].done = true;
        expect_pending(&timeout.future, "ab");
        print_await_chain(&timeout.future);
        assert_string_equal(host.console, "  state 1\n    state 1\n      state 1\n        state 1\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_in_time, combined_setup),
                cmocka_unit_test_setup(test_in_time_at_once, combined_setup),
                cmocka_unit_test_setup(test_too_late, combined_setup),
                cmocka_unit_test_setup(test_deadline_in_the_past, combined_setup),
                cmocka_unit_test_setup(test_in_time_and_too_late_at_once, combined_setup),
                cmocka_unit_test_setup(test_too_late_and_stubborn, combined_setup),
                cmocka_unit_test_setup(test_timeout_withdrawn_at_every_state, combined_setup),
                cmocka_unit_test_setup(test_timeout_withdrawn_after_it_ran_out, combined_setup),
                cmocka_unit_test_setup(test_timeouts_under_the_executor, combined_setup),
                cmocka_unit_test_setup(test_await_chain, combined_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
