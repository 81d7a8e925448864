/* SPDX-License-Identifier: MIT */
/* args.c - boot arguments. A table says what each key means; nothing is guessed. */
#include "args.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "jobs/jobs.h"
#include "util.h"

enum kind { NUMBER, BYTES, JOB, WORKLOAD, RING, TRACE, LOG };

struct key {
        const char *name;
        enum kind kind;
        size_t offset; /* in struct arguments */
        uint64_t minimum, maximum;
};

#define KEY(member, kind, minimum, maximum) { #member, kind, offsetof(struct arguments, member), minimum, maximum }

static const struct key keys[] = {
        KEY(job, JOB, 0, 0),
        KEY(disk, NUMBER, 0, UINT32_MAX),
        KEY(rw, WORKLOAD, 0, 0),
        KEY(bs, BYTES, 512, UINT32_MAX - 511),
        KEY(iodepth, NUMBER, 1, UINT32_MAX),
        KEY(number_ios, NUMBER, 0, UINT64_MAX),
        KEY(offset, BYTES, 0, UINT64_MAX),
        KEY(size, BYTES, 0, SIZE_WHOLE_DISK - 1),
        KEY(seed, NUMBER, 0, UINT64_MAX),
        KEY(fsync, NUMBER, 0, UINT64_MAX),
        KEY(timeout_ms, NUMBER, 0, UINT64_MAX),
        KEY(queue_size, NUMBER, 0, 32768),
        { "ring", RING, 0, 0, 0 },
        { "trace", TRACE, 0, 0, 0 },
        KEY(log, LOG, 0, 0),
};

struct arguments arguments;

static const struct arguments defaults = {
        .job = "demo", .rw = RW_RANDREAD, .bs = 4096, .iodepth = 1, .number_ios = 1000, .size = SIZE_WHOLE_DISK,
        .seed = 1, .timeout_ms = 5000, .log = LOG_INFO,
};

/* A word of the command line: not ended by NUL. */
struct word {
        const char *text;
        size_t length;
};

static int refuse(struct word word, const char *why)
{
        log_error("boot arguments: %.*s: %s", (int)word.length, word.text, why);
        return -EINVAL;
}

static bool is(struct word word, const char *text)
{
        return strlen(text) == word.length && memcmp(word.text, text, word.length) == 0;
}

static int digit(char character, unsigned base)
{
        int value = character >= '0' && character <= '9' ? character - '0'
                    : character >= 'a' && character <= 'f' ? character - 'a' + 10
                    : character >= 'A' && character <= 'F' ? character - 'A' + 10 : 99;

        return value < (int)base ? value : -1;
}

/* k, m or g behind a number of bytes, as a shift; 0 for none, -1 for anything else. */
static int suffix_shift(struct word rest)
{
        if (rest.length == 0)
                return 0;
        if (rest.length > 1)
                return -1;
        switch (rest.text[0] | 0x20) {
        case 'k': return 10;
        case 'm': return 20;
        case 'g': return 30;
        default: return -1;
        }
}

static bool parse_number(struct word value, bool bytes, uint64_t *number)
{
        unsigned base = value.length > 2 && value.text[0] == '0' && (value.text[1] | 0x20) == 'x' ? 16 : 10;
        size_t i = base == 16 ? 2 : 0, start = i;
        uint64_t result = 0;

        for (int next; i < value.length && (next = digit(value.text[i], base)) >= 0; i++) {
                if (result > (UINT64_MAX - (unsigned)next) / base)
                        return false;
                result = result * base + (unsigned)next;
        }

        int shift = suffix_shift((struct word){ value.text + i, value.length - i });

        if (i == start || shift < 0 || (shift > 0 && !bytes) || result > UINT64_MAX >> shift)
                return false;
        *number = result << shift;
        return true;
}

/* The index of `value` in a list that ends with NULL, or -1. */
static int choose(struct word value, const char *const *choices)
{
        for (int i = 0; choices[i]; i++)
                if (is(value, choices[i]))
                        return i;
        return -1;
}

static int parse_choice(struct word word, struct word value, enum kind kind)
{
        static const char *const workloads[] = { "read", "write", "randread", "randwrite", "randrw", NULL };
        static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
        int chosen;

        switch (kind) {
        case WORKLOAD:
                chosen = choose(value, workloads);
                arguments.rw = (enum workload)chosen;
                return chosen < 0 ? refuse(word, "rw is read, write, randread, randwrite or randrw") : 0;
        case LOG:
                chosen = choose(value, levels);
                arguments.log = (enum log_level)chosen;
                return chosen < 0 ? refuse(word, "log is error, warn, info or debug") : 0;
        case RING:
                return is(value, "split") ? 0 : refuse(word, "ring is split; this version drives no packed ring");
        case TRACE:
                return is(value, "0") ? 0 : refuse(word, "trace is 0; this version records no events");
        default:
                if (value.length >= sizeof arguments.job)
                        return refuse(word, "there is no such job");
                memcpy(arguments.job, value.text, value.length);
                arguments.job[value.length] = '\0';
                if (job_exists(arguments.job))
                        return 0;
                log_error("boot arguments: job=%s: there is no such job; the jobs are %s", arguments.job, job_names());
                return -EINVAL;
        }
}

static int parse_value(struct word word, struct word value, const struct key *key)
{
        uint64_t number;

        if (key->kind != NUMBER && key->kind != BYTES)
                return parse_choice(word, value, key->kind);
        if (!parse_number(value, key->kind == BYTES, &number))
                return refuse(word, key->kind == BYTES ? "not a number of bytes (digits, then k, m or g if need be)"
                                                       : "not a number");
        if (number < key->minimum || number > key->maximum)
                return refuse(word, "the number is out of range");
        memcpy((char *)&arguments + key->offset, &number, sizeof number);
        return 0;
}

static int parse_word(struct word word, uint32_t *seen)
{
        const char *equals = memchr(word.text, '=', word.length);

        if (!equals)
                return refuse(word, "a boot argument is key=value");

        struct word name = { word.text, (size_t)(equals - word.text) };
        struct word value = { equals + 1, word.length - name.length - 1 };

        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
                if (!is(name, keys[i].name))
                        continue;
                if ((*seen & 1u << i) != 0)
                        return refuse(word, "this key is there twice");
                *seen |= 1u << i;
                return parse_value(word, value, &keys[i]);
        }
        return refuse(word, "there is no such key");
}

int args_parse(const char *text)
{
        uint32_t seen = 0;
        int error = 0;

        arguments = defaults;
        while (error == 0 && *text != '\0') {
                const char *space = strchr(text, ' ');
                struct word word = { text, space ? (size_t)(space - text) : strlen(text) };

                if (word.length > 0)
                        error = parse_word(word, &seen);
                text += word.length + (space ? 1 : 0);
        }
        if (error == 0 && (arguments.queue_size & (arguments.queue_size - 1)) != 0) {
                log_error("boot arguments: queue_size=%lu: not a power of two", arguments.queue_size);
                error = -EINVAL;
        }
        return error;
}
