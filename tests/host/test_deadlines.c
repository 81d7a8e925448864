/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_device.c kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/executor.c
 * kernel/future.c kernel/timer.c kernel/printk.c tests/host/fake_disk.c tests/host/polled.c
 */
/* Requests that are overdue: a lost interrupt is made up for, a device that is stuck is reset, and nobody else is hindered. */
#include "testing.h"

#include <errno.h>

#include "coro.h"
#include "polled.h"
#include "timer.h"

enum { TIMEOUT = 10000, SLACK = 1000, PIECES = 4 };

static int setup(void **state)
{
        (void)state;
        polled_setup(TIMEOUT);
        return 0;
}

static void pass_time(uint64_t ticks)
{
        struct timer_future timer = sleep_until(timer_now() + ticks);

        assert_int_equal(executor_block_on(&executor, &timer.future), 0);
        run_hooks();
}

static void expect_lost_interrupts(const char *what)
{
        if (what)
                assert_console_has(what);
        else
                assert_string_equal(host.console, "");
}

/* In time ------------------------------------------------------------------------------------------- */

/* No look, no word, and no timer that goes on when nothing is in flight. */
static void test_in_time(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 20; i++) {
                start(0, block_read(&disk.block, i, memory, 1));
                run_hooks();
                pass_time(TIMEOUT * 9 / 10);
                fake_disk_complete(&disk, 0, 0);
                expect_result(0, 0);
        }
        pass_time(2 * TIMEOUT);
        assert_int_equal(disk.looks, 0);
        expect_resets(0, false);
        expect_lost_interrupts(NULL);
        host.timer_interrupts = 0;
        pass_time(100 * TIMEOUT);
        assert_int_equal(host.timer_interrupts, 1);
}

/* Each has its own deadline, though there is one timer: a later one is not overdue with an earlier one. */
static void test_each_has_its_own(void **state)
{
        (void)state;
        start(0, block_read(&disk.block, 0, memory, 1));
        run_hooks();
        pass_time(TIMEOUT / 2);
        start(1, block_read(&disk.block, 10, memory, 1));
        run_hooks();
        fake_disk_complete(&disk, 0, 0);
        pass_time(TIMEOUT * 3 / 4); /* the first one's would be over */
        expect_resets(0, false);
        assert_int_equal(disk.looks, 0);
        pass_time(TIMEOUT / 4 + SLACK);
        expect_resets(1, false);
        assert_console_has("warning: disk 0 (fake): a request is overdue: it is reset\n");
}

/* What waits for a seat is not overdue: its time begins with its seat. */
static void test_waiting_is_not_overdue(void **state)
{
        (void)state;
        disk.seats = 1;
        start_all(3);
        for (unsigned i = 0; i < 3; i++) {
                pass_time(TIMEOUT * 9 / 10);
                fake_disk_complete(&disk, 0, 0);
                run_hooks();
                expect_result(i, 0);
        }
        expect_resets(0, false);
        assert_int_equal(disk.looks, 0);
}

/* The device hears of a request at the end of a batch, however long that has taken, and also if it has filled the ring. */
static void test_long_batch(void **state)
{
        for (unsigned seats = 1; seats <= 2; seats++) {
                setup(state);
                disk.seats = seats;
                start(0, block_read(&disk.block, 0, memory, 1));
                start(1, block_read(&disk.block, 10, memory, 1));
                host.time += 2 * TIMEOUT;
                pass_time(1);
                expect_resets(0, false);
                pass_time(TIMEOUT + SLACK);
                expect_resets(1, false);
        }
}

static void test_no_timeout(void **state)
{
        (void)state;
        polled_setup(0);
        start_all(2);
        assert_int_equal(host.timer_deadline, UINT64_MAX);
        pass_time(UINT64_MAX / 2);
        expect_resets(0, false);
        assert_int_equal(disk.looks, 0);
        fake_disk_complete(&disk, 0, 0);
        fake_disk_complete(&disk, 0, 0);
        expect_result(0, 0);
        expect_result(1, 0);
}

/* The sum of it and the time must not wrap to what is past. */
static void test_timeout_without_end(void **state)
{
        static const uint64_t timeouts[] = { UINT64_MAX, UINT64_MAX - 500, UINT64_MAX / 2 + 1 };

        (void)state;
        for (unsigned i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
                polled_setup(timeouts[i]);
                host.points_max = 10000;
                start_all(1);
                pass_time(1000000);
                assert_int_equal(disk.looks, 0);
                fake_disk_complete(&disk, 0, 0);
                expect_result(0, 0);
        }
}

/* However many get their seats in one tick. */
static void test_clock_that_is_ahead(void **state)
{
        (void)state;
        host.time_step = 0;
        start(1, block_read(&disk.block, 0, memory, 1));
        run_hooks();
        fake_disk_complete(&disk, 0, 0);
        host.time += TIMEOUT - 2;
        start(2, block_read(&disk.block, 20, memory, 1));
        start(3, block_read(&disk.block, 30, memory, 1));
        start(4, block_read(&disk.block, 40, memory, 1));
        start(5, block_read(&disk.block, 50, memory, 1));
        run_hooks();
        for (unsigned i = 0; i < 3; i++)
                fake_disk_complete(&disk, 0, 0);
        host.time += 2;
        block_request_attention(&disk.block);
        executor_request_batch(&executor);
        timer_interrupt();
        run_hooks();
        assert_int_equal(disk.looks, 0);
        expect_resets(0, false);
}

/* Interrupts that get lost ---------------------------------------------------------------------------- */

static void test_lost_interrupt(void **state)
{
        for (unsigned lost = 1; lost <= 3; lost++) {
                polled_setup(TIMEOUT);
                (void)state;
                start_all(3);
                disk.silent = lost;
                pass_time(TIMEOUT / 2);
                assert_int_equal(wakes, 0);
                if (lost < 3) /* those that are not lost come in time */
                        fake_disk_complete(&disk, 2, 0);
                if (lost < 2)
                        fake_disk_complete(&disk, 1, 0);
                pass_time(TIMEOUT / 2 + SLACK);
                for (unsigned i = 0; i < 3; i++)
                        expect_result(i, 0);
                assert_int_equal(wakes, 3);
                assert_int_equal(disk.submits, 3);
                expect_resets(0, false);
                expect_lost_interrupts("warning: disk 0 (fake): an interrupt was lost");
        }
}

/* As often as you like. */
static void test_every_interrupt_is_lost(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 10; i++) {
                start(0, block_read(&disk.block, i, memory, 1));
                run_hooks();
                disk.silent = 1;
                pass_time(TIMEOUT + SLACK);
                expect_result(0, 0);
        }
        expect_resets(0, false);
}

/* The seats that are found to be free go to who waits. */
static void test_lost_interrupt_while_others_wait(void **state)
{
        (void)state;
        disk.seats = 1;
        start_all(2);
        disk.silent = 1;
        pass_time(TIMEOUT + SLACK);
        expect_result(0, 0);
        assert_int_equal(disk.seated[0].sector, 10);
        assert_int_equal(disk.published, 1);
}

/* Stuck ----------------------------------------------------------------------------------------------- */

static void test_stuck(void **state)
{
        uint64_t began;

        (void)state;
        start_all(2);
        began = host.time;
        while (disk.block.resets == 0)
                pass_time(TIMEOUT / 20);
        assert_in_range(host.time - began, TIMEOUT - SLACK, TIMEOUT + SLACK);
        assert_int_equal(disk.looks, 1);
        assert_int_equal(disk.sent[2], 0);
        assert_int_equal(disk.sent[3], 10);
        fake_disk_complete(&disk, 1, 0);
        expect_result(1, 0);
        began = host.time;
        while (disk.block.resets == 1)
                pass_time(TIMEOUT / 20);
        assert_in_range(host.time - began, TIMEOUT - SLACK, TIMEOUT + SLACK);
        expect_result(0, -ETIMEDOUT);
        assert_int_equal(disk.submits, 4);
        pass_time(5 * TIMEOUT);
        expect_resets(2, false);
        assert_int_equal(wakes, 2);
}

/* One of them answers, the other does not: the first is not sent again. Of an answer that comes with the deadline nothing is lost. */
static void test_one_is_stuck(void **state)
{
        (void)state;
        start_all(3);
        disk.silent = 1;
        pass_time(TIMEOUT + SLACK);
        expect_result(0, 0);
        expect_resets(1, false);
        assert_int_equal(disk.count, 2);
        assert_int_equal(disk.sent[3], 10);
}

/* Nothing it is given is ever answered. */
static void test_given_up(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 4; i++) {
                start(i, block_read(&disk.block, 10 * i, memory, 1));
                run_hooks();
                pass_time(TIMEOUT + SLACK);
        }
        expect_resets(4, true);
        expect_result(0, -ETIMEDOUT);
        expect_result(1, -ETIMEDOUT);
        expect_result(2, -ETIMEDOUT);
        expect_result(3, -ENODEV);
        pass_time(10 * TIMEOUT);
        expect_resets(4, true);
        expect_closed();
}

/* The other disk is served all the time, and its batches keep nobody's deadline from coming. */
static void expect_reset_while_another_is_busy(void)
{
        unsigned served = 0;

        while (disk.block.resets == 0 && served < 60) {
                start(5, block_read(&other.block, 0, memory, 1));
                run_hooks();
                pass_time(TIMEOUT / 20);
                fake_disk_complete(&other, 0, 0);
                expect_result(5, 0);
                served++;
        }
        assert_in_range(served, 15, 30);
        expect_resets(1, false);
        assert_int_equal(other.looks, 0);
}

static void test_another_disk_is_busy(void **state)
{
        (void)state;
        start_all(2);
        expect_reset_while_another_is_busy();
}

/* The only one that the disk has waits for more seats, in vain: it has waited from its last piece on. */
static void test_stuck_with_a_part(void **state)
{
        (void)state;
        disk.seats = 2;
        start(0, block_read(&disk.block, 0, memory, PIECES));
        run_hooks();
        expect_reset_while_another_is_busy();
        assert_int_equal(disk.sent[2], 0);
        for (unsigned i = 0; i < PIECES; i++) {
                fake_disk_complete(&disk, 0, 0);
                run_hooks();
        }
        expect_result(0, 0);
}

/* Each piece has its time: a large request is not overdue as a whole. */
static void test_pieces_have_time_each(void **state)
{
        (void)state;
        disk.seats = 1;
        start(0, block_read(&disk.block, 0, memory, PIECES));
        for (unsigned i = 0; i < PIECES; i++) {
                run_hooks();
                pass_time(TIMEOUT * 9 / 10);
                fake_disk_complete(&disk, 0, 0);
        }
        expect_result(0, 0);
        expect_resets(0, false);
        assert_int_equal(disk.looks, 0);
}

/* Deadlocks ------------------------------------------------------------------------------------------- */

/* A task that nobody will ever wake, once its request is done. */
static struct sad {
        struct future future;
        struct task task;
        struct block_future io;
} sad;

static enum poll sad_poll(struct future *future, struct waker *wake_me)
{
        struct sad *self = container_of(future, struct sad, future);

        CORO_BEGIN(self, wake_me);
        AWAIT(self->io, block_read(&disk.block, 0, memory, 1));
        CORO_SUSPEND();
        CORO_END();
}

/* The disk's timer was the last that could have woken anybody: when it has gone off in vain, that is told. */
static void test_deadlock_is_told(void **state)
{
        (void)state;
        sad = (struct sad){ .future.poll = sad_poll };
        fake_disk_serve(&disk, 0);
        executor_spawn(&executor, &sad.task, &sad.future, "sad");
        assert_int_equal(executor_run_until_idle(&executor), -EDEADLK);
        assert_console_has("deadlock: nothing can ever wake one of these tasks\ntask sad:\n");
        assert_true(host.time < 1000 + TIMEOUT + SLACK);
        expect_resets(0, false);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_in_time, setup),
                cmocka_unit_test_setup(test_each_has_its_own, setup),
                cmocka_unit_test_setup(test_waiting_is_not_overdue, setup),
                cmocka_unit_test_setup(test_long_batch, setup),
                cmocka_unit_test_setup(test_no_timeout, setup),
                cmocka_unit_test_setup(test_timeout_without_end, setup),
                cmocka_unit_test_setup(test_clock_that_is_ahead, setup),
                cmocka_unit_test_setup(test_lost_interrupt, setup),
                cmocka_unit_test_setup(test_every_interrupt_is_lost, setup),
                cmocka_unit_test_setup(test_lost_interrupt_while_others_wait, setup),
                cmocka_unit_test_setup(test_stuck, setup),
                cmocka_unit_test_setup(test_one_is_stuck, setup),
                cmocka_unit_test_setup(test_given_up, setup),
                cmocka_unit_test_setup(test_another_disk_is_busy, setup),
                cmocka_unit_test_setup(test_stuck_with_a_part, setup),
                cmocka_unit_test_setup(test_pieces_have_time_each, setup),
                cmocka_unit_test_setup(test_deadlock_is_told, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
