/* SPDX-License-Identifier: MIT */
/* sources: kernel/args.c kernel/printk.c */
/* test_args.c - boot arguments, good and bad, as contract.md has them. */
#include <errno.h>
#include <stdlib.h>

#include "args.h"
#include "jobs/jobs.h"
#include "testing.h"
#include "util.h"

static const char *const jobs[] = { "demo", "probe", "fill" };

bool job_exists(const char *name)
{
        for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
                if (strcmp(jobs[i], name) == 0)
                        return true;
        return false;
}

const char *job_names(void) { return "demo probe fill"; }

/* From a block of exactly its size, so that the sanitizer sees a look beyond its end. */
static int parse(const char *text)
{
        char *copy = strdup(text);
        int error;

        host.console_length = 0;
        host.console[0] = '\0';
        memset(&arguments, 0xA5, sizeof arguments);
        error = args_parse(copy);
        free(copy);
        return error;
}

static void nothing_means_the_defaults(void **state)
{
        static const char *const texts[] = { "", " ", "     " };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
                assert_int_equal(parse(texts[i]), 0);
                assert_string_equal(arguments.job, "demo");
                assert_int_equal(arguments.disk, 0);
                assert_int_equal(arguments.rw, RW_RANDREAD);
                assert_int_equal(arguments.bs, 4096);
                assert_int_equal(arguments.iodepth, 1);
                assert_int_equal(arguments.number_ios, 1000);
                assert_int_equal(arguments.offset, 0);
                assert_int_equal(arguments.size, SIZE_WHOLE_DISK);
                assert_int_equal(arguments.seed, 1);
                assert_int_equal(arguments.fsync, 0);
                assert_int_equal(arguments.timeout_ms, 5000);
                assert_int_equal(arguments.queue_size, 0);
                assert_int_equal(arguments.ring, 0);
                assert_int_equal(arguments.trace, 0);
                assert_int_equal(arguments.bins, 0);
                assert_int_equal(arguments.log, LOG_INFO);
                assert_int_equal(host.console_length, 0);
        }
}

#define GOOD(word, member, value) { word, offsetof(struct arguments, member), value }

static const struct {
        const char *word;
        size_t offset;
        uint64_t value;
} good[] = {
        GOOD("disk=0", disk, 0),
        GOOD("disk=7", disk, 7),
        GOOD("disk=007", disk, 7),
        GOOD("disk=18446744073709551615", disk, UINT64_MAX),
        GOOD("rw=read", rw, RW_READ),
        GOOD("rw=write", rw, RW_WRITE),
        GOOD("rw=randread", rw, RW_RANDREAD),
        GOOD("rw=randwrite", rw, RW_RANDWRITE),
        GOOD("rw=randrw", rw, RW_RANDRW),
        GOOD("bs=512", bs, 512),
        GOOD("bs=4k", bs, 4096),
        GOOD("bs=64K", bs, 65536),
        GOOD("bs=1m", bs, 1048576),
        GOOD("bs=2M", bs, 2097152),
        GOOD("iodepth=1", iodepth, 1),
        GOOD("iodepth=128", iodepth, 128),
        GOOD("number_ios=0", number_ios, 0),
        GOOD("number_ios=18446744073709551615", number_ios, UINT64_MAX),
        GOOD("offset=0", offset, 0),
        GOOD("offset=3k", offset, 3072),
        GOOD("offset=5g", offset, UINT64_C(5) << 30),
        GOOD("offset=17179869183G", offset, UINT64_C(17179869183) << 30),
        GOOD("size=16m", size, 16 << 20),
        GOOD("size=1G", size, 1 << 30),
        GOOD("size=18446744073709551614", size, UINT64_MAX - 1),
        GOOD("seed=0", seed, 0),
        GOOD("seed=12345", seed, 12345),
        GOOD("seed=0x10", seed, 16),
        GOOD("seed=0XaBcDeF", seed, 0xabcdef),
        GOOD("seed=0xffffffffffffffff", seed, UINT64_MAX),
        GOOD("seed=18446744073709551615", seed, UINT64_MAX),
        GOOD("seed=0x00000000000000000001", seed, 1),
        GOOD("fsync=100", fsync, 100),
        GOOD("timeout_ms=60000", timeout_ms, 60000),
        GOOD("queue_size=0", queue_size, 0),
        GOOD("queue_size=1", queue_size, 1),
        GOOD("queue_size=256", queue_size, 256),
        GOOD("queue_size=32768", queue_size, 32768),
        GOOD("ring=split", ring, RING_SPLIT),
        GOOD("ring=packed", ring, RING_PACKED),
        GOOD("trace=0", trace, 0),
        GOOD("trace=1", trace, 1),
        GOOD("bins=0", bins, 0),
        GOOD("bins=1", bins, 1),
        GOOD("log=error", log, LOG_ERROR),
        GOOD("log=warn", log, LOG_WARN),
        GOOD("log=info", log, LOG_INFO),
        GOOD("log=debug", log, LOG_DEBUG),
};

static void good_words(void **state)
{
        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
                uint64_t value;

                if (parse(good[i].word) != 0)
                        fail_msg("%s: %s", good[i].word, host.console);
                memcpy(&value, (char *)&arguments + good[i].offset, sizeof value);
                if (value != good[i].value)
                        fail_msg("%s is taken for %lu", good[i].word, (unsigned long)value);
                assert_int_equal(host.console_length, 0);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
                char text[32];

                snprintf(text, sizeof text, "job=%s", jobs[i]);
                assert_int_equal(parse(text), 0);
                assert_string_equal(arguments.job, jobs[i]);
        }
}

static void many_words(void **state)
{
        (void)state;
        assert_int_equal(parse("  job=fill bs=8k   iodepth=4 offset=1m size=2m seed=0xff fsync=3 log=debug "), 0);
        assert_string_equal(arguments.job, "fill");
        assert_int_equal(arguments.bs, 8192);
        assert_int_equal(arguments.iodepth, 4);
        assert_int_equal(arguments.offset, 1048576);
        assert_int_equal(arguments.size, 2097152);
        assert_int_equal(arguments.seed, 255);
        assert_int_equal(arguments.fsync, 3);
        assert_int_equal(arguments.log, LOG_DEBUG);
        assert_int_equal(arguments.number_ios, 1000);
}

/* The words that a boot must end over; each is what the error has to name. */
static const char *const bad[] = {
        /* no key=value, no such key */
        "demo", "x", "-", "bs", "=", "=4k", "==", "bs:4k", "BS=4k", "Job=demo", "bs_=1", "b=4k", "bss=4k",
        "number_io=1", "numjobs=1", "root=/dev/vda", "console=ttyS0", "\t", "\tbs=4k",
        /* no number */
        "seed=", "seed=x", "seed=0x", "seed=0xg", "seed=-1", "seed=+1", "seed=1.5", "seed=1e3", "seed=1k", "seed=1=",
        "seed=\"1\"", "seed=0b1", "seed=1_000", "seed=0x1x", "seed=ff", "iodepth=1k", "iodepth=four", "bs=", "bs=k",
        "bs=4kk", "bs=4kb", "bs=4KiB", "bs=4t", "bs=k4", "bs=-4k", "size=0.5g",
        /* too large for 64 bits */
        "seed=18446744073709551616", "seed=0x10000000000000000", "seed=99999999999999999999999999999999999999999",
        "offset=18014398509481984k", "offset=17592186044416m", "offset=17179869184g", "size=18446744073709551615g",
        /* out of range */
        "bs=0", "bs=1", "bs=511", "bs=4g", "bs=4294967296", "iodepth=0", "iodepth=4294967296",
        "size=18446744073709551615", "queue_size=32769", "queue_size=65536", "queue_size=18446744073709551615",
        "trace=2", "bins=2", "disk=18446744073709551616",
        /* no power of two */
        "queue_size=3", "queue_size=5", "queue_size=100", "queue_size=32767",
        /* none of the words */
        "rw=", "rw=readwrite", "rw=rand", "rw=READ", "rw=read,write", "rw=reads", "log=", "log=verbose", "log=inf",
        "ring=", "ring=pack", "ring=splits",
        /* no such job */
        "job=", "job=dem", "job=demos", "job=Demo", "job=demo=",
        "job=a-name-that-is-longer-than-any-job-could-ever-be",
};

static void assert_one_error_line(const char *text)
{
        const char *newline = strchr(host.console, '\n');

        if (strncmp(host.console, "error: boot arguments: ", 23) != 0 || !newline || newline[1] != '\0')
                fail_msg("\"%s\" is answered with: %s", text, host.console);
}

static void bad_words(void **state)
{
        static const char *const before[] = { "", "fsync=1 ", "  " }, *const behind[] = { "", " number_ios=5", " " };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
                for (unsigned j = 0; j < ARRAY_SIZE(before); j++) {
                        char text[160], told[160];

                        snprintf(text, sizeof text, "%s%s%s", before[j], bad[i], behind[j]);
                        if (parse(text) != -EINVAL)
                                fail_msg("\"%s\" is taken", text);
                        assert_one_error_line(text);
                        int start = snprintf(told, sizeof told, "error: boot arguments: ");

                        snprintf(told + start, sizeof told - (size_t)start, "%s: ", bad[i]);
                        for (char *at = told; *at; at++) /* what is no character is told as ? */
                                *at = (unsigned char)*at < ' ' ? '?' : *at;
                        assert_console_has(told);
                }
}

static void keys_that_are_there_twice(void **state)
{
        static const char *const keys[] = { "disk=1",  "rw=read",      "bs=4k",        "iodepth=2", "number_ios=1",
                                            "offset=0", "size=1m",     "seed=1",       "fsync=0",   "timeout_ms=1",
                                            "ring=split", "trace=0",   "queue_size=8", "log=info",  "job=demo",
                                            "bins=1" };
        char text[128], name[64];

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
                for (unsigned j = 0; j < ARRAY_SIZE(keys); j++) {
                        if (i == j) {
                                snprintf(text, sizeof text, "%s %s", keys[i], keys[i]);
                                assert_int_equal(parse(text), -EINVAL);
                                assert_one_error_line(text);
                                snprintf(name, sizeof name, "boot arguments: %s: ", keys[i]);
                                assert_console_has(name);
                        } else {
                                snprintf(text, sizeof text, "%s %s", keys[i], keys[j]);
                                assert_int_equal(parse(text), 0);
                        }
                }
}

static void long_words_are_told_in_one_line(void **state)
{
        static char text[2000];

        (void)state;
        memset(text, 'a', sizeof text - 1);
        assert_int_equal(parse(text), -EINVAL);
        assert_one_error_line("a...");
        memcpy(text, "job=", 4);
        assert_int_equal(parse(text), -EINVAL);
        assert_one_error_line("job=a...");
}

static uint32_t next_random(void)
{
        static uint64_t x = 1;

        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(x >> 33);
}

/* Pieces of good and bad words in any order. What comes out is in its range, or told in one line. */
static void anything_at_all(void **state)
{
        static const char *const pieces[] = {
                "job", "demo", "fill", "disk", "rw", "read", "randrw", "bs", "iodepth", "number_ios", "offset",
                "size", "seed", "fsync", "timeout_ms", "queue_size", "ring", "split", "trace", "log", "debug", "=",
                "=", "=", "=", " ", " ", " ", "0", "1", "4k", "0x", "9", "99999999999999999999", "k", "m", "g",
                "\x80", "\xff", "\x01", "%s", "%n", "\t", "-",
        };

        (void)state;
        for (unsigned round = 0; round < 300000; round++) {
                char text[200];
                size_t length = 0;

                for (unsigned count = next_random() % 14; count > 0; count--) {
                        const char *piece = pieces[next_random() % ARRAY_SIZE(pieces)];

                        length += (size_t)snprintf(text + length, sizeof text - length, "%s", piece);
                }
                text[length] = '\0';

                int error = parse(text);

                if (error != 0) {
                        assert_int_equal(error, -EINVAL);
                        assert_one_error_line(text);
                        continue;
                }
                assert_int_equal(host.console_length, 0);
                assert_true(job_exists(arguments.job));
                assert_in_range(arguments.rw, RW_READ, RW_RANDRW);
                assert_in_range(arguments.log, LOG_ERROR, LOG_DEBUG);
                assert_in_range(arguments.bs, 512, UINT32_MAX);
                assert_in_range(arguments.iodepth, 1, UINT32_MAX);
                assert_in_range(arguments.queue_size, 0, 32768);
                assert_int_equal(arguments.queue_size & (arguments.queue_size - 1), 0);
        }
}

/* As the monitor reads one: whole, and without a unit. */
static void numbers(void **state)
{
        static const char *const none[] = { "", "-1", "1k", "0x", "0xg", "1 ", " 1", "18446744073709551616", "x" };
        uint64_t number = 0;

        (void)state;
        assert_true(number_parse("18446744073709551615", &number));
        assert_int_equal(number, UINT64_MAX);
        assert_true(number_parse("0x1f", &number));
        assert_int_equal(number, 0x1f);
        for (unsigned i = 0; i < ARRAY_SIZE(none); i++)
                assert_false(number_parse(none[i], &number));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(nothing_means_the_defaults), TEST(good_words),
                TEST(many_words),                 TEST(bad_words),
                TEST(keys_that_are_there_twice),  TEST(long_words_are_told_in_one_line),
                TEST(numbers),
                TEST(anything_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
