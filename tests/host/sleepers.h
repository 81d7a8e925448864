/* SPDX-License-Identifier: MIT */
/* sleepers.h - tasks that sleep, and timers without one; sleepers.c. */
#pragma once

#include "testing.h"

#include "executor.h"
#include "timer.h"

enum { SLEEPERS = 5, FREQUENCY = 10000000 };

extern struct executor executor;

/* Sleeps until its deadline, and notes its turn and the time. */
struct sleeper {
        struct future future;
        struct task task;
        struct timer_future timer;
        uint64_t deadline, woke_at;
        unsigned turn;
};

extern struct sleeper sleepers[SLEEPERS];

/* What the next setup tells the timer that the hart has. */
extern bool sstc;

/* A cmocka setup: nobody sleeps, and it is 1000. */
int sleepers_setup(void **state);

/* Spawn sleeper i. */
void start(unsigned i, uint64_t deadline);

/* Sleeper i was the `turn`-th to wake; 0: it has not. */
void expect_turn(unsigned i, unsigned turn);

/* It is `until`; what was due has come, and the hooks have run. */
void pass_time(uint64_t until);

/* Timers polled by hand, whose wakes are counted. */
struct counted {
        struct waker waker;
        struct timer_future timer;
        unsigned wakes;
};

void count_wake(struct waker *waker);

/* Poll its timer for the first time; poll it without a waker. */
void arm(struct counted *counted, uint64_t deadline);
void withdraw(struct counted *counted);
