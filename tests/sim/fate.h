/* SPDX-License-Identifier: MIT */
/* fate.h - what befell each operation, and so what it may end with: devices say, and the tasks ask. fate.c */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct block_future;

enum { TASKS_MAX = 13 }; /* twelve that work, and one that reads all before them */

/* Of nobody's. */
void fate_reset(void);

/* Task `task` begins operation `number`, which is not 0, on a disk, in `io`; it has ended. */
void fate_begin(unsigned task, unsigned disk, const struct block_future *io, uint64_t number);
void fate_end(unsigned task);

/* Whether an operation up to sector `end` may come to `result`, an error, by itself: with no fault of its task's. */
bool fate_explains(unsigned task, uint64_t end, int result);

/* The number of the operation in `io`; 0: there is none. What is below does nothing for 0, or for one that has ended. */
uint64_t fate_of(const struct block_future *io);

/* Its device answered that it, or a piece of it, went wrong, or nothing, or before it had done it. */
enum met { MET_ERROR = 1, MET_UNSUPPORTED = 2 };
void fate_met(uint64_t number, enum met met);

/* Its device had it, or several pieces of it, in its `reset`th reset; whether it may be sent once more. */
void fate_lost(uint64_t number, unsigned reset);
bool fate_may_send(uint64_t number);
