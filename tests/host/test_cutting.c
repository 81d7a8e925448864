/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_device.c kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/executor.c
 * kernel/future.c kernel/timer.c kernel/printk.c tests/host/fake_disk.c
 */
/* How requests are cut into what the device takes at once. */
#include "testing.h"

#include "fake_disk.h"
#include "util.h"

enum { SEGMENTS = 3, BLOCKS = 3, BYTES = SEGMENTS * (BLOCKS * 4096 + 4) };

static struct executor executor;
static struct fake_disk disk;
static _Alignas(4096) uint8_t memory[BYTES];

static void ignore_wake(struct waker *waker) { (void)waker; }

static struct waker nobody = { .wake = ignore_wake };

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        block_init(&executor, 0);
        fake_disk_add(&disk, FAKE_SEATS_MAX);
        return 0;
}

static enum poll poll_one(struct block_future *request) { return future_poll(&request->future, &nobody); }

/* What a batch without tasks does: give seats away, publish. */
static void run_hooks(void)
{
        struct yield_future yield = yield_now();

        assert_int_equal(executor_block_on(&executor, &yield.future), 0);
}

static struct block_segment segments[SEGMENTS];
static uint32_t segment_count;

/* The pieces follow each other without a gap, none is beyond the limits, and together they are the request's memory. */
static void expect_cut(uint64_t sector, uint32_t sectors)
{
        uint64_t at = sector;
        uint32_t segment = 0, offset = 0;

        for (unsigned i = 0; i < disk.count; i++) {
                const struct fake_piece *piece = &disk.seated[i];
                uint32_t bytes = 0;

                assert_int_equal(piece->sector, at);
                assert_in_range(piece->count, 1, disk.block.max_segments);
                for (unsigned j = 0; j < piece->count; j++) {
                        const struct block_segment *part = &piece->segments[j];

                        assert_in_range(part->bytes, disk.block.block_size, disk.block.max_segment_sectors * SECTOR_SIZE);
                        assert_int_equal(part->bytes % disk.block.block_size, 0);
                        assert_ptr_equal(part->address, (char *)segments[segment].address + offset);
                        offset += part->bytes;
                        bytes += part->bytes;
                        assert_true(offset <= segments[segment].bytes);
                        if (offset == segments[segment].bytes) {
                                segment++;
                                offset = 0;
                        }
                }
                assert_int_equal(piece->sectors, bytes / SECTOR_SIZE);
                at += piece->sectors;
        }
        assert_int_equal(at, sector + sectors);
        assert_int_equal(segment, segment_count);
}

/* Each piece but the last takes as much as it can, where nothing but the limits ends it. */
static void expect_no_piece_too_many(uint32_t sectors)
{
        uint32_t most = disk.block.max_segments * disk.block.max_segment_sectors;

        if (segment_count == 1)
                assert_int_equal(disk.count, (sectors + most - 1) / most);
}

static void cut_one(struct block_future request, uint32_t sectors)
{
        disk.submits = 0;
        assert_int_equal(poll_one(&request), POLL_PENDING);
        expect_cut(16, sectors);
        expect_no_piece_too_many(sectors);
        run_hooks();
        while (disk.count > 0) {
                assert_int_equal(poll_one(&request), POLL_PENDING);
                fake_disk_complete(&disk, 0, 0);
        }
        assert_int_equal(poll_one(&request), POLL_READY);
        assert_int_equal(request.result, 0);
}

/* One buffer, and every way to have three segments of up to three blocks. */
static void cut_every_shape(void)
{
        uint32_t block_size = disk.block.block_size, sectors;

        for (uint32_t blocks = 1; blocks <= 6; blocks++) {
                sectors = blocks * block_size / SECTOR_SIZE;
                segments[0] = (struct block_segment){ .address = memory, .bytes = blocks * block_size };
                segment_count = 1;
                cut_one(block_read(&disk.block, 16, memory, sectors), sectors);
                cut_one(block_write(&disk.block, 16, memory, sectors), sectors);
        }
        for (unsigned shape = 0; shape < BLOCKS * BLOCKS * BLOCKS; shape++) {
                uint8_t *place = memory;
                unsigned rest = shape;

                for (segment_count = sectors = 0; segment_count < SEGMENTS; segment_count++, rest /= BLOCKS) {
                        uint32_t bytes = (1 + rest % BLOCKS) * block_size;

                        segments[segment_count] = (struct block_segment){ .address = place, .bytes = bytes };
                        place += bytes + 4; /* not right behind it */
                        sectors += bytes / SECTOR_SIZE;
                }
                cut_one(block_vectored(&disk.block, BLOCK_READ, 16, segments, SEGMENTS), sectors);
                cut_one(block_vectored(&disk.block, BLOCK_WRITE, 16, segments, SEGMENTS), sectors);
        }
}

static void test_cut(void **state)
{
        static const uint32_t block_sizes[] = { 512, 1024, 4096 };

        for (unsigned i = 0; i < ARRAY_SIZE(block_sizes); i++)
                for (uint32_t blocks = 1; blocks <= 4; blocks++)
                        for (uint32_t most = 1; most <= FAKE_SEGMENTS_MAX; most++) {
                                setup(state);
                                host.points_max = UINT64_MAX;
                                disk.block.block_size = block_sizes[i];
                                fake_disk_limit(&disk, most, blocks * block_sizes[i] / SECTOR_SIZE);
                                cut_every_shape();
                        }
}

/* A device that takes more of a disk than 32 bits of bytes, and one that takes as good as all of it. */
static void test_cut_of_what_is_large(void **state)
{
        struct block_future request = block_read(&disk.block, 0, memory, UINT32_MAX);

        (void)state;
        disk.block.capacity = UINT64_MAX;
        fake_disk_limit(&disk, 4, UINT32_MAX / SECTOR_SIZE);
        disk.seats = FAKE_SEATS_MAX;
        assert_int_equal(poll_one(&request), POLL_PENDING);
        assert_int_equal(disk.count, FAKE_SEATS_MAX);
        for (unsigned i = 0; i < disk.count; i++) {
                assert_int_equal(disk.seated[i].sector, i * UINT64_C(4) * (UINT32_MAX / SECTOR_SIZE));
                assert_int_equal((uintptr_t)disk.seated[i].segments[0].address,
                                 (uintptr_t)memory + disk.seated[i].sector * SECTOR_SIZE);
        }
}

/* Of discards all parts but the last end where the device likes it, unless a part would be nothing. */
static void test_ranges_are_cut(void **state)
{
        for (uint32_t most = 1; most <= 9; most++)
                for (uint32_t alignment = 0; alignment <= 12; alignment++)
                        for (uint64_t sector = 20; sector < 33; sector++) {
                                struct block_future discard = block_discard(&disk.block, sector, 9),
                                                    zeroes = block_write_zeroes(&disk.block, sector, 9, true);
                                uint64_t at = sector;

                                setup(state);
                                disk.block.max_discard_sectors = disk.block.max_write_zeroes_sectors = most;
                                disk.block.discard_alignment = alignment;
                                assert_int_equal(poll_one(&discard), POLL_PENDING);
                                for (unsigned i = 0; i < disk.count; i++) {
                                        const struct fake_piece *piece = &disk.seated[i];

                                        assert_int_equal(piece->sector, at);
                                        assert_in_range(piece->sectors, 1, most);
                                        at += piece->sectors;
                                        if (i + 1 < disk.count && alignment != 0 && alignment <= most)
                                                assert_int_equal(at % alignment, 0);
                                }
                                assert_int_equal(at, sector + 9);
                                disk.count = 0;
                                assert_int_equal(poll_one(&zeroes), POLL_PENDING);
                                assert_int_equal(disk.count, (9 + most - 1) / most);
                        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_cut, setup),
                cmocka_unit_test_setup(test_cut_of_what_is_large, setup),
                cmocka_unit_test_setup(test_ranges_are_cut, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
