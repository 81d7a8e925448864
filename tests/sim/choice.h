/* SPDX-License-Identifier: MIT */
/*
 * choice.h - every decision of the simulated world comes through choose(), from one source: a seed's random
 * numbers, or the bytes of a fuzzer.
 *
 * 0 is always the most harmless: a source that is exhausted says nothing else, and the world comes to its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void choice_from_seed(uint64_t seed);
void choice_from_bytes(const uint8_t *bytes, size_t size);

/* A number below `n`; nothing is drawn for an `n` of 0 or 1. Part of the trace's hash. */
uint32_t choose(uint32_t n);

/* What happens in one case of `n`. */
static inline bool chance(uint32_t n) { return n > 0 && choose(n) == n - 1; }

/* Save the bytes: as long as nothing can go wrong, choices are random, and the same each time. */
void choice_save(bool save);

/* Whether all bytes are used up: nothing new is begun any more. Never with a seed. */
bool choice_exhausted(void);
