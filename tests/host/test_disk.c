/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_check.c kernel/block_device.c
 * kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/modelled.c
 */
/* What a virtio disk can do, as it says: limits, ranges, its name and age, its cache, its size and its queues. */
#include "testing.h"

#include <errno.h>

#include "modelled.h"
#include "util.h"
#include "waited.h"

enum { SECTORS = 16, GUARD = 0xa5 };

static _Alignas(4096) uint8_t buffer[SECTORS * SECTOR_SIZE];
static struct block_segment segments[SECTORS];
static const struct model_options plain = { .indirect = true, .queue_size = 16 };

static void expect_contents(uint64_t sector, uint32_t sectors, unsigned version)
{
        for (uint32_t i = 0; i < sectors; i++)
                if (!model_holds(buffer + i * SECTOR_SIZE, sector + i, version))
                        fail_msg("sector %lu is not there", (unsigned long)(sector + i));
}

/* Limits ------------------------------------------------------------------------------------------- */

/* The model fails the test when a request is beyond what it offered. */
static void test_limits(void **state)
{
        static const uint32_t size_max[] = { 0, 512, 1000, 1024, 4096, UINT32_MAX }, seg_max[] = { 0, 1, 2, 3, 126 };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(size_max) * ARRAY_SIZE(seg_max) * 2; i++) {
                struct model_options options = { .queue_size = 16, .indirect = i % 2,
                                                 .size_max = size_max[i / 2 % ARRAY_SIZE(size_max)],
                                                 .seg_max = seg_max[i / 2 / ARRAY_SIZE(size_max)] };

                modelled_setup(&options, 0);
                assert_non_null(disk);
                assert_int_equal(waited(block_read(disk, 5, buffer, SECTORS)), 0);
                expect_contents(5, SECTORS, 0);
                for (unsigned j = 0; j < SECTORS; j++) {
                        model_fill(buffer + j * SECTOR_SIZE, 20 + j, 1);
                        segments[j] = (struct block_segment){ buffer + j * SECTOR_SIZE, SECTOR_SIZE };
                }
                assert_int_equal(waited(block_vectored(disk, BLOCK_WRITE, 20, segments, SECTORS)), 0);
                memset(buffer, 0, sizeof buffer);
                segments[0] = (struct block_segment){ buffer, 6 * SECTOR_SIZE };
                segments[1] = (struct block_segment){ buffer + 6 * SECTOR_SIZE, 10 * SECTOR_SIZE };
                assert_int_equal(waited(block_vectored(disk, BLOCK_READ, 20, segments, 2)), 0);
                expect_contents(20, SECTORS, 1);
        }
}

static void test_limits_that_are_none(void **state)
{
        static const struct model_options options[] = {
                { .queue_size = 16, .size_max = 511 }, { .queue_size = 16, .size_max = 1024, .block_size = 4096 },
                { .queue_size = 16, .block_size = 256 }, { .queue_size = 16, .block_size = 768 },
                { .queue_size = 16, .block_size = 4 << 20 },
        };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
                modelled_setup(&options[i], 0);
                assert_null(disk);
                assert_true(model.status & VIRTIO_STATUS_FAILED);
                assert_console_has("error: model: ");
        }
}

/* Ranges ------------------------------------------------------------------------------------------- */

static void test_ranges(void **state)
{
        struct model_options options = plain;

        (void)state;
        options.max_discard = 3;
        options.discard_segments = options.write_zeroes_segments = 1;
        options.discard_alignment = 2;
        options.max_write_zeroes = 4;
        modelled_setup(&options, 0);
        assert_int_equal(waited(block_discard(disk, 5, 8)), 0);
        assert_int_equal(waited(block_write_zeroes(disk, 20, 9, true)), 0);
        assert_int_equal(waited(block_write_zeroes(disk, 40, 1, false)), 0);

        static const struct model_seen expected[] = {
                { MODEL_DISCARD, .sector = 5, .sectors = 3 },
                { MODEL_DISCARD, .sector = 8, .sectors = 2 },
                { MODEL_DISCARD, .sector = 10, .sectors = 3 },
                { MODEL_WRITE_ZEROES, .sector = 20, .sectors = 4, .flags = 1 },
                { MODEL_WRITE_ZEROES, .sector = 24, .sectors = 4, .flags = 1 },
                { MODEL_WRITE_ZEROES, .sector = 28, .sectors = 1, .flags = 1 },
                { MODEL_WRITE_ZEROES, .sector = 40, .sectors = 1 },
        };

        assert_int_equal(model.completions, ARRAY_SIZE(expected));
        for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
                assert_int_equal(model.seen[i].type, expected[i].type);
                assert_int_equal(model.seen[i].sector, expected[i].sector);
                assert_int_equal(model.seen[i].sectors, expected[i].sectors);
                assert_int_equal(model.seen[i].flags, expected[i].flags);
        }
        assert_int_equal(model.data[12][0], 0xdd);
        assert_true(model_holds(model.data[13], 13, 0));
        assert_int_equal(model.data[28][511], 0);
        assert_true(model_holds(model.data[29], 29, 0));
}

/* Offered, and yet nothing is taken: no segment, no sector, or not a whole block of them. */
static void test_ranges_that_are_none(void **state)
{
        static const struct {
                uint32_t most, segments, block_size;
        } cases[] = { { 0, 0, 512 }, { 8, 0, 512 }, { 7, 1, 4096 } };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct model_options options = plain;

                options.max_discard = options.max_write_zeroes = cases[i].most;
                options.discard_segments = options.write_zeroes_segments = cases[i].segments;
                options.block_size = cases[i].block_size;
                modelled_setup(&options, 0);
                assert_int_equal(waited(block_discard(disk, 0, 8)), -ENOTSUP);
                assert_int_equal(waited(block_write_zeroes(disk, 0, 8, true)), -ENOTSUP);
                assert_int_equal(model.completions, 0);
        }
}

/* Its name and age --------------------------------------------------------------------------------- */

static void test_id(void **state)
{
        char id[BLOCK_ID_BYTES + 2];

        (void)state;
        modelled_setup(&plain, 0);
        memset(id, GUARD, sizeof id);
        assert_int_equal(waited(block_get_id(disk, id + 1)), 0);
        assert_memory_equal(id + 1, "twenty characters!!!", BLOCK_ID_BYTES);
        assert_int_equal((uint8_t)id[0], GUARD);
        assert_int_equal((uint8_t)id[BLOCK_ID_BYTES + 1], GUARD);
}

static void test_lifetime(void **state)
{
        struct model_options options = plain;
        struct block_lifetime lifetime;

        (void)state;
        modelled_setup(&options, 0);
        assert_int_equal(waited(block_get_lifetime(disk, &lifetime)), -ENOTSUP);
        options.lifetime = true;
        modelled_setup(&options, 0);
        assert_int_equal(waited(block_get_lifetime(disk, &lifetime)), 0);
        assert_int_equal(lifetime.pre_eol_info, 1);
        assert_int_equal(lifetime.estimate_a, 2);
        assert_int_equal(lifetime.estimate_b, 3);
}

/* The cache ---------------------------------------------------------------------------------------- */

static bool is_stable(uint64_t sector, unsigned version) { return model_holds(model.stable[sector], sector, version); }

static void write_version(uint64_t sector, unsigned version)
{
        model_fill(buffer, sector, version);
        assert_int_equal(waited(block_write(disk, sector, buffer, 1)), 0);
}

static void test_flush(void **state)
{
        struct model_options options = plain;

        (void)state;
        options.cache = true;
        options.queue_size = 4;
        modelled_setup(&options, 0);
        for (unsigned i = 0; i < 4; i++) /* each seat has had a sector, which a flush must not have */
                write_version(20 + i, 1);
        assert_true(disk->write_cache);
        assert_false(disk->write_cache_switchable);
        write_version(7, 1);
        assert_true(is_stable(7, 0));
        assert_int_equal(waited(block_flush(disk)), 0);
        assert_true(is_stable(7, 1));
        assert_int_equal(block_set_write_cache(disk, false), -ENOTSUP);

        modelled_setup(&plain, 0); /* without FLUSH there is nothing to flush, and nobody is asked */
        assert_false(disk->write_cache);
        write_version(7, 1);
        assert_true(is_stable(7, 1));
        assert_int_equal(waited(block_flush(disk)), 0);
        assert_int_equal(model.completions, 1);
}

static void test_cache_is_switched(void **state)
{
        struct model_options options = plain;

        (void)state;
        options.cache = options.switchable = true;
        modelled_setup(&options, 0);
        assert_true(disk->write_cache && disk->write_cache_switchable);
        assert_int_equal(block_set_write_cache(disk, false), 0);
        assert_false(disk->write_cache);
        write_version(7, 1);
        assert_true(is_stable(7, 1));
        block_broken(disk, "to see what is left of it"); /* a reset has it on again (5.2.5.2) */
        run_hooks();
        assert_int_equal(model.resets, 2);
        assert_false(disk->write_cache);
        assert_false(model.writeback);
        assert_int_equal(block_set_write_cache(disk, true), 0);
        assert_true(disk->write_cache && model.writeback);
        model.refuses_writeback = true;
        assert_int_equal(block_set_write_cache(disk, false), -EIO);
        assert_true(disk->write_cache);
}

/* Its size ----------------------------------------------------------------------------------------- */

static void test_capacity(void **state)
{
        struct model_options options = plain;
        struct block_future beyond, within;

        (void)state;
        options.capacity = 32;
        options.queue_size = 4;
        modelled_setup(&options, 0);
        assert_int_equal(waited(block_read(disk, 32, buffer, 1)), -ERANGE);
        model.options.capacity = 40;
        reconfigure();
        assert_int_equal(disk->capacity, 40);
        assert_console_has("40 sectors now, 32 before\n");
        assert_int_equal(waited(block_read(disk, 39, buffer, 1)), 0);
        model.options.capacity = 10;
        reconfigure();
        assert_int_equal(waited(block_read(disk, 10, buffer, 1)), -ERANGE);
        assert_int_equal(waited(block_read(disk, 9, buffer, 1)), 0);

        /* It becomes smaller under those that have a seat, and the device says so; and under those that wait. */
        struct block_future seated[4];

        for (unsigned i = 0; i < 4; i++) {
                seated[i] = block_read(disk, 8, buffer, 1);
                assert_int_equal(future_poll(&seated[i].future, &waker), POLL_PENDING);
        }
        beyond = block_read(disk, 8, buffer, 1);
        within = block_read(disk, 7, buffer, 1);
        assert_int_equal(future_poll(&beyond.future, &waker), POLL_PENDING);
        assert_int_equal(future_poll(&within.future, &waker), POLL_PENDING);
        run_hooks();
        model.options.capacity = 8;
        reconfigure();
        assert_int_equal(waited(block_flush(disk)), 0);
        assert_int_equal(block_wait(&within), 0);
        assert_int_equal(future_poll(&beyond.future, &waker), POLL_READY);
        assert_int_equal(beyond.result, -ERANGE);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(seated[i].result, -EIO);
        assert_int_equal(disk->resets, 0);
}

/* Its queues --------------------------------------------------------------------------------------- */

/* What has no room in one goes to the next; when all are full, the rest waits. */
static void test_queues(void **state)
{
        static const struct {
                uint16_t offered, used;
        } cases[] = { { 0, 1 }, { 1, 1 }, { 2, 2 }, { 7, 7 }, { 8, 8 }, { 9, 8 }, { 65535, 8 } };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                struct model_options options = plain;
                struct block_future many[4 * 8 + 3];
                unsigned queues = cases[i].used, all = 4 * queues + 3;

                (void)state;
                options.num_queues = cases[i].offered; /* 0: it has no word for it */
                options.queue_size = 4;
                modelled_setup(&options, 0);
                assert_int_equal(disk->queues, queues);
                assert_int_equal(disk->depth, 4 * queues);
                for (unsigned j = 0; j < all; j++) {
                        many[j] = block_read(disk, j % 32, buffer, 1);
                        assert_int_equal(future_poll(&many[j].future, &waker), POLL_PENDING);
                }
                run_hooks();
                for (unsigned j = 0; j < queues; j++)
                        assert_int_equal((uint16_t)(model.queues[j].ring->added - model.queues[j].used), 4);
                assert_non_null(disk->waiting);
                for (unsigned j = 0; j < all; j++)
                        assert_int_equal(block_wait(&many[j]), 0);
                for (unsigned j = 0; j < queues; j++)
                        assert_int_not_equal(model.queues[j].notifications, 0);
                assert_int_equal(model.completions, all);
        }
}

/* VIRTIO_BLK_F_MQ, and no queue (5.2.4). */
static uint32_t (*real_config_read)(struct virtio_device *device, unsigned offset, unsigned width);

static uint32_t no_queues(struct virtio_device *device, unsigned offset, unsigned width)
{
        return offset == 34 ? 0 : real_config_read(device, offset, width);
}

static void test_no_queues(void **state)
{
        struct virtio_transport transport = model_transport;
        struct model_options options = plain;

        (void)state;
        options.num_queues = 2;
        modelled_prepare(&options, 0);
        real_config_read = transport.config_read;
        transport.config_read = no_queues;
        model.device.transport = &transport;
        assert_int_equal(modelled_probe(), -ENODEV);
        assert_null(disk);
        assert_true(model.status & VIRTIO_STATUS_FAILED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_limits),
                TEST(test_limits_that_are_none),
                TEST(test_ranges),
                TEST(test_ranges_that_are_none),
                TEST(test_id),
                TEST(test_lifetime),
                TEST(test_flush),
                TEST(test_cache_is_switched),
                TEST(test_capacity),
                TEST(test_queues),
                TEST(test_no_queues),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
