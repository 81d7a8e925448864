/* SPDX-License-Identifier: MIT */
/*
 * tree_mutator.c - changes a device tree in a way that leaves most of it a tree: a block grows or shrinks, and the header
 * says so; a node or a property is moved, removed or repeated; a value becomes another. Now and then anything happens.
 */
#include <string.h>

#include "fuzz.h"

enum { HEADER = 40, BLOCK_MAX = 8192, TOKENS_MAX = 1024 };
enum tag { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9 };
enum { MAGIC, TOTALSIZE, OFF_STRUCT, OFF_STRINGS, OFF_RESERVATIONS, VERSION, LAST_COMPATIBLE, BOOT_CPU, SIZE_STRINGS, SIZE_STRUCT };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct block {
        uint8_t bytes[BLOCK_MAX];
        size_t size;
};

static struct block reservations, structure, strings;
static size_t tokens[TOKENS_MAX]; /* places in the structure */
static unsigned token_count;
static uint64_t random_state;

static uint32_t next_random(uint32_t below)
{
        random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return below > 0 ? (uint32_t)(random_state >> 33) % below : 0;
}

static uint32_t get(const uint8_t *at) { return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]; }

static void set(uint8_t *at, uint32_t value)
{
        for (unsigned i = 0; i < 4; i++)
                at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static bool load(struct block *block, const uint8_t *data, size_t size, size_t from, size_t length)
{
        if (from > size || length > size - from || length > BLOCK_MAX)
                return false;
        memcpy(block->bytes, data + from, length);
        block->size = length;
        return true;
}

/* The three blocks of a tree whose header is right. */
static bool take_apart(const uint8_t *data, size_t size)
{
        size_t from = get(data + 4 * OFF_RESERVATIONS), to = get(data + 4 * OFF_STRUCT);

        return to >= from && load(&reservations, data, size, from, to - from) &&
               load(&structure, data, size, to, get(data + 4 * SIZE_STRUCT)) &&
               load(&strings, data, size, get(data + 4 * OFF_STRINGS), get(data + 4 * SIZE_STRINGS));
}

static size_t put_together(uint8_t *data, size_t max_size)
{
        size_t at = HEADER, size = HEADER + reservations.size + structure.size + strings.size;

        if (size > max_size)
                return 0;
        set(data + 4 * TOTALSIZE, (uint32_t)size);
        set(data + 4 * OFF_RESERVATIONS, (uint32_t)at);
        memcpy(data + at, reservations.bytes, reservations.size);
        at += reservations.size;
        set(data + 4 * OFF_STRUCT, (uint32_t)at);
        set(data + 4 * SIZE_STRUCT, (uint32_t)structure.size);
        memcpy(data + at, structure.bytes, structure.size);
        at += structure.size;
        set(data + 4 * OFF_STRINGS, (uint32_t)at);
        set(data + 4 * SIZE_STRINGS, (uint32_t)strings.size);
        memcpy(data + at, strings.bytes, strings.size);
        return size;
}

/* How many bytes the token at `at` has; 0 where there is none. */
static size_t token_size(size_t at)
{
        const uint8_t *bytes = structure.bytes + at;
        size_t left = structure.size - at, size = 4;

        if (left < 4)
                return 0;
        if (get(bytes) == BEGIN_NODE)
                size = 4 + ((strnlen((const char *)bytes + 4, left - 4) + 4) & ~(size_t)3);
        else if (get(bytes) == PROPERTY && left >= 12)
                size = 12 + (((size_t)get(bytes + 4) + 3) & ~(size_t)3);
        else if (get(bytes) != END_NODE && get(bytes) != NOP)
                return 0;
        return size <= left ? size : 0;
}

static void find_tokens(void)
{
        size_t at = 0, size;

        for (token_count = 0; token_count < TOKENS_MAX && (size = token_size(at)) > 0; at += size)
                tokens[token_count++] = at;
}

/* A token, and for the beginning of a node all up to its end. */
static size_t extent(unsigned first)
{
        size_t size = 0;
        int depth = 0;

        for (unsigned i = first; i < token_count; i++) {
                uint32_t tag = get(structure.bytes + tokens[i]);

                size += token_size(tokens[i]);
                depth += tag == BEGIN_NODE ? 1 : tag == END_NODE ? -1 : 0;
                if (depth <= 0)
                        break;
        }
        return size;
}

static void remove_bytes(size_t at, size_t count)
{
        memmove(structure.bytes + at, structure.bytes + at + count, structure.size - at - count);
        structure.size -= count;
}

static void insert_bytes(size_t at, const uint8_t *bytes, size_t count)
{
        static uint8_t copy[BLOCK_MAX];

        if (count > BLOCK_MAX - structure.size)
                return;
        memcpy(copy, bytes, count);
        memmove(structure.bytes + at + count, structure.bytes + at, structure.size - at);
        memcpy(structure.bytes + at, copy, count);
        structure.size += count;
}

/* Another length, another name, or another value. */
static void change_property(uint8_t *token)
{
        static const uint32_t cells[] = { 0, 1, 2, 3, 4, 8, 9, 16, 0x1000, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff };
        size_t length = get(token + 4), value = (size_t)(token + 12 - structure.bytes);
        uint32_t more = 4 * next_random(4);
        const uint8_t *other = structure.bytes + tokens[next_random(token_count)];

        switch (next_random(6)) {
        case 0:
                insert_bytes(value, structure.bytes, more);
                set(token + 4, (uint32_t)length + more);
                break;
        case 1:
                if (length < more)
                        break;
                remove_bytes(value, more);
                set(token + 4, (uint32_t)(length - more));
                break;
        case 2:
                set(token + 4, (uint32_t)length - next_random(4)); /* not whole cells */
                break;
        case 3:
                if (get(other) == PROPERTY)
                        set(token + 8, get(other + 8));
                break;
        case 4:
                if (length >= 4)
                        set(token + 12 + 4 * next_random((uint32_t)length / 4), cells[next_random(sizeof cells / sizeof cells[0])]);
                break;
        default:
                if (length > 0)
                        LLVMFuzzerMutate(token + 12, length, length);
        }
}

static void change_structure(void)
{
        unsigned token;
        uint8_t *place;

        find_tokens();
        if (token_count == 0)
                return;
        token = next_random(token_count);
        place = structure.bytes + tokens[token];
        switch (next_random(8)) {
        case 0:
                remove_bytes(tokens[token], extent(token));
                break;
        case 1:
                insert_bytes(tokens[next_random(token_count)], place, extent(token));
                break;
        case 2:
                structure.size = LLVMFuzzerMutate(structure.bytes, structure.size, BLOCK_MAX) & ~(size_t)3;
                break;
        default:
                for (unsigned i = 0; i < token_count && get(place) != PROPERTY; i++)
                        place = structure.bytes + tokens[(token + i) % token_count];
                if (get(place) == PROPERTY)
                        change_property(place);
        }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
        size_t changed;

        random_state = seed;
        next_random(1);
        if (size < HEADER || next_random(8) == 0 || !take_apart(data, size))
                return LLVMFuzzerMutate(data, size, max_size);
        switch (next_random(8)) {
        case 0:
                strings.size = LLVMFuzzerMutate(strings.bytes, strings.size, BLOCK_MAX);
                break;
        case 1:
                reservations.size = LLVMFuzzerMutate(reservations.bytes, reservations.size, 1024) & ~(size_t)7;
                break;
        default:
                for (unsigned times = 1 + next_random(3); times > 0; times--)
                        change_structure();
        }
        changed = put_together(data, max_size);
        return changed > 0 ? changed : LLVMFuzzerMutate(data, size, max_size);
}
