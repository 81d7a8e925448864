/* SPDX-License-Identifier: MIT */
/* traffic.c - the requests that rw= asks for, their records, and what a flush makes durable. */
#include "jobs/traffic.h"

#include <errno.h>
#include <stddef.h>

#include "jobs/record.h"
#include "memory.h"
#include "printk.h"

/* All workers, or none: a run with fewer than it was told would not be what the user asked for. */
static int make_workers(struct traffic *traffic)
{
        for (uint64_t i = 0; i < arguments.iodepth; i++) {
                struct worker *worker = memory_allocate(sizeof *worker, _Alignof(struct worker));
                void *buffer = worker ? memory_allocate(arguments.bs, PAGE_SIZE) : NULL;

                if (!buffer) {
                        log_error("boot arguments: iodepth=%lu: too little memory for so many buffers of %lu bytes",
                                  arguments.iodepth, arguments.bs);
                        return -EINVAL;
                }
                *worker = (struct worker){ .buffer = buffer, .next = traffic->workers };
                traffic->workers = worker;
        }
        return 0;
}

int traffic_init(struct traffic *traffic, struct block_device *disk)
{
        uint64_t seed = arguments.seed;
        uint32_t sectors;

        traffic->disk = disk;
        traffic->random = arguments.rw != RW_READ && arguments.rw != RW_WRITE;
        traffic->writes = arguments.rw == RW_WRITE || arguments.rw == RW_RANDWRITE;
        traffic->mixed = arguments.rw == RW_RANDRW;
        traffic->left = arguments.number_ios;
        traffic->dice = splitmix64(&seed) | 1; /* so that small seeds are as good as any */
        traffic->first_failed = UINT64_MAX;
        if (span_read(&traffic->span, disk) != 0 || request_sectors_read(&sectors, disk) != 0)
                return -EINVAL;
        traffic->sectors = sectors;
        traffic->places = traffic->span.sectors / traffic->sectors;
        if (traffic->places == 0 && traffic->left > 0) {
                log_error("boot arguments: bs=%lu: the span of %lu sectors has no room for it", arguments.bs, traffic->span.sectors);
                return -EINVAL;
        }
        return make_workers(traffic);
}

int traffic_run(struct traffic *traffic, struct executor *executor, enum poll (*poll)(struct future *, struct waker *))
{
        for (struct worker *worker = traffic->workers; worker; worker = worker->next) {
                worker->future = (struct future){ .poll = poll };
                executor_spawn(executor, &worker->task, &worker->future, arguments.job);
        }
        return executor_run_until_idle(executor);
}

/* Whether another write to the same sectors is under way: which of the two comes first is the device's choice. */
static bool overlaps(const struct traffic *traffic, const struct worker *worker)
{
        const struct worker *other = traffic->workers;

        while (other && (other->seq == 0 || other == worker || other->sector != worker->sector))
                other = other->next;
        return other != NULL;
}

void traffic_begin_write(struct traffic *traffic, struct worker *worker)
{
        worker->seq = ++traffic->seq;
        if (arguments.fsync != 0 && worker->seq < traffic->first_failed && overlaps(traffic, worker))
                traffic->first_failed = worker->seq; /* the older record may stay */
        for (uint64_t i = 0; i < traffic->sectors; i++)
                record_make((char *)worker->buffer + i * SECTOR_SIZE, worker->sector + i, worker->seq, arguments.seed);
}

/* The last seq such that it and all before it have ended well: what a flush that is submitted now makes durable. */
static uint64_t written(const struct traffic *traffic)
{
        uint64_t end = traffic->seq + 1 < traffic->first_failed ? traffic->seq + 1 : traffic->first_failed;

        for (const struct worker *worker = traffic->workers; worker; worker = worker->next)
                if (worker->seq != 0 && worker->seq < end)
                        end = worker->seq;
        return end - 1;
}

bool traffic_end_write(struct traffic *traffic, struct worker *worker)
{
        uint64_t seq = worker->seq;

        worker->seq = 0;
        if (worker->io.result != 0) {
                if (seq < traffic->first_failed)
                        traffic->first_failed = seq;
                return false;
        }
        if (arguments.fsync == 0 || ++traffic->completed % arguments.fsync != 0)
                return false;
        worker->durable = written(traffic);
        return true;
}

void traffic_failed(struct traffic *traffic, const struct worker *worker)
{
        log_line(traffic->failed ? LOG_DEBUG : LOG_ERROR, "sector %lu: %s", worker->io.sector, error_words(worker->io.result));
        traffic->failed = true;
}

void traffic_end_flush(struct traffic *traffic, struct worker *worker)
{
        if (worker->io.result == 0) {
                printk("durable seq=%lu\n", worker->durable);
                return;
        }
        traffic->uncounted_failed = true;
        log_error("flush: %s", error_words(worker->io.result));
}

enum exit_code traffic_report(const struct traffic *traffic, const struct tally *tally)
{
        enum exit_code code = tally_report(tally, arguments.job);

        return code == EXIT_PASS && traffic->uncounted_failed ? EXIT_REQUEST : code;
}
