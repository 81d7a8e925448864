/* SPDX-License-Identifier: MIT */
/*
 * sources: drivers/virtio_rng.c drivers/virtio.c drivers/virtqueue.c drivers/virtqueue_split.c
 * drivers/virtqueue_packed.c kernel/executor.c kernel/future.c kernel/printk.c kernel/semaphore.c
 * kernel/wait_queue.c tests/host/fake_rng.c tests/host/entropy_readers.c
 */
/* test_entropy_lies.c - a source of entropy that breaks, or never comes up: all who wait for it are told, and nobody is left waiting. */
#include "testing.h"

#include <errno.h>

#include "driver.h"
#include "entropy_readers.h"
#include "hooks.h"
#include "util.h"

static void lie_about_the_id(void)
{
        fake_rng_take(&rng);
        fake_rng_use(&rng, 1000, 1);
        fake_rng_interrupt(&rng);
}

static void run_ahead(void)
{
        fake_rng_take(&rng);
        fake_rng_use(&rng, rng.head, 1);
        fake_rng_use(&rng, rng.head, 1);
        fake_rng_interrupt(&rng);
}

static void ask_for_a_reset(void)
{
        rng.status |= VIRTIO_STATUS_NEEDS_RESET;
        fake_rng_configuration_interrupt(&rng);
}

/* With the wrong one of its two interrupts. */
static void ask_for_a_reset_in_another_way(void)
{
        rng.status |= VIRTIO_STATUS_NEEDS_RESET;
        assert_false(fake_rng_interrupt(&rng));
}

static const struct { void (*lie)(void); const char *words; } lies[] = {
        { lie_about_the_id, "a used id is not in flight" },
        { run_ahead, "used.idx is beyond what is in flight" },
        { ask_for_a_reset, "the device needs a reset" },
        { ask_for_a_reset_in_another_way, "the device needs a reset" },
};

static void expect_gone(void)
{
        assert_false(rng_may_wake());
        assert_int_equal(rng.status, VIRTIO_STATUS_FAILED);
        assert_int_equal(rng.resets, 1);
        rng.notifications = 0;
        assert_true(reader_start(0));
        reader_expect(0, -ENODEV, 0);
        run_hooks(&executor);
        fake_rng_interrupt(&rng); /* a late one */
        run_hooks(&executor);
        assert_int_equal(rng.notifications, 0);
        assert_int_equal(rng.status, VIRTIO_STATUS_FAILED);
}

/* All who wait go on, whatever they wait for and whether they were withdrawn, but none before the device has let go. */
static void test_broken(void **state)
{
        for (unsigned i = 0; i < 2 * ARRAY_SIZE(lies); i++) {
                bool withdrawn = i >= ARRAY_SIZE(lies);

                readers_setup(state);
                readers_start();
                if (withdrawn)
                        assert_false(reader_withdraw(0));
                lies[i % ARRAY_SIZE(lies)].lie();
                assert_int_equal(readers[0].wakes, 0);
                for (unsigned reader = 0; reader < READERS; reader++) {
                        assert_false(withdrawn && reader == 0 ? reader_withdraw(0) : reader_poll(reader));
                        run_hooks(&executor);
                        assert_int_equal(readers[reader].status_at_wake & VIRTIO_STATUS_DRIVER_OK, 0);
                        reader_expect(reader, -ENODEV, 0);
                }
                rng_expect_words(lies[i % ARRAY_SIZE(lies)].words);
                expect_gone();
        }
}

/* Nobody waits; the next one is told. */
static void test_broken_at_rest(void **state)
{
        (void)state;
        ask_for_a_reset();
        run_hooks(&executor);
        rng_expect_words("the device needs a reset");
        expect_gone();
}

/* One that comes between the interrupt and the batch that follows. */
static void test_comes_too_late(void **state)
{
        (void)state;
        ask_for_a_reset();
        assert_false(reader_start(1));
        run_hooks(&executor);
        reader_expect(1, -ENODEV, 0);
        assert_int_equal(rng.notifications, 0);
        expect_gone();
}

static void test_reset_does_not_end(void **state)
{
        (void)state;
        assert_false(reader_start(0));
        run_hooks(&executor);
        rng.never_resets = true;
        ask_for_a_reset();
        run_hooks(&executor);
        reader_expect(0, -ENODEV, 0);
        rng_expect_words("the device needs a reset, and its reset does not end");
}

static void test_change_of_configuration_alone(void **state)
{
        (void)state;
        assert_false(reader_start(0));
        run_hooks(&executor);
        fake_rng_configuration_interrupt(&rng);
        run_hooks(&executor);
        fake_rng_answer(&rng, 3, ROOM);
        fake_rng_configuration_interrupt(&rng); /* may say both */
        reader_expect(0, ROOM, 3);
        assert_int_equal(host.console_length, 0);
}

/* A device that is not brought up: in words, and no source of entropy; the next may be. */
static void test_probe_fails(void **state)
{
        static const struct { uint32_t queue_max; uint64_t offered; long allocations; const char *words; } cases[] = {
                { 1024, 0, -1, "a modern device that does not offer VIRTIO_F_VERSION_1" },
                { 0, VIRTIO_F_VERSION_1, -1, "the queue is missing, or in use" },
                { 1024, VIRTIO_F_VERSION_1, 0, "too little memory for its queue" },
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                host_setup(state);
                executor_init(&executor);
                entropy_init(&executor);
                fake_rng_make(&rng, "rng-a");
                rng.queue_max = cases[i].queue_max;
                rng.offered = cases[i].offered;
                host.allocations_left = cases[i].allocations;
                assert_int_equal(virtio_rng_driver.probe(&rng.device), -ENODEV);
                rng_expect_words(cases[i].words);
                assert_true(reader_start(0));
                reader_expect(0, -ENODEV, 0);
                assert_null(executor.hooks);
                host.allocations_left = -1;
                fake_rng_make(&rng, "rng-b");
                assert_int_equal(virtio_rng_driver.probe(&rng.device), 0);
                assert_false(reader_start(0));
        }
}

static void test_a_second_device(void **state)
{
        struct fake_rng other;

        (void)state;
        fake_rng_make(&other, "rng-b");
        assert_int_equal(virtio_rng_driver.probe(&other.device), -ENODEV);
        assert_string_equal(host.console, "error: rng-b: there is another source of entropy: not used\n");
        assert_int_equal(other.status, VIRTIO_STATUS_FAILED);
        assert_false(reader_start(0));
        run_hooks(&executor);
        fake_rng_answer(&rng, 1, ROOM);
        fake_rng_interrupt(&rng);
        reader_expect(0, ROOM, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_broken, readers_setup),
                cmocka_unit_test_setup(test_broken_at_rest, readers_setup),
                cmocka_unit_test_setup(test_comes_too_late, readers_setup),
                cmocka_unit_test_setup(test_reset_does_not_end, readers_setup),
                cmocka_unit_test_setup(test_change_of_configuration_alone, readers_setup),
                cmocka_unit_test_setup(test_probe_fails, readers_setup),
                cmocka_unit_test_setup(test_a_second_device, readers_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
