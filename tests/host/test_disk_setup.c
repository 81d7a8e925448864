/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_check.c kernel/block_device.c
 * kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/modelled.c
 */
/* What can go wrong while a virtio disk is brought up, for the first time or again; and what is printed of one. */
#include "testing.h"

#include <errno.h>

#include "modelled.h"
#include "waited.h"

enum { ALLOCATIONS = 4 /* the disk, its ring, its tables, its seats */ };

static _Alignas(BLOCK_BUFFER_ALIGN) uint8_t buffer[SECTOR_SIZE];
static const struct model_options plain = { .indirect = true, .queue_size = 16, .cache = true, .switchable = true };
static struct virtio_transport transport; /* the model's, with something that goes wrong */
static unsigned restless; /* how many times the configuration has another generation yet */

static int setup(void **state)
{
        (void)state;
        modelled_prepare(&plain, 0);
        transport = model_transport;
        model.device.transport = &transport;
        restless = 0;
        return 0;
}

static void expect_refusal(const char *why)
{
        assert_int_equal(modelled_probe(), -ENODEV);
        assert_null(disk);
        assert_true(model.status & VIRTIO_STATUS_FAILED);
        assert_console_has(why);
}

/* In a reset, it is found to be unfit. */
static void expect_retirement(const char *why)
{
        block_broken(disk, "to see how it comes back");
        run_hooks();
        assert_console_has(why);
        assert_console_has("error: disk 0 (model): it is not used any more\n");
        assert_int_equal(waited(block_read(disk, 0, buffer, 1)), -ENODEV);
}

/* What it needs ------------------------------------------------------------------------------------ */

static void test_too_little_memory(void **state)
{
        for (long left = 0; left < ALLOCATIONS; left++) {
                setup(state);
                host.allocations_left = left;
                expect_refusal("error: model: too little memory");
        }
        setup(state);
        host.allocations_left = ALLOCATIONS;
        assert_int_equal(modelled_probe(), 0);
        assert_int_equal(host.allocations_left, 0);
        block_broken(disk, "to see that it has its memory already");
        run_hooks();
        assert_int_equal(waited(block_read(disk, 0, buffer, 1)), 0);
}

static void drop_features_ok(struct virtio_device *device, uint32_t status)
{
        model_transport.set_status(device, status & ~(uint32_t)VIRTIO_STATUS_FEATURES_OK);
}

static void test_features_are_refused(void **state)
{
        (void)state;
        transport.set_status = drop_features_ok;
        expect_refusal("error: model: the device refuses the features that it offered: not used\n");
        setup(NULL);
        assert_int_equal(modelled_probe(), 0);
        transport.set_status = drop_features_ok;
        expect_retirement("error: model: the device refuses the features that it offered: not used\n");
}

/* A configuration that does not rest ----------------------------------------------------------------- */

static uint32_t next_generation(struct virtio_device *device)
{
        (void)device;
        if (restless > 0)
                restless--;
        return restless;
}

#define RESTLESS "error: model: the configuration does not stop changing: not used\n"

static void test_restless(void **state)
{
        (void)state;
        transport.config_generation = next_generation;
        restless = UINT32_MAX;
        expect_refusal(RESTLESS);
        setup(NULL);
        restless = 20;
        transport.config_generation = next_generation;
        assert_int_equal(modelled_probe(), 0);
        assert_int_equal(restless, 0);
        restless = UINT32_MAX;
        expect_retirement(RESTLESS);
}

/* For as long as one look lasts, and then no more: a reset mends it. */
static void test_restless_for_a_while(void **state)
{
        (void)state;
        transport.config_generation = next_generation;
        assert_int_equal(modelled_probe(), 0);
        model.options.capacity = 20;
        restless = 2 * 64 + 1;
        reconfigure();
        assert_console_has("warning: disk 0 (model): its configuration does not rest: it is reset\n");
        assert_int_equal(disk->resets, 1);
        assert_int_equal(disk->capacity, 20);
        assert_int_equal(waited(block_read(disk, 0, buffer, 1)), 0);

        restless = 2 * 64 + 1;
        assert_int_equal(block_set_write_cache(disk, false), -ENODEV);
        run_hooks();
        assert_int_equal(disk->resets, 2);
        assert_true(disk->write_cache && model.writeback); /* it was not switched, as far as one could know */
        assert_int_equal(waited(block_read(disk, 0, buffer, 1)), 0);
}

/* Its cache ------------------------------------------------------------------------------------------ */

static void begin_without_cache(struct model *self) { self->writeback = false; }

static void test_cache_that_is_off(void **state)
{
        (void)state;
        model.on_reset = begin_without_cache;
        assert_int_equal(modelled_probe(), 0);
        assert_true(disk->write_cache_switchable && !disk->write_cache);
        assert_int_equal(waited(block_write(disk, 3, buffer, 1)), 0);
        assert_memory_equal(model.stable[3], buffer, SECTOR_SIZE);
        assert_int_equal(block_set_write_cache(disk, true), 0);
        assert_true(model.writeback);
        block_broken(disk, "to see that it is on again");
        run_hooks();
        assert_true(disk->write_cache && model.writeback);
}

/* Whoever has switched it off believes that what is written is safe. */
static void test_cache_that_stays_on(void **state)
{
        (void)state;
        assert_int_equal(modelled_probe(), 0);
        assert_int_equal(block_set_write_cache(disk, false), 0);
        model.refuses_writeback = true;
        expect_retirement("error: model: its write cache is not as it was: not used\n");
}

/* What is printed ------------------------------------------------------------------------------------ */

static void expect_printed(void (*print)(void), const char *expected)
{
        host.console_length = 0;
        host.console[0] = '\0';
        print();
        assert_string_equal(host.console, expected);
}

static void print_rings(void) { block_print_rings(disk); }

static void test_printed(void **state)
{
        struct block_future read = block_read(disk, 0, buffer, 1);

        (void)state;
        assert_int_equal(modelled_probe(), 0);
        expect_printed(block_print, "disk 0 node=model transport=model capacity=64 block=512 ro=0 features=0x0000000110000a00 "
                                    "offered=0x0000000110000a00 queues=1 depth=16\n");
        expect_printed(block_print_limits, "limits of disk 0: write cache on (switchable), 2 segments of 4194303 sectors, "
                                           "discard 0 sectors (aligned to 0), write zeroes 0 sectors\n");
        assert_int_equal(waited(block_read(disk, 0, buffer, 1)), 0);
        read = block_read(disk, 1, buffer, 1);
        assert_int_equal(future_poll(&read.future, &waker), POLL_PENDING);
        expect_printed(print_rings, "queue 0: 16 seats, 1 taken; 2 entries added, 1 published, 1 used; not broken\n"
                                    "1 notifications, 1 interrupts\n");
        model.options.lie = MODEL_BAD_ID;
        model.options.lie_at = 2;
        disk->operations->publish(disk);
        model_step(&model, false);
        host_deliver();
        expect_printed(print_rings, "queue 0: 16 seats, 1 taken; 2 entries added, 2 published, 1 used; a used id is not in "
                                    "flight\n1 notifications, 1 interrupts\n");
}

/* The words for what another disk has, or has not. */
static void test_printed_of_another(void **state)
{
        static const struct model_options other = {
                .queue_size = 8, .num_queues = 2, .read_only = true, .lifetime = true, .size_max = 4096, .max_discard = 8,
                .discard_segments = 1, .discard_alignment = 2, .max_write_zeroes = 4, .write_zeroes_segments = 1,
        };

        (void)state;
        modelled_setup(&other, 0);
        expect_printed(block_print_limits, "limits of disk 0: write cache off, 1 segments of 8 sectors, discard 8 sectors "
                                           "(aligned to 2), write zeroes 4 sectors, lifetime\n");
        expect_printed(print_rings, "queue 0: 2 seats, 0 taken; 0 entries added, 0 published, 0 used; not broken\n"
                                    "queue 1: 2 seats, 0 taken; 0 entries added, 0 published, 0 used; not broken\n"
                                    "0 notifications, 0 interrupts\n");
        block_devices = NULL;
        expect_printed(block_print, "");
        expect_printed(block_print_limits, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_too_little_memory, setup),
                cmocka_unit_test_setup(test_features_are_refused, setup),
                cmocka_unit_test_setup(test_restless, setup),
                cmocka_unit_test_setup(test_restless_for_a_while, setup),
                cmocka_unit_test_setup(test_cache_that_is_off, setup),
                cmocka_unit_test_setup(test_cache_that_stays_on, setup),
                cmocka_unit_test_setup(test_printed, setup),
                cmocka_unit_test_setup(test_printed_of_another, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
