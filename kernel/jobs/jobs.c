/* SPDX-License-Identifier: MIT */
/* jobs.c - which job to run, on which disk, and how its requests are counted. */
#include "jobs/jobs.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "arch.h"
#include "irq.h"
#include "jobs/trace_dump.h"
#include "printk.h"
#include "trace.h"
#include "util.h"

static const struct job *const jobs[] = { &demo_job, &probe_job, &fill_job, &verify_job, &rw_job, &bench_job,
                                          &idle_job, &rng_job, &selftest_job, &tasks_job, &bench_executor_job, &monitor_job, &panic_job };

static uint64_t entered;

void jobs_init(uint64_t entered_at) { entered = entered_at; }

uint64_t instructions_since_entry(void) { return read_instructions() - entered; }

void tell_what_is_counted(void)
{
        uint64_t start = read_instructions();

        spin(1000);
        if (read_instructions() - start > 2100)
                log_info("instr= is the host's time here: instructions take QEMU_EXTRA=\"-icount shift=0,sleep=off\"");
}

static const struct job *find(const char *name)
{
        for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
                if (strcmp(jobs[i]->name, name) == 0)
                        return jobs[i];
        return NULL;
}

bool job_exists(const char *name) { return find(name) != NULL; }

const char *job_names(void)
{
        static char names[128];
        size_t length = 0;

        for (unsigned i = 0; i < ARRAY_SIZE(jobs) && length < sizeof names; i++)
                length += format_text(names + length, sizeof names - length, "%s%s", i ? " " : "", jobs[i]->name);
        return names;
}

/* The disk that disk= names, or NULL after saying why there is none, and what would help. */
static struct block_device *find_disk(void)
{
        struct block_device *disk = arguments.disk < block_device_count() ? block_device((unsigned)arguments.disk) : NULL;

        if (block_device_count() == 0 && !irq_available())
                log_error("job %s needs interrupts: the device tree has no interrupt controller that we drive (a PLIC)",
                          arguments.job);
        else if (block_device_count() == 0)
                log_error("job %s needs a disk and there is none that can be used: give QEMU "
                          "-drive if=none,id=d0,format=raw,file=disk.img -device virtio-blk-device,drive=d0",
                          arguments.job);
        else if (!disk)
                log_error("there is no disk %lu: the last is disk=%u", arguments.disk,
                          block_device_count() - 1);
        else if (disk->capacity < disk->block_size / SECTOR_SIZE)
                log_error("disk %u has no room for a single block of %u bytes", disk->number, disk->block_size);
        else
                return disk;
        return NULL;
}

enum exit_code job_run(struct executor *executor)
{
        const struct job *job = find(arguments.job);
        struct block_device *disk = job && job->needs_disk ? find_disk() : NULL;

        if (!job) /* args_parse() takes no other */
                return EXIT_INPUT;
        if (job->needs_disk && !disk)
                return EXIT_DEVICE;

        enum exit_code code = job->run(executor, disk);

        if (trace_on())
                trace_dump();
        return executor->tasks ? EXIT_MISMATCH : code; /* those whom nothing can wake */
}

void tally_count(struct tally *tally, int result)
{
        switch (result) {
        case 0: tally->ok++; break;
        case -EIO: tally->ioerr++; break;
        case -ETIMEDOUT: tally->timeout++; break;
        case -ENOTSUP: tally->unsup++; break;
        case -ENODEV:
        case -ECANCELED: tally->reset++; break;
        default: tally->inval++;
        }
}

enum exit_code tally_report(const struct tally *tally, const char *job)
{
        uint64_t failed = tally->ioerr + tally->timeout + tally->unsup + tally->inval + tally->reset;

        printk("result job=%s ok=%lu ioerr=%lu timeout=%lu unsup=%lu inval=%lu reset=%lu mismatch=%lu "
               "device_resets=%u\n", job, tally->ok, tally->ioerr, tally->timeout, tally->unsup, tally->inval,
               tally->reset, tally->mismatch, block_device_resets());
        return tally->mismatch ? EXIT_MISMATCH : failed ? EXIT_REQUEST : EXIT_PASS;
}

const char *error_words(int error)
{
        static const struct { int error; const char *words; } table[] = {
                { 0, "it ended well" },
                { -EIO, "the device reports an I/O error" },
                { -ENOTSUP, "the device does not know the request" },
                { -EROFS, "the disk is read-only" },
                { -ERANGE, "it goes beyond the disk" },
                { -EINVAL, "it is not whole blocks of the disk" },
                { -E2BIG, "it has too many segments" },
                { -EFAULT, "it has no buffer, or one that is not aligned" },
                { -ENODEV, "the device is gone" },
                { -ETIMEDOUT, "the device did not answer in time" },
                { -ECANCELED, "it was cancelled" },
                { -EINPROGRESS, "it was never awaited" },
                { -EDEADLK, "nothing can ever end it" },
        };

        for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
                if (table[i].error == error)
                        return table[i].words;
        return "it failed";
}

static int refuse(const char *key, uint64_t value, const char *why)
{
        log_error("boot arguments: %s=%lu: %s", key, value, why);
        return -EINVAL;
}

int span_read(struct span *span, const struct block_device *disk)
{
        uint64_t block = disk->block_size;
        /* Whole blocks, in sectors: the capacity in bytes may be more than 64 bits hold. */
        uint64_t capacity = ALIGN_DOWN(disk->capacity, block / SECTOR_SIZE);

        if (arguments.offset % block != 0)
                return refuse("offset", arguments.offset, "not a multiple of the disk's logical block");
        if (arguments.offset / SECTOR_SIZE > capacity)
                return refuse("offset", arguments.offset, "beyond the end of the disk");
        span->first = arguments.offset / SECTOR_SIZE;
        span->sectors = capacity - span->first;
        if (arguments.size == SIZE_WHOLE_DISK)
                return 0;
        if (arguments.size % block != 0)
                return refuse("size", arguments.size, "not a multiple of the disk's logical block");
        if (arguments.size / SECTOR_SIZE > span->sectors)
                return refuse("size", arguments.size, "the span goes beyond the end of the disk");
        span->sectors = arguments.size / SECTOR_SIZE;
        return 0;
}

int request_sectors_read(uint32_t *sectors, const struct block_device *disk)
{
        if (arguments.bs % disk->block_size != 0)
                return refuse("bs", arguments.bs, "not a multiple of the disk's logical block");
        *sectors = (uint32_t)(arguments.bs / SECTOR_SIZE);
        return 0;
}
