/* SPDX-License-Identifier: MIT */
/* polled.c - requests to a fake disk, polled by hand, by no task. */
#include "polled.h"

#include <errno.h>

#include "testing.h"
#include "timer.h"
#include "waited.h"

struct executor executor;
struct fake_disk disk, other;
struct block_future requests[POLLED_MAX];
unsigned wakes;
_Alignas(BLOCK_BUFFER_ALIGN) uint8_t memory[8 * SECTOR_SIZE];

static void count_wake(struct waker *self)
{
        (void)self;
        wakes++;
}

struct waker waker = { .wake = count_wake };

void polled_setup(uint64_t timeout)
{
        host_reset();
        host.time = 1000;
        host.time_step = 8; /* so that a batch of a few requests is over in less */
        host.timer_interrupt = timer_interrupt;
        executor_init(&executor);
        timer_init(&executor, 1000000, true);
        block_init(&executor, timeout);
        fake_disk_add(&disk, POLLED_MAX);
        fake_disk_add(&other, 1);
        fake_disk_limit(&disk, 1, 1);
        wakes = 0;
}

enum poll poll_it(unsigned i) { return future_poll(&requests[i].future, &waker); }

void run_hooks(void)
{
        struct yield_future yield;

        do {
                yield = yield_now();
                assert_int_equal(executor_block_on(&executor, &yield.future), 0);
        } while (executor.batch_wanted);
}

void start(unsigned i, struct block_future request)
{
        requests[i] = request;
        assert_int_equal(poll_it(i), POLL_PENDING);
}

void start_all(unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                start(i, block_write(&disk.block, 10 * i, memory, 1));
                if (i % 2 != 0)
                        run_hooks();
        }
        run_hooks();
}

void expect_result(unsigned i, int result)
{
        assert_int_equal(poll_it(i), POLL_READY);
        assert_int_equal(requests[i].result, result);
}

void expect_resets(unsigned resets, bool retired)
{
        assert_int_equal(disk.block.resets, resets);
        assert_int_equal(block_device_resets(), resets);
        assert_int_equal(disk.stops, resets);
        if (retired)
                assert_console_has("error: disk 0 (fake): it is not used any more\n");
        else
                assert_console_lacks("not used any more");
        assert_int_equal(other.stops, 0);
}

void expect_closed(void)
{
        assert_int_equal(waited(block_read(&disk.block, 1, memory, 1)), -ENODEV);
        assert_int_equal(waited(block_write(&disk.block, 1, memory, 2)), -ENODEV);
        assert_int_equal(waited(block_flush(&disk.block)), -ENODEV);
        assert_int_equal(waited(block_get_id(&disk.block, (char *)memory)), -ENODEV);
        assert_int_equal(waited(block_read(&disk.block, 1000, memory, 1)), -ERANGE);
        assert_int_equal(block_set_write_cache(&disk.block, true), -ENOTSUP);
        fake_disk_serve(&other, 0);
        assert_int_equal(waited(block_read(&other.block, 1, memory, 1)), 0);
        block_print_rings(&disk.block);
        assert_console_has("disk 0 is not used any more\n");
}
