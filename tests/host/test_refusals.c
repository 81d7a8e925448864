/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_device.c kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/executor.c
 * kernel/future.c kernel/timer.c kernel/printk.c tests/host/fake_disk.c
 */
/* What the block layer refuses: each with an errno of its own, and the driver never hears of it. */
#include "testing.h"

#include <errno.h>

#include "fake_disk.h"
#include "util.h"
#include "waited.h"

static struct executor executor;
static struct fake_disk disk;
static _Alignas(4096) uint8_t buffer[4096];

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        block_init(&executor, 0);
        fake_disk_add(&disk, 1);
        fake_disk_serve(&disk, 0);
        fake_disk_limit(&disk, 1, UINT32_MAX / SECTOR_SIZE - 7);
        disk.block.max_discard_sectors = disk.block.max_write_zeroes_sectors = UINT32_MAX - 7;
        disk.block.has_lifetime = true;
        return 0;
}

static void expect(const char *what, const char *call, int found, int expected)
{
        if (found != expected)
                fail_msg("%s: %s: %d, not %d", what, call, found, expected);
        if (expected != 0 && (disk.submits != 0 || host.sleeps != 0))
                fail_msg("%s: %s: the driver was asked", what, call);
        if (expected == 0 && disk.submits != 1)
                fail_msg("%s: %s: the driver was asked %u times", what, call, disk.submits);
        host.sleeps = disk.submits = 0;
}

/* Ranges: the same for all that have one. */

#define TOP UINT64_C(0x8000000000000000)

static const struct {
        const char *what;
        uint64_t sector, capacity; /* capacity 0: 1000 */
        uint32_t sectors, block_size; /* 0: 512 */
        int expected;
} ranges[] = {
        { "the first", 0, .sectors = 1 },
        { "the last", 999, .sectors = 1 },
        { "up to the last", 936, .sectors = 64 },
        { "all of it", 0, .sectors = 1000 },
        { "no sectors", 0, .sectors = 0, .expected = -EINVAL },
        { "no sectors, far beyond", UINT64_MAX, .sectors = 0, .expected = -EINVAL },
        { "one beyond", 1000, .sectors = 1, .expected = -ERANGE },
        { "begins within", 999, .sectors = 2, .expected = -ERANGE },
        { "far beyond", UINT64_MAX, .sectors = 1, .expected = -ERANGE },
        { "the sum wraps", UINT64_MAX, .sectors = 2, .expected = -ERANGE },
        { "the sum wraps to within", UINT64_MAX - 9, .sectors = 20, .expected = -ERANGE },
        { "more than there is", 0, .sectors = 1001, .expected = -ERANGE },
        { "2^32 - 1", 0, .sectors = UINT32_MAX, .expected = -ERANGE },
        { "no disk to speak of", 1, .capacity = 1, .sectors = 1, .expected = -ERANGE },
        { "the bytes wrap", TOP - 1, .capacity = TOP, .sectors = 1 },
        { "beyond where the bytes wrap", TOP, .capacity = TOP, .sectors = 1, .expected = -ERANGE },
        { "the bytes wrap, from within", TOP - 1, .capacity = TOP, .sectors = 2, .expected = -ERANGE },
        { "the largest disk", UINT64_MAX - 1, .capacity = UINT64_MAX, .sectors = 1 },
        { "beyond the largest disk", UINT64_MAX, .capacity = UINT64_MAX, .sectors = 1, .expected = -ERANGE },
        { "whole large blocks", 8, .sectors = 16, .block_size = 4096 },
        { "the sector in a large block", 4, .sectors = 8, .block_size = 4096, .expected = -EINVAL },
        { "half a large block", 8, .sectors = 4, .block_size = 4096, .expected = -EINVAL },
        { "one sector short of a large block", 0, .sectors = 7, .block_size = 4096, .expected = -EINVAL },
        { "half a block of 1024", 1, .sectors = 2, .block_size = 1024, .expected = -EINVAL },
        { "the last large block, cut short by the capacity", 992, .capacity = 999, .sectors = 8, .block_size = 4096,
          .expected = -ERANGE },
};

static void test_ranges(void **state)
{
        for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
                struct block_device *block = &disk.block;
                uint64_t sector = ranges[i].sector;
                uint32_t sectors = ranges[i].sectors;
                int expected = ranges[i].expected, on_change = expected;

                for (unsigned read_only = 0; read_only < 2; read_only++) {
                        setup(state);
                        block->capacity = ranges[i].capacity ?: 1000;
                        block->block_size = ranges[i].block_size ?: SECTOR_SIZE;
                        block->read_only = read_only;
                        if (read_only && expected == 0)
                                on_change = -EROFS;
                        expect(ranges[i].what, "read", waited(block_read(block, sector, buffer, sectors)), expected);
                        expect(ranges[i].what, "write", waited(block_write(block, sector, buffer, sectors)), on_change);
                        expect(ranges[i].what, "discard", waited(block_discard(block, sector, sectors)), on_change);
                        expect(ranges[i].what, "write zeroes", waited(block_write_zeroes(block, sector, sectors, true)),
                               on_change);
                        expect(ranges[i].what, "write zeroes", waited(block_write_zeroes(block, sector, sectors, false)),
                               on_change);
                }
        }
}

/* Buffers. */

static void test_buffers(void **state)
{
        (void)state;
        for (unsigned offset = 0; offset < 8; offset++) {
                int expected = offset % BLOCK_BUFFER_ALIGN ? -EFAULT : 0;

                expect("unaligned", "read", waited(block_read(&disk.block, 0, buffer + offset, 1)), expected);
                expect("unaligned", "write", waited(block_write(&disk.block, 0, buffer + offset, 1)), expected);
                /* Its unit is the byte. */
                expect("unaligned", "get id", waited(block_get_id(&disk.block, (char *)buffer + offset)), 0);
        }
        fake_disk_limit(&disk, 1, 64);
        expect("no buffer for several pieces", "read", waited(block_read(&disk.block, 0, NULL, 65)), -EFAULT);
        expect("unaligned, in several pieces", "write", waited(block_write(&disk.block, 0, buffer + 1, 65)), -EFAULT);
        expect("no buffer", "read", waited(block_read(&disk.block, 0, NULL, 1)), -EFAULT);
        expect("no buffer", "write", waited(block_write(&disk.block, 0, NULL, 1)), -EFAULT);
        expect("no buffer", "get id", waited(block_get_id(&disk.block, NULL)), -EFAULT);
        expect("no buffer", "get lifetime", waited(block_get_lifetime(&disk.block, NULL)), -EFAULT);
}

static void test_no_device(void **state)
{
        static struct block_segment segment = { .address = buffer, .bytes = SECTOR_SIZE };
        struct block_lifetime lifetime;

        (void)state;
        expect("no device", "read", waited(block_read(NULL, 0, buffer, 1)), -EFAULT);
        expect("no device", "write", waited(block_write(NULL, 0, buffer, 1)), -EFAULT);
        expect("no device", "readv", waited(block_vectored(NULL, BLOCK_READ, 0, &segment, 1)), -EFAULT);
        expect("no device", "writev", waited(block_vectored(NULL, BLOCK_WRITE, 0, &segment, 1)), -EFAULT);
        expect("no device", "flush", waited(block_flush(NULL)), -EFAULT);
        expect("no device", "discard", waited(block_discard(NULL, 0, 1)), -EFAULT);
        expect("no device", "write zeroes", waited(block_write_zeroes(NULL, 0, 1, false)), -EFAULT);
        expect("no device", "get id", waited(block_get_id(NULL, (char *)buffer)), -EFAULT);
        expect("no device", "get lifetime", waited(block_get_lifetime(NULL, &lifetime)), -EFAULT);
}

/* Segments. */

static struct block_segment segments[BLOCK_SEGMENTS_MAX + 1];

static const struct {
        const char *what;
        uint64_t sector;
        uint16_t count;
        uint32_t block_size; /* 0: 512 */
        uint32_t bad, bytes;        /* which of them is another, and what it is: of `bytes` bytes */
        unsigned offset;
        bool no_address;
        int expected;
} vectors[] = {
        { "one", 999, .count = 1 },
        { "one beyond", 1000, .count = 1, .expected = -ERANGE },
        { "three, up to the last", 997, .count = 3 },
        { "three that begin within", 998, .count = 3, .expected = -ERANGE },
        { "three that begin far beyond", UINT64_MAX - 1, .count = 3, .expected = -ERANGE },
        { "as many as there may be", 0, .count = BLOCK_SEGMENTS_MAX, .expected = -ERANGE },
        { "too many", 0, .count = BLOCK_SEGMENTS_MAX + 1, .expected = -E2BIG },
        { "far too many", 0, .count = UINT16_MAX, .expected = -E2BIG },
        { "none", 0, .count = 0, .expected = -EINVAL },
        { "an empty one", 0, .count = 3, .bad = 1, .bytes = 0, .expected = -EINVAL },
        { "the last is empty", 0, .count = 3, .bad = 2, .bytes = 0, .expected = -EINVAL },
        { "half a sector", 0, .count = 3, .bad = 0, .bytes = 256, .expected = -EINVAL },
        { "half a block", 0, .count = 3, .block_size = 1024, .bad = 2, .bytes = 512, .expected = -EINVAL },
        { "whole blocks", 8, .count = 3, .block_size = 1024, .bad = 2, .bytes = 2048 },
        { "the sector in a block", 7, .count = 3, .block_size = 1024, .bad = 2, .bytes = 2048, .expected = -EINVAL },
        { "one without an address", 0, .count = 3, .bad = 1, .bytes = 512, .no_address = true, .expected = -EFAULT },
        { "one unaligned by 1", 0, .count = 3, .bad = 2, .bytes = 512, .offset = 1, .expected = -EFAULT },
        { "one unaligned by 2", 0, .count = 3, .bad = 0, .bytes = 512, .offset = 2, .expected = -EFAULT },
        { "one aligned enough", 0, .count = 3, .bad = 1, .bytes = 512, .offset = 4 },
};

static void test_segments(void **state)
{
        for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
                uint32_t block_size = vectors[i].block_size ?: SECTOR_SIZE;
                uint16_t count = vectors[i].count;
                uint64_t sector = vectors[i].sector;

                setup(state);
                disk.block.block_size = block_size;
                fake_disk_limit(&disk, FAKE_SEGMENTS_MAX, 64);
                for (unsigned j = 0; j < ARRAY_SIZE(segments); j++)
                        segments[j] = (struct block_segment){ .address = buffer, .bytes = block_size };
                if (vectors[i].bytes != 0 || vectors[i].expected == -EINVAL)
                        segments[vectors[i].bad] = (struct block_segment){
                                .address = vectors[i].no_address ? NULL : buffer + vectors[i].offset,
                                .bytes = vectors[i].bytes,
                        };
                expect(vectors[i].what, "readv", waited(block_vectored(&disk.block, BLOCK_READ, sector, segments, count)),
                       vectors[i].expected);
                expect(vectors[i].what, "writev", waited(block_vectored(&disk.block, BLOCK_WRITE, sector, segments, count)),
                       vectors[i].expected);
                disk.block.read_only = true;
                expect(vectors[i].what, "writev, read-only", waited(block_vectored(&disk.block, BLOCK_WRITE, sector, segments, count)),
                       vectors[i].expected ?: -EROFS);
        }
        expect("no array", "readv", waited(block_vectored(&disk.block, BLOCK_READ, 0, NULL, 1)), -EFAULT);
        expect("no array", "writev", waited(block_vectored(&disk.block, BLOCK_WRITE, 0, NULL, 1)), -EFAULT);
}

/* 1024 segments of 4 GiB less a sector are more sectors than 32 bits hold. */
static void test_sum_of_segments_wraps(void **state)
{
        (void)state;
        disk.block.capacity = UINT64_MAX;
        for (unsigned i = 0; i < BLOCK_SEGMENTS_MAX; i++)
                segments[i] = (struct block_segment){ .address = buffer, .bytes = UINT32_MAX - 511 };
        expect("2^33 sectors", "readv", waited(block_vectored(&disk.block, BLOCK_READ, 0, segments, BLOCK_SEGMENTS_MAX)), -E2BIG);
        expect("2^33 sectors", "writev", waited(block_vectored(&disk.block, BLOCK_WRITE, 0, segments, BLOCK_SEGMENTS_MAX)), -E2BIG);
}

/* What not every disk can do. */
static void test_unsupported(void **state)
{
        struct block_lifetime lifetime;

        (void)state;
        expect("offered", "get lifetime", waited(block_get_lifetime(&disk.block, &lifetime)), 0);
        disk.block.max_discard_sectors = disk.block.max_write_zeroes_sectors = 0;
        disk.block.has_lifetime = false;
        expect("not offered", "discard", waited(block_discard(&disk.block, 0, 1)), -ENOTSUP);
        expect("not offered", "write zeroes", waited(block_write_zeroes(&disk.block, 0, 1, true)), -ENOTSUP);
        expect("not offered", "get lifetime", waited(block_get_lifetime(&disk.block, &lifetime)), -ENOTSUP);
        assert_int_equal(block_set_write_cache(&disk.block, true), -ENOTSUP);
        assert_int_equal(block_set_write_cache(&disk.block, false), -ENOTSUP);
}

/* It has no sector, no length and no buffer that could be wrong, and writes nothing that was not written. */
static void test_flush_is_never_refused(void **state)
{
        (void)state;
        disk.block.read_only = true;
        disk.block.block_size = 4096;
        disk.block.capacity = 0;
        expect("whatever it is", "flush", waited(block_flush(&disk.block)), 0);
        expect("whatever it is", "get id", waited(block_get_id(&disk.block, (char *)buffer)), 0);
}

/* A refused request is over in its first poll, though no seat is free and others wait. */
static void test_refusal_does_not_wait(void **state)
{
        struct waker nobody = { .wake = NULL };
        struct block_future first = block_read(&disk.block, 0, buffer, 1), second = block_read(&disk.block, 1, buffer, 1),
                            refused = block_read(&disk.block, 1000, buffer, 1);

        (void)state;
        assert_int_equal(future_poll(&first.future, &nobody), POLL_PENDING);
        assert_int_equal(future_poll(&second.future, &nobody), POLL_PENDING);
        assert_int_equal(future_poll(&refused.future, &nobody), POLL_READY);
        assert_int_equal(refused.result, -ERANGE);
        assert_int_equal(future_poll(&refused.future, &nobody), POLL_READY);
        assert_int_equal(disk.submits, 1);
}

/* Never awaited, it says so. */
static void test_not_awaited(void **state)
{
        (void)state;
        assert_int_equal(block_read(&disk.block, 0, buffer, 1).result, -EINPROGRESS);
        assert_int_equal(block_vectored(&disk.block, BLOCK_WRITE, 0, segments, 1).result, -EINPROGRESS);
        assert_int_equal(block_flush(&disk.block).result, -EINPROGRESS);
        assert_int_equal(block_discard(&disk.block, 0, 1).result, -EINPROGRESS);
        assert_int_equal(block_write_zeroes(&disk.block, 0, 1, true).result, -EINPROGRESS);
        assert_int_equal(block_get_id(&disk.block, (char *)buffer).result, -EINPROGRESS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_ranges, setup),
                cmocka_unit_test_setup(test_buffers, setup),
                cmocka_unit_test_setup(test_no_device, setup),
                cmocka_unit_test_setup(test_segments, setup),
                cmocka_unit_test_setup(test_sum_of_segments_wraps, setup),
                cmocka_unit_test_setup(test_unsupported, setup),
                cmocka_unit_test_setup(test_flush_is_never_refused, setup),
                cmocka_unit_test_setup(test_refusal_does_not_wait, setup),
                cmocka_unit_test_setup(test_not_awaited, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
