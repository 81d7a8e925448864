/* SPDX-License-Identifier: MIT */
/* scenarios.c - tasks that read, write, yield, sleep and wait, and the programs made of them. */
#include "scenario.h"

#include "host.h"
#include "waited.h"
#include "worker.h"

static struct block_future shared_io;

static enum poll reader_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->io, watched(block_read(self->disk, self->sector, self->buffer, 1)));
        worker_check_read(self, self->io.io.result, 0);
        worker_end(self);
        CORO_END();
}

/* Yields until everybody else is at an end. */
static enum poll yielder_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        while (workers_ended + 1 < worker_count)
                AWAIT(self->yield, yield_now());
        worker_end(self);
        CORO_END();
}

static enum poll caller_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        worker_check_read(self, waited(block_read(self->disk, self->sector, self->buffer, 1)), 0);
        worker_end(self);
        CORO_END();
}

/* Write, make it last, read it back; of the two errors that a lie may cause the first one counts. */
static enum poll writer_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        model_fill(self->buffer, self->sector, 1);
        AWAIT(self->io, watched(block_write(self->disk, self->sector, self->buffer, 1)));
        scenario_note(self->io.io.result);
        if (self->io.io.result == 0) {
                worker_poison(self);
                AWAIT(self->io, watched(block_flush(self->disk)));
                scenario_note(self->io.io.result);
                AWAIT(self->io, watched(block_read(self->disk, self->sector, self->buffer, 1)));
                worker_check_read(self, self->io.io.result, 1);
        }
        worker_end(self);
        CORO_END();
}

static enum poll sleeper_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        for (; self->rounds < 2; self->rounds++) {
                AWAIT(self->timer, sleep_until(100 * (self->rounds + 1)));
                scenario_expect(timer_now() >= self->timer.deadline, "a sleeper wakes too early");
        }
        worker_end(self);
        CORO_END();
}

/*
 * Two requests at once, as a join would have them: the second can end while the first is looked at, and
 * then the task is woken in its last poll.
 */
static enum poll join_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);
        enum poll one, other;

        if (future->state == FUTURE_NEW) {
                self->io = watched(block_read(self->disk, self->sector, self->buffer, 1));
                self->other_io = watched(block_read(self->disk, self->sector + 1, self->other_buffer, 1));
        }
        future->state = 1;
        one = future_poll(&self->io.future, waker);
        other = future_poll(&self->other_io.future, waker);
        if (one == POLL_PENDING || other == POLL_PENDING)
                return POLL_PENDING;
        worker_check_read(self, self->io.io.result, 0);
        scenario_note(self->other_io.io.result);
        scenario_expect(self->other_io.io.result != 0 || model_holds(self->other_buffer, self->sector + 1, 0),
                        "a request ends without its data");
        return future_ready(future);
}

/* Waits for the disk and for a time at once: an interrupt wakes it, and so does a hook, perhaps at the same instant. */
static enum poll disk_and_time_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);
        enum poll disk, time;

        if (future->state == FUTURE_NEW) {
                self->io = watched(block_read(self->disk, self->sector, self->buffer, 1));
                self->timer = sleep_until(timer_now() + 2);
        }
        future->state = 1;
        disk = future_poll(&self->io.future, waker);
        time = future_poll(&self->timer.future, waker);
        if (disk == POLL_PENDING || time == POLL_PENDING)
                return POLL_PENDING;
        worker_check_read(self, self->io.io.result, 0);
        worker_end(self);
        return future_ready(future);
}

/* Runs worker 0's task again as soon as its memory is free, `rounds` times. */
static enum poll supervisor_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        for (; self->rounds < 2; self->rounds++) {
                while (!task_finished(&workers[0].task))
                        AWAIT(self->yield, yield_now());
                worker_poison(&workers[0]);
                worker_spawn(&workers[0], join_poll);
        }
        while (!task_finished(&workers[0].task))
                AWAIT(self->yield, yield_now());
        worker_end(&workers[0]);
        worker_end(self);
        CORO_END();
}

/* Polls the shared request once, with its own waker, and ends: another task has to finish it. */
static enum poll giver_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        shared_io = block_read(self->disk, self->sector, self->buffer, 1);
        (void)future_poll(&shared_io.future, waker);
        return future_ready(future);
}

/* What the giver's task does in its second life. */
static enum poll once_poll(struct future *future, struct waker *waker)
{
        (void)waker;
        worker_end(&workers[0]);
        return future_ready(future);
}

/*
 * Has the giver's task used again, whose waker the request still holds: a wake may come at any instant,
 * to the former task, while it is made new, or to its next life. Then finishes the request.
 */
static enum poll taker_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        if (self->rounds < 2) {
                if (self->rounds == 0) {
                        self->rounds = 1; /* in the next batch the request is on its way */
                } else if (task_finished(&workers[0].task)) {
                        worker_spawn(&workers[0], once_poll);
                        self->rounds = 2;
                }
                waker->wake(waker);
                return POLL_PENDING;
        }
        if (future_poll(&shared_io.future, waker) == POLL_PENDING)
                return POLL_PENDING;
        worker_check_read(&workers[0], shared_io.result, 0);
        worker_end(self);
        return future_ready(future);
}

/* Starts a reader, then gives it up: its buffer is not touched any more once the withdrawal is ready. */
static enum poll withdrawer_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        if (self->rounds++ == 0) {
                future->state = 1;
                self->io = watched(block_read(self->disk, self->sector, self->buffer, 1));
                if (future_poll(&self->io.future, waker) == POLL_PENDING)
                        waker->wake(waker);
                return POLL_PENDING;
        }
        if (future_poll(&self->io.future, NULL) == POLL_PENDING)
                return POLL_PENDING;
        worker_poison(self);
        self->untouched = true;
        worker_end(self);
        return future_ready(future);
}

static void start_one_reader(void) { worker_start(reader_poll, 0); }

static void start_yielder(void)
{
        worker_start(yielder_poll, 0);
        worker_start(reader_poll, 0);
}

static void start_caller(void)
{
        worker_start(reader_poll, 0);
        worker_start(reader_poll, 0);
        worker_start(caller_poll, 0);
        worker_start(reader_poll, 0);
}

static void start_many(void)
{
        for (unsigned i = 0; i < WORKERS; i++)
                worker_start(reader_poll, 0);
}

static void start_respawn(void)
{
        worker_start(join_poll, 0);
        worker_start(supervisor_poll, 0);
}

static void start_two_disks(void)
{
        worker_start(reader_poll, 0);
        worker_start(writer_poll, 1);
        worker_start(reader_poll, 1);
        worker_start(reader_poll, 0);
}

static void start_mixed(void)
{
        worker_start(writer_poll, 0);
        worker_start(reader_poll, 0);
        worker_start(writer_poll, 0);
}

static void start_handover(void)
{
        worker_start(giver_poll, 0);
        worker_start(taker_poll, 0);
}

static void start_withdrawal(void)
{
        worker_start(reader_poll, 0);
        worker_start(withdrawer_poll, 0);
        worker_start(reader_poll, 0);
}

static void start_sleeper(void)
{
        worker_start(sleeper_poll, 0);
        worker_start(reader_poll, 0);
}

/* Time passes with each look at it, and the yielding task has the hooks look. The interrupt may wake two at once. */
static void start_disk_and_time(void)
{
        host.time_step = 1;
        worker_start(disk_and_time_poll, 0);
        worker_start(reader_poll, 0);
        worker_start(yielder_poll, 0);
}

const struct scenario one_reader = {
        .name = "one reader", .start = start_one_reader, .disks = 1,
};
const struct scenario reader_beside_a_yielding_task = {
        .name = "a reader beside a task that yields for ever", .start = start_yielder, .disks = 1, .busy = true,
};
const struct scenario call_that_waits_in_a_task = {
        .name = "a call that waits, in a task", .start = start_caller, .disks = 1,
};
const struct scenario more_tasks_than_seats = {
        .name = "more tasks than seats", .start = start_many, .disks = 1,
};
const struct scenario respawn_after_a_wake_in_the_last_poll = {
        .name = "respawn after a wake in the last poll", .start = start_respawn, .disks = 1, .busy = true,
};
const struct scenario two_disks = {
        .name = "two disks", .start = start_two_disks, .disks = 2,
};
const struct scenario mixed_requests = {
        .name = "read, write and flush", .start = start_mixed, .disks = 1,
};
const struct scenario request_handed_over = {
        .name = "a request handed over", .start = start_handover, .disks = 1,
};
const struct scenario request_withdrawn = {
        .name = "a request withdrawn", .start = start_withdrawal, .disks = 1,
};
const struct scenario reader_beside_a_sleeper = {
        .name = "a reader beside a sleeper", .start = start_sleeper, .disks = 1,
};
const struct scenario disk_and_time_at_once = {
        .name = "a task that waits for the disk and for a time", .start = start_disk_and_time, .disks = 1, .busy = true,
};
