/* SPDX-License-Identifier: MIT */
/* disk.c - what a disk has on stable storage, and what it only says it has. */
#include "disk.h"

#include <string.h>

#include "choice.h"
#include "pattern.h"

void disk_make(struct disk *disk)
{
        memset(disk, 0, sizeof *disk);
        for (unsigned sector = 0; sector < DISK_SECTORS; sector++)
                disk->data[sector] = disk->stable[sector] = VERSION_FIRST;
}

void disk_write(struct disk *disk, uint64_t sector, uint32_t version)
{
        disk->data[sector] = version;
        if (!disk->writeback) { /* and what is in the cache is older */
                disk->unflushed[sector].count = 0;
                disk->stable[sector] = version;
                return;
        }
        if (disk->unflushed[sector].count == DISK_UNFLUSHED_MAX) { /* a cache may write back when it likes */
                disk->stable[sector] = disk->unflushed[sector].versions[0];
                disk->unflushed[sector].count--;
                memmove(disk->unflushed[sector].versions, disk->unflushed[sector].versions + 1,
                        disk->unflushed[sector].count * sizeof(uint32_t));
        }
        disk->unflushed[sector].versions[disk->unflushed[sector].count++] = version;
}

void disk_flush(struct disk *disk)
{
        memcpy(disk->stable, disk->data, sizeof disk->stable);
        memset(disk->unflushed, 0, sizeof disk->unflushed);
}

unsigned disk_cut(struct disk *disk)
{
        unsigned dirty = 0, bias = choose(3); /* 0: each as it comes, 1: all is lost, 2: nothing is */

        for (unsigned sector = 0; sector < DISK_SECTORS; sector++) {
                uint32_t count = disk->unflushed[sector].count;
                uint32_t survivor = bias == 1 ? 0 : bias == 2 ? count : choose(count + 1);

                dirty += count > 0;
                if (survivor > 0)
                        disk->stable[sector] = disk->unflushed[sector].versions[survivor - 1];
        }
        memcpy(disk->data, disk->stable, sizeof disk->data);
        memset(disk->unflushed, 0, sizeof disk->unflushed);
        return dirty;
}
