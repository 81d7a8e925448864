/* SPDX-License-Identifier: MIT */
/* symbols.h - the kernel's own symbol table, linked in by a second pass (scripts/symbols). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "function+0x12", or "?" for an address in no function, into `buffer`. Any context. */
void symbol_format(char *buffer, size_t size, uintptr_t address);

/* " file.c:34" likewise, with a blank in front; "" where none is known, or the image was built with LINES=0. Any context. */
void place_format(char *buffer, size_t size, uintptr_t address);
