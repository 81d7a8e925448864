/* SPDX-License-Identifier: MIT */
/*
 * history.h - what a sector may hold, by all that was asked of the disk so far.
 *
 * A version may be read from when its write was begun; until a write that was begun after it had ended, has ended
 * well. It may be there after a power cut likewise, but until that later write is durable: a flush that was begun
 * after it had ended, has ended well.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"

/* Every sector of disk `number` holds its first version. */
void history_reset(unsigned number);

/* An operation begins: the moment it does. */
uint64_t history_begin(void);

/* Of those below: until this moment nothing that an operation under way may still see is forgotten. */
void history_forget_before(uint64_t moment);

/* Write `version` to a range: begun at `begun`, and ended. */
void history_write(unsigned number, uint64_t sector, uint32_t sectors, uint32_t version, uint64_t begun);
void history_written(unsigned number, uint64_t sector, uint32_t sectors, uint64_t begun, bool well);

/* A flush that was begun at `begun` has ended well. */
void history_flushed(unsigned number, uint64_t begun);

/* Fails the world if `version` was not in `sector` at any time since `begun`. */
void history_read(unsigned number, uint64_t sector, uint32_t version, uint64_t begun);

/* The power has failed: fails the world if what is on the disk is not what may be; it is what is there from here on. */
void history_cut(unsigned number, const struct disk *disk);
