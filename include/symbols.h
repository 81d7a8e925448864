/* SPDX-License-Identifier: MIT */
/* symbols.h - the kernel's own symbol table, linked in by a second pass (scripts/symbols). */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* The function that `address` is in, and how far; NULL when it is in none. Any context. */
const char *symbol_find(uintptr_t address, uintptr_t *offset);

/* "function+0x12", or "?" for an address in no function, into `buffer`. Any context. */
void symbol_format(char *buffer, size_t size, uintptr_t address);

#endif
