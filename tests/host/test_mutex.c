/* SPDX-License-Identifier: MIT */
/* sources: kernel/mutex.c kernel/wait_queue.c kernel/executor.c kernel/future.c kernel/printk.c tests/host/waiter.c */
/* One holder at a time, and what is said of those who break off. */
#include "testing.h"

#include "coro.h"
#include "executor.h"
#include "mutex.h"
#include "waiter.h"

enum { WAITERS = 3 };

static struct mutex mutex;
static struct waiter waiters[WAITERS];

static int setup(void **state)
{
        host_setup(state);
        mutex_init(&mutex);
        return 0;
}

static void line_up(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                assert_int_equal(waiter_start(&waiters[i], mutex_lock(&mutex)), i == 0);
}

static void unlock(unsigned i) { assert_int_equal(mutex_unlock(&mutex, &waiters[i].wait), 0); }

static void test_lock_and_unlock(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                line_up(1);
                waiter_expect(&waiters[0], 0);
                assert_ptr_equal(mutex.holder, &waiters[0].wait);
                unlock(0);
                assert_null(mutex.holder);
        }
}

static void test_first_come_first_served(void **state)
{
        (void)state;
        line_up(3);
        waiter_expect_wakes(&waiters[1], 0);
        unlock(0);
        waiter_expect_wakes(&waiters[1], 1);
        waiter_expect_wakes(&waiters[2], 0);
        waiter_expect_pending(&waiters[2]);
        waiter_expect(&waiters[1], 0);
        waiter_expect_pending(&waiters[2]); /* one at a time */
        unlock(1);
        waiter_expect_wakes(&waiters[2], 1);
        waiter_expect(&waiters[2], 0);
        unlock(2);
        expect_no_line(&mutex.waiters);
}

static void test_try_lock(void **state)
{
        struct wait_future one = mutex_lock(&mutex), two = mutex_lock(&mutex);

        (void)state;
        assert_true(mutex_try_lock(&mutex, &one));
        assert_int_equal(one.result, 0);
        assert_false(mutex_try_lock(&mutex, &two));
        assert_int_equal(mutex_unlock(&mutex, &two), -EPERM);
        assert_int_equal(mutex_unlock(&mutex, &one), 0);
        assert_true(mutex_try_lock(&mutex, &two));
        assert_int_equal(mutex_unlock(&mutex, &two), 0);
}

/* Free, but somebody waits who has been woken, and not been polled yet: it is his. */
static void test_nobody_overtakes(void **state)
{
        struct wait_future quick = mutex_lock(&mutex);

        (void)state;
        line_up(2);
        unlock(0);
        assert_false(mutex_try_lock(&mutex, &quick));
        assert_false(waiter_start(&waiters[2], mutex_lock(&mutex)));
        waiter_expect(&waiters[1], 0);
        unlock(1);
        waiter_expect(&waiters[2], 0);
}

static void test_unlock_by_others_is_refused(void **state)
{
        struct wait_future foreign = mutex_lock(&mutex);

        (void)state;
        assert_int_equal(mutex_unlock(&mutex, &foreign), -EPERM); /* free */
        line_up(2);
        assert_int_equal(mutex_unlock(&mutex, &foreign), -EPERM);
        assert_int_equal(mutex_unlock(&mutex, &waiters[1].wait), -EPERM); /* waits for it */
        waiter_expect_wakes(&waiters[1], 0);
        assert_ptr_equal(mutex.holder, &waiters[0].wait);
        unlock(0);
        assert_int_equal(mutex_unlock(&mutex, &waiters[0].wait), -EPERM); /* twice */
        waiter_expect_wakes(&waiters[1], 1);
        waiter_expect(&waiters[1], 0);
        assert_int_equal(mutex_unlock(&mutex, &waiters[0].wait), -EPERM); /* another's by now */
        unlock(1);
}

/* At each place in the line, before and after the mutex became free. */
static void test_withdrawal(void **state)
{
        for (unsigned gone = 1; gone < WAITERS; gone++) {
                for (unsigned freed = 0; freed < 2; freed++) {
                        unsigned other = WAITERS - gone; /* 1 or 2 */

                        setup(state);
                        line_up(WAITERS);
                        if (freed)
                                unlock(0);
                        waiter_withdraw(&waiters[gone]);
                        assert_int_equal(mutex_unlock(&mutex, &waiters[gone].wait), -EPERM);
                        if (!freed)
                                unlock(0);
                        assert_true(waiters[other].wakes > 0);
                        waiter_expect(&waiters[other], 0);
                        unlock(other);
                        expect_no_line(&mutex.waiters);
                }
        }
}

/* Everybody after it gets the mutex, and is told, until one has put things right. */
static void test_poison(void **state)
{
        struct wait_future quick = mutex_lock(&mutex);

        (void)state;
        line_up(3);
        assert_int_equal(mutex_poison(&mutex, &waiters[0].wait), 0);
        unlock(0);
        waiter_expect(&waiters[1], -EOWNERDEAD);
        unlock(1); /* which is to be unlocked as well */
        waiter_expect(&waiters[2], -EOWNERDEAD);
        unlock(2);
        assert_true(mutex_try_lock(&mutex, &quick));
        assert_int_equal(quick.result, -EOWNERDEAD);
        assert_int_equal(mutex_clear_poison(&mutex, &quick), 0);
        assert_int_equal(mutex_unlock(&mutex, &quick), 0);
        assert_true(waiter_start(&waiters[0], mutex_lock(&mutex)));
        assert_int_equal(waiters[0].wait.result, 0);
}

static void test_poison_by_others_is_refused(void **state)
{
        (void)state;
        line_up(2);
        assert_int_equal(mutex_poison(&mutex, &waiters[1].wait), -EPERM);
        assert_int_equal(mutex_poison(&mutex, &waiters[0].wait), 0);
        assert_int_equal(mutex_clear_poison(&mutex, &waiters[1].wait), -EPERM);
        unlock(0);
        assert_int_equal(mutex_clear_poison(&mutex, &waiters[0].wait), -EPERM); /* no more */
        waiter_expect(&waiters[1], -EOWNERDEAD);
}

/* Tasks that do two things each while they hold it, and yield in between --------------------------- */

struct careful {
        struct future future;
        struct task task;
        struct wait_future lock;
        char name;
};

static char history[32];

static void note(char what) { history[strlen(history)] = what; }

static enum poll careful_poll(struct future *future, struct waker *waker)
{
        struct careful *self = container_of(future, struct careful, future);

        CORO_BEGIN(self, waker);
        if (!mutex_try_lock(&mutex, &self->lock))
                AWAIT(self->lock, mutex_lock(&mutex));
        note(self->name);
        CORO_YIELD();
        note(self->name);
        assert_int_equal(mutex_unlock(&mutex, &self->lock), 0);
        CORO_END();
}

static void test_across_awaits(void **state)
{
        static struct careful all[4];
        struct executor executor;

        (void)state;
        executor_init(&executor);
        memset(all, 0, sizeof all);
        memset(history, 0, sizeof history);
        for (unsigned i = 0; i < 4; i++) {
                all[i].future.poll = careful_poll;
                all[i].name = (char)('a' + i);
                executor_spawn(&executor, &all[i].task, &all[i].future, "careful");
        }
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_string_equal(history, "aabbccdd");
        assert_int_equal(host.sleeps, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_lock_and_unlock, setup),
                cmocka_unit_test_setup(test_first_come_first_served, setup),
                cmocka_unit_test_setup(test_try_lock, setup),
                cmocka_unit_test_setup(test_nobody_overtakes, setup),
                cmocka_unit_test_setup(test_unlock_by_others_is_refused, setup),
                cmocka_unit_test_setup(test_withdrawal, setup),
                cmocka_unit_test_setup(test_poison, setup),
                cmocka_unit_test_setup(test_poison_by_others_is_refused, setup),
                cmocka_unit_test_setup(test_across_awaits, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
