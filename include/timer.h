/* SPDX-License-Identifier: MIT */
/* timer.h - time as a future. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "executor.h"

struct timer_future {
        struct future future;
        struct waker *waker;
        struct timer_future *child, *next, *previous; /* in the heap; previous: the parent of a first child */
        uint64_t deadline; /* in ticks of the platform's timer */
        uint64_t sequence; /* among those of one deadline */
        int result;        /* 0, or -ECANCELED when withdrawn */
};

/*
 * Start keeping time for `executor`. `frequency` is the timer's rate in Hz, from the device tree's
 * timebase-frequency; `sstc` says that the hart compares the time itself (Sstc), so that no firmware
 * is asked. Once, before any timer is polled.
 */
void timer_init(struct executor *executor, uint64_t frequency, bool sstc);

/* Record each deadline that the hardware is given (trace.h). At boot. */
void timer_trace(void);

/* Called on a supervisor timer interrupt. Interrupt context. */
void timer_interrupt(void);

/* Ticks of the timer since the machine's start (RISC-V unprivileged specification, Zicntr: rdtime). Any context. */
static inline uint64_t timer_now(void) { return read_time(); }

/* `ticks` in microseconds, at the rate that timer_init() was told; without overflow. Any context. */
uint64_t timer_microseconds(uint64_t ticks);

/* The same in nanoseconds, for less than the 584 years that 64 bits hold. Any context. */
uint64_t timer_nanoseconds(uint64_t ticks);

/* `milliseconds` in ticks, or as many as 64 bits hold. Any context. */
uint64_t timer_ticks(uint64_t milliseconds);

/* The time `milliseconds` from now, in ticks, or as late as 64 bits allow. Any context. */
uint64_t timer_after(uint64_t milliseconds);

/* Have `alarm` called once, in interrupt context, at `deadline` or soon after; it takes the place of any before it. Any context. */
void timer_set_alarm(uint64_t deadline, void (*alarm)(void));

/* The poll of the two below. Task context. */
enum poll timer_poll(struct future *future, struct waker *waker);

/* Ready at `deadline` (ticks) or, when that has passed, at once. The caller owns the memory. Task context. */
static inline struct timer_future sleep_until(uint64_t deadline)
{
        struct timer_future made = { .future.poll = timer_poll, .deadline = deadline };

        return made;
}

/* Ready `milliseconds` from now. The caller owns the memory. Task context. */
static inline struct timer_future sleep_ms(uint64_t milliseconds) { return sleep_until(timer_after(milliseconds)); }
