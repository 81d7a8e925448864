/* SPDX-License-Identifier: MIT */
/* pattern.h - what is in a sector: every word of it says which version of which sector it belongs to. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SECTOR_BYTES = 512, VERSION_FIRST = 0, VERSION_ZEROES = 1, VERSION_FORGOTTEN = 2, VERSION_NEXT = 3 };

static inline uint64_t pattern_word(uint64_t sector, uint32_t version, uint32_t index)
{
        return version == VERSION_ZEROES ? 0 : ((uint64_t)version << 32 | sector << 8 | 0x5a) ^ (uint64_t)index << 24;
}

static inline void pattern_fill(void *buffer, uint64_t sector, uint32_t version)
{
        uint64_t *word = buffer;

        for (uint32_t i = 0; i < SECTOR_BYTES / 8; i++)
                word[i] = pattern_word(sector, version, i);
}

/* Which version of `sector` is in `buffer`; false: none, or a torn one. */
static inline bool pattern_read(const void *buffer, uint64_t sector, uint32_t *version)
{
        const uint64_t *word = buffer;

        *version = word[0] == 0 ? VERSION_ZEROES : (uint32_t)(word[0] >> 32);
        for (uint32_t i = 0; i < SECTOR_BYTES / 8; i++)
                if (word[i] != pattern_word(sector, *version, i))
                        return false;
        return true;
}
