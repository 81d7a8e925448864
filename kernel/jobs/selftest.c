/* SPDX-License-Identifier: MIT */
/*
 * selftest.c - job=selftest: what the block layer promises, asked of the disk that is there. Its lines are KTAP.
 *
 * The tests use the first blocks of the span, and put back what was in them.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "jobs/jobs.h"
#include "memory.h"
#include "printk.h"
#include "util.h"

enum { BLOCKS = 32 }; /* that the tests use */

static struct executor *tests_executor;
static struct block_device *disk;
static uint64_t first;         /* the sector where they begin */
static uint32_t block_sectors, sectors;
static size_t bytes;
static char *out, *in, *former;
static struct block_segment segments[BLOCKS];

/* A test returns NULL when it is well, SKIP with the reason when there is nothing to test, or else what is wrong. */
#define SKIP "\1"

/* Not on the stack: clang would give each call there a place of its own. */
static struct block_future request;
#define WAIT(made) (request = (made), block_wait(&request))

static int write_all(const void *data) { return WAIT(block_write(disk, first, data, sectors)); }

static int read_all(void) { return WAIT(block_read(disk, first, in, sectors)); }

static void fill_pattern(unsigned seed)
{
        for (size_t i = 0; i < bytes; i++)
                out[i] = (char)(i * 7 + i / 512 * 13 + seed);
}

static const char *test_whole(void)
{
        fill_pattern(1);
        if (write_all(out) != 0 || read_all() != 0)
                return "a request fails";
        return memcmp(in, out, bytes) == 0 ? NULL : "what is read is not what was written";
}

/* Segments of a block each, in memory from the last to the first. */
static void scatter(char *buffer)
{
        for (unsigned i = 0; i < BLOCKS; i++)
                segments[i] = (struct block_segment){ buffer + (BLOCKS - 1 - i) * (size_t)disk->block_size, disk->block_size };
}

static bool reversed(const char *a, const char *b)
{
        size_t size = disk->block_size;

        for (unsigned i = 0; i < BLOCKS; i++)
                if (memcmp(a + i * size, b + (BLOCKS - 1 - i) * size, size) != 0)
                        return false;
        return true;
}

static const char *test_gather(void)
{
        fill_pattern(2);
        scatter(out);
        if (WAIT(block_vectored(disk, BLOCK_WRITE, first, segments, BLOCKS)) != 0 || read_all() != 0)
                return "a request fails";
        return reversed(in, out) ? NULL : "the segments are not where they belong";
}

static const char *test_scatter(void)
{
        memset(in, 0, bytes);
        scatter(in);
        if (WAIT(block_vectored(disk, BLOCK_READ, first, segments, BLOCKS)) != 0)
                return "the request fails";
        memcpy(out, in, bytes);
        if (read_all() != 0)
                return "a read fails";
        return reversed(in, out) ? NULL : "the segments are not where they belong";
}

static const char *test_write_zeroes(void)
{
        int error = WAIT(block_write_zeroes(disk, first, sectors, false));

        if (error == -ENOTSUP)
                return SKIP "the disk cannot";
        if (error != 0 || read_all() != 0)
                return "a request fails";
        memset(out, 0, bytes);
        return memcmp(in, out, bytes) == 0 ? NULL : "what is read is not zero";
}

static const char *test_discard(void)
{
        int error = WAIT(block_discard(disk, first, sectors));

        if (error == -ENOTSUP)
                return SKIP "the disk cannot";
        return error == 0 && read_all() == 0 ? NULL : "a request fails"; /* it may read as anything */
}

static const char *test_flush(void) { return WAIT(block_flush(disk)) == 0 ? NULL : "the request fails"; }

static const char *test_id(void)
{
        char id[BLOCK_ID_BYTES + 1] = "";
        int error = WAIT(block_get_id(disk, id));

        if (error == -ENOTSUP)
                return SKIP "the disk has none";
        if (error != 0)
                return "the request fails";
        printk("# the disk calls itself \"%s\"\n", id);
        return NULL;
}

static const char *test_lifetime(void)
{
        struct block_lifetime lifetime;
        int error = WAIT(block_get_lifetime(disk, &lifetime));

        if (error == -ENOTSUP)
                return SKIP "the disk does not tell";
        return error == 0 ? NULL : "the request fails";
}

static const char *test_write_cache(void)
{
        bool former_mode = disk->write_cache;

        if (!disk->write_cache_switchable)
                return block_set_write_cache(disk, false) == -ENOTSUP ? SKIP "it cannot be switched" : "it can be switched";
        for (unsigned i = 0; i < 2; i++)
                if (block_set_write_cache(disk, i == 1) != 0 || disk->write_cache != (i == 1) || read_all() != 0)
                        return "it does not become what it is told";
        return block_set_write_cache(disk, former_mode) == 0 ? NULL : "it does not go back";
}

static const char *test_refusals(void)
{
        if (WAIT(block_read(disk, first, in, 0)) != -EINVAL)
                return "no sectors";
        if (WAIT(block_read(disk, first, NULL, sectors)) != -EFAULT || WAIT(block_read(disk, first, in + 1, sectors)) != -EFAULT)
                return "no buffer";
        if (WAIT(block_read(disk, UINT64_MAX - 7, in, 8)) == 0 || WAIT(block_read(disk, disk->capacity, in, block_sectors)) == 0)
                return "beyond the end";
        if (block_sectors > 1 && WAIT(block_read(disk, first + 1, in, block_sectors)) != -EINVAL)
                return "not whole blocks";
        return NULL;
}

struct noted {
        struct waker waker;
        unsigned wakes;
};

static void note(struct waker *waker) { container_of(waker, struct noted, waker)->wakes++; }

/* Whichever comes first, the buffer is ours afterwards, and who awaited the request knows. */
static const char *test_cancel(void)
{
        struct noted awaiting = { .waker.wake = note };
        struct block_cancel_future cancel = block_cancel(&request);

        request = block_read(disk, first, in, sectors);
        if (future_poll(&request.future, &awaiting.waker) == POLL_READY)
                return request.result == 0 ? NULL : "the request fails";
        if (executor_block_on(tests_executor, &cancel.future) != 0 || !future_done(&request.future))
                return "it is not over";
        if (awaiting.wakes == 0)
                return "who awaits it is not told";
        return request.result == 0 || request.result == -ECANCELED ? NULL : "the request fails";
}

static const struct {
        const char *name;
        bool writes;
        const char *(*run)(void);
} tests[] = {
        { "a write is read back", true, test_whole },
        { "a vectored write", true, test_gather },
        { "a vectored read", false, test_scatter },
        { "write zeroes", true, test_write_zeroes },
        { "discard", true, test_discard },
        { "flush", false, test_flush },
        { "get id", false, test_id },
        { "get lifetime", false, test_lifetime },
        { "the write cache off and on", false, test_write_cache },
        { "refusals", false, test_refusals },
        { "cancel", false, test_cancel },
};

static bool report(unsigned number, const char *name, const char *outcome)
{
        bool skipped = outcome && outcome[0] == SKIP[0];

        if (!outcome)
                printk("ok %u %s\n", number, name);
        else if (skipped)
                printk("ok %u %s # SKIP %s\n", number, name, outcome + 1);
        else
                printk("not ok %u %s\n# %s\n", number, name, outcome);
        return !outcome || skipped;
}

static enum exit_code run(struct executor *executor, struct block_device *device)
{
        struct span span;
        bool well = true;

        tests_executor = executor;
        disk = device;
        block_sectors = disk->block_size / SECTOR_SIZE;
        sectors = BLOCKS * block_sectors;
        bytes = (size_t)sectors * SECTOR_SIZE;
        if (span_read(&span, disk) != 0)
                return EXIT_INPUT;
        out = memory_allocate(bytes, PAGE_SIZE);
        in = memory_allocate(bytes, PAGE_SIZE);
        former = memory_allocate(bytes, PAGE_SIZE);
        if (span.sectors < sectors || !out || !in || !former) {
                log_error("job selftest needs a span of %u sectors, and memory for three times as much", sectors);
                return EXIT_INPUT;
        }
        first = span.first;
        if (WAIT(block_read(disk, first, former, sectors)) != 0) {
                log_error("job selftest cannot read the first %u sectors of the span", sectors);
                return EXIT_REQUEST;
        }
        printk("KTAP version 1\n1..%u\n", (unsigned)ARRAY_SIZE(tests));
        for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
                well &= report(i + 1, tests[i].name,
                               tests[i].writes && disk->read_only ? SKIP "the disk is read-only" : tests[i].run());
        if (!disk->read_only && (write_all(former) != 0 || WAIT(block_flush(disk)) != 0)) {
                log_error("what was on the disk cannot be put back");
                return EXIT_REQUEST;
        }
        return well ? EXIT_PASS : EXIT_MISMATCH;
}

const struct job selftest_job = { .name = "selftest", .needs_disk = true, .run = run };
