/* SPDX-License-Identifier: MIT */
/* leaf_tasks.c - an executor with leaves for tasks. */
#include "leaf_tasks.h"

struct executor executor;
struct task tasks[TASKS];
struct leaf leaves[TASKS];

void log_dot(struct batch_hook *self)
{
        (void)self;
        log_event('.');
}

struct batch_hook hook;

static void request_batch(void) { executor_request_batch(&executor); }

/* Task i is polled as 'a' + i, and every batch in which a leaf is polled ends with a dot. */
int tasks_setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        memset(tasks, 0, sizeof tasks);
        for (unsigned i = 0; i < TASKS; i++)
                leaves[i] = leaf((char)('a' + i));
        hook.run = log_dot;
        executor_add_hook(&executor, &hook);
        leaf_polled = request_batch;
        log_reset();
        host.interrupt = host_lower;
        return 0;
}

void spawn(unsigned i) { executor_spawn(&executor, &tasks[i], &leaves[i].future, "a task"); }

void spawn_first(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                spawn(i);
}

void wake(unsigned i) { tasks[i].waker.wake(&tasks[i].waker); }

void finish(struct leaf *self, struct waker *waker)
{
        (void)waker;
        self->done = true;
}

/* Ready at the `polls_wanted`-th poll, and woken at once until then. */
unsigned polls_wanted;

void yield_some_times(struct leaf *self, struct waker *waker)
{
        self->done = self->polls == polls_wanted;
        if (!self->done)
                waker->wake(waker);
}

bool complete_a_twice(void)
{
        leaf_complete(&leaves[0], 7);
        wake(0);
        host_raise();
        return true;
}

void finish_and_complete_a(struct leaf *self, struct waker *waker)
{
        finish(self, waker);
        leaf_complete(&leaves[0], 0);
}
