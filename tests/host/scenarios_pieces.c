/* SPDX-License-Identifier: MIT */
/*
 * scenarios_pieces.c - requests that the device does not take at once, and requests that are cancelled.
 *
 * The device takes one sector in a piece (`small_pieces`), so that three of them find no seats together, and
 * one is cancelled while it is new, queued, partly in its seats, wholly there, or at its end.
 */
#include "scenario.h"

#include <errno.h>

#include "host.h"
#include "worker.h"

/* Three sectors into two places. */
static struct block_future vectored(struct worker *self)
{
        self->segments[0] = (struct block_segment){ .address = self->buffer, .bytes = SECTOR_SIZE };
        self->segments[1] = (struct block_segment){ .address = self->other_buffer, .bytes = 2 * SECTOR_SIZE };
        return block_vectored(self->disk, BLOCK_READ, self->sector, self->segments, 2);
}

static void check_vectored(const struct worker *self, int result)
{
        worker_check_read(self, result, 0);
        for (unsigned i = 0; i < 2 && result == 0; i++)
                scenario_expect(model_holds(self->other_buffer + i * SECTOR_SIZE, self->sector + 1 + i, 0),
                                "a request ends without its data");
}

static enum poll reader_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->io, watched(block_read(self->disk, self->sector, self->buffer, 1)));
        worker_check_read(self, self->io.io.result, 0);
        worker_end(self);
        CORO_END();
}

static enum poll vectored_reader_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->io, watched(vectored(self)));
        check_vectored(self, self->io.io.result);
        worker_end(self);
        CORO_END();
}

/* Three sectors of a new version out of one buffer, and back. */
static enum poll writer_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        model_fill(self->other_buffer, self->sector, 1);
        model_fill(self->other_buffer + SECTOR_SIZE, self->sector + 1, 1);
        AWAIT(self->io, watched(block_write(self->disk, self->sector, self->other_buffer, 2)));
        scenario_note(self->io.io.result);
        if (self->io.io.result == 0) {
                worker_poison(self);
                AWAIT(self->io, watched(block_read(self->disk, self->sector, self->other_buffer, 2)));
                scenario_note(self->io.io.result);
                for (unsigned i = 0; i < 2 && self->io.io.result == 0; i++)
                        scenario_expect(model_holds(self->other_buffer + i * SECTOR_SIZE, self->sector + i, 1),
                                        "what was written is not there");
        }
        worker_end(self);
        CORO_END();
}

/* What is going to be cancelled. */
static struct block_future doomed(struct worker *self)
{
        return self->whole ? block_read(self->disk, self->sector, self->buffer, 1) : vectored(self);
}

/* A result that a cancelled request may have. */
static void note_cancelled(struct worker *self)
{
        scenario_note(self->io.io.result == -ECANCELED ? 0 : self->io.io.result);
        worker_poison(self);
        self->untouched = true;
        worker_end(self);
}

/* Awaits what another one cancels. */
static enum poll victim_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->io.io, doomed(self));
        note_cancelled(self);
        CORO_END();
}

/* Lets the victim, the worker before it, go on for some batches; its buffers are then ours, whether it has run or not. */
static enum poll canceller_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future), *victim = self - 1;

        CORO_BEGIN(self, waker);
        for (; self->rounds < victim->rounds_to_live; self->rounds++)
                AWAIT(self->yield, yield_now());
        AWAIT(self->cancel, block_cancel(&victim->io.io));
        scenario_expect(victim->io.io.future.state == FUTURE_DONE, "a cancelled request is not ready");
        worker_poison(victim);
        victim->untouched = true;
        worker_end(self);
        CORO_END();
}

/* Starts a request and takes it back, in one poll or some batches later. */
static enum poll self_canceller_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        self->io.io = doomed(self);
        (void)future_poll(&self->io.io.future, coro_waker);
        for (; self->rounds < self->rounds_to_live; self->rounds++)
                AWAIT(self->yield, yield_now());
        AWAIT(self->cancel, block_cancel(&self->io.io));
        scenario_expect(self->io.io.future.state == FUTURE_DONE, "a cancelled request is not ready");
        note_cancelled(self);
        CORO_END();
}

static void start_pieces(void)
{
        worker_start(vectored_reader_poll, 0);
        worker_start(writer_poll, 0);
        worker_start(reader_poll, 0);
}

static void start_cancelled(void)
{
        worker_start(vectored_reader_poll, 0);
        worker_start(victim_poll, 0)->rounds_to_live = 1;
        worker_start(canceller_poll, 0);
        worker_start(victim_poll, 0);
        worker_start(canceller_poll, 0);
        worker_start(reader_poll, 0);
}

static void start_whole_cancelled(void)
{
        for (unsigned i = 0; i < 2; i++) {
                struct worker *victim = worker_start(victim_poll, 0);

                victim->rounds_to_live = 1 - i; /* the first has long been with the device when it is cancelled */
                victim->whole = true;
                worker_start(canceller_poll, 0);
        }
        worker_start(self_canceller_poll, 0)->whole = true;
        worker_start(reader_poll, 0);
}

static void start_self_cancelled(void)
{
        worker_start(self_canceller_poll, 0);
        worker_start(self_canceller_poll, 0)->rounds_to_live = 2;
        worker_start(vectored_reader_poll, 0);
}

const struct scenario request_in_pieces = {
        .name = "requests in pieces", .start = start_pieces, .disks = 1, .small_pieces = true,
};
const struct scenario request_cancelled = {
        .name = "requests in pieces, cancelled by others", .start = start_cancelled, .disks = 1, .small_pieces = true,
};
const struct scenario whole_request_cancelled = {
        .name = "requests cancelled", .start = start_whole_cancelled, .disks = 1,
};
const struct scenario request_cancelled_by_its_owner = {
        .name = "requests in pieces, cancelled by their owners", .start = start_self_cancelled, .disks = 1,
        .small_pieces = true,
};
