/* SPDX-License-Identifier: MIT */
/* trace.h - what happened, as a running hash over all of it and as the last lines of a log. */
#pragma once

#include <stdint.h>

/* Begin anew. */
void trace_reset(void);

/* `what`, a literal, happened to `a` with `b`: no addresses, but those in the simulated memory, which lies in one place. */
void trace(const char *what, uint64_t a, uint64_t b);

/* The same, but not in the log. */
void trace_hash(uint64_t value);

/* Part of the log, but not of the hash: words of the kernel. */
void trace_words(const char *text, uint64_t length);

uint64_t trace_value(void);
