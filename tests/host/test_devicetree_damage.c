/* SPDX-License-Identifier: MIT */
/* sources: kernel/devicetree.c kernel/machine.c kernel/memory.c kernel/printk.c tests/host/trees.c
 *          libfdt/fdt.c libfdt/fdt_ro.c */
/*
 * test_devicetree_damage.c - good trees with something overwritten. Whatever it is, the tree is taken or
 * refused in one line; the sanitizers look on, and every copy is as large as it says and no larger.
 */
#include <errno.h>
#include <stdlib.h>

#include "memory.h"
#include "testing.h"
#include "trees.h"
#include "util.h"

enum { HEADER = TREE_HEADER, LIMIT = TREE_LIMIT };

/* Words of the header, by their place. */
enum {
        MAGIC,
        TOTALSIZE,
        OFF_STRUCT,
        OFF_STRINGS,
        OFF_RESERVATIONS,
        VERSION,
        LAST_COMPATIBLE,
        BOOT_CPU,
        SIZE_STRINGS,
        SIZE_STRUCT
};

static struct machine machine;
static unsigned taken, refused; /* so far in this test */

static uint32_t word_of(const uint8_t *blob, size_t index)
{
        const uint8_t *at = blob + 4 * index;

        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void set_word(uint8_t *blob, size_t index, uint32_t value)
{
        for (unsigned i = 0; i < 4; i++)
                blob[4 * index + i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Everything is asked of what was taken, also which memory is free. */
static void use(void)
{
        static char text[TREE_REPORT_SIZE];
        struct range image = { machine.memory[0].base, 1 }, range;

        tree_report(&machine, text);
        host.console_length = 0;
        if (memory_init(&machine, image) != 0)
                fail_msg("its memory: %s", host.console);
        for (unsigned i = 0; (range = memory_free_range(i)).size > 0; i++)
                assert_true(range.base + range.size <= IDENTITY_END);
}

static int read_copy(void *copy, const char *what, size_t where)
{
        int error;
        const char *problem = tree_read(&machine, copy, 0, &error);

        if (problem)
                fail_msg("%s at %zu: %s: %s", what, where, problem, host.console);
        taken += error == 0;
        refused += error != 0;
        if (error == 0)
                use();
        return error;
}

static int read_damaged(const uint8_t *blob, size_t size, const char *what, size_t where)
{
        uint8_t *copy = tree_whole(blob, size);
        int error = read_copy(copy, what, where);

        free(copy);
        if (word_of(blob, TOTALSIZE) > TREE_LIMIT) /* whatever else is right about it */
                assert_int_equal(error, -EBADF);
        return error;
}

static const struct tree *small(void) { return tree_named("reserved memory and reservations and an initrd"); }

static uint8_t *scratch_of(const struct tree *tree)
{
        taken = refused = 0;
        return tree_copy(tree->blob, tree->size);
}

/* Cut off anywhere, and saying so in its header: there is nothing in a tree that may be missing. */
static void cut_short(void **state)
{
        const struct tree *tree = small();
        uint8_t *blob = scratch_of(tree);

        (void)state;
        assert_int_equal(read_damaged(blob, tree->size, "nothing", 0), 0);
        for (size_t size = HEADER; size < tree->size; size++) {
                set_word(blob, TOTALSIZE, (uint32_t)size);
                assert_int_equal(read_damaged(blob, size, "cut", size), -EBADF);
        }
        free(blob);
}

static void header_of_extremes(void **state)
{
        const struct tree *tree = small();
        uint8_t *blob = scratch_of(tree);
        uint32_t size = (uint32_t)tree->size, values[64];
        unsigned count = 0;

        (void)state;
        for (unsigned shift = 0; shift < 32; shift++)
                values[count++] = UINT32_C(1) << shift;
        for (unsigned i = 0; i < 10; i++)
                values[count++] =
                        (uint32_t[]){ 0, 7, 17, 39, 40, LIMIT + 1, 0xfffffffc, 0xfffffff8, 0xffffffd8, 0xffffffff }[i];
        for (uint32_t around = 0; around < 18; around += 2)
                values[count++] = size - around;
        assert_in_range(count, 1, ARRAY_SIZE(values));
        for (unsigned field = 0; field < HEADER / 4; field++) {
                uint32_t right = word_of(blob, field);

                for (unsigned i = 0; i < count; i++) {
                        set_word(blob, field, values[i]);
                        read_damaged(blob, size, "header", field);
                }
                for (uint32_t near = right - 24; near != right + 24; near++) {
                        set_word(blob, field, near);
                        int error = read_damaged(blob, size, "header", field);

                        if ((field == MAGIC || field == VERSION) && near < right)
                                assert_int_equal(error, -EBADF);
                }
                set_word(blob, field, right);
        }
        assert_in_range(refused, 300, 2000);
        free(blob);
}

/* What a word may be taken for: each of the tags, lengths that wrap around, places beyond the end. */
static const uint32_t words[] = {
        0,          1,          2,          3,          4,          5,          8,
        9,          0x10,       0x01000000, 0x03000000, 0x7fffffff, 0x7ffffff0, 0x7fffffe8,
        0x80000000, 0x80000008, 0xfffffff0, 0xfffffff3, 0xfffffff8, 0xfffffffc, 0xffffffff,
};

static void overwrite_words(const struct tree *tree, unsigned step)
{
        uint8_t *blob = scratch_of(tree);

        for (size_t at = HEADER / 4; at < tree->size / 4; at += step) {
                uint32_t right = word_of(blob, at);

                for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
                        set_word(blob, at, words[i]);
                        read_damaged(blob, tree->size, "word", at);
                }
                set_word(blob, at, (uint32_t)tree->size);
                read_damaged(blob, tree->size, "word", at);
                set_word(blob, at, right);
        }
        assert_in_range(refused, 100, 1000000);
        assert_in_range(taken, 100, 1000000); /* there are values that may be anything */
        free(blob);
}

static void every_word_of_a_small_tree(void **state)
{
        (void)state;
        overwrite_words(small(), 1);
}

static void words_of_a_large_tree(void **state)
{
        (void)state;
        if (strncmp(trees[tree_count - 1].name, "QEMU's", 6) != 0)
                skip();
        overwrite_words(tree_named("QEMU's virt, hart 0 of 4"), 3);
}

static void every_bit_of_a_small_tree(void **state)
{
        const struct tree *tree = small();
        uint8_t *blob = scratch_of(tree);

        (void)state;
        for (size_t bit = 0; bit < 8 * tree->size; bit++) {
                blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
                read_damaged(blob, tree->size, "bit", bit);
                blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        free(blob);
}

static uint32_t next_random(void)
{
        static uint64_t x = 1;

        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(x >> 33);
}

/* Several at once: bytes, words, and pieces that were moved, in every tree that there is. */
static void damage_at_random(void **state)
{
        (void)state;
        taken = refused = 0;
        for (unsigned round = 0; round < 12000; round++) {
                const struct tree *tree = &trees[next_random() % tree_count];
                uint8_t *blob = tree_copy(tree->blob, tree->size);

                if (tree->size < 6000)
                        for (unsigned count = 1 + next_random() % 4; count > 0; count--) {
                                size_t at = HEADER + next_random() % (tree->size - HEADER),
                                       from = next_random() % tree->size;
                                size_t length = next_random() % 40;

                                if (next_random() % 3 == 0)
                                        blob[at] = (uint8_t)next_random();
                                else if (next_random() % 2 == 0)
                                        set_word(blob, (at - 3) / 4, words[next_random() % ARRAY_SIZE(words)]);
                                else if (at + length <= tree->size && from + length <= tree->size)
                                        memmove(blob + at, blob + from, length);
                        }
                read_damaged(blob, tree->size, tree->name, round);
                free(blob);
        }
        assert_in_range(refused, 1000, 11000);
        assert_in_range(taken, 1000, 11000);
}

/* A header, and behind it anything. */
static void noise(void **state)
{
        uint8_t blob[512];

        (void)state;
        taken = refused = 0;
        for (unsigned round = 0; round < 5000; round++) {
                const uint32_t header[] = { 0xd00dfeed, sizeof blob, 56, 400, 40, 17, 16, 0, 112, 344 };

                for (unsigned i = 0; i < sizeof blob; i++)
                        blob[i] = (uint8_t)next_random();
                for (unsigned i = 0; i < ARRAY_SIZE(header); i++)
                        set_word(blob, i, header[i]);
                for (unsigned i = 10; i < 100; i++) /* mostly tags */
                        if (next_random() % 4)
                                set_word(blob, i, i < 14 ? 0 : words[next_random() % 8]);
                read_damaged(blob, sizeof blob, "noise", round);
        }
        assert_int_equal(taken, 0);
}

/* Not a tree at all, or one that lies where none may. */
static void addresses(void **state)
{
        const struct tree *tree = small();
        uint8_t *block = NULL;

        (void)state;
        taken = refused = 0;
        assert_int_equal(read_copy(NULL, "NULL", 0), -EBADF);
        for (size_t offset = 1; offset < 8; offset++) {
                assert_int_equal(posix_memalign((void **)&block, 8, tree->size + offset), 0);
                memcpy(block + offset, tree->blob, tree->size);
                assert_int_equal(read_copy(block + offset, "misaligned", offset), -EBADF);
                free(block);
        }
}

/* The whole tree is there, but a block of it lies at an odd place: `block`, one of the header's offsets, moved. */
static int read_moved(unsigned block, size_t size, size_t by)
{
        const struct tree *tree = small();
        size_t end = ALIGN_UP(tree->size, 8) + by;
        uint8_t *blob = tree_copy(tree->blob, tree->size), *copy = malloc(end + size);
        int error;

        memset(copy, 0, end + size);
        memcpy(copy, blob, tree->size);
        memcpy(copy + end, blob + word_of(blob, block), size);
        set_word(copy, block, (uint32_t)end);
        set_word(copy, TOTALSIZE, (uint32_t)(end + size));
        error = read_damaged(copy, end + size, "moved", by);
        free(copy);
        free(blob);
        return error;
}

static void misaligned_blocks(void **state)
{
        const uint8_t *blob = small()->blob;

        (void)state;
        taken = refused = 0;
        for (size_t by = 0; by < 8; by++) {
                assert_int_equal(read_moved(OFF_STRUCT, word_of(blob, SIZE_STRUCT), by), by % 4 ? -EBADF : 0);
                assert_int_equal(read_moved(OFF_RESERVATIONS, 32, by), by % 8 ? -EBADF : 0);
                assert_int_equal(read_moved(OFF_STRINGS, word_of(blob, SIZE_STRINGS), by), 0);
        }
        /* Reservations at the very end, of which none is the last. */
        for (size_t size = 8; size <= 24; size += 4)
                assert_int_equal(read_moved(OFF_RESERVATIONS, size == 24 ? 16 : size, 0), -EBADF);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(cut_short),
                TEST(header_of_extremes),
                TEST(every_word_of_a_small_tree),
                TEST(words_of_a_large_tree),
                TEST(every_bit_of_a_small_tree),
                TEST(damage_at_random),
                TEST(noise),
                TEST(addresses),
                TEST(misaligned_blocks),
        };

        return cmocka_run_group_tests(tests, trees_make, NULL);
}
