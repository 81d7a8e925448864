/* SPDX-License-Identifier: MIT */
/* leaf_tasks.h - an executor with leaves for tasks; leaf_tasks.c. */
#pragma once

#include "testing.h"

#include "executor.h"
#include "leaf.h"

enum { TASKS = 4 };

extern struct executor executor;
extern struct task tasks[TASKS];
extern struct leaf leaves[TASKS];

/* A cmocka setup. Task i is logged as 'a' + i when it is polled, and each batch in which one is ends with a dot. */
int tasks_setup(void **state);

/* The hook that logs the dot, and what it runs. */
extern struct batch_hook hook;
void log_dot(struct batch_hook *self);

void spawn(unsigned i);
void spawn_first(unsigned count);
void wake(unsigned i);

/* What a leaf may do in its poll: be ready; be so at the `polls_wanted`-th, and wake itself until then; and complete leaf a. */
void finish(struct leaf *self, struct waker *waker);
void yield_some_times(struct leaf *self, struct waker *waker);
void finish_and_complete_a(struct leaf *self, struct waker *waker);
extern unsigned polls_wanted;

/* A host.world: leaf a is complete, and its task is woken twice. */
bool complete_a_twice(void);
