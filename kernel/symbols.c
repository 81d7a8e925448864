/* SPDX-License-Identifier: MIT */
/* symbols.c - from an address to a function's name, and to a line of source. */
#include "symbols.h"

#include <stdint.h>
#include <string.h>

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

/* Rows of { half words from the last row, lines from its line }, or { 0, file, line as 16 bits }; then the files' names. */
struct line_table {
        uint32_t bytes;
        uint8_t rows[];
};

extern const struct symbol_table symbol_table;
extern const struct line_table line_table;
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

struct place {
        unsigned file, line;
};

static struct place place_of(uintptr_t from_start)
{
        const uint8_t *row = line_table.rows, *end = row + line_table.bytes;
        uintptr_t half_words = 0;
        struct place place = { 0, 0 };

        while (row < end) {
                half_words += row[0];
                if (half_words > from_start / 2)
                        break;
                if (row[0] == 0) {
                        place = (struct place){ row[1], row[2] + 256u * row[3] };
                        row += 4;
                } else {
                        place.line += (unsigned)(int8_t)row[1];
                        row += 2;
                }
        }
        return place;
}

void place_format(char *buffer, size_t size, uintptr_t address)
{
        const char *name = (const char *)line_table.rows + line_table.bytes;
        struct place place = { 0, 0 };

        if (address >= (uintptr_t)__image_start && address < (uintptr_t)__rodata_start)
                place = place_of(address - (uintptr_t)__image_start);
        for (unsigned file = 0; place.line > 0 && file < place.file; file++)
                name += strlen(name) + 1;
        if (place.line > 0)
                format_text(buffer, size, " %s:%u", name, place.line);
        else
                *buffer = '\0';
}
