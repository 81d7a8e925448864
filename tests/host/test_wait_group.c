/* SPDX-License-Identifier: MIT */
/* sources: kernel/wait_group.c kernel/wait_queue.c tests/host/waiter.c */
/* A count of things under way. */
#include "testing.h"

#include <errno.h>

#include "wait_group.h"
#include "waiter.h"

enum { WAITERS = 3 };

static struct wait_group group;
static struct waiter waiters[WAITERS];

static int setup(void **state)
{
        host_setup(state);
        wait_group_init(&group);
        return 0;
}

static void add(uint32_t more) { assert_int_equal(wait_group_add(&group, more), 0); }

static void done(void) { assert_int_equal(wait_group_done(&group), 0); }

static void line_up(void)
{
        for (unsigned i = 0; i < WAITERS; i++)
                assert_false(waiter_start(&waiters[i], wait_group_wait(&group)));
}

static void expect_all_ready(void)
{
        for (unsigned i = 0; i < WAITERS; i++) {
                waiter_expect_wakes(&waiters[i], 1);
                waiter_expect(&waiters[i], 0);
        }
        expect_no_line(&group.waiters);
}

static void test_nothing_under_way(void **state)
{
        (void)state;
        assert_true(waiter_start(&waiters[0], wait_group_wait(&group)));
        add(0);
        assert_true(waiter_start(&waiters[0], wait_group_wait(&group)));
        add(1);
        done();
        assert_true(waiter_start(&waiters[0], wait_group_wait(&group)));
}

static void test_the_last_wakes_everybody(void **state)
{
        (void)state;
        add(2);
        line_up();
        add(1); /* more while they wait */
        for (unsigned left = 3; left > 0; left--) {
                for (unsigned i = 0; i < WAITERS; i++) {
                        waiter_expect_wakes(&waiters[i], 0);
                        waiter_expect_pending(&waiters[i]);
                }
                done();
        }
        expect_all_ready();
}

/* It has been 0 since they came; that more is under way when they look takes nothing from them. */
static void test_zero_for_an_instant(void **state)
{
        struct waiter late;

        (void)state;
        add(1);
        line_up();
        done();
        add(1);
        expect_all_ready();
        assert_false(waiter_start(&late, wait_group_wait(&group)));
        done();
        waiter_expect(&late, 0);
}

static void test_done_without_anything_under_way(void **state)
{
        (void)state;
        assert_int_equal(wait_group_done(&group), -EPERM);
        assert_int_equal(group.count, 0);
        add(1);
        line_up();
        done();
        assert_int_equal(wait_group_done(&group), -EPERM);
        expect_all_ready();
        assert_true(host.enabled);
}

static void test_overflow_changes_nothing(void **state)
{
        (void)state;
        add(UINT32_MAX);
        assert_int_equal(wait_group_add(&group, 1), -EOVERFLOW);
        assert_int_equal(wait_group_add(&group, UINT32_MAX), -EOVERFLOW);
        add(0);
        assert_int_equal(group.count, UINT32_MAX);
        done();
        add(1);
        assert_int_equal(wait_group_add(&group, 1), -EOVERFLOW);
        assert_int_equal(group.count, UINT32_MAX);
        assert_true(host.enabled);
}

static void test_withdrawal(void **state)
{
        for (unsigned gone = 0; gone < 1 << WAITERS; gone++) {
                setup(state);
                add(1);
                line_up();
                for (unsigned i = 0; i < WAITERS; i++)
                        if (gone >> i & 1)
                                waiter_withdraw(&waiters[i]);
                done();
                for (unsigned i = 0; i < WAITERS; i++) {
                        waiter_expect_wakes(&waiters[i], !(gone >> i & 1));
                        waiter_expect(&waiters[i], gone >> i & 1 ? -ECANCELED : 0);
                }
                expect_no_line(&group.waiters);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_nothing_under_way, setup),
                cmocka_unit_test_setup(test_the_last_wakes_everybody, setup),
                cmocka_unit_test_setup(test_zero_for_an_instant, setup),
                cmocka_unit_test_setup(test_done_without_anything_under_way, setup),
                cmocka_unit_test_setup(test_overflow_changes_nothing, setup),
                cmocka_unit_test_setup(test_withdrawal, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
