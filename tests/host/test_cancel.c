/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_device.c kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/executor.c
 * kernel/future.c kernel/timer.c kernel/combinators.c kernel/printk.c tests/host/fake_disk.c
 */
/* block_cancel(), state by state: what the device gets, who is woken, and when the buffer is the caller's again. */
#include "testing.h"

#include <errno.h>

#include "combinators.h"
#include "fake_disk.h"
#include "util.h"

enum { PIECES = 3 };

static struct executor executor;
static struct fake_disk disk;
static _Alignas(BLOCK_BUFFER_ALIGN) uint8_t memory[PIECES * SECTOR_SIZE];

struct counted {
        struct waker waker;
        unsigned wakes;
};

static void count_wake(struct waker *waker) { container_of(waker, struct counted, waker)->wakes++; }

static struct counted owner, canceller;
static struct block_future request;
static struct block_cancel_future cancel;

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        block_init(&executor, 0);
        timer_init(&executor, 1000, true);
        fake_disk_add(&disk, 2);
        fake_disk_limit(&disk, 1, 1);
        owner = canceller = (struct counted){ .waker.wake = count_wake };
        request = block_read(&disk.block, 10, memory, 1);
        cancel = block_cancel(&request);
        return 0;
}

static enum poll poll_request(void) { return future_poll(&request.future, &owner.waker); }

static enum poll poll_cancel(void) { return future_poll(&cancel.future, &canceller.waker); }

/* What a batch without tasks does: give seats away, publish. */
static void run_hooks(void)
{
        struct yield_future yield = yield_now();

        assert_int_equal(executor_block_on(&executor, &yield.future), 0);
}

static void expect_ready(int result)
{
        assert_int_equal(poll_cancel(), POLL_READY);
        assert_int_equal(future_poll(&cancel.future, NULL), POLL_READY);
        assert_int_equal(poll_request(), POLL_READY);
        assert_int_equal(request.result, result);
        run_hooks();
        assert_int_equal(request.result, result);
}

static void test_is_lazy(void **state)
{
        (void)state;
        assert_int_equal(poll_request(), POLL_PENDING);
        run_hooks();
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(poll_request(), POLL_READY);
        assert_int_equal(request.result, 0);
        assert_int_equal(cancel.future.state, FUTURE_NEW);
}

static void test_new(void **state)
{
        (void)state;
        assert_int_equal(poll_cancel(), POLL_READY);
        expect_ready(-ECANCELED);
        assert_int_equal(disk.submits, 0);
}

static void test_done(void **state)
{
        (void)state;
        assert_int_equal(poll_request(), POLL_PENDING);
        run_hooks();
        fake_disk_complete(&disk, 0, -EIO);
        assert_int_equal(poll_cancel(), POLL_READY);
        assert_int_equal(owner.wakes, 1);
        expect_ready(-EIO);
}

static void test_refused(void **state)
{
        (void)state;
        request.sector = 1000;
        assert_int_equal(poll_request(), POLL_READY);
        expect_ready(-ERANGE);
}

/* Never sent; who awaits it is told, and whoever stands behind it goes on. */
static void test_queued(void **state)
{
        for (unsigned place = 0; place < 3; place++) {
                struct block_future others[4];

                setup(state);
                disk.seats = 1;
                for (unsigned i = 0; i < 4; i++) {
                        others[i] = block_read(&disk.block, i, memory, 1);
                        if (i == place + 1)
                                assert_int_equal(poll_request(), POLL_PENDING);
                        assert_int_equal(future_poll(&others[i].future, &owner.waker), POLL_PENDING);
                }
                run_hooks();
                assert_int_equal(poll_cancel(), POLL_READY);
                assert_int_equal(owner.wakes, 1);
                expect_ready(-ECANCELED);
                memset(&request, 0xff, sizeof request);
                for (unsigned i = 0; i < 4; i++) {
                        run_hooks();
                        assert_int_equal(disk.sent[i], i);
                        fake_disk_complete(&disk, 0, 0);
                        assert_int_equal(future_poll(&others[i].future, &owner.waker), POLL_READY);
                }
                assert_int_equal(disk.submits, 4);
        }
}

/* What the device has is waited for, and has its own result. Both are woken. */
static void test_seated(void **state)
{
        for (unsigned published = 0; published < 2; published++) {
                setup(state);
                assert_int_equal(poll_request(), POLL_PENDING);
                if (published)
                        run_hooks();
                for (unsigned i = 0; i < 3; i++)
                        assert_int_equal(poll_cancel(), POLL_PENDING);
                assert_true(future_pending(&cancel.future));
                run_hooks();
                assert_int_equal(poll_request(), POLL_PENDING);
                fake_disk_complete(&disk, 0, published ? 0 : -EIO);
                assert_int_equal(owner.wakes, 1);
                assert_int_equal(canceller.wakes, 1);
                expect_ready(published ? 0 : -EIO);
        }
}

/* Two of its three pieces are in seats; the rest is never sent, and the last of the two is its end. */
static void test_partly_seated(void **state)
{
        for (unsigned order = 0; order < 2; order++) {
                struct block_future behind = block_read(&disk.block, 99, memory, 1);

                setup(state);
                request = block_read(&disk.block, 10, memory, PIECES);
                assert_int_equal(poll_request(), POLL_PENDING);
                assert_int_equal(future_poll(&behind.future, &owner.waker), POLL_PENDING);
                run_hooks();
                assert_int_equal(poll_cancel(), POLL_PENDING);
                fake_disk_complete(&disk, order, 0);
                run_hooks();
                assert_int_equal(disk.sent[2], 99); /* the seat goes to who stands behind it */
                assert_int_equal(poll_cancel(), POLL_PENDING);
                assert_int_equal(owner.wakes + canceller.wakes, 0);
                fake_disk_complete(&disk, 0, -EIO);
                assert_int_equal(owner.wakes, 1);
                assert_int_equal(canceller.wakes, 1);
                expect_ready(-ECANCELED);
                assert_int_equal(disk.submits, 3);
                fake_disk_complete(&disk, 0, 0);
                assert_int_equal(future_poll(&behind.future, &owner.waker), POLL_READY);
        }
}

/* All that it had in seats is over when it is cancelled. */
static void test_partly_done(void **state)
{
        (void)state;
        request = block_read(&disk.block, 10, memory, PIECES);
        assert_int_equal(poll_request(), POLL_PENDING);
        run_hooks();
        fake_disk_complete(&disk, 0, 0);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(poll_cancel(), POLL_READY);
        assert_int_equal(owner.wakes, 1);
        expect_ready(-ECANCELED);
        assert_int_equal(disk.submits, 2);
        assert_null(disk.block.waiting);
}

/* A piece has failed, the rest waits: the error came first. */
static void test_failed_already(void **state)
{
        (void)state;
        request = block_read(&disk.block, 10, memory, PIECES);
        assert_int_equal(poll_request(), POLL_PENDING);
        run_hooks();
        fake_disk_complete(&disk, 0, -EIO);
        assert_int_equal(poll_cancel(), POLL_PENDING);
        fake_disk_complete(&disk, 0, 0);
        expect_ready(-EIO);
}

/* Whoever polls last with a waker is woken; spurious polls change nothing. */
static void test_the_latest_waker_is_woken(void **state)
{
        struct counted later = { .waker.wake = count_wake };

        (void)state;
        assert_int_equal(poll_request(), POLL_PENDING);
        run_hooks();
        assert_int_equal(poll_cancel(), POLL_PENDING);
        assert_int_equal(future_poll(&cancel.future, &later.waker), POLL_PENDING);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(canceller.wakes, 0);
        assert_int_equal(later.wakes, 1);
        expect_ready(0);
}

/* A cancel can be withdrawn like anything else: before its first poll it does nothing. */
static void test_withdrawn_before_its_first_poll(void **state)
{
        (void)state;
        assert_int_equal(poll_request(), POLL_PENDING);
        run_hooks();
        assert_int_equal(future_poll(&cancel.future, NULL), POLL_READY);
        assert_int_equal(poll_cancel(), POLL_READY);
        assert_int_equal(poll_request(), POLL_PENDING);
        assert_false(request.cancelled);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(poll_request(), POLL_READY);
        assert_int_equal(request.result, 0);
}

/* After that it keeps its waker until the request is ready: the device has the buffer. */
static void test_withdrawn_while_the_device_has_it(void **state)
{
        (void)state;
        assert_int_equal(poll_request(), POLL_PENDING);
        run_hooks();
        assert_int_equal(poll_cancel(), POLL_PENDING);
        assert_int_equal(future_poll(&cancel.future, NULL), POLL_PENDING);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(canceller.wakes, 1);
        assert_int_equal(future_poll(&cancel.future, NULL), POLL_READY);
}

/* The loser of a race that was over before its turn came. */
static void test_loses_a_race(void **state)
{
        struct timer_future past = sleep_until(0);
        struct select_future race = select2(&past.future, &cancel.future);

        (void)state;
        assert_int_equal(poll_request(), POLL_PENDING);
        assert_int_equal(future_poll(&race.future, &canceller.waker), POLL_READY);
        assert_int_equal(race.winner, 0);
}

/* The request ends, and its owner, who had another reason to run, puts a new one into its place before the canceller is polled. */
static void test_its_place_has_a_new_one(void **state)
{
        (void)state;
        assert_int_equal(poll_request(), POLL_PENDING);
        run_hooks();
        assert_int_equal(poll_cancel(), POLL_PENDING);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(poll_request(), POLL_READY);
        request = block_read(&disk.block, 20, memory, 1);
        assert_int_equal(poll_request(), POLL_PENDING);
        assert_int_equal(poll_cancel(), POLL_READY);
        run_hooks();
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(poll_request(), POLL_READY);
        assert_int_equal(request.result, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_is_lazy, setup),
                cmocka_unit_test_setup(test_new, setup),
                cmocka_unit_test_setup(test_done, setup),
                cmocka_unit_test_setup(test_refused, setup),
                cmocka_unit_test_setup(test_queued, setup),
                cmocka_unit_test_setup(test_seated, setup),
                cmocka_unit_test_setup(test_partly_seated, setup),
                cmocka_unit_test_setup(test_partly_done, setup),
                cmocka_unit_test_setup(test_failed_already, setup),
                cmocka_unit_test_setup(test_the_latest_waker_is_woken, setup),
                cmocka_unit_test_setup(test_withdrawn_before_its_first_poll, setup),
                cmocka_unit_test_setup(test_withdrawn_while_the_device_has_it, setup),
                cmocka_unit_test_setup(test_loses_a_race, setup),
                cmocka_unit_test_setup(test_its_place_has_a_new_one, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
