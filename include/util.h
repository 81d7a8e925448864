/* SPDX-License-Identifier: MIT */
/* util.h - the four macros that every kernel needs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The structure that `member` at `pointer` is part of. */
#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* `alignment` is a power of two; the result wraps like any unsigned sum. */
#define ALIGN_DOWN(value, alignment) ((value) & ~((__typeof__(value))(alignment) - 1))
#define ALIGN_UP(value, alignment) ALIGN_DOWN((value) + (__typeof__(value))(alignment) - 1, alignment)
