/* SPDX-License-Identifier: MIT */
/* sources: kernel/args.c kernel/printk.c tests/fuzz/fuzz.c */
/* options: -max_len=256 */
/*
 * fuzz_args.c - the input is the command line. What is taken means what it says, by another reading of it; what is
 * refused is refused in one line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "fuzz.h"
#include "jobs/jobs.h"
#include "util.h"

bool job_exists(const char *name) { return strcmp(name, "demo") == 0 || strcmp(name, "bench-executor") == 0; }

const char *job_names(void) { return "demo bench-executor"; }

#define KEY(member, minimum, maximum, suffixes, words)                                             \
        { #member "=", offsetof(struct arguments, member), minimum, maximum, suffixes, words }

/* docs/contract.md, and what follows from it. */
static const struct {
        const char *name;
        size_t offset;
        uint64_t minimum, maximum;
        const char *suffixes, *words;
} keys[] = {
        KEY(disk, 0, UINT64_MAX, "", NULL),
        KEY(bs, 512, UINT32_MAX, "km", NULL),
        KEY(iodepth, 1, UINT32_MAX, "", NULL),
        KEY(number_ios, 0, UINT64_MAX, "", NULL),
        KEY(offset, 0, UINT64_MAX, "kmg", NULL),
        KEY(size, 0, UINT64_MAX - 1, "kmg", NULL),
        KEY(seed, 0, UINT64_MAX, "", NULL),
        KEY(fsync, 0, UINT64_MAX, "", NULL),
        KEY(timeout_ms, 0, UINT64_MAX, "", NULL),
        KEY(queue_size, 0, 32768, "", NULL),
        KEY(ramdisk, 0, UINT64_MAX, "kmg", NULL),
        KEY(trace, 0, 1, "", NULL),
        KEY(bins, 0, 1, "", NULL),
        KEY(rw, 0, 4, NULL, "read write randread randwrite randrw "),
        KEY(ring, 0, 1, NULL, "split packed "),
        KEY(log, 0, 3, NULL, "error warn info debug "),
};

/* What a number is worth, by the C library and in 128 bits. */
static unsigned __int128 number_of(const char *value, const char *suffixes)
{
        bool hexadecimal = value[0] == '0' && (value[1] | 0x20) == 'x';
        char *end;
        unsigned __int128 number = strtoull(value, &end, hexadecimal ? 16 : 10);
        const char *suffix = *end ? strchr(suffixes, *end | 0x20) : NULL;

        fuzz_expect(*value >= '0' && *value <= '9', "\"%s\" is taken for a number", value);
        if (number == UINT64_MAX && errno == ERANGE)
                number++;
        if (!*end)
                return number;
        fuzz_expect(suffix && end[1] == '\0', "\"%s\" is taken for a number", value);
        return number << 10 * (suffix - suffixes + 1);
}

static uint64_t word_of(const char *value, const char *words)
{
        size_t length = strlen(value);
        uint64_t index = 0;

        while (*words && (strncmp(words, value, length) != 0 || words[length] != ' ')) {
                words += strcspn(words, " ") + 1;
                index++;
        }
        fuzz_expect(*words && length > 0, "\"%s\" is taken for a word", value);
        return index;
}

/* A word that was taken, in whatever place of the line. */
static void check_word(const char *word, unsigned *seen)
{
        uint64_t got;

        if (strncmp(word, "job=", 4) == 0) {
                fuzz_expect(strcmp(arguments.job, word + 4) == 0, "another job: \"%s\"", word);
                return;
        }
        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
                const char *value = word + strlen(keys[i].name);

                if (strncmp(word, keys[i].name, strlen(keys[i].name)) != 0)
                        continue;
                fuzz_expect((*seen & 1u << i) == 0, "a key that is there twice: \"%s\"", word);
                *seen |= 1u << i;
                memcpy(&got, (const char *)&arguments + keys[i].offset, sizeof got);
                fuzz_expect((keys[i].words ? word_of(value, keys[i].words) : number_of(value, keys[i].suffixes)) == got,
                            "\"%s\" has become %lu", word, (unsigned long)got);
                return;
        }
        fuzz_expect(false, "a key that does not exist: \"%s\"", word);
}

static void check_taken(char *text)
{
        unsigned seen = 0;

        fuzz_expect(host.console_length == 0, "taken, and complained about");
        fuzz_expect(job_exists(arguments.job), "no such job");
        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
                uint64_t value;

                memcpy(&value, (const char *)&arguments + keys[i].offset, sizeof value);
                fuzz_expect((value >= keys[i].minimum && value <= keys[i].maximum) ||
                            (keys[i].offset == offsetof(struct arguments, size) && value == SIZE_WHOLE_DISK),
                            "%s%lu is out of its range", keys[i].name, (unsigned long)value);
        }
        fuzz_expect((arguments.queue_size & (arguments.queue_size - 1)) == 0, "a ring of %lu", (unsigned long)arguments.queue_size);
        errno = 0;
        for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
                check_word(word, &seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = strndup((const char *)data, size); /* of exactly its size, so that the sanitizer sees a look beyond it */
        int error;

        host_reset();
        memset(&arguments, 0xA5, sizeof arguments);
        error = args_parse(text);
        fuzz_expect(error == 0 || error == -EINVAL, "it returns %d", error);
        if (error == 0) {
                fuzz_taken();
                check_taken(text);
        } else {
                fuzz_refused(data, size);
                fuzz_expect_one_line("error: boot arguments: ");
        }
        free(text);
        return 0;
}
