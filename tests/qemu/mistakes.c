/* SPDX-License-Identifier: MIT */
/*
 * mistakes.c - job=mistakes, which test_mistakes.py builds into a kernel of its own: tasks that must not
 * be written like this, and a slow disk. number_ios says which; the lines marked HERE are to be named.
 */
#include <errno.h>

#include "combinators.h"
#include "coro.h"
#include "event.h"
#include "jobs/jobs.h"
#include "mutex.h"
#include "printk.h"

static struct mutex left, right;
static struct event never_set;

struct philosopher {
        struct future future;
        struct task task;
        struct mutex *first, *second;
        struct wait_future one, other;
        struct timer_future pause;
};

static enum poll philosopher_poll(struct future *future, struct waker *waker)
{
        struct philosopher *self = container_of(future, struct philosopher, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->one, mutex_lock(self->first));
        AWAIT(self->pause, sleep_ms(1));
        AWAIT(self->other, mutex_lock(self->second)); /* HERE: embrace */
        printk("not reached\n");
        CORO_END();
}

static void embrace(struct executor *executor)
{
        static struct philosopher philosophers[2];

        for (unsigned i = 0; i < 2; i++) {
                philosophers[i] = (struct philosopher){ .future.poll = philosopher_poll, .first = i ? &right : &left,
                                                        .second = i ? &left : &right };
                executor_spawn(executor, &philosophers[i].task, &philosophers[i].future, i ? "kant" : "hume");
        }
}

struct lonely {
        struct future future;
        struct task task;
        struct wait_future wait;
};

static enum poll lonely_poll(struct future *future, struct waker *waker)
{
        struct lonely *self = container_of(future, struct lonely, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, event_wait(&never_set)); /* HERE: wait */
        CORO_END();
}

static void wait(struct executor *executor)
{
        static struct lonely lonely = { .future.poll = lonely_poll };

        executor_spawn(executor, &lonely.task, &lonely.future, "lonely");
}

struct hog {
        struct future future;
        struct task task;
        struct timer_future pause;
        uint64_t milliseconds, until;
};

static enum poll hog_poll(struct future *future, struct waker *waker)
{
        struct hog *self = container_of(future, struct hog, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->pause, sleep_ms(1)); /* HERE: hog */
        self->until = timer_now() + timer_ticks(self->milliseconds);
        while (timer_now() < self->until)
                ;
        CORO_END();
}

static void hog(struct executor *executor, uint64_t milliseconds)
{
        static struct hog greedy = { .future.poll = hog_poll };

        greedy.milliseconds = milliseconds;
        executor_spawn(executor, &greedy.task, &greedy.future, "greedy");
}

static enum poll forgetful_poll(struct future *future, struct waker *waker)
{
        (void)future;
        return waker ? POLL_PENDING : POLL_READY;
}

struct forgetful {
        struct future future;
        struct task task;
        struct lonely inner;
};

static enum poll outer_forgetful_poll(struct future *future, struct waker *waker)
{
        struct forgetful *self = container_of(future, struct forgetful, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->inner, ((struct lonely){ .future.poll = forgetful_poll })); /* HERE: forget */
        CORO_END();
}

static void forget(struct executor *executor)
{
        static struct forgetful forgetful = { .future.poll = outer_forgetful_poll };

        executor_spawn(executor, &forgetful.task, &forgetful.future, "forgetful");
}

struct twice {
        struct future future;
        struct task task;
        struct timer_future timer;
};

static enum poll twice_poll(struct future *future, struct waker *waker)
{
        struct twice *self = container_of(future, struct twice, future);

        CORO_BEGIN(self, waker);
        self->timer = sleep_ms(60000);
        future_poll(&self->timer.future, waker);
        AWAIT(self->timer, sleep_ms(1)); /* HERE: twice */
        CORO_END();
}

static void twice(struct executor *executor)
{
        static struct twice again = { .future.poll = twice_poll };

        executor_spawn(executor, &again.task, &again.future, "again");
}

/* Two reads of a disk that does one in four seconds, the first of them on credit, with two seconds for each. */
struct hasty {
        struct future future;
        struct task task;
        struct block_device *disk;
        struct block_future read;
        struct timeout_future timeout;
        uint64_t started;
        unsigned number;
        uint8_t buffer[4096];
};

static enum poll hasty_poll(struct future *future, struct waker *waker)
{
        struct hasty *self = container_of(future, struct hasty, future);

        CORO_BEGIN(self, waker);
        for (self->number = 1; self->number <= 2; self->number++) {
                self->started = timer_now();
                self->read = block_read(self->disk, 0, self->buffer, sizeof self->buffer / SECTOR_SIZE);
                AWAIT(self->timeout, with_timeout(&self->read.future, 2000));
                printk("read %u: timeout=%d result=%d byte=%02x after %lu ms\n", self->number, self->timeout.result,
                       self->read.result, self->buffer[0], timer_microseconds(timer_now() - self->started) / 1000);
        }
        CORO_END();
}

static void hurry(struct executor *executor, struct block_device *disk)
{
        static struct hasty hasty = { .future.poll = hasty_poll };

        hasty.disk = disk;
        executor_spawn(executor, &hasty.task, &hasty.future, "hasty");
}

struct misplaced {
        struct future future;
        struct task task;
        struct timer_future pause;
        uint64_t number;
};

static enum poll misplaced_poll(struct future *future, struct waker *waker)
{
        struct misplaced *self = container_of(future, struct misplaced, future);

        CORO_BEGIN(self, waker);
        switch (self->number) {
        default: AWAIT(self->pause, sleep_ms(1));
        }
        CORO_END();
}

static void misplace(struct executor *executor)
{
        static struct misplaced misplaced = { .future.poll = misplaced_poll };

        executor_spawn(executor, &misplaced.task, &misplaced.future, "misplaced");
}

struct joiner {
        struct future future;
        struct task task;
        struct wait_future waits[2];
        struct join_future both;
};

static enum poll joiner_poll(struct future *future, struct waker *waker)
{
        struct joiner *self = container_of(future, struct joiner, future);

        CORO_BEGIN(self, waker);
        self->waits[0] = event_wait(&never_set);
        self->waits[1] = event_wait(&never_set);
        AWAIT(self->both, join2(&self->waits[0].future, &self->waits[1].future)); /* HERE: join */
        CORO_END();
}

static void join(struct executor *executor)
{
        static struct joiner joiner = { .future.poll = joiner_poll };

        executor_spawn(executor, &joiner.task, &joiner.future, "joiner");
}

/* A task that runs the executor, as if it were the job: another one is ready, and two are in one batch. */
static enum poll nested_poll(struct future *future, struct waker *waker)
{
        struct lonely *self = container_of(future, struct lonely, future);

        (void)waker;
        executor_run_until_idle(self->task.executor);
        return future_ready(future);
}

static void nest(struct executor *executor)
{
        static struct lonely nested = { .future.poll = nested_poll };

        hog(executor, 1);
        executor_spawn(executor, &nested.task, &nested.future, "nested");
}

__attribute__((noinline))
static uint64_t deep(uint64_t level)
{
        volatile uint64_t kept = level;

        return level == 0 ? 0 : deep(level - 1) + kept;
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        mutex_init(&left);
        mutex_init(&right);
        event_init(&never_set);
        switch (arguments.number_ios) {
        case 0: embrace(executor); break;
        case 1: wait(executor); break;
        case 2: hog(executor, 6000); break;
        case 3: hog(executor, 50); break;
        case 4: forget(executor); break;
        case 5: twice(executor); break;
        case 7: hog(executor, 3600000); break;
        case 8: misplace(executor); break;
        case 9: printk("%lu\n", deep(1 << 20)); break;
        case 10: printk("%u\n", *(volatile uint32_t *)(uintptr_t)disk->vain_resets); break;
        case 11: join(executor); break;
        case 12: nest(executor); break;
        default: hurry(executor, disk);
        }
        executor_run_until_idle(executor);
        return EXIT_PASS;
}

const struct job mistakes_job = { .name = "mistakes", .needs_disk = true, .run = run };
