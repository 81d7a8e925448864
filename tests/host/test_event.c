/* SPDX-License-Identifier: MIT */
/* sources: kernel/event.c kernel/wait_queue.c tests/host/waiter.c */
/* Something that has happened or not. */
#include "testing.h"

#include <errno.h>

#include "event.h"
#include "waiter.h"

enum { WAITERS = 3 };

static struct event event;
static struct waiter waiters[WAITERS];

static int setup(void **state)
{
        host_setup(state);
        event_init(&event);
        return 0;
}

static void line_up(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                assert_false(waiter_start(&waiters[i], event_wait(&event)));
}

static void test_everybody_goes_on(void **state)
{
        (void)state;
        event_set(&event); /* nobody waits */
        event_clear(&event);
        line_up(WAITERS);
        for (unsigned i = 0; i < WAITERS; i++)
                waiter_expect_wakes(&waiters[i], 0);
        event_set(&event);
        for (unsigned i = 0; i < WAITERS; i++)
                waiter_expect_wakes(&waiters[i], 1);
        for (unsigned i = WAITERS; i-- > 0;) /* in whatever order */
                waiter_expect(&waiters[i], 0);
        expect_no_line(&event.waiters);
}

static void test_whoever_comes_before_the_clear(void **state)
{
        (void)state;
        event_set(&event);
        event_set(&event);
        for (unsigned i = 0; i < 2; i++)
                assert_true(waiter_start(&waiters[i], event_wait(&event)));
        event_clear(&event);
        assert_false(waiter_start(&waiters[2], event_wait(&event)));
}

/* It was set while he waited: that he is polled only after event_clear() takes nothing from him. */
static void test_set_and_cleared_before_anybody_looks(void **state)
{
        (void)state;
        line_up(2);
        event_set(&event);
        event_clear(&event);
        assert_false(waiter_start(&waiters[2], event_wait(&event)));
        waiter_expect(&waiters[0], 0);
        waiter_expect(&waiters[1], 0);
        waiter_expect_pending(&waiters[2]);
}

static void test_cleared_while_they_wait(void **state)
{
        (void)state;
        line_up(2);
        event_clear(&event);
        waiter_expect_wakes(&waiters[0], 0);
        waiter_expect_pending(&waiters[0]);
        event_set(&event);
        waiter_expect(&waiters[0], 0);
        waiter_expect(&waiters[1], 0);
}

static void test_withdrawal(void **state)
{
        for (unsigned gone = 0; gone < 1 << WAITERS; gone++) {
                setup(state);
                line_up(WAITERS);
                for (unsigned i = 0; i < WAITERS; i++)
                        if (gone >> i & 1)
                                waiter_withdraw(&waiters[i]);
                event_set(&event);
                for (unsigned i = 0; i < WAITERS; i++) {
                        waiter_expect_wakes(&waiters[i], !(gone >> i & 1));
                        waiter_expect(&waiters[i], gone >> i & 1 ? -ECANCELED : 0);
                }
                expect_no_line(&event.waiters);
        }
}

/* Just released, and withdrawn before his task was polled: it has happened all the same. */
static void test_withdrawal_of_one_that_was_released(void **state)
{
        (void)state;
        line_up(2);
        event_set(&event);
        assert_int_equal(future_poll(&waiters[0].wait.future, NULL), POLL_READY);
        assert_int_equal(waiters[0].wait.result, 0);
        waiter_expect(&waiters[1], 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_everybody_goes_on, setup),
                cmocka_unit_test_setup(test_whoever_comes_before_the_clear, setup),
                cmocka_unit_test_setup(test_set_and_cleared_before_anybody_looks, setup),
                cmocka_unit_test_setup(test_cleared_while_they_wait, setup),
                cmocka_unit_test_setup(test_withdrawal, setup),
                cmocka_unit_test_setup(test_withdrawal_of_one_that_was_released, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
