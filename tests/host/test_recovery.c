/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_device.c kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/executor.c
 * kernel/future.c kernel/timer.c kernel/printk.c tests/host/fake_disk.c tests/host/polled.c
 */
/* A disk that breaks: what is sent again and in which order, what fails, and when the disk is given up. */
#include "testing.h"

#include <errno.h>

#include "polled.h"
#include "timer.h"

enum { PIECES = 4 };

static int setup(void **state)
{
        (void)state;
        polled_setup(0);
        return 0;
}

static void break_it(void)
{
        block_broken(&disk.block, "it smokes");
        run_hooks();
        assert_console_has("warning: disk 0 (fake): it smokes: it is reset\n");
}

/* Again, in order ----------------------------------------------------------------------------------- */

/* Whatever seats they had, and some of them done: those that are left go again in the order in which they came. */
static void test_in_the_order_of_first_polls(void **state)
{
        for (unsigned done = 0; done < 1 << POLLED_MAX; done++) {
                unsigned before, index = 0;

                setup(state);
                start_all(POLLED_MAX);
                for (unsigned i = 0; i < POLLED_MAX; i++) {
                        if (done >> i & 1)
                                fake_disk_complete(&disk, index, 0);
                        else
                                index++;
                }
                before = disk.submits;
                break_it();
                assert_int_equal(disk.count, index);
                for (unsigned i = 0; i < POLLED_MAX; i++) {
                        if (done >> i & 1)
                                expect_result(i, 0);
                        else
                                assert_int_equal(disk.sent[before++], 10 * i);
                }
                assert_int_equal(disk.submits, before);
                while (disk.count > 0)
                        fake_disk_complete(&disk, disk.count - 1, 0);
                for (unsigned i = 0; i < POLLED_MAX; i++)
                        expect_result(i, 0);
                assert_int_equal(wakes, POLLED_MAX);
                expect_resets(1, false);
        }
}

/* The device visits them by seat; seats were given again out of order. */
static void test_however_they_are_seated(void **state)
{
        for (unsigned turn = 0; turn < 3; turn++) {
                struct fake_piece first;

                setup(state);
                start_all(3);
                for (unsigned i = 0; i < turn; i++) {
                        first = disk.seated[0];
                        disk.seated[0] = disk.seated[1];
                        disk.seated[1] = disk.seated[2];
                        disk.seated[2] = first;
                }
                break_it();
                for (unsigned i = 0; i < 3; i++)
                        assert_int_equal(disk.sent[3 + i], 10 * i);
        }
}

/* Those that wait for a seat stand behind those that had one, and are not held to have been sent. */
static void test_before_those_that_wait(void **state)
{
        (void)state;
        disk.seats = 2;
        start_all(4);
        break_it();
        assert_int_equal(disk.submits, 4);
        break_it();
        for (unsigned i = 0; i < 2; i++) {
                expect_result(i, -ECANCELED);
                assert_int_equal(disk.sent[2 + i], 10 * i);
                assert_int_equal(disk.sent[4 + i], 20 + 10 * i);
        }
        fake_disk_complete(&disk, 0, 0);
        fake_disk_complete(&disk, 0, 0);
        expect_result(2, 0);
        expect_result(3, 0);
}

/* Some of its pieces done, some with the device, some without a seat: all of it goes again, from the start. */
static void test_partly_seated(void **state)
{
        for (unsigned done = 0; done <= 2; done++) {
                unsigned before;

                setup(state);
                disk.seats = 2;
                start(0, block_write(&disk.block, 0, memory, PIECES));
                start(1, block_write(&disk.block, 50, memory, 1));
                run_hooks();
                for (unsigned i = 0; i < done; i++) {
                        fake_disk_complete(&disk, 0, 0);
                        run_hooks();
                }
                before = disk.submits;
                break_it();
                assert_int_equal(disk.sent[before], 0);
                assert_int_equal(disk.sent[before + 1], 1);
                for (unsigned i = 0; i < PIECES + 1; i++) {
                        assert_int_equal(wakes, i == PIECES ? 1 : 0);
                        fake_disk_complete(&disk, 0, 0);
                        run_hooks();
                }
                assert_int_equal(disk.submits, before + PIECES + 1);
                expect_result(0, 0);
                expect_result(1, 0);
        }
}

/* A large one behind a small one, both taken back. */
static void test_partly_seated_behind_another(void **state)
{
        (void)state;
        disk.seats = 2;
        start(0, block_write(&disk.block, 50, memory, 1));
        start(1, block_write(&disk.block, 0, memory, PIECES));
        start(2, block_write(&disk.block, 60, memory, 1));
        run_hooks();
        break_it();
        assert_int_equal(disk.sent[2], 50);
        assert_int_equal(disk.sent[3], 0);
        for (unsigned i = 0; i < PIECES + 2; i++) {
                fake_disk_complete(&disk, 0, 0);
                run_hooks();
        }
        assert_int_equal(disk.sent[7], 60);
        for (unsigned i = 0; i < 3; i++)
                expect_result(i, 0);
}

/* A piece has failed: the request is over, with that error, and not sent again. */
static void test_failed_already(void **state)
{
        for (unsigned seats = 2; seats <= PIECES; seats++) {
                setup(state);
                disk.seats = seats;
                start(0, block_write(&disk.block, 0, memory, PIECES));
                run_hooks();
                fake_disk_complete(&disk, 0, -EIO);
                break_it();
                expect_result(0, -EIO);
                assert_int_equal(disk.submits, seats);
                assert_int_equal(wakes, 1);
                assert_null(disk.block.waiting);
        }
}

static void test_cancelled(void **state)
{
        struct block_cancel_future cancel = block_cancel(&requests[1]);

        (void)state;
        start_all(3);
        start(3, block_write(&disk.block, 30, memory, PIECES)); /* three of them find seats */
        run_hooks();
        assert_int_equal(future_poll(&cancel.future, &waker), POLL_PENDING);
        assert_int_equal(future_poll(&requests[3].future, NULL), POLL_PENDING);
        break_it();
        assert_int_equal(wakes, 3); /* the canceller, and both owners */
        assert_int_equal(future_poll(&cancel.future, &waker), POLL_READY);
        expect_result(1, -ECANCELED);
        expect_result(3, -ECANCELED);
        assert_int_equal(disk.count, 2);
        assert_int_equal(disk.seated[0].sector, 0);
        assert_int_equal(disk.seated[1].sector, 20);
}

/* Of every kind. */
static void test_all_operations(void **state)
{
        struct block_lifetime lifetime;

        (void)state;
        disk.block.max_discard_sectors = disk.block.max_write_zeroes_sectors = 1;
        disk.block.has_lifetime = true;
        disk.seats = FAKE_SEATS_MAX;
        start(0, block_flush(&disk.block));
        start(1, block_discard(&disk.block, 10, 2));
        start(2, block_write_zeroes(&disk.block, 20, 2, true));
        start(3, block_get_id(&disk.block, (char *)memory));
        start(4, block_get_lifetime(&disk.block, &lifetime));
        run_hooks();
        assert_int_equal(disk.count, 7);
        break_it();
        assert_int_equal(disk.count, 7);
        for (unsigned i = 0; i < 7; i++)
                fake_disk_complete(&disk, 0, 0);
        for (unsigned i = 0; i < 5; i++)
                expect_result(i, 0);
}

/* Once only ------------------------------------------------------------------------------------------ */

static void test_twice(void **state)
{
        (void)state;
        start_all(3);
        break_it();
        fake_disk_complete(&disk, 0, 0);
        start(3, block_write(&disk.block, 30, memory, 1)); /* which has not been there before */
        run_hooks();
        break_it();
        expect_result(0, 0);
        expect_result(1, -ECANCELED);
        expect_result(2, -ECANCELED);
        assert_int_equal(disk.count, 1);
        fake_disk_complete(&disk, 0, 0);
        expect_result(3, 0);
        expect_resets(2, false);
}

/* It has been sent once in vain, waits again, and the disk breaks again: it has not been sent since. */
static void test_twice_while_it_waits(void **state)
{
        (void)state;
        start_all(2);
        disk.seats = 1;
        break_it();
        assert_int_equal(disk.count, 1);
        break_it();
        expect_result(0, -ECANCELED);
        assert_int_equal(disk.seated[0].sector, 10);
        fake_disk_complete(&disk, 0, 0);
        expect_result(1, 0);
}

/* Given up ------------------------------------------------------------------------------------------- */

/* Three resets without an answer in between, and the fourth is its end. An answer makes up for all before it. */
static void test_resets_in_vain(void **state)
{
        for (unsigned answered_after = 0; answered_after <= 3; answered_after++) {
                unsigned resets = answered_after;

                setup(state);
                disk.seats = 2;
                for (unsigned i = 0; i < answered_after; i++)
                        break_it();
                if (answered_after > 0) {
                        start(0, block_read(&disk.block, 0, memory, 1));
                        run_hooks();
                        fake_disk_complete(&disk, 0, -EIO);
                        expect_result(0, -EIO);
                }
                for (unsigned i = 0; i < 3; i++) {
                        break_it();
                        expect_resets(++resets, false);
                }
                start_all(3);
                break_it();
                expect_resets(++resets, true);
                for (unsigned i = 0; i < 3; i++)
                        expect_result(i, -ENODEV);
                assert_int_equal(wakes, answered_after > 0 ? 4 : 3);
                expect_closed();
                break_it();
                assert_int_equal(disk.block.resets, resets);
        }
}

/* It does not let go, or does not come back: what it had, what waits, partly seated or not, and what comes later fails. */
static void test_no_way_back(void **state)
{
        for (unsigned failing = 0; failing < 2; failing++) {
                setup(state);
                disk.seats = 3;
                disk.stop_error = failing == 0 ? -ETIMEDOUT : 0;
                disk.start_error = failing == 1 ? -ENODEV : 0;
                start_all(2);
                start(2, block_write(&disk.block, 20, memory, PIECES));
                start(3, block_write(&disk.block, 30, memory, 1));
                run_hooks();
                break_it();
                for (unsigned i = 0; i < 4; i++)
                        expect_result(i, -ENODEV);
                assert_int_equal(wakes, 4);
                assert_int_equal(disk.submits, 3);
                assert_int_equal(disk.starts, failing);
                expect_resets(1, true);
                if (failing == 0)
                        assert_console_has("error: disk 0: its reset does not end");
                expect_closed();
        }
}

/* Deadlines that are over before anybody can wait for them ------------------------------------------ */

/* Its timer never goes off. The batch that set it sees to it, and sets it again: the device has only now heard of it. */
static void test_deadline_in_no_time(void **state)
{
        enum { TIMEOUT = 1000 };
        struct timer_future later;

        (void)state;
        polled_setup(TIMEOUT);
        host.time_step = TIMEOUT; /* each look at the clock takes that long */
        start(0, block_read(&disk.block, 0, memory, 1));
        host.time_step = 1;
        run_hooks();
        assert_int_equal(host.timer_interrupts, 0);
        assert_int_equal(disk.looks, 0);
        later = sleep_until(timer_now() + TIMEOUT * 3 / 2);
        assert_int_equal(executor_block_on(&executor, &later.future), 0);
        assert_int_equal(disk.looks, 1);
        expect_resets(1, false);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_in_the_order_of_first_polls, setup),
                cmocka_unit_test_setup(test_however_they_are_seated, setup),
                cmocka_unit_test_setup(test_before_those_that_wait, setup),
                cmocka_unit_test_setup(test_partly_seated, setup),
                cmocka_unit_test_setup(test_partly_seated_behind_another, setup),
                cmocka_unit_test_setup(test_failed_already, setup),
                cmocka_unit_test_setup(test_cancelled, setup),
                cmocka_unit_test_setup(test_all_operations, setup),
                cmocka_unit_test_setup(test_twice, setup),
                cmocka_unit_test_setup(test_twice_while_it_waits, setup),
                cmocka_unit_test_setup(test_resets_in_vain, setup),
                cmocka_unit_test_setup(test_no_way_back, setup),
                cmocka_unit_test_setup(test_deadline_in_no_time, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
