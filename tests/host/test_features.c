/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_check.c kernel/block_device.c
 * kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/modelled.c
 */
/* What of all that a virtio disk can offer is accepted, and what a device that knows nothing of it says. */
#include "testing.h"

#include <errno.h>

#include "modelled.h"
#include "util.h"
#include "waited.h"

/* Written down here once more, by bit: what the driver knows how to use (5.2.3, 6). Of a split ring. */
static const unsigned known_bits[] = { 1, 2, 5, 6, 9, 11, 12, 13, 14, 15, 28, 29 };

static const struct model_options everything = {
        .indirect = true, .event_idx = true, .cache = true, .queue_size = 16, .num_queues = 1, .size_max = 4096, .seg_max = 2,
        .block_size = 512, .max_discard = 8, .discard_segments = 1, .max_write_zeroes = 8, .write_zeroes_segments = 1,
        .switchable = true, .lifetime = true, .read_only = true,
};

static _Alignas(4096) uint8_t buffer[SECTOR_SIZE];

static uint64_t known(void)
{
        uint64_t features = 0;

        for (unsigned i = 0; i < ARRAY_SIZE(known_bits); i++)
                features |= UINT64_C(1) << known_bits[i];
        return features;
}

/* The model fails the test when anything strange is accepted. */
static void offer(uint64_t strange, bool legacy, uint64_t accepted)
{
        struct model_options options = everything;

        options.strange = strange;
        options.legacy = legacy;
        modelled_setup(&options, 0);
        assert_non_null(disk);
        assert_int_equal(disk->features, accepted);
        assert_int_equal(disk->offered, accepted | strange);
        assert_int_equal(waited(block_read(disk, 9, buffer, 1)), 0);
        assert_true(model_holds(buffer, 9, 0));
}

/* A list of what is accepted, not of what is not: most of 64 bits are unknown, reserved, or not for this transport (2.2.1). */
static void test_all_is_offered(void **state)
{
        (void)state;
        offer(UINT64_MAX, false, known() | VIRTIO_F_VERSION_1);
        for (unsigned bit = 0; bit < 64; bit++)
                offer(UINT64_C(1) << bit & ~known(), false, known() | VIRTIO_F_VERSION_1);
}

/* Neither BARRIER nor SCSI, bits 0 and 7, which only a legacy device has (5.2.6.3). */
static void test_all_is_offered_legacy(void **state)
{
        (void)state;
        offer(UINT32_MAX, true, known());
}

/* CONFIG_WCE means nothing without FLUSH: there is no cache that anybody could switch, or flush. */
static void test_switchable_without_a_cache(void **state)
{
        const struct model_options options = { .indirect = true, .queue_size = 16, .switchable = true };

        (void)state;
        modelled_setup(&options, 0);
        assert_false(disk->write_cache || disk->write_cache_switchable);
        assert_int_equal(block_set_write_cache(disk, true), -ENOTSUP);
        assert_int_equal(waited(block_flush(disk)), 0);
        assert_int_equal(model.completions, 0);
}

static void test_knows_nothing(void **state)
{
        struct model_options options = everything;
        struct block_lifetime lifetime;
        char id[BLOCK_ID_BYTES];

        (void)state;
        options.read_only = false;
        modelled_setup(&options, 0);
        model.knows_nothing = true;
        assert_int_equal(waited(block_read(disk, 9, buffer, 1)), -ENOTSUP);
        assert_int_equal(waited(block_write(disk, 9, buffer, 1)), -ENOTSUP);
        assert_int_equal(waited(block_flush(disk)), -ENOTSUP);
        assert_int_equal(waited(block_discard(disk, 9, 1)), -ENOTSUP);
        assert_int_equal(waited(block_write_zeroes(disk, 9, 1, false)), -ENOTSUP);
        assert_int_equal(waited(block_get_id(disk, id)), -ENOTSUP);
        assert_int_equal(waited(block_get_lifetime(disk, &lifetime)), -ENOTSUP);
        assert_int_equal(model.completions, 7);
        assert_int_equal(disk->resets, 0);
        model.knows_nothing = false;
        assert_int_equal(waited(block_read(disk, 9, buffer, 1)), 0);
        assert_true(model_holds(buffer, 9, 0));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_all_is_offered),
                TEST(test_all_is_offered_legacy),
                TEST(test_switchable_without_a_cache),
                TEST(test_knows_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
