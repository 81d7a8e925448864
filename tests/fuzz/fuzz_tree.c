/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/devicetree.c kernel/machine.c kernel/memory.c kernel/driver.c kernel/printk.c tests/host/trees.c
 *          tests/fuzz/fuzz.c tests/fuzz/tree_mutator.c libfdt/fdt.c libfdt/fdt_ro.c
 */
/* options: -max_len=6144 */
/*
 * fuzz_tree.c - the input is the flattened device tree, in a block as large as it says. What is taken lies within it
 * and describes a machine that can be; what is refused is refused in one line.
 */
#include <errno.h>
#include <libfdt.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "fuzz.h"
#include "memory.h"
#include "trap.h"
#include "trees.h"
#include "util.h"
#include "virtio.h"
#include "vm.h"

static struct machine machine;
static const uint8_t *tree, *tree_end;

/* What the search for drivers asks of others. */

const struct virtio_driver *const virtio_drivers[] = { NULL };

void trap_expect(const struct dt_node *node) { (void)node; }

int vm_map(struct range range, enum vm_flags flags)
{
        (void)flags;
        fuzz_expect(range.size > 0 && range.base + range.size > range.base, "registers that wrap around");
        return range.base + range.size > IDENTITY_END ? -ERANGE : 0;
}

static unsigned probed;

static int probe(const struct device_node *node)
{
        struct range range;

        probed++;
        fuzz_expect(dt_reg(node->at, 0, &range) == 0 && range.base == node->reg.base, "another place for its registers");
        return probed % 3 == 0 ? -ENODEV : 0;
}

static const char *const compatible[] = { "virtio,mmio", "ns16550a", "sifive,plic-1.0.0", NULL };
static const struct driver driver = { .name = "any", .compatible = compatible, .probe = probe };
static const struct driver *const drivers[] = { &driver, NULL };

/* So that a look beyond a value is one ---------------------------------------------------------- */

static uint32_t word_at(size_t at) { return (uint32_t)tree[at] << 24 | (uint32_t)tree[at + 1] << 16 | (uint32_t)tree[at + 2] << 8 | tree[at + 3]; }

/* What is no name and no value is of no interest once the tree was taken: nobody may look at it. The tree is sound here. */
static void poison_all_but_values(void)
{
        size_t from = word_at(8); /* behind the last name or value */
        const struct dt_node *node = NULL;
        bool after_a_child = false;
        size_t length;

        for (size_t at = from;; at += 4) {
                switch (word_at(at)) {
                case FDT_BEGIN_NODE:
                        node = dt_next(node);
                        fuzz_expect(node && node->name == (const char *)tree + at + 4, "another node at %zu", at);
                        after_a_child = false;
                        __asan_poison_memory_region(tree + from, at + 4 - from);
                        from = at + 4 + strlen(node->name) + 1;
                        at = ALIGN_UP(from, (size_t)4) - 4;
                        break;
                case FDT_PROP:
                        fuzz_expect(!after_a_child, "a property behind a child at %zu", at);
                        length = word_at(at + 4);
                        __asan_poison_memory_region(tree + from, at + 12 - from);
                        from = at + 12 + length;
                        at = ALIGN_UP(from, (size_t)4) - 4;
                        break;
                case FDT_END_NODE: after_a_child = true; break;
                case FDT_END: __asan_poison_memory_region(tree + from, at + 4 - from); return;
                default: break;
                }
        }
}

/* What must be true of a tree that was taken ---------------------------------------------------- */

static bool overlap(struct range a, struct range b)
{
        return a.size > 0 && b.size > 0 && a.base < b.base + b.size && b.base < a.base + a.size;
}

static void expect_in_tree(const void *start, size_t length, const char *what)
{
        const uint8_t *from = start;

        fuzz_expect(from >= tree && from <= tree_end && length <= (size_t)(tree_end - from), "%s lies outside of the tree", what);
}

static void expect_text_in_tree(const char *text, const char *what)
{
        if (*text != '\0') /* else it may be the kernel's own */
                expect_in_tree(text, strlen(text) + 1, what);
}

static void check_nodes(void)
{
        static const char *const names[] = { "reg", "ranges", "compatible", "status", "phandle", "bootargs", "interrupts" };
        const struct dt_node *node = NULL;
        int length, count = 0;

        for (; (node = dt_next(node)) != NULL; count++) {
                expect_text_in_tree(node->name, "a name");
                fuzz_expect(node->parent ? node->parent < node && node->depth == node->parent->depth + 1 : count == 0 && node->depth == 0,
                            "node %d is not below its parent", count);
                for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
                        const void *value = dt_property(node, names[i], &length);

                        if (!value)
                                continue;
                        expect_in_tree(value, (size_t)length, names[i]);
                        fuzz_expect(!dt_string(node, names[i]) || memchr(value, '\0', (size_t)length) == (const char *)value + length - 1,
                                    "%s is taken for a string", names[i]);
                }
        }
        fuzz_expect(count > 0, "a tree without a root");
}

static void check_machine(void)
{
        fuzz_expect(machine.harts >= 1 && machine.timebase >= 1, "no hart, or no clock");
        fuzz_expect(machine.memory_count >= 1 && machine.memory_count <= MACHINE_MEMORY_MAX, "%u pieces of memory", machine.memory_count);
        fuzz_expect(machine.reserved_count >= 1 && machine.reserved_count <= MACHINE_RESERVED_MAX, "%u reservations", machine.reserved_count);
        fuzz_expect(machine.tree_range.base == (uintptr_t)tree && machine.tree_range.size == (size_t)(tree_end - tree),
                    "it does not know where the tree is");
        for (unsigned i = 0; i < machine.memory_count; i++) {
                fuzz_expect(machine.memory[i].size > 0 && machine.memory[i].base + machine.memory[i].size > machine.memory[i].base,
                            "memory %u wraps around", i);
                for (unsigned j = 0; j < i; j++)
                        fuzz_expect(!overlap(machine.memory[i], machine.memory[j]), "memory %u and %u overlap", i, j);
        }
        expect_text_in_tree(machine.bootargs, "bootargs");
        expect_text_in_tree(machine.stdout_path, "stdout-path");
}

static bool in_memory(struct range range)
{
        for (unsigned i = 0; i < machine.memory_count; i++)
                if (range.base >= machine.memory[i].base && range.base - machine.memory[i].base < machine.memory[i].size &&
                    range.size <= machine.memory[i].size - (range.base - machine.memory[i].base))
                        return true;
        return false;
}

/* How many bytes of a range may be memory that we use, and what rounding may add to it. */
static unsigned __int128 usable(struct range range)
{
        uint64_t end = range.base + range.size;

        return range.base >= IDENTITY_END ? 0 : (end < IDENTITY_END ? end : IDENTITY_END) - range.base;
}

/* With the image at the end of some memory, and the tree, which is elsewhere, at the beginning of some other. */
static void check_free_memory(void)
{
        const struct range *last = &machine.memory[machine.memory_count - 1];
        struct range *tree_place = &machine.reserved[machine.reserved_count - 1];
        struct range image = { last->base + last->size - 1, 1 }, range;
        unsigned __int128 accounted = (2 + 2 * machine.memory_count) * (unsigned)PAGE_SIZE, memory = 0;

        fuzz_expect(tree_place->base == (uintptr_t)tree && tree_place->size == machine.tree_range.size, "the tree is not reserved");
        tree_place->base = machine.memory[0].base;
        if (tree_place->base + tree_place->size < tree_place->base)
                tree_place->size = UINT64_MAX - tree_place->base;
        fuzz_expect(memory_init(&machine, image) == 0, "it cannot divide its memory");
        for (unsigned i = 0; (range = memory_free_range(i)).size > 0; i++) {
                accounted += range.size;
                fuzz_expect((range.base | range.size) % PAGE_SIZE == 0 && range.base != 0, "free memory of half a page");
                fuzz_expect(range.base + range.size <= IDENTITY_END && in_memory(range), "free memory that is none");
                fuzz_expect(!overlap(range, image), "the image is free memory");
                for (unsigned j = 0; j < machine.reserved_count; j++)
                        fuzz_expect(!overlap(range, machine.reserved[j]), "reservation %u is free memory", j);
                for (unsigned j = 0; j < i; j++)
                        fuzz_expect(!overlap(range, memory_free_range(j)), "it is free twice");
        }
        for (unsigned i = 0; i < machine.memory_count; i++)
                memory += usable(machine.memory[i]);
        for (unsigned i = 0; i < machine.reserved_count; i++)
                accounted += usable(machine.reserved[i]) + 2 * PAGE_SIZE;
        fuzz_expect(accounted >= memory, "memory is lost");
}

static void check_taken(void)
{
        static char report[TREE_REPORT_SIZE];
        const struct dt_node *node = NULL;
        int error;

        check_nodes();
        check_machine();
        check_free_memory();
        fuzz_expect(host.console_length == 0, "taken, and complained about");
        poison_all_but_values();
        tree_report(&machine, report);
        error = drivers_probe(&machine, drivers);
        fuzz_expect(error == 0 || error == -EBADF, "the search for drivers returns %d", error);
        if (error == 0)
                fuzz_expect(host.console_length == 0, "every device was asked for, and complained about");
        else
                fuzz_expect_one_line("error: device tree: node ");
        while ((node = dt_next(node)) != NULL && host.console_length < 4096) {
                char path[256];

                if (node->depth > 1)
                        continue;
                snprintf(path, sizeof path, "/%s", node->name);
                dt_print(path);
        }
        fuzz_expect_lines();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *copy;
        int error;
        const char *problem;

        if (size < TREE_HEADER)
                return -1; /* not to be kept */
        host_reset();
        copy = tree_whole(data, size);
        tree = copy;
        tree_end = copy + ((size_t)copy[4] << 24 | (size_t)copy[5] << 16 | (size_t)copy[6] << 8 | copy[7]);
        problem = tree_read(&machine, copy, 0, &error);
        fuzz_expect(problem == NULL, "%s", problem);
        if (error == 0) {
                fuzz_taken();
                check_taken();
                __asan_unpoison_memory_region(tree, (size_t)(tree_end - tree));
        } else {
                fuzz_refused(data, size);
                fuzz_expect_one_line("error: device tree: ");
        }
        free(copy);
        return 0;
}
