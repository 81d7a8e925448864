/* SPDX-License-Identifier: MIT */
/* modelled.c - one model disk with its real driver. */
#include "modelled.h"

#include "testing.h"
#include "timer.h"

struct executor executor;
struct model model;
struct block_device *disk;

static void ignore_wake(struct waker *self) { (void)self; }

struct waker waker = { .wake = ignore_wake };

static bool world(void) { return model_step(&model, false); }

static void interrupt(void)
{
        host_lower();
        model_interrupt(&model);
}

static void check_sleep(void) { model_check_sleep(&model); }

void modelled_prepare(const struct model_options *options, uint64_t timeout)
{
        host_reset();
        host.time = 1000;
        host.time_step = 1;
        host.points_max = UINT64_MAX; /* a reset is waited for long */
        host.world = world;
        host.interrupt = interrupt;
        host.timer_interrupt = timer_interrupt;
        host.asleep = check_sleep;
        executor_init(&executor);
        timer_init(&executor, 1000000, true);
        block_init(&executor, timeout);
        model_make(&model, options, "model");
}

int modelled_probe(void)
{
        int error = virtio_blk_driver.probe(&model.device);

        disk = block_device(0);
        model.resets = 0;
        return error;
}

void modelled_setup(const struct model_options *options, uint64_t timeout)
{
        modelled_prepare(options, timeout);
        modelled_probe();
}

void run_hooks(void)
{
        struct yield_future yield;

        do {
                yield = yield_now();
                assert_int_equal(executor_block_on(&executor, &yield.future), 0);
        } while (executor.batch_wanted);
}

void reconfigure(void)
{
        model_reconfigure(&model);
        host_deliver();
        run_hooks();
}
