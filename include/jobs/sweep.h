/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - one pass over a span of a disk, in order, several requests at a time: what fill and verify
 * have in common.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block.h"
#include "executor.h"
#include "jobs/jobs.h"

/* One of the tasks that share the pass. */
struct sweep_worker {
        struct future future;
        struct task task;
        struct sweep *sweep;
        struct block_future io, flush;
        void *buffer;
        uint64_t sector;  /* of its request */
        uint32_t sectors; /* 0: none is under way */
        uint64_t durable; /* what its flush will make so */
        struct sweep_worker *next;
};

struct sweep {
        struct block_device *disk;
        struct span span;
        enum block_operation operation; /* BLOCK_READ or BLOCK_WRITE */
        /* Makes what is written, or looks at what was read, in `worker`'s buffer; `data` is the job's. */
        void (*visit)(struct sweep *sweep, const struct sweep_worker *worker);
        void *data;

        /* The sweep's own. */
        uint32_t request_sectors;
        uint64_t next;         /* the first sector that nobody has taken */
        uint64_t completed;    /* requests that ended well */
        uint64_t first_failed; /* the lowest sector whose write failed, UINT64_MAX: none */
        bool flush_failed;
        struct sweep_worker *workers;
        struct tally tally;
};

/*
 * Run the pass that the boot arguments describe (offset, size, bs, iodepth; for writes fsync, and a flush
 * at the end) to its end, and print the result. The caller sets disk, operation, visit and data. Returns
 * the exit code: EXIT_INPUT for arguments that do not fit the disk or its memory. Outside of any task.
 */
enum exit_code sweep_run(struct sweep *sweep, struct executor *executor);
