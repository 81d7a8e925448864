/* SPDX-License-Identifier: MIT */
/* combined.h - leaves for combinators, polled by hand; combined.c. */
#pragma once

#include "testing.h"

#include "combinators.h"
#include "coro.h"
#include "executor.h"
#include "leaf.h"

enum { LEAVES = 4, FREQUENCY = 1000 };

extern struct executor executor;
extern struct leaf leaves[LEAVES]; /* logged as 'a' and so on */
extern struct future *const futures[LEAVES];

/* Counts its wakes. */
extern struct waker waker;
extern unsigned wakes;

/* A cmocka setup: nothing is done or woken; it is 100 ticks after the start. */
int combined_setup(void **state);

/* Poll with the waker: it is pending, or ready and stays so; and the leaves that were polled are those of the log. */
void expect_pending(struct future *future, const char *log);
void expect_ready(struct future *future, const char *log);

/* Poll without a waker. */
void withdraw(struct future *future, enum poll poll, const char *log);

/* No leaf is pending. */
void expect_nothing_pending(void);

/* The first leaves are as disk requests: withdrawn, they stay pending. */
void make_stubborn(unsigned count);

/* It is `until`, and the timers of before are set, those of until then have fired. */
void pass_time(uint64_t until);
