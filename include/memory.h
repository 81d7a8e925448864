/* SPDX-License-Identifier: MIT */
/* memory.h - the machine's free memory, handed out and never taken back. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "devicetree.h"

enum { PAGE_SIZE = 4096, MEMORY_RANGES_MAX = 96 };

/* Sv39 maps one to one what is below it; memory above is left alone. */
#define IDENTITY_END (UINT64_C(1) << 38)

/*
 * Find out what is free: the machine's memory without what it reserves and without the image. 0, or
 * -EBADF after saying why (the image is outside of memory). At boot.
 */
int memory_init(const struct machine *machine, struct range image);

/*
 * `bytes` of zeroed memory aligned to `alignment` (a power of two), which a device may use: it is
 * mapped one to one. NULL when there is not enough in one piece. Never freed. Task context.
 */
void *memory_allocate(size_t bytes, size_t alignment);

/* Free range `index` as it was at boot, or a size of 0. Any context. */
struct range memory_free_range(unsigned index);

/* Bytes in the machine's memory nodes. Any context. */
uint64_t memory_total(void);

/* Print what is free. Any context. */
void memory_print(void);
