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
        struct task *all_next, **all_link; /* among those that have not finished */
        uint32_t queued; /* shared: set by wake, cleared by the executor before it polls */
        uint32_t polls;  /* both counted when the executor is */
        uint64_t ticks;  /* accounting: of the timer, in all polls */
};

_Static_assert(sizeof(struct task) + sizeof(struct future) <= 96, "what a waiting task costs beside its own state");

/*
 * A part of the kernel that wakes tasks from outside: the timer, the disks, the console. `run`, if any,
 * comes after a batch of polls, in task context, when somebody has asked for it: what a batch has
 * gathered (requests that wait for a seat, rings to publish, timers to arm) is done once for all of it.
 * `may_wake` says whether an interrupt of its can still wake anybody.
 */
struct batch_hook {
        void (*run)(struct batch_hook *self); /* shared */
        bool (*may_wake)(struct batch_hook *self);
        struct batch_hook *next;
};

/* Why to look round before a sleep: perhaps all who wait, wait in vain; or each sleep is recorded. */
enum { EXECUTOR_STALLED = 1, EXECUTOR_TRACED };
enum { EXECUTOR_ACCOUNTS = 1, EXECUTOR_TRACES = 2 };

struct executor {
        struct task *tail;     /* shared: producers swap themselves in here */
        uint32_t batch_wanted; /* shared: there is work for the hooks */
        uint32_t watched;      /* shared: the watchdog is armed, or there is none */
        uint32_t stalled;      /* shared: EXECUTOR_STALLED, EXECUTOR_TRACED, or 0: sleep without a look */
        struct task marker;    /* bounds a batch; the queue is empty when it is the tail */
        struct task *tasks, *daemons; /* that have not finished */
        struct task *current;  /* shared: being polled */
        struct batch_hook *hooks;
        void (*watch)(void);   /* arms the watchdog */
        uint8_t accounting;    /* EXECUTOR_ACCOUNTS: count each task's polls and ticks, and check them; EXECUTOR_TRACES: record them */
        uint64_t longest_poll; /* in ticks; a longer one is told under log=debug */
};

/* Make `executor` empty. Before anything else is called on it. */
void executor_init(struct executor *executor);

/* Have polls counted, and with trace=1 recorded, sleeps too. Task context. */
void executor_account(struct executor *executor, bool on);

/* Add a hook, run after those added before it. The caller keeps `hook` for the executor's life. Task context. */
void executor_add_hook(struct executor *executor, struct batch_hook *hook);

/*
 * Run `root` as a task called `name`. The caller owns `task`, `root` and `name`, and keeps them until
 * task_finished(); `task` is zeroed, or has finished. Spawning one that has not finished is a bug, and
 * panics. Task context; also in a poll.
 */
void executor_spawn(struct executor *executor, struct task *task, struct future *root, const char *name);

/* The same for a task that executor_run_until_idle() does not wait for: it goes on in the next run. */
void executor_spawn_daemon(struct executor *executor, struct task *task, struct future *root, const char *name);

/*
 * Poll what is ready and sleep (wfi) when nothing is, until every task but the daemons has finished: 0.
 * -EDEADLK, after naming every task and what it awaits, when nothing can ever wake one of them. Not in a task.
 */
int executor_run_until_idle(struct executor *executor);

/*
 * Poll one future to its end without running other tasks, asleep (wfi) while it waits: the bridge from
 * synchronous code. Returns 0; -EDEADLK without polling where interrupts are masked, as in an interrupt
 * handler, and with the future withdrawn when nothing can ever wake it. The caller owns `future`.
 */
int executor_block_on(struct executor *executor, struct future *future);

/* Ask that the hooks run after this batch, or in one of their own when no task is ready. Any context. */
static inline void executor_request_batch(struct executor *executor)
{
        shared_store(&executor->batch_wanted, 1);
}

/*
 * Ask, once nothing is ready, whether those who wait wait in vain: for who has just ceased to be somebody that
 * could have woken one of them. Any context.
 */
static inline void executor_look_for_deadlock(struct executor *executor) { shared_store(&executor->stalled, EXECUTOR_STALLED); }

/* Whether `task`'s memory is its owner's again. Task context. */
static inline bool task_finished(const struct task *task) { return task->executor == NULL; }
