/* SPDX-License-Identifier: MIT */
/* hexdump.h - bytes in hexadecimal and as text, in the manner of hexdump(1). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Print `size` bytes, a multiple of 16, in rows of 16. Any context. */
void hexdump(const uint8_t *bytes, size_t size);
