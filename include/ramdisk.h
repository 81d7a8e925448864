/* SPDX-License-Identifier: MIT */
/* ramdisk.h - a disk in memory. */
#pragma once

#include <stdint.h>

/* Add a disk of `bytes`, whole sectors, all zero. 0, or -ENOMEM. Once, at boot, after block_init(). */
int ramdisk_add(uint64_t bytes);
