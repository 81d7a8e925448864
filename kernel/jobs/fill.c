/* SPDX-License-Identifier: MIT */
/* fill.c - job=fill: a record in every sector of the span, numbered from 1. */
#include "jobs/record.h"
#include "jobs/sweep.h"

static void make_records(struct sweep *sweep, const struct sweep_worker *worker)
{
        for (uint32_t i = 0; i < worker->sectors; i++) {
                uint64_t lba = worker->sector + i, seq = lba - sweep->span.first + 1;

                record_make((char *)worker->buffer + (size_t)i * SECTOR_SIZE, lba, seq, arguments.seed);
        }
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        static struct sweep sweep = { .operation = BLOCK_WRITE, .visit = make_records };

        sweep.disk = disk;
        return sweep_run(&sweep, executor);
}

const struct job fill_job = { .name = "fill", .needs_disk = true, .run = run };
