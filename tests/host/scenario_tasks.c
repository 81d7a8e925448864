/* SPDX-License-Identifier: MIT */
/* scenario_tasks.c - tasks that read, write, yield, sleep and wait, and the programs made of them. */
#include "scenario_tasks.h"

#include <errno.h>
#include <string.h>

#include "block.h"
#include "coro.h"
#include "host.h"
#include "scenario.h"
#include "timer.h"

enum { WORKERS = 6, POISON = 0xee };

/* A request between a task and the block layer: it sees that each is completed exactly once. */
struct watched {
        struct future future;
        struct waker waker, *parent;
        struct block_future io;
        unsigned wakes;
};

struct worker {
        struct future future;
        struct task task;
        struct watched io, other_io;
        struct timer_future timer;
        struct yield_future yield;
        struct block_device *disk;
        uint64_t sector;
        unsigned rounds, ended;
        uint8_t buffer[SECTOR_SIZE], other_buffer[SECTOR_SIZE];
};

static struct executor *executor;
static struct worker workers[WORKERS];
static unsigned worker_count, ended;
static struct block_future shared_io;

void tasks_begin(struct executor *new_executor)
{
        executor = new_executor;
        memset(workers, 0, sizeof workers);
        worker_count = ended = 0;
}

static void spawn(struct worker *worker, enum poll (*poll)(struct future *, struct waker *))
{
        worker->future = (struct future){ .poll = poll };
        executor_spawn(executor, &worker->task, &worker->future, "worker");
}

static struct worker *start(enum poll (*poll)(struct future *, struct waker *), unsigned disk)
{
        struct worker *worker = &workers[worker_count];

        worker->sector = 3 * worker_count++;
        worker->disk = block_device(disk);
        memset(worker->buffer, POISON, sizeof worker->buffer);
        memset(worker->other_buffer, POISON, sizeof worker->other_buffer);
        spawn(worker, poll);
        return worker;
}

static void end(struct worker *worker)
{
        worker->ended++;
        ended++;
}

void tasks_check(void)
{
        scenario_expect(ended == worker_count, "not every task came to its end");
        for (unsigned i = 0; i < worker_count; i++) {
                scenario_expect(workers[i].ended == 1, "a task ended twice");
                scenario_expect(task_finished(&workers[i].task), "a task is not finished");
        }
}

static void wake_watched(struct waker *waker)
{
        struct watched *self = container_of(waker, struct watched, waker);

        scenario_expect(self->future.state == 1, "a request that was ready already is completed");
        self->wakes++;
        self->parent->wake(self->parent);
}

static enum poll watched_poll(struct future *future, struct waker *waker)
{
        struct watched *self = container_of(future, struct watched, future);
        enum poll poll;

        if (waker)
                shared_store(&self->parent, waker);
        future->state = 1;
        poll = future_poll(&self->io.future, waker ? &self->waker : NULL);
        if (poll == POLL_PENDING)
                return POLL_PENDING;
        if (self->io.result != -ECANCELED)
                scenario_expect(self->wakes == 1, "a request is not completed exactly once");
        return future_ready(future);
}

static struct watched watched(struct block_future io)
{
        return (struct watched){ .future = { .poll = watched_poll, .child = (int32_t)offsetof(struct watched, io) },
                                 .waker.wake = wake_watched, .io = io };
}

static void check_read(const struct worker *self, int result, unsigned version)
{
        scenario_note(result);
        if (result == 0)
                scenario_expect(model_holds(self->buffer, self->sector, version), "a request ends without its data");
}

static enum poll reader_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->io, watched(block_read(self->disk, self->sector, self->buffer, 1)));
        check_read(self, self->io.io.result, 0);
        end(self);
        CORO_END();
}

/* Yields until everybody else is at an end. */
static enum poll yielder_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        while (ended + 1 < worker_count)
                AWAIT(self->yield, yield_now());
        end(self);
        CORO_END();
}

static enum poll caller_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        check_read(self, block_read_sync(self->disk, self->sector, self->buffer, 1), 0);
        end(self);
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
                memset(self->buffer, POISON, sizeof self->buffer);
                AWAIT(self->io, watched(block_flush(self->disk)));
                scenario_note(self->io.io.result);
                AWAIT(self->io, watched(block_read(self->disk, self->sector, self->buffer, 1)));
                check_read(self, self->io.io.result, 1);
        }
        end(self);
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
        end(self);
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
        check_read(self, self->io.io.result, 0);
        scenario_note(self->other_io.io.result);
        return future_ready(future);
}

/* Waits for the disk and for a time at once: an interrupt wakes it, and so does a hook, perhaps at the same instant. */
static enum poll disk_and_time_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);
        enum poll disk, time;

        if (future->state == FUTURE_NEW) {
                self->io = watched(block_read(self->disk, self->sector, self->buffer, 1));
                self->timer = sleep_until(timer_now() + 6);
        }
        future->state = 1;
        disk = future_poll(&self->io.future, waker);
        time = future_poll(&self->timer.future, waker);
        if (disk == POLL_PENDING || time == POLL_PENDING)
                return POLL_PENDING;
        check_read(self, self->io.io.result, 0);
        end(self);
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
                memset(workers[0].buffer, POISON, sizeof workers[0].buffer);
                spawn(&workers[0], join_poll);
        }
        while (!task_finished(&workers[0].task))
                AWAIT(self->yield, yield_now());
        end(&workers[0]);
        end(self);
        CORO_END();
}

/* Polls the shared request once, with its own waker, and ends: another task has to finish it. */
static enum poll giver_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        if (!waker)
                return future_ready(future);
        shared_io = block_read(self->disk, self->sector, self->buffer, 1);
        (void)future_poll(&shared_io.future, waker);
        end(self);
        return future_ready(future);
}

static enum poll taker_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        self->rounds++;
        if (future_poll(&shared_io.future, waker) == POLL_PENDING) {
                if (self->rounds < 3) /* look a few times, where it may end between look and sleep */
                        waker->wake(waker);
                return POLL_PENDING;
        }
        check_read(&workers[0], shared_io.result, 0);
        end(self);
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
        memset(self->buffer, POISON, sizeof self->buffer);
        end(self);
        return future_ready(future);
}

static void start_one_reader(void) { start(reader_poll, 0); }

static void start_yielder(void)
{
        start(yielder_poll, 0);
        start(reader_poll, 0);
}

static void start_caller(void)
{
        start(reader_poll, 0);
        start(reader_poll, 0);
        start(caller_poll, 0);
        start(reader_poll, 0);
}

static void start_many(void)
{
        for (unsigned i = 0; i < WORKERS; i++)
                start(reader_poll, 0);
}

static void start_respawn(void)
{
        start(join_poll, 0);
        start(supervisor_poll, 0);
}

static void start_two_disks(void)
{
        start(reader_poll, 0);
        start(writer_poll, 1);
        start(reader_poll, 1);
        start(reader_poll, 0);
}

static void start_mixed(void)
{
        start(writer_poll, 0);
        start(reader_poll, 0);
        start(writer_poll, 0);
}

static void start_handover(void)
{
        start(giver_poll, 0);
        start(taker_poll, 0);
}

static void start_withdrawal(void)
{
        start(reader_poll, 0);
        start(withdrawer_poll, 0);
        start(reader_poll, 0);
}

static void start_sleeper(void)
{
        start(sleeper_poll, 0);
        start(reader_poll, 0);
}

/* Time passes with each look at it, and the yielding task has the hooks look. */
static void start_disk_and_time(void)
{
        host.time_step = 1;
        start(disk_and_time_poll, 0);
        start(yielder_poll, 0);
}

const struct scenario one_reader = {
                .name = "one reader",
                .start = start_one_reader, .disks = 1
        },
        reader_beside_a_yielding_task = {
                .name = "a reader beside a task that yields for ever",
                .start = start_yielder, .disks = 1, .busy = true
        },
        call_that_waits_in_a_task = {
                .name = "a call that waits, in a task",
                .start = start_caller, .disks = 1
        },
        more_tasks_than_seats = {
                .name = "more tasks than seats",
                .start = start_many, .disks = 1
        },
        respawn_after_a_wake_in_the_last_poll = {
                .name = "respawn after a wake in the last poll",
                .start = start_respawn, .disks = 1, .busy = true
        },
        two_disks = {
                .name = "two disks",
                .start = start_two_disks, .disks = 2
        },
        mixed_requests = {
                .name = "read, write and flush",
                .start = start_mixed, .disks = 1
        },
        request_handed_over = {
                .name = "a request handed over",
                .start = start_handover, .disks = 1
        },
        request_withdrawn = {
                .name = "a request withdrawn",
                .start = start_withdrawal, .disks = 1
        },
        reader_beside_a_sleeper = {
                .name = "a reader beside a sleeper",
                .start = start_sleeper, .disks = 1
        },
        disk_and_time_at_once = {
                .name = "a task that waits for the disk and for a time",
                .start = start_disk_and_time, .disks = 1, .busy = true
        };
