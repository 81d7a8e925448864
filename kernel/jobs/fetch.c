/* SPDX-License-Identifier: MIT */
/* fetch.c - a task that reads from the source of entropy. */
#include "jobs/fetch.h"

#include "coro.h"

static enum poll fetch_poll(struct future *future, struct waker *waker)
{
        struct fetch *self = container_of(future, struct fetch, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->read, entropy_read(self->bytes, sizeof self->bytes));
        event_set(&self->done);
        CORO_END();
}

struct wait_future fetch_entropy(struct fetch *fetch, struct executor *executor)
{
        if (task_finished(&fetch->task)) {
                event_init(&fetch->done);
                fetch->future = (struct future){ .poll = fetch_poll };
                executor_spawn_daemon(executor, &fetch->task, &fetch->future, "entropy");
        }
        return event_wait(&fetch->done);
}
