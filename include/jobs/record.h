/* SPDX-License-Identifier: MIT */
/* record.h - the record that jobs write to a sector; its format is docs/contract.md's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_state { RECORD_ZERO, RECORD_VALID, RECORD_WRONG };

/* Make the record of sector `lba` in the 512 bytes at `sector`, 8-byte aligned. Any context. */
void record_make(void *sector, uint64_t lba, uint64_t seq, uint64_t seed);

/*
 * What the 512 bytes at `sector`, 8-byte aligned, are: all zero; a record of `lba` and `seed`, with its
 * number in `seq`; or neither, with the reason in `why`. Any context.
 */
enum record_state record_check(const void *sector, uint64_t lba, uint64_t seed, uint64_t *seq, const char **why);

/* One step of splitmix64. Any context. */
uint64_t splitmix64(uint64_t *state);

/* CRC-32C of `length` bytes (Castagnoli, initial and final all ones). Any context. */
uint32_t crc32c(const void *data, size_t length);

/* The same of data that goes on behind what has the checksum `crc` (0: nothing). Any context. */
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t length);
