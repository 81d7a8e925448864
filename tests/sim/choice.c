/* SPDX-License-Identifier: MIT */
/* choice.c - splitmix64 from a seed, or as many bytes as a choice needs. */
#include "choice.h"

#include "trace.h"

static uint64_t state;
static const uint8_t *next, *end;
static bool seeded, saving;

void choice_from_seed(uint64_t seed)
{
        state = seed;
        seeded = true;
        saving = false;
}

void choice_from_bytes(const uint8_t *bytes, size_t size)
{
        state = 0;
        next = bytes;
        end = bytes + size;
        seeded = false;
}

void choice_save(bool save) { saving = save; }

static uint64_t draw(void)
{
        uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

static uint32_t take(uint32_t n)
{
        uint64_t value = 0;

        for (uint64_t span = 1; span < n && next < end; span <<= 8)
                value = value << 8 | *next++;
        return (uint32_t)(value % n);
}

uint32_t choose(uint32_t n)
{
        uint32_t chosen = n < 2 ? 0 : seeded || saving ? (uint32_t)((draw() >> 32) * n >> 32) : take(n);

        trace_hash((uint64_t)n << 32 | chosen);
        return chosen;
}

bool choice_exhausted(void) { return !seeded && next == end; }
