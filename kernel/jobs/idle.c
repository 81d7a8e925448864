/* SPDX-License-Identifier: MIT */
/* idle.c - job=idle: await a timer, with the processor asleep. */
#include "coro.h"
#include "jobs/jobs.h"
#include "printk.h"
#include "timer.h"

struct idle {
        struct future future;
        struct timer_future timer;
        uint64_t started;
};

static enum poll idle_poll(struct future *future, struct waker *waker)
{
        struct idle *self = container_of(future, struct idle, future);

        CORO_BEGIN(self, waker);
        self->started = timer_now();
        AWAIT(self->timer, sleep_ms(arguments.timeout_ms));
        log_info("idle: asleep for %lu us", timer_microseconds(timer_now() - self->started));
        CORO_END();
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        static struct idle idle = { .future.poll = idle_poll };
        static struct task task;

        (void)disk;
        executor_spawn(executor, &task, &idle.future, "idle");
        executor_run_until_idle(executor);
        return EXIT_PASS;
}

const struct job idle_job = { .name = "idle", .run = run };
