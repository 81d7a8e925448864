/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzz targets have in common; fuzz.c.
 *
 * A target is LLVMFuzzerTestOneInput(). What goes wrong in one ends it: through fuzz_expect(), through host_fail() of the
 * host tests' machine, by a sanitizer, by libFuzzer's clock. docs/fuzzing.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer's own mutation of `size` bytes, of which there may be `max_size`; the new size. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* What remains of the input, taken from its front. Where nothing is left, every answer is 0. */
struct fuzz_input {
        const uint8_t *data;
        size_t size;
};

uint64_t fuzz_take(struct fuzz_input *input, unsigned bytes); /* little-endian */

/* The input is over, unless `condition` holds: then it is a finding. */
void fuzz_expect(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The console holds nothing, or whole lines of which none can be taken for another: no control character but newline. */
void fuzz_expect_lines(void);

/* The console holds one line, which begins with `text`. */
void fuzz_expect_one_line(const char *text);

/* For the counts that are printed at the end: what the input was made of. */
void fuzz_taken(void);
void fuzz_refused(const uint8_t *data, size_t size);
