/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory_allocate() below 4 GiB, so that a legacy device can be told of it, between bytes that nobody may touch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Give everything back; what is had from now on fails after `allocations`, -1: never. */
void arena_reset(long allocations);

/* Whether `bytes` at `address` were given out, all of them. */
bool arena_holds(uint64_t address, size_t bytes);
