/* SPDX-License-Identifier: MIT */
/* history.c - for each sector the versions that it may hold. */
#include "history.h"

#include <string.h>

#include "pattern.h"
#include "world.h"

enum { VERSIONS_MAX = 96, NEVER = 0 };

struct version {
        uint32_t id;
        uint64_t begun, ended; /* NEVER: it is under way */
        uint64_t gone;         /* since when it cannot be read any more; NEVER: it can */
        bool well, durable;
        bool lost;             /* it cannot be there after a power cut either */
};

static struct sector {
        struct version versions[VERSIONS_MAX];
        unsigned count;
} history[DEVICES_MAX][DISK_SECTORS];

static uint64_t now, oldest;

uint64_t history_begin(void) { return ++now; }

void history_forget_before(uint64_t moment) { oldest = moment; }

static void begin_with(struct sector *sector, uint32_t id)
{
        sector->versions[0] = (struct version){ .id = id, .begun = now, .ended = now, .well = true, .durable = true };
        sector->count = 1;
}

void history_reset(unsigned number)
{
        now++;
        for (unsigned i = 0; i < DISK_SECTORS; i++)
                begin_with(&history[number][i], VERSION_FIRST);
}

/* What nobody can find any more. */
static void clean(struct sector *sector)
{
        unsigned kept = 0;

        for (unsigned i = 0; i < sector->count; i++)
                if (sector->versions[i].gone == NEVER || sector->versions[i].gone >= oldest || !sector->versions[i].lost)
                        sector->versions[kept++] = sector->versions[i];
        sector->count = kept;
}

void history_write(unsigned number, uint64_t at, uint32_t sectors, uint32_t id, uint64_t begun)
{
        for (uint64_t i = at; i < at + sectors && i < DISK_SECTORS; i++) {
                struct sector *sector = &history[number][i];

                clean(sector);
                if (sector->count == VERSIONS_MAX)
                        host_fail("the simulator's history of a sector is full: it needs more flushes");
                sector->versions[sector->count++] = (struct version){ .id = id, .begun = begun };
        }
}

/* What had ended when `later` was begun is no more. */
static void supersede(struct sector *sector, const struct version *later, bool durably)
{
        for (unsigned i = 0; i < sector->count; i++) {
                struct version *version = &sector->versions[i];

                if (version->ended == NEVER || version->ended > later->begun)
                        continue;
                if (durably)
                        version->lost = true;
                else if (version->gone == NEVER)
                        version->gone = now;
        }
}

void history_written(unsigned number, uint64_t at, uint32_t sectors, uint64_t begun, bool well)
{
        now++;
        for (uint64_t i = at; i < at + sectors && i < DISK_SECTORS; i++) {
                struct sector *sector = &history[number][i];

                for (unsigned k = 0; k < sector->count; k++) {
                        struct version *version = &sector->versions[k];

                        if (version->begun != begun || version->ended != NEVER)
                                continue;
                        version->ended = now;
                        version->well = well;
                        if (well)
                                supersede(sector, version, false);
                }
        }
}

void history_flushed(unsigned number, uint64_t begun)
{
        now++;
        for (unsigned i = 0; i < DISK_SECTORS; i++) {
                struct sector *sector = &history[number][i];

                for (unsigned k = 0; k < sector->count; k++) {
                        struct version *version = &sector->versions[k];

                        if (!version->well || version->durable || version->ended == NEVER || version->ended > begun)
                                continue;
                        version->durable = true;
                        world.counters->durable++;
                        supersede(sector, version, true);
                }
        }
}

void history_read(unsigned number, uint64_t at, uint32_t id, uint64_t begun)
{
        const struct sector *sector = &history[number][at];

        world.counters->sectors_checked++;
        for (unsigned i = 0; i < sector->count; i++)
                if (sector->versions[i].id == id && (sector->versions[i].gone == NEVER || sector->versions[i].gone > begun))
                        return;
        host_fail("disk %u: sector %u reads as version %u, which cannot be there", number, (unsigned)at, id);
}

void history_cut(unsigned number, const struct disk *disk)
{
        now++;
        for (unsigned i = 0; i < DISK_SECTORS; i++) {
                struct sector *sector = &history[number][i];
                unsigned k = 0;

                while (k < sector->count && (sector->versions[k].id != disk->data[i] || sector->versions[k].lost))
                        k++;
                if (k == sector->count)
                        host_fail("disk %u: after a power cut sector %u holds version %u: one that is durable was lost", number, i,
                                  disk->data[i]);
                begin_with(sector, disk->data[i]);
        }
}
