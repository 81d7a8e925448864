/* SPDX-License-Identifier: MIT */
/*
 * watchdog.c - one look at the executor, a period after it began to poll.
 *
 *  - A poll is under way: look again a period later. If it still is, its task never yields, and is named.
 *  - The hart is asleep: look no more until it polls again, so that an idle machine stays asleep; but
 *    have the executor find out whether anything can still wake somebody.
 *
 * Going to sleep does not disarm it, for setting a timer through the firmware costs as much as a disk
 * request: so it goes off once after the last task has gone to sleep.
 */
#include "watchdog.h"

#include <stdbool.h>
#include <stddef.h>

#include "arch.h"
#include "panic.h"
#include "printk.h"
#include "timer.h"

enum { PERIOD_MS = 1000, LONG_POLL_MS = 10 };

static struct executor *watched;
static const struct task *seen; /* at the last look, and no batch has begun since */
static bool told;

static void go_off(void);

static void look_later(void)
{
        timer_set_alarm(timer_now() + timer_ticks(PERIOD_MS), go_off);
}

/* Called by the executor before a batch, unless we are armed. */
static void arm(void)
{
        seen = NULL;
        told = false;
        shared_store(&watched->watched, 1);
        look_later();
}

/* In the timer's interrupt. A batch polls no task twice: so one that is seen twice is in the same poll. */
static void go_off(void)
{
        const struct task *task = shared_load(&watched->current);

        executor_look_for_deadlock(watched);
        shared_store(&watched->watched, 0);
        if (!task)
                return;
        if (task == seen && !told) {
                told = true;
                log_warn("task %s keeps all others waiting: it has not yielded for %u ms", task->name, PERIOD_MS);
                print_await_chain(task->root);
        }
        seen = task;
        look_later();
}

void watchdog_init(struct executor *executor)
{
        watched = executor;
        executor->watch = arm;
        executor->watched = 0;
        executor->longest_poll = timer_ticks(LONG_POLL_MS);
}
