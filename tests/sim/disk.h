/* SPDX-License-Identifier: MIT */
/* disk.h - sectors by their versions, and a volatile cache. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { DISK_SECTORS = 96, DISK_UNFLUSHED_MAX = 6 };

struct disk {
        uint32_t data[DISK_SECTORS];   /* as read */
        uint32_t stable[DISK_SECTORS]; /* as it is when the power has failed */
        struct {
                uint32_t versions[DISK_UNFLUSHED_MAX], count;
        } unflushed[DISK_SECTORS];     /* in the cache alone, oldest first */
        bool writeback;
};

void disk_make(struct disk *disk);
void disk_write(struct disk *disk, uint64_t sector, uint32_t version);
void disk_flush(struct disk *disk);

/* The power fails: of what was not flushed any part is there; how many sectors had any such. */
unsigned disk_cut(struct disk *disk);
