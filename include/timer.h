/* SPDX-License-Identifier: MIT */
/* timer.h - time as a future. */
#pragma once

#include <stdint.h>

#include "executor.h"

struct timer_future {
        struct future future;
        struct waker *waker;
        struct timer_future *next;
        uint64_t deadline; /* in ticks of the platform's timer */
        int result;        /* 0, or -ECANCELED when withdrawn */
};

/*
 * Start keeping time for `executor`. `frequency` is the timer's rate in Hz, from the device tree's
 * timebase-frequency. Once, before any timer is polled.
 */
void timer_init(struct executor *executor, uint64_t frequency);

/* Called on a supervisor timer interrupt. Interrupt context. */
void timer_interrupt(void);

/* Ticks of the timer since the machine's start (RISC-V unprivileged specification, Zicntr: rdtime). Any context. */
uint64_t timer_now(void);

/* `ticks` in microseconds, at the rate that timer_init() was told; without overflow. Any context. */
uint64_t timer_microseconds(uint64_t ticks);

/* The poll of the two below. Task context. */
enum poll timer_poll(struct future *future, struct waker *waker);

/* Ready at `deadline` (ticks) or, when that has passed, at once. The caller owns the memory. Task context. */
static inline struct timer_future sleep_until(uint64_t deadline)
{
        return (struct timer_future){ .future.poll = timer_poll, .deadline = deadline };
}

/* Ready `milliseconds` from now; a time beyond the timer's 64 bits is as late as they allow. Task context. */
struct timer_future sleep_ms(uint64_t milliseconds);
