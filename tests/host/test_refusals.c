/* SPDX-License-Identifier: MIT */
/* sources: kernel/block.c kernel/executor.c kernel/future.c kernel/printk.c tests/host/fake_disk.c */
/* What the block layer refuses: each with an errno of its own, and the driver never hears of it. */
#include "testing.h"

#include <errno.h>

#include "fake_disk.h"

static struct executor executor;
static struct fake_disk disk;
static uint8_t buffer[64 * SECTOR_SIZE];

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        block_init(&executor);
        fake_disk_add(&disk, 1);
        disk.completes_in_submit = true;
        return 0;
}

#define TOP UINT64_C(0x8000000000000000)

static const struct {
        const char *what;
        uint64_t sector, capacity; /* capacity 0: 1000 */
        uint32_t sectors, block_size, max_sectors; /* 0: 512; 64 */
        bool no_buffer, read_only;
        int on_read, on_write;
} cases[] = {
        { "the first", 0, .sectors = 1 },
        { "the last", 999, .sectors = 1 },
        { "up to the last", 936, .sectors = 64 },
        { "no sectors", 0, .sectors = 0, .on_read = -EINVAL, .on_write = -EINVAL },
        { "no sectors, far beyond", UINT64_MAX, .sectors = 0, .on_read = -EINVAL, .on_write = -EINVAL },
        { "one beyond", 1000, .sectors = 1, .on_read = -ERANGE, .on_write = -ERANGE },
        { "begins within", 999, .sectors = 2, .on_read = -ERANGE, .on_write = -ERANGE },
        { "far beyond", UINT64_MAX, .sectors = 1, .on_read = -ERANGE, .on_write = -ERANGE },
        { "the sum wraps", UINT64_MAX, .sectors = 2, .on_read = -ERANGE, .on_write = -ERANGE },
        { "the sum wraps to within", UINT64_MAX - 9, .sectors = 20, .on_read = -ERANGE, .on_write = -ERANGE },
        { "no disk to speak of", 1, .capacity = 1, .sectors = 1, .on_read = -ERANGE, .on_write = -ERANGE },
        { "the bytes wrap", TOP - 1, .capacity = TOP, .sectors = 1 },
        { "beyond where the bytes wrap", TOP, .capacity = TOP, .sectors = 1, .on_read = -ERANGE, .on_write = -ERANGE },
        { "the bytes wrap, from within", TOP - 1, .capacity = TOP, .sectors = 2, .on_read = -ERANGE, .on_write = -ERANGE },
        { "the largest disk", UINT64_MAX - 1, .capacity = UINT64_MAX, .sectors = 1 },
        { "beyond the largest disk", UINT64_MAX, .capacity = UINT64_MAX, .sectors = 1, .on_read = -ERANGE,
          .on_write = -ERANGE },
        { "too many", 0, .sectors = 65, .on_read = -E2BIG, .on_write = -E2BIG },
        { "2^32 - 1", 0, .sectors = UINT32_MAX, .on_read = -E2BIG, .on_write = -E2BIG },
        { "2^32 - 1 where they are not too many", 0, .sectors = UINT32_MAX, .max_sectors = UINT32_MAX, .on_read = -ERANGE,
          .on_write = -ERANGE },
        { "no buffer", 0, .sectors = 1, .no_buffer = true, .on_read = -EFAULT, .on_write = -EFAULT },
        { "read-only", 0, .sectors = 1, .read_only = true, .on_write = -EROFS },
        { "whole large blocks", 8, .sectors = 16, .block_size = 4096 },
        { "the sector in a large block", 4, .sectors = 8, .block_size = 4096, .on_read = -EINVAL, .on_write = -EINVAL },
        { "half a large block", 8, .sectors = 4, .block_size = 4096, .on_read = -EINVAL, .on_write = -EINVAL },
        { "one sector short of a large block", 0, .sectors = 7, .block_size = 4096, .on_read = -EINVAL,
          .on_write = -EINVAL },
        { "half a block of 1024", 1, .sectors = 2, .block_size = 1024, .on_read = -EINVAL, .on_write = -EINVAL },
        { "the last large block, cut short by the capacity", 992, .capacity = 999, .sectors = 8, .block_size = 4096,
          .on_read = -ERANGE, .on_write = -ERANGE },
};

static void expect(const char *what, int found, int expected)
{
        if (found != expected)
                fail_msg("%s: %d, not %d", what, found, expected);
        if (disk.submits != (expected == 0))
                fail_msg("%s: the driver was asked %u times", what, disk.submits);
}

static void test_each_refusal(void **state)
{
        for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                void *memory = cases[i].no_buffer ? NULL : buffer;

                setup(state);
                disk.block.capacity = cases[i].capacity ? cases[i].capacity : 1000;
                disk.block.block_size = cases[i].block_size ? cases[i].block_size : 512;
                disk.block.max_sectors = cases[i].max_sectors ? cases[i].max_sectors : 64;
                disk.block.read_only = cases[i].read_only;
                expect(cases[i].what, block_read_sync(&disk.block, cases[i].sector, memory, cases[i].sectors),
                       cases[i].on_read);
                disk.submits = 0;
                expect(cases[i].what, block_write_sync(&disk.block, cases[i].sector, memory, cases[i].sectors),
                       cases[i].on_write);
                if (cases[i].on_write == 0)
                        assert_int_equal(disk.sent[0], cases[i].sector);
                assert_int_equal(host.sleeps, 0);
        }
}

/* It has no sector, no length and no buffer that could be wrong, and writes nothing that was not written. */
static void test_flush_is_never_refused(void **state)
{
        (void)state;
        disk.block.read_only = true;
        disk.block.block_size = 4096;
        disk.block.capacity = 0;
        assert_int_equal(block_flush_sync(&disk.block), 0);
        assert_int_equal(disk.submits, 1);
}

/* A refused request is over in its first poll, though no seat is free and others wait. */
static void test_refusal_does_not_wait(void **state)
{
        struct waker nobody = { .wake = NULL };
        struct block_future first = block_read(&disk.block, 0, buffer, 1), second = block_read(&disk.block, 1, buffer, 1),
                            refused = block_read(&disk.block, 1000, buffer, 1);

        (void)state;
        disk.completes_in_submit = false;
        assert_int_equal(future_poll(&first.future, &nobody), POLL_PENDING);
        assert_int_equal(future_poll(&second.future, &nobody), POLL_PENDING);
        assert_int_equal(future_poll(&refused.future, &nobody), POLL_READY);
        assert_int_equal(refused.result, -ERANGE);
        assert_int_equal(future_poll(&refused.future, &nobody), POLL_READY);
        assert_int_equal(disk.submits, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_each_refusal, setup),
                cmocka_unit_test_setup(test_flush_is_never_refused, setup),
                cmocka_unit_test_setup(test_refusal_does_not_wait, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
