/* SPDX-License-Identifier: MIT */
/*
 * timer.c - futures that wait for a time.
 *
 * The list belongs to the tasks: the timer's interrupt asks for a batch, and the hook after it wakes
 * what is due and sets the next interrupt. No tick: nobody wakes
 * a hart that nobody waits for (but for a timer withdrawn: its interrupt comes all the same, once).
 */
#include "timer.h"

#include <errno.h>
#include <stddef.h>

#include "arch.h"
#include "sbi.h"
#include "util.h"

enum timer_state { TIMER_ARMED = 1 };

static void run_hook(struct batch_hook *hook);

static struct batch_hook hook = { .run = run_hook };
static struct executor *served;
static uint64_t ticks_per_second;
static struct timer_future *first; /* by deadline, equal ones in the order they came */
static uint64_t programmed;        /* shared: the deadline that the hardware knows; UINT64_MAX: none */

void timer_init(struct executor *executor, uint64_t frequency)
{
        served = executor;
        ticks_per_second = frequency;
        first = NULL;
        programmed = UINT64_MAX;
        executor_add_hook(executor, &hook);
}

uint64_t timer_now(void) { return read_time(); }

uint64_t timer_microseconds(uint64_t ticks)
{
        return ticks / ticks_per_second * 1000000 + ticks % ticks_per_second * 1000000 / ticks_per_second;
}

struct timer_future sleep_ms(uint64_t milliseconds)
{
        uint64_t ticks = milliseconds % 1000 * ticks_per_second / 1000, deadline;

        if (__builtin_mul_overflow(milliseconds / 1000, ticks_per_second, &deadline) ||
            __builtin_add_overflow(deadline, ticks, &deadline) || __builtin_add_overflow(deadline, timer_now(), &deadline))
                deadline = UINT64_MAX;
        return sleep_until(deadline);
}

static void insert(struct timer_future *timer)
{
        struct timer_future **link = &first;

        while (*link && (*link)->deadline <= timer->deadline)
                link = &(*link)->next;
        timer->next = *link;
        *link = timer;
}

static enum poll withdraw(struct timer_future *timer)
{
        struct timer_future **link = &first;

        while (*link && *link != timer)
                link = &(*link)->next;
        if (*link)
                *link = timer->next;
        timer->result = -ECANCELED;
        return future_ready(&timer->future);
}

enum poll timer_poll(struct future *future, struct waker *waker)
{
        struct timer_future *self = container_of(future, struct timer_future, future);

        if (waker == NULL)
                return withdraw(self);
        self->waker = waker;
        if (future->state == FUTURE_NEW) {
                if (self->deadline <= timer_now())
                        return future_ready(future);
                future->state = TIMER_ARMED;
                insert(self);
        }
        return POLL_PENDING;
}

static void run_hook(struct batch_hook *self)
{
        (void)self;
        while (first && first->deadline <= timer_now()) {
                struct timer_future *due = first;

                first = due->next;
                future_ready(&due->future);
                due->waker->wake(due->waker);
        }
        if (first && first->deadline != shared_load(&programmed)) {
                shared_store(&programmed, first->deadline);
                sbi_set_timer(first->deadline);
                interrupts_unmask_timer();
        }
}

void timer_interrupt(void)
{
        /* Pending until the next sbi_set_timer(): mask it, or it would come again at once. */
        interrupts_mask_timer();
        shared_store(&programmed, UINT64_MAX);
        executor_request_batch(served);
}
