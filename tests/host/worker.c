/* SPDX-License-Identifier: MIT */
/* worker.c - what the tasks of all scenarios have in common. */
#include "worker.h"

#include <errno.h>
#include <string.h>

#include "host.h"
#include "scenario.h"

enum { POISON = 0xee };

struct worker workers[WORKERS];
unsigned worker_count, workers_ended;

static struct executor *executor;

void workers_begin(struct executor *new_executor)
{
        executor = new_executor;
        memset(workers, 0, sizeof workers);
        worker_count = workers_ended = 0;
}

void worker_spawn(struct worker *worker, poll_function *poll)
{
        worker->future = (struct future){ .poll = poll };
        executor_spawn(executor, &worker->task, &worker->future, "worker");
}

void worker_poison(struct worker *worker)
{
        memset(worker->buffer, POISON, sizeof worker->buffer);
        memset(worker->other_buffer, POISON, sizeof worker->other_buffer);
}

struct worker *worker_start(poll_function *poll, unsigned disk)
{
        struct worker *worker = &workers[worker_count];

        worker->sector = 3 * worker_count++;
        worker->disk = block_device(disk);
        worker_poison(worker);
        worker_spawn(worker, poll);
        return worker;
}

void worker_end(struct worker *worker)
{
        worker->ended++;
        workers_ended++;
}

static bool is_poison(const uint8_t *bytes, size_t count)
{
        while (count > 0 && bytes[count - 1] == POISON)
                count--;
        return count == 0;
}

void workers_check(void)
{
        scenario_expect(workers_ended == worker_count, "not every task came to its end");
        for (unsigned i = 0; i < worker_count; i++) {
                const struct worker *worker = &workers[i];

                scenario_expect(worker->ended == 1, "a task ended twice");
                scenario_expect(task_finished(&worker->task), "a task is not finished");
                if (worker->untouched && models[0].options.lie != MODEL_OTHERS_ID) /* who then ends it early */
                        scenario_expect(is_poison(worker->buffer, sizeof worker->buffer) &&
                                        is_poison(worker->other_buffer, sizeof worker->other_buffer),
                                        "the device writes to a buffer of ours");
        }
}

void worker_check_read(const struct worker *worker, int result, unsigned version)
{
        scenario_note(result);
        if (result == 0)
                scenario_expect(model_holds(worker->buffer, worker->sector, version), "a request ends without its data");
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
        bool first = future->state == FUTURE_NEW;
        enum poll poll;

        if (waker)
                shared_store(&self->parent, waker);
        future->state = 1;
        poll = future_poll(&self->io.future, waker ? &self->waker : NULL);
        if (poll == POLL_PENDING)
                return POLL_PENDING;
        if (self->io.result != -ECANCELED && !(first && self->wakes == 0))
                scenario_expect(self->wakes == 1, "a request is not completed exactly once");
        return future_ready(future);
}

struct watched watched(struct block_future io)
{
        return (struct watched){ .future = { .poll = watched_poll, .child = (int32_t)offsetof(struct watched, io) },
                                 .waker.wake = wake_watched, .io = io };
}
