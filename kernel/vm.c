/* SPDX-License-Identifier: MIT */
/* vm.c - three levels of page tables, every address mapped to itself. */
#include "vm.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "arch.h"
#include "memory.h"
#include "printk.h"
#include "util.h"

enum { ENTRIES = 512, LEVELS = 3, PTE_VALID = 1, PTE_GLOBAL = 32, PTE_ACCESSED = 64, PTE_DIRTY = 128 };

extern const char __image_start[], __rodata_start[], __data_start[], __symbols_start[], __image_end[];
extern const char __stack_guard[], __stack_top[], __trap_stack_guard[], __trap_stack_top[];

typedef uint64_t page_table[ENTRIES];

static page_table *root;

static uint64_t page_size(int level) { return (uint64_t)PAGE_SIZE << 9 * level; }

static uint64_t leaf(uint64_t address, enum vm_flags flags)
{
        return address >> 12 << 10 | (uint64_t)flags | PTE_VALID | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY;
}

static bool is_table(uint64_t entry)
{
        return (entry & (PTE_VALID | VM_READ | VM_WRITE | VM_EXECUTE)) == PTE_VALID;
}

/* The entry for `address` at `level`, with the tables that lead to it; NULL without memory for them. */
static uint64_t *walk(uint64_t address, int level)
{
        page_table *table = root;

        for (int at = LEVELS - 1;; at--) {
                uint64_t *entry = &(*table)[address >> (12 + 9 * at) & (ENTRIES - 1)];

                if (at == level)
                        return entry;
                if (*entry == 0) {
                        void *below = memory_allocate(PAGE_SIZE, PAGE_SIZE);

                        if (!below)
                                return NULL;
                        *entry = (uint64_t)(uintptr_t)below >> 12 << 10 | PTE_VALID;
                }
                if (!is_table(*entry)) /* a larger page covers it */
                        return entry;
                table = (page_table *)(uintptr_t)(*entry >> 10 << 12);
        }
}

/* The largest page that starts at `address` and ends at or before `end`. */
static int largest_level(uint64_t address, uint64_t end)
{
        int level = LEVELS - 1;

        while (level > 0 && ((address & (page_size(level) - 1)) != 0 || end - address < page_size(level)))
                level--;
        return level;
}

int vm_map(struct range range, enum vm_flags flags)
{
        uint64_t address = ALIGN_DOWN(range.base, PAGE_SIZE), end = ALIGN_UP(range.base + range.size, PAGE_SIZE);

        if (range.base >= IDENTITY_END || range.size > IDENTITY_END - range.base)
                return -ERANGE;
        while (address < end) {
                int level = largest_level(address, end);
                uint64_t *entry = walk(address, level);

                while (entry && is_table(*entry)) /* part of the larger page is mapped already */
                        entry = walk(address, --level);
                if (!entry)
                        return -ENOMEM;
                if (*entry == 0)
                        *entry = leaf(address, flags);
                if ((*entry & (VM_READ | VM_WRITE | VM_EXECUTE)) != (uint64_t)flags)
                        return -EBUSY;
                address += page_size(level);
        }
        page_table_changed();
        return 0;
}

static int map_between(const char *from, const char *to, enum vm_flags flags)
{
        return vm_map((struct range){ (uintptr_t)from, (uintptr_t)to - (uintptr_t)from }, flags);
}

static int map_image(void)
{
        return map_between(__image_start, __rodata_start, VM_READ | VM_EXECUTE)
               ?: map_between(__rodata_start, __data_start, VM_READ)
               ?: map_between(__data_start, __stack_guard, VM_READ | VM_WRITE)
               ?: map_between(__stack_guard + PAGE_SIZE, __stack_top, VM_READ | VM_WRITE)
               ?: map_between(__trap_stack_guard + PAGE_SIZE, __trap_stack_top, VM_READ | VM_WRITE)
               ?: map_between(__symbols_start, __image_end, VM_READ);
}

static int map_free_memory(void)
{
        struct range range;
        int error = 0;

        for (unsigned i = 0; error == 0 && (range = memory_free_range(i)).size > 0; i++)
                error = vm_map(range, VM_READ | VM_WRITE);
        return error;
}

int vm_init(const struct machine *machine)
{
        root = memory_allocate(PAGE_SIZE, PAGE_SIZE);

        int error = root ? map_image() ?: map_free_memory() ?: vm_map(machine->tree_range, VM_READ) : -ENOMEM;

        if (error != 0) {
                log_error("page table: %s",
                          error == -ENOMEM ? "too little free memory for it" : "the device tree is in the kernel's own memory");
                return error;
        }
        page_table_activate(root);
        return 0;
}

bool vm_is_guard(uintptr_t address)
{
        uintptr_t stack = address - (uintptr_t)__stack_guard, trap_stack = address - (uintptr_t)__trap_stack_guard;

        return stack < PAGE_SIZE || trap_stack < PAGE_SIZE;
}
