/* SPDX-License-Identifier: MIT */
/* trace.c - a hash, and a ring of events. */
#include "trace.h"

#include <stdio.h>
#include <string.h>

#include "sim.h"

enum { EVENTS = 4096, WORDS = 104 };

static struct event {
        const char *what; /* NULL: the words */
        uint64_t a, b;
        char words[WORDS];
} events[EVENTS];
static uint64_t count, hash;

void trace_reset(void)
{
        count = 0;
        hash = 0;
}

void trace_hash(uint64_t value)
{
        hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
}

void trace(const char *what, uint64_t a, uint64_t b)
{
        struct event *event = &events[count++ % EVENTS];

        event->what = what;
        event->a = a;
        event->b = b;
        trace_hash((uint64_t)what[0] << 56 ^ a << 24 ^ b);
}

void trace_words(const char *text, uint64_t length)
{
        struct event *event = &events[count++ % EVENTS];

        event->what = NULL;
        snprintf(event->words, sizeof event->words, "%.*s", (int)length, text);
        event->words[strcspn(event->words, "\n")] = '\0';
}

uint64_t trace_value(void) { return hash; }

void sim_print_log(void)
{
        for (uint64_t i = count > EVENTS ? count - EVENTS : 0; i < count; i++) {
                const struct event *event = &events[i % EVENTS];

                if (event->what)
                        printf("%8llu  %-14s %llx %llx\n", (unsigned long long)i, event->what,
                               (unsigned long long)event->a, (unsigned long long)event->b);
                else
                        printf("%8llu  kernel: %s\n", (unsigned long long)i, event->words);
        }
}
