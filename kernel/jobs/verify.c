/* SPDX-License-Identifier: MIT */
/* verify.c - job=verify: every sector of the span is zero or a record of this seed, at its own address. */
#include "printk.h"
#include "jobs/record.h"
#include "jobs/sweep.h"

enum { TOLD_MAX = 8 }; /* mismatches that get a line of their own */

static void check_records(struct sweep *sweep, const struct sweep_worker *worker)
{
        for (uint32_t i = 0; i < worker->sectors; i++) {
                const char *why;
                uint64_t seq;

                if (record_check((char *)worker->buffer + (size_t)i * SECTOR_SIZE, worker->sector + i, arguments.seed,
                                 &seq, &why) != RECORD_WRONG)
                        continue;
                if (sweep->tally.mismatch++ < TOLD_MAX)
                        log_error("sector %lu: %s", worker->sector + i, why);
        }
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        static struct sweep sweep = { .operation = BLOCK_READ, .visit = check_records };

        sweep.disk = disk;
        return sweep_run(&sweep, executor);
}

const struct job verify_job = { .name = "verify", .needs_disk = true, .run = run };
