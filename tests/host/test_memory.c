/* SPDX-License-Identifier: MIT */
/* sources: kernel/memory.c kernel/printk.c */
/* test_memory.c - which memory is free, page by page against a count of our own, and handing it out. */
#include <errno.h>
#include <sys/mman.h>

#include "memory.h"
#include "testing.h"
#include "util.h"

/* The part of the address space that the random machines lie in, in pages. */
enum { SPACE = 512 };

static struct machine machine;
static struct range image;

static void add_memory(uint64_t base, uint64_t size)
{
        machine.memory[machine.memory_count++] = (struct range){ base, size };
}

static void add_reserved(uint64_t base, uint64_t size)
{
        machine.reserved[machine.reserved_count++] = (struct range){ base, size };
}

/* 128 MiB with the image at its foot, as on QEMU's virt. */
static void make_plain(void)
{
        host_reset();
        machine = (struct machine){ 0 };
        add_memory(0x80000000, 128 << 20);
        image = (struct range){ 0x80200000, 0x40000 };
}

static uint64_t free_bytes(void)
{
        uint64_t bytes = 0;
        struct range range;

        for (unsigned i = 0; (range = memory_free_range(i)).size > 0; i++)
                bytes += range.size;
        return bytes;
}

static bool is_free(uint64_t address)
{
        struct range range;

        for (unsigned i = 0; (range = memory_free_range(i)).size > 0; i++)
                if (address - range.base < range.size)
                        return true;
        return false;
}

static void plain_machine(void **state)
{
        (void)state;
        make_plain();
        add_reserved(0x80000000, 0x80000);      /* the firmware's */
        add_reserved(0x87e00000, 0x1234);       /* the tree */
        assert_int_equal(memory_init(&machine, image), 0);
        assert_int_equal(memory_total(), 128 << 20);
        assert_int_equal(free_bytes(), (128 << 20) - 0x80000 - 0x40000 - 0x2000);
        assert_false(is_free(0x8007ffff));
        assert_true(is_free(0x80080000));
        assert_false(is_free(0x8023ffff));
        assert_true(is_free(0x80240000));
        assert_false(is_free(0x87e01fff));
        assert_true(is_free(0x87e02000));
        assert_true(is_free(0x87ffffff));
        assert_false(is_free(0x88000000));
        assert_int_equal(host.console_length, 0);
}

static void image_outside_of_memory(void **state)
{
        static const struct range images[] = {
                { 0x7ffff000, 0x1000 },  { 0x7ffff000, 0x2000 },         { 0x88000000, 0x1000 }, { 0x87fff000, 0x1001 },
                { 0x1000, 0x1000 },      { 0x80000000, (128 << 20) + 1 }, { UINT64_MAX - 0xfff, 0x1000 },
                { 0x80000000, UINT64_MAX }, { 0x100000000, 0x1000 },
        };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(images); i++) {
                make_plain();
                assert_int_equal(memory_init(&machine, images[i]), -EBADF);
                assert_console_has("error: device tree: ");
        }
        make_plain();
        add_memory(0x88000000, 1 << 20); /* across two nodes: not in any */
        assert_int_equal(memory_init(&machine, (struct range){ 0x87fff000, 0x2000 }), -EBADF);
        make_plain();
        assert_int_equal(memory_init(&machine, machine.memory[0]), 0); /* all of it */
        assert_int_equal(free_bytes(), 0);
}

/* What lies beyond the identity map is left alone, and so is what wraps around the end of the address space. */
static void edges_of_the_address_space(void **state)
{
        (void)state;
        make_plain();
        add_memory(IDENTITY_END - 0x3000, 0x10000);
        add_memory(IDENTITY_END + 0x100000, 0x100000);
        add_memory(UINT64_MAX - 0x1fff, 0x1fff);
        assert_int_equal(memory_init(&machine, image), 0);
        assert_int_equal(free_bytes(), (128 << 20) - 0x40000 + 0x3000);
        assert_true(is_free(IDENTITY_END - 1));
        assert_false(is_free(IDENTITY_END));

        make_plain();
        add_reserved(UINT64_MAX - 0x10ff, 0x1000);
        add_reserved(UINT64_MAX - 1, 1);
        assert_int_equal(memory_init(&machine, image), 0);
        assert_int_equal(free_bytes(), (128 << 20) - 0x40000);

        make_plain();
        add_reserved(0x1000, UINT64_MAX - 0x1000); /* everything */
        assert_int_equal(memory_init(&machine, image), 0);
        assert_int_equal(free_bytes(), 0);
        make_plain();
        add_reserved(0, UINT64_MAX); /* once more, from where the end of the last page is again */
        assert_int_equal(memory_init(&machine, image), 0);
        assert_int_equal(free_bytes(), 0);
}

/* Less than a page, within the last page there is: rounding its base up must not lead back to 0. */
/* However the holes lie: what is handed out first is in the node that holds the image, for that one is real. */
static void the_image_s_node_is_first(void **state)
{
        (void)state;
        make_plain();
        add_memory(0x101000000, 16 << 20);
        add_reserved(0x101400000, 0x1000);  /* cuts the other node */
        add_reserved(0x80000000, 0x200000); /* all that is below the image */
        assert_int_equal(memory_init(&machine, image), 0);
        assert_in_range(memory_free_range(0).base, 0x80000000, 0x88000000);
}

static void memory_in_the_last_page(void **state)
{
        (void)state;
        make_plain();
        add_memory(UINT64_MAX - 0x7ff, 0x100);
        assert_int_equal(memory_init(&machine, image), 0);
        assert_int_equal(free_bytes(), (128 << 20) - 0x40000);
        assert_false(is_free(0x1000));
}

/* Page 0 is never mapped (vm.h), and its address would be taken for NULL. */
static void memory_at_address_zero(void **state)
{
        (void)state;
        make_plain();
        add_memory(0, 0x10000);
        assert_int_equal(memory_init(&machine, image), 0);
        assert_false(is_free(0));
        assert_true(is_free(0x1000));
}

static void memory_without_a_whole_page(void **state)
{
        (void)state;
        make_plain();
        add_memory(0x90000800, 0x1000);
        add_memory(0x91000001, 0x1ffe);
        add_memory(0x92000001, 0x1fff); /* one */
        assert_int_equal(memory_init(&machine, image), 0);
        assert_int_equal(free_bytes(), (128 << 20) - 0x40000 + 0x1000);
        assert_true(is_free(0x92001000));
}

static uint64_t next_random(void)
{
        static uint64_t x = 1;

        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return x >> 33;
}

static uint64_t somewhere(void) { return 0x80000000 + next_random() % (SPACE * PAGE_SIZE); }

/* A range of whole pages, or of any bytes at all. */
static struct range random_range(unsigned pages)
{
        struct range range = { somewhere(), next_random() % (pages * PAGE_SIZE) + 1 };

        if (next_random() % 2) {
                range.base = ALIGN_DOWN(range.base, PAGE_SIZE);
                range.size = ALIGN_UP(range.size, PAGE_SIZE);
        }
        return range;
}

static bool meet(struct range a, struct range b) { return a.base < b.base + b.size && b.base < a.base + a.size; }

static void make_random(void)
{
        host_reset();
        machine = (struct machine){ 0 };
        for (uint64_t tries = 1 + next_random() % MACHINE_MEMORY_MAX; tries > 0; tries--) {
                struct range range = random_range(next_random() % 2 ? 64 : 300);
                bool meets = false;

                for (unsigned i = 0; i < machine.memory_count; i++) /* such a tree is refused before */
                        meets = meets || meet(range, machine.memory[i]);
                if (!meets)
                        add_memory(range.base, range.size);
        }
        for (uint64_t count = next_random() % MACHINE_RESERVED_MAX; count > 0; count--) {
                struct range range = random_range(next_random() % 4 ? 3 : 40);

                add_reserved(range.base, range.size);
        }
        struct range in = machine.memory[next_random() % machine.memory_count];

        image.base = in.base + next_random() % in.size;
        image.size = 1 + next_random() % (in.base + in.size - image.base);
        if (image.size > 8 * PAGE_SIZE)
                image.size = 8 * PAGE_SIZE;
}

/* The count of our own: a page is free when one node has all of it, and nothing else has any of it. */
static bool should_be_free(uint64_t page)
{
        struct range whole = { page, PAGE_SIZE };
        bool in_memory = false;

        for (unsigned i = 0; i < machine.memory_count; i++)
                in_memory = in_memory || (page >= machine.memory[i].base &&
                                          page + PAGE_SIZE <= machine.memory[i].base + machine.memory[i].size);
        for (unsigned i = 0; i < machine.reserved_count; i++)
                if (meet(whole, machine.reserved[i]))
                        return false;
        return in_memory && !meet(whole, image);
}

static void random_machines(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 3000; round++) {
                uint64_t total = 0, pages = 0;

                make_random();
                assert_int_equal(memory_init(&machine, image), 0);
                for (uint64_t page = 0x80000000; page < 0x80000000 + (SPACE + 320) * PAGE_SIZE; page += PAGE_SIZE) {
                        bool should = should_be_free(page);

                        pages += should;
                        if (is_free(page) != should || is_free(page + PAGE_SIZE - 1) != should)
                                fail_msg("round %u: page 0x%lx is %sfree", round, (unsigned long)page,
                                         should ? "not " : "");
                }
                assert_int_equal(free_bytes(), pages * PAGE_SIZE); /* and no piece twice, or elsewhere */
                for (unsigned i = 0; i < machine.memory_count; i++)
                        total += machine.memory[i].size;
                assert_int_equal(memory_total(), total);
                for (unsigned i = 0; memory_free_range(i).size > 0; i++)
                        assert_int_equal(memory_free_range(i).base % PAGE_SIZE, 0);
        }
}

/* Real memory, where the identity map could have it. */
#define ARENA UINT64_C(0x40000000)
enum { ARENA_SIZE = 4 << 20 };

static int map_arena(void **state)
{
        void *wanted = (void *)ARENA;

        (void)state;
        if (mmap(wanted, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                 0) != wanted)
                return -1;
        memset(wanted, 0xA5, ARENA_SIZE);
        host_reset();
        machine = (struct machine){ 0 };
        add_memory(ARENA, ARENA_SIZE);
        add_reserved(ARENA + 0x100000, 0x3000);
        add_reserved(ARENA + 0x200000, 1);
        image = (struct range){ ARENA, 0x10000 };
        return memory_init(&machine, image);
}

static int unmap_arena(void **state)
{
        (void)state;
        return munmap((void *)ARENA, ARENA_SIZE);
}

static void allocations_are_aligned_zeroed_and_apart(void **state)
{
        static uint8_t owned[ARENA_SIZE];
        unsigned count = 0;
        uint8_t *memory;

        (void)state;
        memset(owned, 0, sizeof owned);
        for (;; count++) {
                size_t bytes = 1 + next_random() % (next_random() % 8 ? 300 : 20000),
                       alignment = 1u << next_random() % 15;

                memory = memory_allocate(bytes, alignment);
                if (!memory)
                        break;
                assert_int_equal((uintptr_t)memory % alignment, 0);
                for (size_t i = 0; i < bytes; i++) {
                        uint64_t address = (uintptr_t)memory + i;

                        if (!is_free(address) || memory[i] != 0 || owned[address - ARENA]++)
                                fail_msg("byte %zu of allocation %u is not free, zero and nobody's", i, count);
                }
                memset(memory, 0x5A, bytes);
        }
        assert_in_range(count, 200, 100000);
        for (uint64_t i = 0; i < ARENA_SIZE; i++) /* and nothing else was written */
                assert_int_equal(((uint8_t *)ARENA)[i], owned[i] ? 0x5A : 0xA5);
}

static void exhaustion_is_exact(void **state)
{
        unsigned pages = 0;

        (void)state;
        while (memory_allocate(PAGE_SIZE, PAGE_SIZE))
                pages++;
        assert_int_equal(pages, (ARENA_SIZE - 0x10000 - 0x3000 - 0x1000) / PAGE_SIZE);
        assert_null(memory_allocate(1, 1));
        assert_null(memory_allocate(PAGE_SIZE, 1));
}

static void what_cannot_be_had(void **state)
{
        static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, UINT64_C(1) << 63, ARENA_SIZE, 0x1ff001 };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
                for (unsigned shift = 0; shift < 64; shift += 7)
                        assert_null(memory_allocate(sizes[i], UINT64_C(1) << shift));
        assert_null(memory_allocate(1, UINT64_C(1) << 63));
        assert_null(memory_allocate(1, UINT64_C(1) << 31)); /* above the arena */
        assert_non_null(memory_allocate(0x1ff000, PAGE_SIZE)); /* the largest piece, whole */
        assert_null(memory_allocate(0x1ff000, PAGE_SIZE));
}

/* Every node a piece, every hole in the midst of one: more there cannot be, and for these there is room. */
static void as_many_pieces_as_can_be(void **state)
{
        enum { NODE = 32 << 20, STEP = NODE / 8 };
        unsigned count = 0;

        (void)state;
        host_reset();
        machine = (struct machine){ 0 };
        for (uint64_t i = 0; i < MACHINE_MEMORY_MAX; i++)
                add_memory(0x80000000 + i * 2 * NODE, NODE);
        for (uint64_t i = 0; i < MACHINE_RESERVED_MAX; i++)
                add_reserved(0x80000000 + i / 4 * 2 * NODE + (1 + i % 4) * STEP, 1);
        image = (struct range){ 0x80000000 + 6 * STEP, 1 };
        assert_int_equal(memory_init(&machine, image), 0);
        assert_int_equal(free_bytes(), (uint64_t)MACHINE_MEMORY_MAX * NODE - (MACHINE_RESERVED_MAX + 1) * PAGE_SIZE);
        while (memory_free_range(count).size > 0)
                count++;
        assert_int_equal(count, MACHINE_MEMORY_MAX + MACHINE_RESERVED_MAX + 1);
}

static void what_is_left_is_printed(void **state)
{
        (void)state;
        memory_allocate(3 * 1024, 1);
        memory_print();
        assert_string_equal(host.console, "0x0040010000 to 0x0040100000: 957 of 960 KiB are free\n"
                                          "0x0040103000 to 0x0040200000: 1012 of 1012 KiB are free\n"
                                          "0x0040201000 to 0x0040400000: 2044 of 2044 KiB are free\n"
                                          "4096 KiB in all, with what the kernel, the firmware and the device tree keep\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(plain_machine),
                TEST(image_outside_of_memory),
                TEST(edges_of_the_address_space),
                TEST(the_image_s_node_is_first),
                TEST(memory_in_the_last_page),
                TEST(memory_at_address_zero),
                TEST(memory_without_a_whole_page),
                TEST(random_machines),
                cmocka_unit_test_setup_teardown(allocations_are_aligned_zeroed_and_apart, map_arena, unmap_arena),
                cmocka_unit_test_setup_teardown(exhaustion_is_exact, map_arena, unmap_arena),
                cmocka_unit_test_setup_teardown(what_cannot_be_had, map_arena, unmap_arena),
                cmocka_unit_test_setup_teardown(what_is_left_is_printed, map_arena, unmap_arena),
                TEST(as_many_pieces_as_can_be),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
