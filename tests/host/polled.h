/* SPDX-License-Identifier: MIT */
/* polled.h - requests to a fake disk, polled by hand, by no task. */
#pragma once

#include "fake_disk.h"

enum { POLLED_MAX = 6 };

extern struct executor executor;
extern struct fake_disk disk, other; /* of POLLED_MAX seats, each of a sector; and of one */
extern struct block_future requests[POLLED_MAX];
extern struct waker waker; /* of all of them */
extern unsigned wakes;
extern _Alignas(BLOCK_BUFFER_ALIGN) uint8_t memory[8 * SECTOR_SIZE];

/* A machine as new, at some time that is not 0, with both disks; a request is overdue after `timeout` ticks. */
void polled_setup(uint64_t timeout);

enum poll poll_it(unsigned i);

/* Request i, in its first poll, which leaves it pending. */
void start(unsigned i, struct block_future request);

/* Requests 0 to count - 1: writes of sector 10 * i. Two of them make a batch. */
void start_all(unsigned count);

/* What batches without tasks do, until no more is wanted: give seats away, publish, see to what is broken. */
void run_hooks(void);

/* Request i is ready, with this result. */
void expect_result(unsigned i, int result);

/* The disk has been reset so often, and is or is not given up; nothing has happened to the other one. */
void expect_resets(unsigned resets, bool retired);

/* Whatever anybody asks of the disk is refused, and the other one goes on. */
void expect_closed(void);
