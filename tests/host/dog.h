/* SPDX-License-Identifier: MIT */
/* dog.h - an executor with a watchdog; dog.c. */
#pragma once

#include "testing.h"

#include "executor.h"
#include "leaf.h"

enum { FREQUENCY = 1000, PERIOD = FREQUENCY, TASKS = 3 };

extern struct executor executor;
extern struct task tasks[TASKS];
extern struct leaf leaves[TASKS];

/* What a hook's may_wake says, and how often it was asked. */
extern bool hope;
extern unsigned hope_asked;

/* A cmocka setup: no hope. */
int dog_setup(void **state);

/* Leaf i is the task "one", "two", or "three". */
void spawn(unsigned i);

/* Time goes on in a poll, and what is due comes. */
void spend(uint64_t ticks);

/* What a leaf may do in its poll: be ready. */
void finish(struct leaf *self, struct waker *waker);
