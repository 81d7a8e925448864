/* SPDX-License-Identifier: MIT */
/*
 * executor.h - runs tasks until none is left, and sleeps when none is ready.
 *
 * A task is a future that the executor polls, with a waker of its own. One executor serves one hart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "future.h"

struct executor;

struct task {
        struct waker waker;
        struct future *root;
        struct executor *executor;
        const char *name;
        struct task *next; /* in the ready queue */
        struct task *all_next, **all_link;
        uint32_t queued; /* shared: set by wake, cleared by the executor before it polls */
};

_Static_assert(sizeof(struct task) + sizeof(struct future) <= 96, "what a waiting task costs beside its own state");

/*
 * Run after every batch of polls, in task context: what a batch has gathered (requests that wait for a
 * seat, rings to publish, timers to arm) is done once for all of it.
 */
struct batch_hook {
        void (*run)(struct batch_hook *self);
        struct batch_hook *next;
};

struct executor {
        struct task *tail;     /* shared: producers swap themselves in here */
        uint32_t batch_wanted; /* shared: an interrupt has work for the hooks */
        struct task marker;    /* bounds a batch; the queue is empty when it is the tail */
        struct task *all;     /* that have not finished */
        struct task *current; /* being polled; NULL between polls */
        struct batch_hook *hooks;
};

/* Make `executor` empty. Before anything else is called on it. */
void executor_init(struct executor *executor);

/* Add a hook, run after those added before it. The caller keeps `hook` for the executor's life. Task context. */
void executor_add_hook(struct executor *executor, struct batch_hook *hook);

/*
 * Run `root` as a task called `name`. The caller owns `task`, `root` and `name`, and keeps them until
 * task_finished(); `task` is zeroed, or has finished. Spawning one that has not finished is a bug, and
 * panics. Task context; also in a poll.
 */
void executor_spawn(struct executor *executor, struct task *task, struct future *root, const char *name);

/* Poll what is ready and sleep (wfi) when nothing is, until every task has finished. Not in a task. */
void executor_run_until_idle(struct executor *executor);

/*
 * Poll one future to its end without running other tasks, asleep (wfi) while it waits: the bridge from
 * synchronous code. Returns 0, or -EDEADLK without polling where interrupts are masked, as in an
 * interrupt handler: nothing could ever wake it there. The caller owns `future`.
 */
int executor_block_on(struct executor *executor, struct future *future);

/* Ask for a batch, so that the hooks run though no task is woken. Any context. */
static inline void executor_request_batch(struct executor *executor)
{
        shared_store(&executor->batch_wanted, 1);
}

/* Whether `task`'s memory is its owner's again. Task context. */
static inline bool task_finished(const struct task *task) { return task->executor == NULL; }
