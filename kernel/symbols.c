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

void symbol_format(char *buffer, size_t size, uintptr_t address)
{
        const struct symbol *symbols = symbol_table.symbols;
        const char *names = (const char *)&symbols[symbol_table.count];
        uintptr_t from_start = address - (uintptr_t)__image_start;
        uint32_t low = 0, high = symbol_table.count;

        while (low < high) { /* the first symbol beyond the address */
                uint32_t middle = low + (high - low) / 2;

                if (symbols[middle].offset <= from_start)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == 0 || address < (uintptr_t)__image_start || address >= (uintptr_t)__rodata_start)
                format_text(buffer, size, "?");
        else
                format_text(buffer, size, "%s+0x%lx", names + symbols[low - 1].name, from_start - symbols[low - 1].offset);
}
