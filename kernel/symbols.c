/* SPDX-License-Identifier: MIT */
/* symbols.c - from an address to a function's name. */
#include "symbols.h"

#include <stdint.h>

#include "printk.h"

/* As scripts/symbols writes it: sorted by offset, the names behind the entries. */
struct symbol {
        uint32_t offset; /* from _start */
        uint32_t name;   /* from the start of the names */
};

struct symbol_table {
        uint32_t count;
        struct symbol symbols[];
};

extern const struct symbol_table symbol_table;
extern const char __image_start[], __rodata_start[];

static const char *find(uintptr_t address, uintptr_t *offset)
{
        const char *names = (const char *)&symbol_table.symbols[symbol_table.count];
        uintptr_t from_start = address - (uintptr_t)__image_start;
        uint32_t low = 0, high = symbol_table.count;

        if (address < (uintptr_t)__image_start || address >= (uintptr_t)__rodata_start)
                return NULL;
        while (low < high) { /* the first symbol beyond the address */
                uint32_t middle = low + (high - low) / 2;

                if (symbol_table.symbols[middle].offset <= from_start)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == 0)
                return NULL;
        *offset = from_start - symbol_table.symbols[low - 1].offset;
        return names + symbol_table.symbols[low - 1].name;
}

void symbol_format(char *buffer, size_t size, uintptr_t address)
{
        uintptr_t offset;
        const char *name = find(address, &offset);

        if (name)
                format_text(buffer, size, "%s+0x%lx", name, offset);
        else
                format_text(buffer, size, "?");
}
