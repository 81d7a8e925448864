/* SPDX-License-Identifier: MIT */
/* sources: kernel/semaphore.c kernel/wait_queue.c tests/host/waiter.c */
/* Permits: as many are out as were given, less those that are there. */
#include "testing.h"

#include <errno.h>

#include "semaphore.h"
#include "waiter.h"

enum { WAITERS = 4 };

static struct semaphore semaphore;
static struct waiter waiters[WAITERS];

static void line_up(unsigned permits)
{
        semaphore_init(&semaphore, permits);
        for (unsigned i = 0; i < WAITERS; i++)
                assert_int_equal(waiter_start(&waiters[i], semaphore_acquire(&semaphore)), i < permits);
}

static void release(void) { assert_int_equal(semaphore_release(&semaphore), 0); }

static void test_as_many_as_there_are(void **state)
{
        (void)state;
        for (unsigned permits = 0; permits <= WAITERS + 1; permits++) {
                line_up(permits);
                assert_int_equal(semaphore.permits, permits > WAITERS ? 1 : 0);
                for (unsigned i = 0; i < WAITERS; i++)
                        if (i < permits)
                                waiter_expect(&waiters[i], 0);
                        else
                                waiter_expect_wakes(&waiters[i], 0);
        }
}

static void test_first_come_first_served(void **state)
{
        (void)state;
        line_up(1);
        for (unsigned i = 1; i < WAITERS; i++) {
                release();
                waiter_expect_wakes(&waiters[i], 1);
                for (unsigned j = i + 1; j < WAITERS; j++) {
                        waiter_expect_wakes(&waiters[j], 0);
                        waiter_expect_pending(&waiters[j]);
                }
                waiter_expect(&waiters[i], 0);
                assert_int_equal(semaphore.permits, 0);
        }
        expect_no_line(&semaphore.waiters);
}

static void test_several_releases_before_anybody_looks(void **state)
{
        (void)state;
        line_up(0);
        for (unsigned i = 0; i < WAITERS + 1; i++)
                release();
        for (unsigned i = 0; i < WAITERS; i++) {
                assert_true(waiters[i].wakes > 0);
                waiter_expect(&waiters[i], 0);
        }
        assert_int_equal(semaphore.permits, 1);
}

static void test_nobody_overtakes(void **state)
{
        struct waiter newcomer;

        (void)state;
        line_up(WAITERS - 1);
        release();
        assert_false(waiter_start(&newcomer, semaphore_acquire(&semaphore)));
        waiter_expect(&waiters[WAITERS - 1], 0);
        waiter_expect_pending(&newcomer);
        waiter_withdraw(&newcomer);
}

/* Whoever of the line goes, before or after a release: no permit is lost. */
static void test_withdrawal(void **state)
{
        (void)state;
        for (unsigned gone = 0; gone < WAITERS; gone++) {
                for (unsigned released = 0; released <= WAITERS; released++) {
                        unsigned left = released;

                        line_up(0);
                        for (unsigned i = 0; i < released; i++)
                                release();
                        waiter_withdraw(&waiters[gone]);
                        for (unsigned i = 0; i < WAITERS; i++) {
                                if (i == gone)
                                        continue;
                                assert_int_equal(waiters[i].wakes > 0, left > 0);
                                assert_int_equal(waiter_poll(&waiters[i]), left > 0);
                                left -= left > 0;
                        }
                        assert_int_equal(semaphore.permits, left);
                }
        }
}

/* There are as many as 32 bits hold, and no more. */
static void test_overflow(void **state)
{
        (void)state;
        semaphore_init(&semaphore, UINT32_MAX - 1);
        release();
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(semaphore_release(&semaphore), -EOVERFLOW);
        assert_int_equal(semaphore.permits, UINT32_MAX);
        assert_true(host.enabled);
        assert_true(waiter_start(&waiters[0], semaphore_acquire(&semaphore)));
        release();
        assert_int_equal(semaphore_release(&semaphore), -EOVERFLOW);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_as_many_as_there_are),
                TEST(test_first_come_first_served),
                TEST(test_several_releases_before_anybody_looks),
                TEST(test_nobody_overtakes),
                TEST(test_withdrawal),
                TEST(test_overflow),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
