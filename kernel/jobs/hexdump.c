/* SPDX-License-Identifier: MIT */
/* hexdump.c - bytes in rows. */
#include "jobs/hexdump.h"

#include <stdbool.h>
#include <string.h>

#include "printk.h"

enum { WIDTH = 16 };

static void dump_row(const uint8_t *bytes, size_t offset)
{
        char text[WIDTH + 1] = "";

        printk("%04lx ", offset);
        for (unsigned i = 0; i < WIDTH; i++) {
                printk(" %02x", bytes[i]);
                text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '.';
        }
        printk("  %s\n", text);
}

/* Rows that repeat the one before are a single star. */
void hexdump(const uint8_t *bytes, size_t size)
{
        bool starred = false;

        for (size_t offset = 0; offset < size; offset += WIDTH) {
                bool repeats = offset > 0 && memcmp(bytes + offset, bytes + offset - WIDTH, WIDTH) == 0;

                if (!repeats)
                        dump_row(bytes + offset, offset);
                else if (!starred)
                        printk("*\n");
                starred = repeats;
        }
}
