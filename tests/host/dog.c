/* SPDX-License-Identifier: MIT */
/* dog.c - an executor with a watchdog. */
#include "dog.h"

#include "printk.h"
#include "timer.h"
#include "watchdog.h"

struct executor executor;
struct task tasks[TASKS];
struct leaf leaves[TASKS];
bool hope; /* somebody's may_wake says so */
unsigned hope_asked;

static bool may_wake(struct batch_hook *self)
{
        (void)self;
        hope_asked++;
        return hope;
}

static struct batch_hook hook = { .may_wake = may_wake };

int dog_setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        timer_init(&executor, FREQUENCY, true);
        executor_add_hook(&executor, &hook);
        watchdog_init(&executor);
        memset(tasks, 0, sizeof tasks);
        for (unsigned i = 0; i < TASKS; i++)
                leaves[i] = leaf(0);
        hope = false;
        hope_asked = 0;
        host.timer_interrupt = timer_interrupt;
        host.interrupt = host_lower;
        log_limit(LOG_INFO);
        return 0;
}

void spawn(unsigned i)
{
        static const char *const names[TASKS] = { "one", "two", "three" };

        executor_spawn(&executor, &tasks[i], &leaves[i].future, names[i]);
}

/* Time goes on in a poll, and what is due comes. */
void spend(uint64_t ticks)
{
        for (; ticks > 0; ticks--) {
                host.time++;
                host_deliver();
        }
}

void finish(struct leaf *self, struct waker *waker)
{
        (void)waker;
        self->done = true;
}
