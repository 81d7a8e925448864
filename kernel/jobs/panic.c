/* SPDX-License-Identifier: MIT */
/* panic.c - job=panic: what the end looks like, from inside a coroutine. */
#include "coro.h"
#include "jobs/jobs.h"
#include "panic.h"

struct inner {
        struct future future;
        struct yield_future yield;
};

struct outer {
        struct future future;
        struct inner inner;
};

static enum poll inner_poll(struct future *future, struct waker *waker)
{
        struct inner *self = container_of(future, struct inner, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->yield, yield_now());
        panic("on purpose, as job=panic asks for");
        CORO_END();
}

static enum poll outer_poll(struct future *future, struct waker *waker)
{
        struct outer *self = container_of(future, struct outer, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->inner, (struct inner){ .future.poll = inner_poll });
        CORO_END();
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        static struct outer outer = { .future.poll = outer_poll };
        static struct task task;

        (void)disk;
        executor_spawn(executor, &task, &outer.future, "panic");
        executor_run_until_idle(executor);
        return EXIT_PASS;
}

const struct job panic_job = { .name = "panic", .run = run };
