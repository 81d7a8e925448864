/* SPDX-License-Identifier: MIT */
/*
 * demo.c - job=demo: two tasks on one processor. A writes a block, sleeps, reads it back, sleeps,
 * compares; B runs whenever A sleeps. Each line is printed where and when the thing happens.
 *
 * A disk may be quicker than a batch. For B to be seen running between a request and its interrupt, A
 * asks for one more turn before it submits, and has B come right behind it: the device is told of the
 * request when the batch of both is over.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "coro.h"
#include "jobs/jobs.h"
#include "memory.h"
#include "printk.h"
#include "timer.h"

struct task_a;

/*
 * A future around a disk request that says what happens to it. The request is given a waker of our own,
 * so that the line of the interrupt is printed by the interrupt.
 */
struct narrated {
        struct future future;
        struct waker waker;
        struct waker *awaiter;
        struct block_future *request;
        struct task_a *a;
        const char *what; /* NULL: say nothing */
};

enum narrated_state { NARRATED_LINED_UP = 1, NARRATED_SUBMITTED };

struct task_a {
        struct future future;
        struct block_device *disk;
        struct block_future io;
        struct narrated step;
        uint64_t sector;
        uint32_t sectors;
        uint8_t *saved, *out, *in;
        unsigned steps;       /* requests so far that something was said of */
        uint32_t b_may_run;   /* shared: no request is done that A has not seen */
        struct waker *b;
        struct tally tally;
};

/* What B awaits between its turns: at once the next one, or that A wakes it. */
struct turn {
        struct future future;
        struct task_a *a;
};

struct task_b {
        struct future future;
        struct turn turn;
        struct task_a *a;
        uint64_t turns;
        unsigned told; /* the step of A during which B has spoken */
};

static void say(const char *who, const char *what, const char *more)
{
        uint64_t time = timer_microseconds(timer_now());

        printk("%6lu.%03lu ms  %-9s  %s%s\n", time / 1000, time % 1000, who, what, more);
}

static void narrated_wake(struct waker *waker)
{
        struct narrated *self = container_of(waker, struct narrated, waker);

        shared_store(&self->a->b_may_run, 0);
        if (self->what && self->request->result == -ENODEV)
                say("kernel", "the disk is gone; A is woken", "");
        else if (self->what)
                say(interrupts_enabled() ? "kernel" : "interrupt", "the disk is done; A is woken", ""); /* a RAM disk has none */
        self->awaiter->wake(self->awaiter);
}

static enum poll narrated_poll(struct future *future, struct waker *waker)
{
        struct narrated *self = container_of(future, struct narrated, future);
        uint32_t former = future->state;

        if (former == FUTURE_NEW && waker != NULL) {
                future->state = NARRATED_LINED_UP;
                shared_store(&self->a->b_may_run, 1);
                waker->wake(waker);
                self->a->b->wake(self->a->b);
                return POLL_PENDING;
        }
        if (waker != NULL)
                waker_register(&self->awaiter, waker);
        future->state = NARRATED_SUBMITTED;
        future->child = (int32_t)((char *)self->request - (char *)self);
        if (future_poll(&self->request->future, waker ? &self->waker : NULL) == POLL_READY)
                return future_ready(future);
        if (former == NARRATED_LINED_UP && self->what) {
                self->a->steps++;
                say("task A", self->what, " is submitted; A is suspended");
        }
        return POLL_PENDING;
}

static struct narrated narrate(struct task_a *a, const char *what)
{
        return (struct narrated){ .future.poll = narrated_poll, .waker.wake = narrated_wake, .request = &a->io,
                                  .a = a, .what = what };
}

static enum poll turn_poll(struct future *future, struct waker *waker)
{
        struct turn *self = container_of(future, struct turn, future);

        if (future->state != FUTURE_NEW || waker == NULL)
                return future_ready(future);
        future->state = 1;
        waker_register(&self->a->b, waker);
        if (shared_load(&self->a->b_may_run))
                waker->wake(waker);
        return POLL_PENDING;
}

static int count(struct task_a *a, int result)
{
        tally_count(&a->tally, result);
        if (result != 0)
                say("task A", "the request failed: ", error_words(result));
        return result;
}

/* What was there before, with every bit turned over: it cannot be missed. */
static void make_pattern(struct task_a *a)
{
        for (uint32_t i = 0; i < a->sectors * SECTOR_SIZE; i++)
                a->out[i] = (uint8_t)~a->saved[i];
}

static void compare(struct task_a *a, const uint8_t *expected)
{
        bool equal = memcmp(a->in, expected, a->sectors * SECTOR_SIZE) == 0;

        say("task A", equal ? "resumed: what was read is what was " : "resumed: what was read is NOT what was ",
            a->disk->read_only ? "read before" : "written");
        a->tally.mismatch += equal ? 0 : 1;
}

static enum poll task_a_poll(struct future *future, struct waker *waker)
{
        struct task_a *self = container_of(future, struct task_a, future);

        CORO_BEGIN(self, waker);

        self->io = block_read(self->disk, self->sector, self->saved, self->sectors);
        AWAIT(self->step, narrate(self, NULL));
        log_debug("%lu instructions from the kernel's entry to the end of the first read", instructions_since_entry());

        if (count(self, self->io.result) == 0 && self->disk->read_only) {
                say("task A", "the disk is read-only: A only reads", "");
                self->io = block_read(self->disk, self->sector, self->in, self->sectors);
                AWAIT(self->step, narrate(self, "a read"));
                if (count(self, self->io.result) == 0)
                        compare(self, self->saved);
        } else if (self->io.result == 0) {
                make_pattern(self);
                self->io = block_write(self->disk, self->sector, self->out, self->sectors);
                AWAIT(self->step, narrate(self, "a write"));
                if (count(self, self->io.result) == 0)
                        say("task A", "resumed: the write has ended well", "");

                self->io = block_read(self->disk, self->sector, self->in, self->sectors);
                AWAIT(self->step, narrate(self, "a read"));
                if (count(self, self->io.result) == 0 && self->tally.ok == 3)
                        compare(self, self->out);

                self->io = block_write(self->disk, self->sector, self->saved, self->sectors);
                AWAIT(self->step, narrate(self, NULL));
                if (count(self, self->io.result) == 0)
                        say("task A", "the sector is as it was before", "");
        }
        self->b->wake(self->b);
        CORO_END();
}

static enum poll task_b_poll(struct future *future, struct waker *waker)
{
        struct task_b *self = container_of(future, struct task_b, future);

        CORO_BEGIN(self, waker);
        while (self->a->future.state != FUTURE_DONE) {
                self->turns++;
                if (self->told != self->a->steps) {
                        self->told = self->a->steps;
                        say("task B", "runs while A waits", "");
                }
                AWAIT(self->turn, ((struct turn){ .future.poll = turn_poll, .a = self->a }));
        }
        printk("task B had %lu turns while A waited for the disk\n", self->turns);
        CORO_END();
}

static bool make_buffers(struct task_a *a, size_t bytes)
{
        a->saved = memory_allocate(bytes, PAGE_SIZE);
        a->out = memory_allocate(bytes, PAGE_SIZE);
        a->in = memory_allocate(bytes, PAGE_SIZE);
        if (a->saved && a->out && a->in)
                return true;
        log_error("too little memory for three blocks of the disk");
        return false;
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        static struct task_a a = { .future.poll = task_a_poll };
        static struct task_b b = { .future.poll = task_b_poll, .a = &a };
        static struct task tasks[2];
        struct span span;

        if (span_read(&span, disk) != 0)
                return EXIT_INPUT;
        a.disk = disk;
        a.sector = span.first;
        a.sectors = disk->block_size / SECTOR_SIZE;
        a.b = &tasks[1].waker;
        if (span.sectors < a.sectors) {
                log_error("boot arguments: offset=, size=: a span without a single block");
                return EXIT_INPUT;
        }
        if (!make_buffers(&a, disk->block_size))
                return EXIT_INPUT;

        printk("Two tasks share one processor: A uses sector %lu of disk %u, B counts its turns.\n", a.sector, disk->number);
        executor_spawn(executor, &tasks[0], &a.future, "A");
        executor_spawn(executor, &tasks[1], &b.future, "B");
        executor_run_until_idle(executor);
        return tally_report(&a.tally, "demo");
}

const struct job demo_job = { .name = "demo", .needs_disk = true, .run = run };
