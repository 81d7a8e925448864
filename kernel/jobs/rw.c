/* SPDX-License-Identifier: MIT */
/*
 * rw.c - job=rw: reads and writes, and what is read must be what was written.
 *
 * For each piece of bs bytes it is remembered which write it must hold. Of a piece that this run has not
 * written nothing is known, and nothing is expected. After a write that failed each of its sectors may
 * hold that record, or that of any failed one before it, or still the one from before.
 *
 * Operations on one piece follow each other in the order in which they were drawn, so none waits for ever;
 * those on other pieces pass by (fio's serialize_overlap).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "coro.h"
#include "jobs/jobs.h"
#include "jobs/record.h"
#include "jobs/traffic.h"
#include "memory.h"
#include "printk.h"

enum { TOLD_MAX = 8 };  /* mismatches that get a line of their own */
enum { POISON = 0xa5 }; /* in a buffer before a read: a device that only says it has read is found out */

struct piece {
        uint64_t known;      /* seq of the last write that ended well; 0: nothing is expected */
        uint64_t failed;     /* seq of the last that failed since; 0: none did */
        struct worker *last; /* of those whose operation on it has not ended */
};

static struct traffic traffic;
static struct tally tally;
static struct piece *pieces;

static struct piece *piece_at(uint64_t sector) { return &pieces[(sector - traffic.span.first) / traffic.sectors]; }

/* One operation on a piece at a time --------------------------------------------------------------- */

static void line_up(struct worker *worker)
{
        struct piece *piece = piece_at(worker->sector);

        worker->waiting = piece->last != NULL;
        if (piece->last)
                piece->last->behind = worker;
        piece->last = worker;
}

static void let_next(struct worker *worker)
{
        struct piece *piece = piece_at(worker->sector);
        struct worker *next = worker->behind;

        if (piece->last == worker)
                piece->last = NULL;
        worker->behind = NULL;
        if (next) {
                next->waiting = false;
                next->task.waker.wake(&next->task.waker);
        }
}

/* What must have been read ------------------------------------------------------------------------- */

/* NULL, or what is wrong with the sector: it must hold the last record written well, or one that failed since. */
static const char *fault(const struct piece *piece, const void *data, uint64_t lba)
{
        const char *why;
        uint64_t seq;

        switch (record_check(data, lba, arguments.seed, &seq, &why)) {
        case RECORD_ZERO: return "it was written, and is all zero";
        case RECORD_WRONG: return why;
        default: break;
        }
        if (seq == piece->known || (seq > piece->known && seq <= piece->failed))
                return NULL;
        return seq < piece->known ? "it holds an older record" : "it holds a record that was never written to it";
}

/* Count and tell what is wrong in the `sectors` sectors that `worker` has read; each is told once. */
static void check(const struct worker *worker, uint64_t sectors)
{
        struct piece *piece = piece_at(worker->sector);
        bool wrong = false;

        if (sectors < traffic.sectors || piece->known == 0) /* the end of the span, less than a piece, is never written */
                return;
        for (uint64_t i = 0; i < sectors; i++) {
                const char *why = fault(piece, (char *)worker->buffer + i * SECTOR_SIZE, worker->sector + i);

                if (why && tally.mismatch++ < TOLD_MAX)
                        log_error("sector %lu: %s; it must hold seq=%lu", worker->sector + i, why, piece->known);
                wrong |= why != NULL;
        }
        if (wrong)
                piece->known = 0;
}

/* The tasks ---------------------------------------------------------------------------------------- */

static void end_operation(struct worker *worker)
{
        struct piece *piece = piece_at(worker->sector);
        int result = worker->io.result;

        tally_count(&tally, result);
        if (result != 0)
                traffic_failed(&traffic, worker);
        if (!worker->writing && result == 0)
                check(worker, traffic.sectors);
        else if (worker->writing && result == 0)
                *piece = (struct piece){ .known = worker->seq, .last = piece->last };
        else if (worker->writing)
                piece->failed = worker->seq;
        let_next(worker);
}

static enum poll worker_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        while (traffic_begin(&traffic)) {
                self->writing = traffic_draws_write(&traffic);
                self->sector = traffic_draw(&traffic);
                line_up(self);
                while (self->waiting)
                        CORO_SUSPEND(); /* until let_next() */
                if (self->writing) {
                        traffic_begin_write(&traffic, self);
                        AWAIT(self->io, block_write(traffic.disk, self->sector, self->buffer, (uint32_t)traffic.sectors));
                } else {
                        memset(self->buffer, POISON, traffic.sectors * SECTOR_SIZE);
                        AWAIT(self->io, block_read(traffic.disk, self->sector, self->buffer, (uint32_t)traffic.sectors));
                }
                end_operation(self);
                if (self->io.result != 0)
                        CORO_YIELD(); /* one that is refused waits for nobody */
                if (self->writing && traffic_end_write(&traffic, self)) {
                        AWAIT(self->io, block_flush(traffic.disk));
                        traffic_end_flush(&traffic, self);
                }
        }
        CORO_END();
}

/* How much of the span there is from `sector` on, at most a piece. */
static uint32_t sectors_at(uint64_t sector)
{
        uint64_t left = traffic.span.first + traffic.span.sectors - sector;

        return (uint32_t)(left < traffic.sectors ? left : traffic.sectors);
}

/* The closing read-back, in order. */
static enum poll reader_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        while (sectors_at(traffic.next) > 0) {
                self->sector = traffic.next;
                traffic.next += sectors_at(self->sector);
                memset(self->buffer, POISON, traffic.sectors * SECTOR_SIZE);
                AWAIT(self->io, block_read(traffic.disk, self->sector, self->buffer, sectors_at(self->sector)));
                if (self->io.result == 0) {
                        check(self, sectors_at(self->sector));
                } else {
                        traffic.uncounted_failed = true;
                        traffic_failed(&traffic, self);
                        CORO_YIELD();
                }
        }
        CORO_END();
}

static int make_pieces(void)
{
        size_t bytes;

        if (!__builtin_mul_overflow(traffic.places, sizeof *pieces, &bytes))
                pieces = memory_allocate(bytes, _Alignof(struct piece));
        if (pieces)
                return 0;
        log_error("boot arguments: bs=%lu: too little memory to remember what is in each of the span's %lu pieces of that size",
                  arguments.bs, traffic.places);
        return -EINVAL;
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        if (traffic_init(&traffic, disk) != 0 || make_pieces() != 0)
                return EXIT_INPUT;
        if (arguments.number_ios > 0 && traffic_run(&traffic, executor, worker_poll) == 0) {
                traffic.next = traffic.span.first;
                traffic_run(&traffic, executor, reader_poll);
        }
        return traffic_report(&traffic, &tally);
}

const struct job rw_job = { .name = "rw", .needs_disk = true, .run = run };
