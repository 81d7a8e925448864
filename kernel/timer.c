/* SPDX-License-Identifier: MIT */
/*
 * timer.c - futures that wait for a time.
 *
 * They are kept in a pairing heap: a tree in which a parent is due before its children, however many it
 * has. Adding one is a single comparison; taking the first out melds its children in pairs, and the pairs
 * into one, which takes O(log n) steps, amortised (Fredman, Sedgewick, Sleator, Tarjan: The Pairing Heap,
 * 1986). Nothing is allocated, and nothing is recursive.
 *
 * The heap belongs to the tasks: the timer's interrupt asks for a batch, and the hook after it wakes
 * what is due and sets the next interrupt. There is no tick. A timer that is withdrawn does not undo
 * its interrupt, which then finds nothing to do.
 */
#include "timer.h"

#include <errno.h>
#include <stddef.h>

#include "arch.h"
#include "sbi.h"
#include "trace.h"
#include "util.h"

enum timer_state { TIMER_ARMED = 1 };

static void wake_due(struct batch_hook *hook);
static bool may_wake(struct batch_hook *hook);

static struct batch_hook hook = { .may_wake = may_wake }; /* shared: it runs when a timer is due, or there is a new one */
static struct executor *served;
static uint64_t ticks_per_second;
static enum { SBI, SSTC, SBI_TRACED, SSTC_TRACED } way; /* to set the hardware */
static struct timer_future *root;
static uint64_t sequence;
static uint64_t programmed; /* shared: when the hardware will interrupt; UINT64_MAX: never */
static uint64_t alarm_deadline; /* UINT64_MAX: none is set */
static void (*alarm_function)(void);

void timer_init(struct executor *executor, uint64_t frequency, bool sstc)
{
        served = executor;
        ticks_per_second = frequency;
        way = sstc ? SSTC : SBI;
        root = NULL;
        hook.run = NULL;
        programmed = alarm_deadline = UINT64_MAX;
        executor_add_hook(executor, &hook);
}

void timer_trace(void) { way = way == SSTC ? SSTC_TRACED : SBI_TRACED; }

static uint64_t in_units(uint64_t ticks, uint64_t per_second)
{
        return ticks / ticks_per_second * per_second + ticks % ticks_per_second * per_second / ticks_per_second;
}

uint64_t timer_microseconds(uint64_t ticks) { return in_units(ticks, 1000000); }

uint64_t timer_nanoseconds(uint64_t ticks) { return in_units(ticks, 1000000000); }

uint64_t timer_ticks(uint64_t milliseconds)
{
        uint64_t ticks;

        if (__builtin_mul_overflow(milliseconds / 1000, ticks_per_second, &ticks) ||
            __builtin_add_overflow(ticks, milliseconds % 1000 * ticks_per_second / 1000, &ticks))
                return UINT64_MAX;
        return ticks;
}

uint64_t timer_after(uint64_t milliseconds)
{
        uint64_t deadline;

        return __builtin_add_overflow(timer_now(), timer_ticks(milliseconds), &deadline) ? UINT64_MAX : deadline;
}

/* The heap ------------------------------------------------------------------------------------- */

static bool before(const struct timer_future *a, const struct timer_future *b)
{
        return a->deadline != b->deadline ? a->deadline < b->deadline : a->sequence < b->sequence;
}

/* The heap of two heaps: the one that is due later becomes the first child of the other. */
static struct timer_future *meld(struct timer_future *a, struct timer_future *b)
{
        if (before(b, a)) {
                struct timer_future *later = a;

                a = b;
                b = later;
        }
        b->previous = a;
        b->next = a->child;
        if (b->next)
                b->next->previous = b;
        a->child = b;
        return a;
}

/* The heap of all heaps in a list of siblings, perhaps NULL: in pairs from left to right, then the pairs from right to left. */
static struct timer_future *meld_all(struct timer_future *list)
{
        struct timer_future *pairs = NULL, *heap, *next;

        for (; list; list = next) {
                heap = list;
                next = heap->next;
                if (next) {
                        list = next;
                        next = list->next;
                        heap = meld(heap, list);
                }
                heap->next = pairs;
                pairs = heap;
        }
        for (heap = pairs, pairs = heap ? heap->next : NULL; pairs; pairs = next) {
                next = pairs->next;
                heap = meld(heap, pairs);
        }
        return heap;
}

static void add(struct timer_future *timer)
{
        timer->child = NULL;
        timer->sequence = sequence++;
        root = root ? meld(root, timer) : timer;
}

static void take_out(struct timer_future *timer)
{
        struct timer_future *rest = meld_all(timer->child);

        if (timer == root) {
                root = rest;
                return;
        }
        if (timer->previous->child == timer)
                timer->previous->child = timer->next;
        else
                timer->previous->next = timer->next;
        if (timer->next)
                timer->next->previous = timer->previous;
        if (rest)
                root = meld(root, rest);
}

static void request_hook(void)
{
        shared_store(&hook.run, wake_due);
        executor_request_batch(served);
}

/* Futures -------------------------------------------------------------------------------------- */

enum poll timer_poll(struct future *future, struct waker *waker)
{
        struct timer_future *self = container_of(future, struct timer_future, future);
        bool armed = future->state == TIMER_ARMED;

        if (waker == NULL) {
                if (armed)
                        take_out(self);
                self->result = -ECANCELED;
                return future_ready(future);
        }
        waker_register(&self->waker, waker);
        if (!armed) {
                if (self->deadline <= timer_now())
                        return future_ready(future);
                future->state = TIMER_ARMED;
                add(self);
                request_hook();
        }
        return POLL_PENDING;
}

/* The hardware ----------------------------------------------------------------------------------- */

/* Out of line, or the others would save registers too. */
__attribute__((noinline))
static void program_traced(uint64_t deadline)
{
        trace_record(TRACE_TIMER_ARM, NULL, (const void *)deadline, 0, 0);
        if (way == SSTC_TRACED)
                timer_compare_write(deadline);
        else
                sbi_set_timer(deadline);
}

/* Interrupt at `deadline`, unless the hardware will sooner: what comes too soon finds nothing to do. Interrupts are masked. */
static void program(uint64_t deadline)
{
        if (deadline >= shared_load(&programmed))
                return;
        shared_store(&programmed, deadline);
        if (way == SSTC)
                timer_compare_write(deadline);
        else if (way == SBI)
                sbi_set_timer(deadline);
        else
                program_traced(deadline);
        interrupts_unmask_timer();
}

void timer_set_alarm(uint64_t deadline, void (*alarm)(void))
{
        bool enabled = interrupts_save();

        alarm_deadline = deadline;
        alarm_function = alarm;
        program(deadline);
        interrupts_restore(enabled);
}

void timer_interrupt(void)
{
        /* Pending until the next deadline is set: mask it, or it would come again at once. */
        interrupts_mask_timer();
        shared_store(&programmed, UINT64_MAX);
        request_hook();
        if (alarm_deadline <= timer_now()) {
                alarm_deadline = UINT64_MAX;
                alarm_function();
        }
        program(alarm_deadline); /* here and not in the hook: the alarm is for whoever keeps the hook waiting */
        if (trace_on()) /* last, as a jump: 12 instructions for each sleep */
                trace_record(TRACE_TIMER_FIRE, NULL, NULL, 0, 0);
}

static void wake_due(struct batch_hook *self)
{
        uint64_t now = read_time();

        shared_store(&self->run, NULL);
        while (root && root->deadline <= now) {
                struct timer_future *due = root;

                root = meld_all(due->child);
                future_ready(&due->future);
                due->waker->wake(due->waker);
        }
        if (root && root->deadline < shared_load(&programmed)) {
                bool enabled = interrupts_save();

                program(root->deadline);
                interrupts_restore(enabled);
        }
}

static bool may_wake(struct batch_hook *self)
{
        (void)self;
        return root != NULL;
}
