/* SPDX-License-Identifier: MIT */
/*
 * tasks.c - job=tasks: number_ios tasks, all alive at once, that sleep, yield, lock and pass messages.
 *
 * What each does is drawn from its own random numbers, so it is the same however the tasks come in each
 * other's way; drawn once more at the end, it says what must have come out.
 */
#include <stddef.h>

#include "channel.h"
#include "coro.h"
#include "event.h"
#include "jobs/jobs.h"
#include "jobs/record.h"
#include "memory.h"
#include "mutex.h"
#include "printk.h"
#include "timer.h"
#include "wait_group.h"

enum { STEPS = 8, GROUP = 16, MESSAGES = 64, SLEEP_TICKS = 20000 };

enum action { SLEEP, YIELD, LOCK, SEND, ACTIONS };

/* Tasks that share a mutex, and what it guards. */
struct group {
        struct mutex mutex;
        uint64_t inside; /* the task that is; 0: none */
        uint64_t count;
};

struct message {
        uint64_t sender, sequence;
};

struct worker {
        struct future future;
        struct task task;
        struct group *group;
        union {
                struct timer_future timer;
                struct wait_future wait;
        };
        struct message message;
        uint64_t number, random, drawn; /* numbers from 1 */
        uint64_t received; /* messages, by the collector */
        unsigned step;
};

struct collector {
        struct future future;
        struct task task;
        struct wait_future wait;
        struct message message;
};

struct supervisor {
        struct future future;
        struct task task;
        struct wait_future wait;
};

static struct worker *workers;
static struct group *groups;
static uint64_t worker_count, mistakes;
static struct event start;
static struct wait_group working;
static struct channel channel;

static void expect(bool right, const char *what, uint64_t number)
{
        if (right)
                return;
        if (mistakes++ < 10)
                log_error("task %lu: %s", number, what);
}

static uint64_t seed_of(uint64_t number) { return arguments.seed ^ number * UINT64_C(0x9e3779b97f4a7c15); }

static enum action action_of(uint64_t drawn) { return (enum action)(drawn % ACTIONS); }

static void enter(struct worker *self)
{
        expect(self->group->inside == 0, "the mutex lets in two at once", self->number);
        self->group->inside = self->number;
}

static void leave(struct worker *self)
{
        expect(self->group->inside == self->number, "somebody else was in the mutex", self->number);
        self->group->inside = 0;
        self->group->count++;
        expect(mutex_unlock(&self->group->mutex, &self->wait) == 0, "the mutex was not ours", self->number);
}

static enum poll worker_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, event_wait(&start));
        for (self->step = 0; self->step < STEPS; self->step++) {
                self->drawn = splitmix64(&self->random);
                if (action_of(self->drawn) == SLEEP) {
                        AWAIT(self->timer, sleep_until(timer_now() + (self->drawn >> 32) % SLEEP_TICKS));
                        expect(timer_now() >= self->timer.deadline, "awake too soon", self->number);
                } else if (action_of(self->drawn) == YIELD) {
                        CORO_YIELD();
                } else if (action_of(self->drawn) == LOCK) {
                        AWAIT(self->wait, mutex_lock(&self->group->mutex));
                        enter(self);
                        CORO_YIELD();
                        leave(self);
                } else {
                        self->message.sequence++;
                        AWAIT(self->wait, channel_send(&channel, &self->message));
                        expect(self->wait.result == 0, "a message was not sent", self->number);
                }
        }
        wait_group_done(&working);
        CORO_END();
}

static void collect(const struct message *message)
{
        struct worker *sender = &workers[message->sender - 1];

        expect(message->sequence == ++sender->received, "its messages came out of order", message->sender);
}

static enum poll collector_poll(struct future *future, struct waker *waker)
{
        struct collector *self = container_of(future, struct collector, future);

        CORO_BEGIN(self, waker);
        for (;;) {
                AWAIT(self->wait, channel_receive(&channel, &self->message));
                if (self->wait.result != 0)
                        CORO_RETURN();
                collect(&self->message);
        }
        CORO_END();
}

static enum poll supervisor_poll(struct future *future, struct waker *waker)
{
        struct supervisor *self = container_of(future, struct supervisor, future);

        CORO_BEGIN(self, waker);
        event_set(&start);
        AWAIT(self->wait, wait_group_wait(&working));
        channel_close(&channel);
        CORO_END();
}

/* The oracle: what every task was to do, against what was seen of it. */
static void check(void)
{
        uint64_t done[ACTIONS] = { 0 };

        for (uint64_t i = 0; i < worker_count; i++) {
                uint64_t random = seed_of(i + 1), sent = 0;

                for (unsigned step = 0; step < STEPS; step++) {
                        enum action action = action_of(splitmix64(&random));

                        done[action]++;
                        sent += action == SEND;
                        workers[i].group->count -= action == LOCK;
                }
                expect(workers[i].step == STEPS, "it did not come to its end", i + 1);
                expect(workers[i].received == sent, "its messages were lost, or more than it sent", i + 1);
        }
        for (uint64_t i = 0; i < worker_count; i += GROUP)
                expect(workers[i].group->count == 0, "its group's mutex was not locked as often as it should", i + 1);
        log_info("tasks: %lu lived at once; %lu sleeps, %lu yields, %lu locks, %lu messages: %s", worker_count,
                 done[SLEEP], done[YIELD], done[LOCK], done[SEND], mistakes ? "NOT as planned" : "all as planned");
}

static void spawn_all(struct executor *executor)
{
        static struct collector collector = { .future.poll = collector_poll };
        static struct supervisor supervisor = { .future.poll = supervisor_poll };
        static struct message messages[MESSAGES];

        event_init(&start);
        wait_group_init(&working);
        wait_group_add(&working, (uint32_t)worker_count);
        channel_init(&channel, messages, sizeof messages[0], MESSAGES);
        for (uint64_t i = 0; i < worker_count; i++) {
                struct worker *worker = &workers[i];

                *worker = (struct worker){ .future.poll = worker_poll, .group = &groups[i / GROUP], .number = i + 1,
                                           .message.sender = i + 1, .random = seed_of(i + 1) };
                if (i % GROUP == 0)
                        mutex_init(&worker->group->mutex);
                executor_spawn(executor, &worker->task, &worker->future, "worker");
        }
        executor_spawn(executor, &collector.task, &collector.future, "collector");
        executor_spawn(executor, &supervisor.task, &supervisor.future, "supervisor");
}

static void *allocate(uint64_t count, size_t size)
{
        size_t bytes;

        return count > UINT32_MAX || __builtin_mul_overflow(count, size, &bytes) ? NULL : memory_allocate(bytes, _Alignof(max_align_t));
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        (void)disk;
        worker_count = arguments.number_ios;
        workers = allocate(worker_count, sizeof *workers);
        groups = allocate(worker_count / GROUP + 1, sizeof *groups);
        if (!workers || !groups) {
                log_error("boot arguments: number_ios=%lu: too little memory for so many tasks of %lu bytes",
                          worker_count, sizeof *workers);
                return EXIT_INPUT;
        }
        spawn_all(executor);
        if (executor_run_until_idle(executor) == 0)
                check();
        return mistakes ? EXIT_MISMATCH : EXIT_PASS;
}

const struct job tasks_job = { .name = "tasks", .run = run };
