/* SPDX-License-Identifier: MIT */
/* sources: kernel/future.c */
/* test_completion.c - what an interrupt completes: before a poll, in its middle, after it; and that nobody can give it up. */
#include "testing.h"

#include "future.h"
#include "util.h"

static struct completion waited_for;
static unsigned wakes;

static void wake(struct waker *waker)
{
        (void)waker;
        wakes++;
}

static struct waker somebody = { .wake = wake }, somebody_else = { .wake = wake };

static void complete_it(void) { complete(&waited_for); }

static enum poll poll(struct waker *waker) { return future_poll(&waited_for.future, waker); }

static int setup(void **state)
{
        host_setup(state);
        waited_for = completion();
        wakes = 0;
        return 0;
}

static void test_before_any_poll(void **state)
{
        (void)state;
        assert_true(future_pending(&waited_for.future));
        complete_it();
        assert_int_equal(wakes, 0);
        assert_int_equal(poll(&somebody), POLL_READY);
        assert_int_equal(poll(NULL), POLL_READY);
}

/* The last who has polled is woken, once. */
static void test_after_some_polls(void **state)
{
        (void)state;
        assert_int_equal(poll(&somebody), POLL_PENDING);
        assert_int_equal(poll(&somebody_else), POLL_PENDING);
        assert_ptr_equal(waited_for.waker, &somebody_else);
        assert_true(somebody_else.registered);
        complete_it();
        assert_int_equal(wakes, 1);
        assert_false(future_pending(&waited_for.future));
        assert_int_equal(poll(&somebody), POLL_READY);
}

/* Whoever does not see it done is woken. */
static void test_at_every_point_of_a_poll(void **state)
{
        enum poll first;
        uint64_t point = 0;

        do {
                setup(state);
                host_plan(complete_it, ++point, 0);
                first = poll(&somebody);
                if (future_pending(&waited_for.future)) /* the poll had no such point */
                        break;
                assert_true(first == POLL_READY || wakes == 1);
                assert_int_equal(poll(&somebody), POLL_READY);
        } while (true);
        assert_in_range(point, 4, 100);
}

static void test_withdrawn(void **state)
{
        (void)state;
        assert_int_equal(poll(&somebody), POLL_PENDING);
        assert_int_equal(poll(NULL), POLL_PENDING);
        assert_int_equal(poll(NULL), POLL_PENDING);
        complete_it();
        assert_int_equal(wakes, 1);
        assert_int_equal(poll(NULL), POLL_READY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_before_any_poll, setup),
                cmocka_unit_test_setup(test_after_some_polls, setup),
                cmocka_unit_test_setup(test_at_every_point_of_a_poll, setup),
                cmocka_unit_test_setup(test_withdrawn, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
