/* SPDX-License-Identifier: MIT */
/* waited.h - a request made, waited for, and forgotten, in one expression: its result. */
#pragma once

#include "block.h"

static inline int waited(struct block_future request) { return block_wait(&request); }
