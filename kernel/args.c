/* SPDX-License-Identifier: MIT */
/* args.c - boot arguments. A table says what each key means; nothing is guessed. */
#include "args.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "jobs/jobs.h"
#include "util.h"

enum kind { NUMBER, BYTES, JOB, CHOICE };

struct key {
        const char *name;
        enum kind kind;
        size_t offset; /* of a uint64_t in struct arguments */
        uint64_t minimum, maximum;
        const char *choices; /* CHOICE: words, the value is the index of one; BYTES: suffixes */
};

#define KEY(member, ...) { .name = #member, .offset = offsetof(struct arguments, member), __VA_ARGS__ }

static const struct key keys[] = {
        KEY(job, .kind = JOB),
        KEY(disk, .maximum = UINT64_MAX),
        KEY(rw, .kind = CHOICE, .choices = "read write randread randwrite randrw"),
        KEY(bs, .kind = BYTES, .choices = "km", .minimum = 512, .maximum = UINT32_MAX - 511),
        KEY(iodepth, .minimum = 1, .maximum = UINT32_MAX),
        KEY(number_ios, .maximum = UINT64_MAX),
        KEY(offset, .kind = BYTES, .choices = "kmg", .maximum = UINT64_MAX),
        KEY(size, .kind = BYTES, .choices = "kmg", .maximum = SIZE_WHOLE_DISK - 1),
        KEY(seed, .maximum = UINT64_MAX),
        KEY(fsync, .maximum = UINT64_MAX),
        KEY(timeout_ms, .maximum = UINT64_MAX),
        KEY(queue_size, .maximum = 32768),
        KEY(ramdisk, .kind = BYTES, .choices = "kmg", .maximum = UINT64_MAX),
        KEY(ring, .kind = CHOICE, .choices = "split packed"),
        KEY(trace, .maximum = 1),
        KEY(bins, .maximum = 1),
        KEY(log, .kind = CHOICE, .choices = "error warn info debug"),
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

static int refuse(struct word word, const char *why, const char *more)
{
        log_error("boot arguments: %.*s: %s%s", (int)(word.length < 80 ? word.length : 80), word.text, why, more);
        return -EINVAL;
}

static bool is(struct word word, const char *text)
{
        return strlen(text) == word.length && memcmp(word.text, text, word.length) == 0;
}

/* The value of a digit, or 16 for what is none. */
static unsigned digit(char character)
{
        return character >= '0' && character <= '9' ? (unsigned)(character - '0')
               : character >= 'a' && character <= 'f' ? (unsigned)(character - 'a' + 10)
               : character >= 'A' && character <= 'F' ? (unsigned)(character - 'A' + 10) : 16;
}

/* Digits, 0x and more digits, or for bytes digits followed by k, m or g, in either case. */
static bool parse_number(struct word value, const char *suffixes, uint64_t *number)
{
        unsigned base = value.length > 2 && value.text[0] == '0' && (value.text[1] | 0x20) == 'x' ? 16 : 10, shift = 0;
        size_t start = base == 16 ? 2 : 0, i = start;

        for (*number = 0; i < value.length && digit(value.text[i]) < base; i++)
                if (__builtin_mul_overflow(*number, base, number) ||
                    __builtin_add_overflow(*number, digit(value.text[i]), number))
                        return false;

        const char *suffix = suffixes && i + 1 == value.length ? strchr(suffixes, value.text[i] | 0x20) : NULL;

        if (suffix) {
                shift = 10 * (unsigned)(suffix - suffixes + 1);
                value.length--;
        }
        if (i == start || i < value.length || *number > UINT64_MAX >> shift)
                return false;
        *number <<= shift;
        return true;
}

bool number_parse(const char *text, uint64_t *number)
{
        return parse_number((struct word){ text, strlen(text) }, NULL, number);
}

static int parse_choice(struct word word, struct word value, const struct key *key, uint64_t *number)
{
        const char *choice = key->choices;
        size_t length = strcspn(choice, " ");

        for (*number = 0; length != value.length || memcmp(choice, value.text, length) != 0; ++*number) {
                choice += length;
                if (*choice++ == '\0')
                        return refuse(word, "it is one of: ", key->choices);
                length = strcspn(choice, " ");
        }
        return 0;
}

static int parse_job(struct word word, struct word value)
{
        size_t length = value.length < sizeof arguments.job ? value.length : sizeof arguments.job - 1;

        memcpy(arguments.job, value.text, length);
        arguments.job[length] = '\0';
        return job_exists(arguments.job) ? 0 : refuse(word, "there is no such job; the jobs are: ", job_names());
}

static int parse_value(struct word word, struct word value, const struct key *key)
{
        uint64_t number;

        if (key->kind == JOB)
                return parse_job(word, value);
        if (key->kind == CHOICE) {
                if (parse_choice(word, value, key, &number) != 0)
                        return -EINVAL;
        } else if (!parse_number(value, key->choices, &number)) {
                return refuse(word, "not a number", key->kind == BYTES ? " of bytes, such as 4096 or 4k" : "");
        } else if (number < key->minimum || number > key->maximum) {
                return refuse(word, "the number is out of range", "");
        }
        memcpy((char *)&arguments + key->offset, &number, sizeof number);
        return 0;
}

static int parse_word(struct word word, uint32_t *seen)
{
        const char *equals = memchr(word.text, '=', word.length);

        if (!equals)
                return refuse(word, "a boot argument is key=value", "");

        struct word name = { word.text, (size_t)(equals - word.text) };
        struct word value = { equals + 1, word.length - name.length - 1 };

        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
                if (!is(name, keys[i].name))
                        continue;
                if ((*seen & 1u << i) != 0)
                        return refuse(word, "this key is there twice", "");
                *seen |= 1u << i;
                return parse_value(word, value, &keys[i]);
        }
        return refuse(word, "there is no such key; docs/contract.md has them all", "");
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
