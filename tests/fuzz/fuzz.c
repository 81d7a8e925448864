/* SPDX-License-Identifier: MIT */
/* fuzz.c - the end of an input that went wrong, and the counts at the end of all. */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_BITS = 26 };

void _fail(const char *file, int line);

static uint64_t taken, refused, distinct;
static uint8_t seen[1 << (SEEN_BITS - 3)]; /* a bit for each hash of an input that was refused */

uint64_t fuzz_take(struct fuzz_input *input, unsigned bytes)
{
        uint64_t value = 0;

        for (unsigned i = 0; i < bytes && input->size > 0; i++, input->size--)
                value |= (uint64_t)*input->data++ << 8 * i;
        return value;
}

/* In cmocka's place: there is no test to go on with after this one. */
void _fail(const char *file, int line)
{
        fprintf(stderr, "finding: %s (at %s:%d)\n", host.last_words, file, line);
        if (host.console_length > 0)
                fprintf(stderr, "on the console:\n%s\n", host.console);
        abort();
}

void fuzz_expect(bool condition, const char *format, ...)
{
        char words[sizeof host.last_words];
        va_list values;

        if (condition)
                return;
        va_start(values, format);
        vsnprintf(words, sizeof words, format, values);
        va_end(values);
        host_fail("%s", words);
}

void fuzz_expect_lines(void)
{
        for (size_t i = 0; i < host.console_length; i++)
                fuzz_expect((unsigned char)host.console[i] >= ' ' || host.console[i] == '\n',
                            "character 0x%02x on the console", (unsigned char)host.console[i]);
        fuzz_expect(host.console_length == 0 || host.console[host.console_length - 1] == '\n', "a line without an end");
}

void fuzz_expect_one_line(const char *text)
{
        fuzz_expect_lines();
        fuzz_expect(strncmp(host.console, text, strlen(text)) == 0, "no line with the reason");
        fuzz_expect(strchr(host.console, '\n') == host.console + host.console_length - 1, "more than one line");
}

void fuzz_taken(void) { taken++; }

void fuzz_refused(const uint8_t *data, size_t size)
{
        uint64_t hash = size, word;

        for (size_t i = 0; i < size; i += sizeof word) {
                word = 0;
                memcpy(&word, data + i, size - i < sizeof word ? size - i : sizeof word);
                hash = (hash ^ word ^ hash >> 29) * UINT64_C(0x9e3779b97f4a7c15);
        }
        hash >>= 64 - SEEN_BITS;
        refused++;
        distinct += (seen[hash / 8] >> hash % 8 & 1) == 0;
        seen[hash / 8] |= (uint8_t)(1u << hash % 8);
}

__attribute__((destructor)) static void print_counts(void)
{
        if (taken + refused > 0)
                printf("%lu taken, %lu refused, %lu of them different\n", (unsigned long)taken, (unsigned long)refused,
                       (unsigned long)distinct);
}
