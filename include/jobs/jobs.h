/* SPDX-License-Identifier: MIT */
/* jobs.h - the programs that a boot can run: one file each in kernel/jobs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "block.h"
#include "executor.h"
#include "power.h"

struct job {
        const char *name;
        bool needs_disk; /* one that can be read */
        /* Runs to its end. `disk` is the one that disk= names; NULL unless needs_disk. */
        enum exit_code (*run)(struct executor *executor, struct block_device *disk);
};

extern const struct job demo_job, probe_job, fill_job, verify_job, rw_job, bench_job, idle_job, panic_job,
        rng_job, selftest_job, tasks_job, bench_executor_job, monitor_job;

/* `entered_at`: read_instructions() at the kernel's entry. At boot. */
void jobs_init(uint64_t entered_at);

/* Whether there is a job called `name`, and the names of all. Any context. */
bool job_exists(const char *name);
const char *job_names(void);

/* Run the job that the boot arguments name, once its disk can be used. Task context, outside of any task. */
enum exit_code job_run(struct executor *executor);

/* Instructions since the kernel's entry: exact under QEMU's -icount shift=0. Any context. */
uint64_t instructions_since_entry(void);

/* Say so where they are not counted, which a loop of 2,000 finds out: QEMU does it under -icount alone. Task context. */
void tell_what_is_counted(void);

/* How a job's requests ended; each counts once. */
struct tally {
        uint64_t ok, ioerr, timeout, unsup, inval, reset;
        uint64_t mismatch; /* sectors */
};

/* Count a request that ended with `result`. Task context. */
void tally_count(struct tally *tally, int result);

/* Print the `result` line; returns the exit code that it stands for. Task context. */
enum exit_code tally_report(const struct tally *tally, const char *job);

/* The words for a negative errno. Any context. */
const char *error_words(int error);

/* The part of a disk that a job is about, in sectors. */
struct span {
        uint64_t first, sectors;
};

/* offset= and size= on `disk`: 0, or -EINVAL after saying which is wrong. Task context. */
int span_read(struct span *span, const struct block_device *disk);

/* bs= on `disk`, in sectors: 0, or -EINVAL after saying why it is wrong. Task context. */
int request_sectors_read(uint32_t *sectors, const struct block_device *disk);
