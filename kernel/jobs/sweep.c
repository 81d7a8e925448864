/* SPDX-License-Identifier: MIT */
/* sweep.c - the tasks that pass over a span together, and what their flushes make durable. */
#include "jobs/sweep.h"

#include <stddef.h>

#include "coro.h"
#include "memory.h"
#include "printk.h"

/* Take the next piece of the span; false when none is left. */
static bool take_piece(struct sweep_worker *worker)
{
        struct sweep *sweep = worker->sweep;
        uint64_t left = sweep->span.first + sweep->span.sectors - sweep->next;

        worker->sector = sweep->next;
        worker->sectors = left < sweep->request_sectors ? (uint32_t)left : sweep->request_sectors;
        sweep->next += worker->sectors;
        return worker->sectors > 0;
}

/*
 * How many sectors from the start of the span are all written: a flush that is submitted now makes
 * these durable, and no others for certain (virtio 1.2, 5.2.6.2).
 */
static uint64_t written_prefix(const struct sweep *sweep)
{
        uint64_t end = sweep->next < sweep->first_failed ? sweep->next : sweep->first_failed;

        for (const struct sweep_worker *worker = sweep->workers; worker; worker = worker->next)
                if (worker->sectors > 0 && worker->sector < end)
                        end = worker->sector;
        return end - sweep->span.first;
}

static void report_flush(struct sweep *sweep, int result, uint64_t durable)
{
        if (result == 0) {
                printk("durable seq=%lu\n", durable);
                return;
        }
        sweep->flush_failed = true;
        log_error("flush: %s", error_words(result));
}

static void end_piece(struct sweep_worker *worker)
{
        struct sweep *sweep = worker->sweep;

        tally_count(&sweep->tally, worker->io.result);
        if (worker->io.result == 0) {
                sweep->completed++;
                if (sweep->operation == BLOCK_READ)
                        sweep->visit(sweep, worker);
        } else {
                log_line(sweep->first_failed == UINT64_MAX ? LOG_ERROR : LOG_DEBUG, "sector %lu: %s", worker->sector,
                         error_words(worker->io.result));
                if (worker->sector < sweep->first_failed)
                        sweep->first_failed = worker->sector;
        }
        worker->sectors = 0;
}

static bool flush_is_due(const struct sweep *sweep)
{
        return sweep->operation == BLOCK_WRITE && arguments.fsync > 0 && sweep->completed > 0 &&
               sweep->completed % arguments.fsync == 0;
}

static enum poll worker_poll(struct future *future, struct waker *waker)
{
        struct sweep_worker *self = container_of(future, struct sweep_worker, future);

        CORO_BEGIN(self, waker);
        while (take_piece(self)) {
                if (self->sweep->operation == BLOCK_READ) {
                        AWAIT(self->io, block_read(self->sweep->disk, self->sector, self->buffer, self->sectors));
                } else {
                        self->sweep->visit(self->sweep, self);
                        AWAIT(self->io, block_write(self->sweep->disk, self->sector, self->buffer, self->sectors));
                }
                end_piece(self);
                if (self->io.result == 0 && flush_is_due(self->sweep)) {
                        self->durable = written_prefix(self->sweep);
                        AWAIT(self->flush, block_flush(self->sweep->disk));
                        report_flush(self->sweep, self->flush.result, self->durable);
                }
        }
        CORO_END();
}

/* All workers, or none: a pass with fewer than it was told would not be what the user asked for. */
static bool make_workers(struct sweep *sweep)
{
        for (uint64_t i = 0; i < arguments.iodepth; i++) {
                struct sweep_worker *worker = memory_allocate(sizeof *worker, _Alignof(struct sweep_worker));
                void *buffer = worker ? memory_allocate(arguments.bs, PAGE_SIZE) : NULL;

                if (!buffer) {
                        log_error("boot arguments: iodepth=%lu: too little memory for so many buffers of %lu bytes",
                                  arguments.iodepth, arguments.bs);
                        return false;
                }
                *worker = (struct sweep_worker){ .future.poll = worker_poll, .sweep = sweep, .buffer = buffer,
                                                 .next = sweep->workers };
                sweep->workers = worker;
        }
        return true;
}

enum exit_code sweep_run(struct sweep *sweep, struct executor *executor)
{
        if (span_read(&sweep->span, sweep->disk) != 0 ||
            request_sectors_read(&sweep->request_sectors, sweep->disk) != 0 || !make_workers(sweep))
                return EXIT_INPUT;
        sweep->next = sweep->span.first;
        sweep->first_failed = UINT64_MAX;

        for (struct sweep_worker *worker = sweep->workers; worker; worker = worker->next)
                executor_spawn(executor, &worker->task, &worker->future, arguments.job);
        executor_run_until_idle(executor);
        if (sweep->operation == BLOCK_WRITE) {
                struct block_future flush = block_flush(sweep->disk);

                report_flush(sweep, block_wait(&flush), written_prefix(sweep));
        }

        enum exit_code code = tally_report(&sweep->tally, arguments.job);

        return code == EXIT_PASS && sweep->flush_failed ? EXIT_REQUEST : code;
}
