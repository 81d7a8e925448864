/* SPDX-License-Identifier: MIT */
/* copy.h - what the coroutines in this folder are about; each makes one mistake in copy_poll(). */
#pragma once

#include "block.h"
#include "coro.h"

enum direction { DIRECTION_IN, DIRECTION_OUT };

struct copy {
        struct future future;
        struct block_device *disk;
        struct block_future io;
        struct yield_future yield;
        uint8_t *buffer;
        enum direction direction;
        int count;
        uint64_t wide;
};

enum poll copy_poll(struct future *future, struct waker *waker);

/* Something that a compiler cannot see through. */
int number_from(const void *memory);
void fill(void *memory, size_t bytes);
