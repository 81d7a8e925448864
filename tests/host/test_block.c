/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_device.c kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/executor.c
 * kernel/future.c kernel/timer.c kernel/printk.c tests/host/fake_disk.c
 */
/* Requests between tasks and a driver: order, seats, results, withdrawal. */
#include "testing.h"

#include <errno.h>

#include "coro.h"
#include "fake_disk.h"

enum { READERS = 100, SEATS = 3 };

static struct executor executor;
static struct fake_disk disk, other;
static _Alignas(BLOCK_BUFFER_ALIGN) uint8_t buffer[SECTOR_SIZE];

/* Which of the disk's requests ends next, while everybody sleeps, and how. */
static unsigned (*choose)(void);
static int (*result_of)(uint64_t sector);

static unsigned choose_first(void) { return 0; }

static int all_well(uint64_t sector)
{
        (void)sector;
        return 0;
}

static bool end_one(void)
{
        if (disk.published > 0 || other.published > 0)
                host_raise();
        return disk.published > 0 || other.published > 0;
}

static void interrupt(void)
{
        struct fake_disk *busy = disk.published > 0 ? &disk : &other;
        unsigned index = choose();

        host_lower();
        fake_disk_complete(busy, index, result_of(busy->seated[index].sector));
}

static void check_sleep(void)
{
        fake_disk_check_sleep(&disk);
        fake_disk_check_sleep(&other);
}

static struct reader {
        struct future future;
        struct task task;
        struct block_device *device;
        struct block_future io;
        uint64_t sector;
        int result;
        unsigned turn;
} readers[READERS];

static unsigned turns;

static enum poll reader_poll(struct future *future, struct waker *waker)
{
        struct reader *self = container_of(future, struct reader, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->io, block_read(self->device, self->sector, buffer, 1));
        self->result = self->io.result;
        self->turn = ++turns;
        CORO_END();
}

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        block_init(&executor, 0);
        fake_disk_add(&disk, SEATS);
        fake_disk_add(&other, SEATS);
        choose = choose_first;
        result_of = all_well;
        turns = 0;
        memset(readers, 0, sizeof readers);
        host.world = end_one;
        host.interrupt = interrupt;
        host.asleep = check_sleep;
        return 0;
}

static void start(unsigned i, struct fake_disk *from)
{
        readers[i] = (struct reader){ .future.poll = reader_poll, .device = &from->block, .sector = i, .result = 1 };
        executor_spawn(&executor, &readers[i].task, &readers[i].future, "reader");
}

static void run(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                start(i, &disk);
        executor_run_until_idle(&executor);
}

static void test_more_tasks_than_seats_in_order(void **state)
{
        (void)state;
        run(READERS);
        assert_int_equal(disk.submits, READERS);
        for (unsigned i = 0; i < READERS; i++) {
                assert_int_equal(disk.sent[i], i);
                assert_int_equal(readers[i].result, 0);
                assert_int_equal(readers[i].turn, i + 1);
                assert_true(task_finished(&readers[i].task));
        }
        assert_null(disk.block.waiting);
}

static unsigned choose_last(void) { return (disk.published > 0 ? disk.published : other.published) - 1; }

static void test_out_of_order(void **state)
{
        (void)state;
        choose = choose_last;
        run(7);
        for (unsigned i = 0; i < 7; i++) {
                assert_int_equal(disk.sent[i], i); /* seats are given in order all the same */
                assert_int_equal(readers[i].result, 0);
        }
        assert_int_equal(readers[2].turn, 1);
        assert_int_equal(readers[0].turn, 7);
}

static int every_third_fails(uint64_t sector) { return sector % 3 == 0 ? sector % 2 ? -EIO : -ENOTSUP : 0; }

static void test_an_error_is_its_own_tasks(void **state)
{
        (void)state;
        result_of = every_third_fails;
        run(20);
        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(readers[i].result, every_third_fails(i));
}

static void test_driver_refuses_in_submit(void **state)
{
        (void)state;
        disk.submit_error = -ENODEV;
        run(5);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(readers[i].result, -ENODEV);
        assert_int_equal(disk.submits, 5);
        assert_int_equal(host.sleeps, 0);
}

/* Three have seats and are served; those in the FIFO meet a driver that has changed. */
static int fail_from_now_on(uint64_t sector)
{
        (void)sector;
        disk.submit_error = -ENODEV;
        return 0;
}

static void test_driver_refuses_what_waits(void **state)
{
        (void)state;
        result_of = fail_from_now_on;
        run(10);
        for (unsigned i = 0; i < 10; i++)
                assert_int_equal(readers[i].result, i < SEATS ? 0 : -ENODEV);
        assert_null(disk.block.waiting);
}

/* One that finds a free seat while others wait goes to the end of the FIFO. */
static void test_nobody_overtakes(void **state)
{
        struct waker nobody = { .wake = NULL };
        struct block_future requests[SEATS + 2];

        (void)state;
        executor_init(&executor); /* without the hook, which would give the free seat away */
        for (unsigned i = 0; i < SEATS + 2; i++) {
                requests[i] = block_read(&disk.block, i, buffer, 1);
                if (i == SEATS + 1)
                        disk.count--;
                assert_int_equal(future_poll(&requests[i].future, &nobody), POLL_PENDING);
        }
        assert_int_equal(disk.submits, SEATS);
        assert_ptr_equal(disk.block.waiting, &requests[SEATS]);
        assert_ptr_equal(disk.block.waiting->next, &requests[SEATS + 1]);
}

static void test_publishes_once_a_batch(void **state)
{
        (void)state;
        disk.seats = 8;
        run(8);
        /* The batch that submits; one after each of the eight interrupts. */
        assert_int_equal(disk.publishes, 9);
        assert_int_equal(other.publishes, 9);
        assert_int_equal(host.sleeps, 8);
}

/* A driver's interrupt that completes nothing can still have its publish called. */
static void request_batch(void)
{
        host_lower();
        host.interrupt = interrupt;
        block_request_attention(&disk.block);
}

static void test_requested_batch_publishes(void **state)
{
        (void)state;
        host.interrupt = request_batch;
        run(1);
        assert_in_range(disk.publishes, 3, 4);
        assert_int_equal(readers[0].result, 0);
}

static void test_disks_do_not_hinder_each_other(void **state)
{
        (void)state;
        disk.seats = 1;
        for (unsigned i = 0; i < 20; i++)
                start(i, i % 2 ? &other : &disk);
        executor_run_until_idle(&executor);
        for (unsigned i = 0; i < 20; i++) {
                assert_int_equal(readers[i].result, 0);
                assert_int_equal((i % 2 ? &other : &disk)->sent[i / 2], i);
        }
}

static void test_numbers_and_counts(void **state)
{
        (void)state;
        assert_int_equal(block_device_count(), 2);
        assert_ptr_equal(block_device(0), &disk.block);
        assert_ptr_equal(block_device(1), &other.block);
        assert_int_equal(other.block.number, 1);
        assert_null(block_device(2));
        assert_null(block_device(~0u));
        disk.block.resets = 2;
        other.block.resets = 3;
        assert_int_equal(block_device_resets(), 5);
        block_init(&executor, 0);
        assert_int_equal(block_device_count(), 0);
        assert_null(block_device(0));
}

static void test_report(void **state)
{
        struct waker nobody = { .wake = NULL };
        struct block_future requests[2] = { block_write(&disk.block, 42, buffer, 1), block_flush(&disk.block) };

        (void)state;
        disk.seats = 1;
        for (unsigned i = 0; i < 2; i++)
                assert_int_equal(future_poll(&requests[i].future, &nobody), POLL_PENDING);
        block_report();
        assert_string_equal(host.console, "in flight on disk 0: write of sector 42, 1 sectors\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_more_tasks_than_seats_in_order, setup),
                cmocka_unit_test_setup(test_out_of_order, setup),
                cmocka_unit_test_setup(test_an_error_is_its_own_tasks, setup),
                cmocka_unit_test_setup(test_driver_refuses_in_submit, setup),
                cmocka_unit_test_setup(test_driver_refuses_what_waits, setup),
                cmocka_unit_test_setup(test_nobody_overtakes, setup),
                cmocka_unit_test_setup(test_publishes_once_a_batch, setup),
                cmocka_unit_test_setup(test_requested_batch_publishes, setup),
                cmocka_unit_test_setup(test_disks_do_not_hinder_each_other, setup),
                cmocka_unit_test_setup(test_numbers_and_counts, setup),
                cmocka_unit_test_setup(test_report, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
