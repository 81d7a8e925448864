/* SPDX-License-Identifier: MIT */
/* record.c - records, their pattern and their checksum. */
#include "jobs/record.h"

#include <string.h>

enum { PATTERN_BYTES = 476, CHECKED_BYTES = 508 };

#define RECORD_MAGIC UINT64_C(0x31304c4c41555153) /* "SQUALL01" */
#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78)    /* Castagnoli's, bits reversed */

struct record {
        uint64_t magic, lba, seq, seed;
        uint8_t pattern[PATTERN_BYTES];
        uint32_t crc32c;
};

_Static_assert(sizeof(struct record) == 512, "a record is a sector");

uint64_t splitmix64(uint64_t *state)
{
        uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

        z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
        return z ^ z >> 31;
}

static void make_table(uint32_t table[256])
{
        for (uint32_t byte = 0; byte < 256; byte++) {
                uint32_t remainder = byte;

                for (int bit = 0; bit < 8; bit++)
                        remainder = remainder >> 1 ^ (remainder & 1 ? CRC32C_POLYNOMIAL : 0);
                table[byte] = remainder;
        }
}

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t length)
{
        static uint32_t table[256];
        const uint8_t *bytes = data;

        crc = ~crc;
        if (table[1] == 0)
                make_table(table);
        while (length-- > 0)
                crc = crc >> 8 ^ table[(crc ^ *bytes++) & 0xff];
        return ~crc;
}

uint32_t crc32c(const void *data, size_t length) { return crc32c_extend(0, data, length); }

static uint64_t pattern_start(uint64_t lba, uint64_t seq, uint64_t seed)
{
        return seed ^ lba * UINT64_C(0x9E3779B97F4A7C15) ^ seq * UINT64_C(0xBF58476D1CE4E5B9);
}

/* The pattern is 59 words and the low half of a 60th. */
static size_t word_bytes(size_t at)
{
        return PATTERN_BYTES - at < sizeof(uint64_t) ? PATTERN_BYTES - at : sizeof(uint64_t);
}

void record_make(void *sector, uint64_t lba, uint64_t seq, uint64_t seed)
{
        struct record *record = sector;
        uint64_t state = pattern_start(lba, seq, seed);

        record->magic = RECORD_MAGIC;
        record->lba = lba;
        record->seq = seq;
        record->seed = seed;
        for (size_t at = 0; at < PATTERN_BYTES; at += sizeof state) {
                uint64_t word = splitmix64(&state);

                memcpy(record->pattern + at, &word, word_bytes(at));
        }
        record->crc32c = crc32c(record, CHECKED_BYTES);
}

static bool pattern_is_right(const struct record *record)
{
        uint64_t state = pattern_start(record->lba, record->seq, record->seed);

        for (size_t at = 0; at < PATTERN_BYTES; at += sizeof state) {
                uint64_t word = splitmix64(&state);

                if (memcmp(record->pattern + at, &word, word_bytes(at)) != 0)
                        return false;
        }
        return true;
}

static bool all_zero(const void *sector)
{
        const uint64_t *words = sector;

        for (unsigned i = 0; i < sizeof(struct record) / sizeof *words; i++)
                if (words[i] != 0)
                        return false;
        return true;
}

enum record_state record_check(const void *sector, uint64_t lba, uint64_t seed, uint64_t *seq, const char **why)
{
        const struct record *record = sector;

        if (all_zero(sector))
                return RECORD_ZERO;
        *seq = record->seq;
        if (record->magic != RECORD_MAGIC)
                *why = "it is neither zero nor a record";
        else if (record->crc32c != crc32c(record, CHECKED_BYTES))
                *why = "its checksum is wrong";
        else if (record->lba != lba)
                *why = "it is the record of another sector";
        else if (record->seed != seed)
                *why = "it is a record of another seed";
        else if (!pattern_is_right(record))
                *why = "its pattern is wrong";
        else
                return RECORD_VALID;
        return RECORD_WRONG;
}
