/* SPDX-License-Identifier: MIT */
/* memory.c - free memory is what the machine has less what is spoken for. */
#include "memory.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "printk.h"
#include "util.h"

struct piece {
        struct range range; /* as it was at boot */
        uint64_t next;      /* the first byte not handed out */
};

static struct piece pieces[MEMORY_RANGES_MAX];
static unsigned piece_count;
static uint64_t total;

/* A hole splits one piece at most, and what is behind it is added before what is empty goes. */
_Static_assert(MEMORY_RANGES_MAX >= MACHINE_MEMORY_MAX + 1 /* the image */ + MACHINE_RESERVED_MAX + 1, "there is room for all");

/* The whole pages from `from` to `end`; never page 0, whose address is NULL. */
static void add_piece(uint64_t from, uint64_t end)
{
        uint64_t base = ALIGN_UP(from ?: 1, PAGE_SIZE);

        end = ALIGN_DOWN(end < IDENTITY_END ? end : IDENTITY_END, PAGE_SIZE);
        if (base >= from && base < end)
                pieces[piece_count++] = (struct piece){ .range = { base, end - base }, .next = base };
}

/* Take `hole`, widened to whole pages, out of all pieces. */
static void punch(struct range hole)
{
        uint64_t from = ALIGN_DOWN(hole.base, PAGE_SIZE), to = ALIGN_UP(hole.base + hole.size, PAGE_SIZE);

        if (to < hole.base + hole.size) /* up to the last page of the address space */
                to = UINT64_MAX;
        for (unsigned i = 0; i < piece_count; i++) {
                uint64_t base = pieces[i].range.base, end = base + pieces[i].range.size;

                if (to <= base || end <= from)
                        continue;
                pieces[i].range.size = from > base ? from - base : 0;
                add_piece(to > base ? to : base, end);
                if (pieces[i].range.size == 0)
                        pieces[i--] = pieces[--piece_count];
        }
}

static bool holds(struct range outer, struct range inner)
{
        return inner.base - outer.base <= outer.size && inner.size <= outer.size - (inner.base - outer.base);
}

/* The memory nodes that hold the image, or those that do not. */
static void add_memories(const struct machine *machine, struct range image, bool holding)
{
        for (unsigned i = 0; i < machine->memory_count; i++) {
                if (holds(machine->memory[i], image) != holding)
                        continue;
                total += machine->memory[i].size;
                add_piece(machine->memory[i].base, machine->memory[i].base + machine->memory[i].size);
        }
}

int memory_init(const struct machine *machine, struct range image)
{
        piece_count = 0;
        total = 0;
        /* The node that holds the image first, holes and all: the page tables must not come from memory that the tree makes up. */
        for (int holding = 1; holding >= 0; holding--) {
                add_memories(machine, image, holding);
                if (total == 0) {
                        log_error("device tree: the kernel at 0x%lx is in no memory node", image.base);
                        return -EBADF;
                }
                punch(image);
                for (unsigned i = 0; i < machine->reserved_count; i++)
                        punch(machine->reserved[i]);
        }
        return 0;
}

void *memory_allocate(size_t bytes, size_t alignment)
{
        for (unsigned i = 0; i < piece_count; i++) {
                uint64_t end = pieces[i].range.base + pieces[i].range.size;
                uint64_t start = ALIGN_UP(pieces[i].next, alignment); /* no piece lies so high that it could wrap */

                if (start > end || bytes > end - start)
                        continue;
                pieces[i].next = start + bytes;
                return memset((void *)(uintptr_t)start, 0, bytes);
        }
        return NULL;
}

struct range memory_free_range(unsigned index)
{
        return index < piece_count ? pieces[index].range : (struct range){ 0, 0 };
}

uint64_t memory_total(void) { return total; }

void memory_print(void)
{
        for (unsigned i = 0; i < piece_count; i++)
                printk("0x%010lx to 0x%010lx: %lu of %lu KiB are free\n", pieces[i].range.base,
                       pieces[i].range.base + pieces[i].range.size,
                       (pieces[i].range.base + pieces[i].range.size - pieces[i].next) / 1024, pieces[i].range.size / 1024);
        printk("%lu KiB in all, with what the kernel, the firmware and the device tree keep\n", total / 1024);
}
