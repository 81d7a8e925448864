/* SPDX-License-Identifier: MIT */
/* race.h - the stage of a race: its tasks, and what they wait for; race.c. */
#pragma once

#include "testing.h"

#include "channel.h"
#include "combinators.h"
#include "coro.h"
#include "event.h"
#include "executor.h"
#include "leaf.h"
#include "mutex.h"
#include "semaphore.h"
#include "timer.h"
#include "wait_group.h"

struct race {
        const char *name;
        void (*start)(void);  /* spawn its tasks */
        bool (*event)(void);  /* in the interrupt: one thing more; false when that was the last */
        void (*check)(void);  /* at the end: nothing is lost, nothing twice */
        uint64_t points_min;  /* a run has at least so many points */
};

enum { ACTORS = 4, ITEMS = 4 };

/* A task, with a place for whatever it may wait for. */
struct actor {
        struct future future;
        struct task task;
        struct wait_future wait, other_wait;
        struct select_future select;
        struct timeout_future timeout;
        struct timer_future timer;
        struct join_future join;
        struct leaf leaf;
        unsigned rounds, ends;
        uint32_t item, permits, items;
};

extern struct executor executor;
extern struct actor actors[ACTORS];
extern unsigned actor_count;
extern unsigned ended[ACTORS]; /* who, in the order of their ends */

extern struct semaphore semaphore, other_semaphore; /* no permit at first */
extern struct event event;
extern struct wait_group group;
extern struct mutex mutex;
extern struct channel channel; /* room for two */

extern unsigned event_count; /* of this run, with the one that is under way */
extern uint32_t next_item, items_seen; /* for a race's own use, 0 at first */

/* The next actor runs `poll` as its task, and says when it has come to its end. */
void actor_spawn(enum poll (*poll)(struct future *future, struct waker *waker));
void actor_end(struct actor *self);

/* Or the test fails with `what`. */
void race_expect(bool condition, const char *what);

/* For a race's `check`. */
void check_nothing(void);
void check_no_permit_left(void);

/* A wake for nothing, of every task. */
void wake_everybody(void);

/* Actors that more than one race has: one that needs a permit, and one that may give up waiting for it. */
enum poll acquirer_poll(struct future *future, struct waker *waker);
enum poll hesitant_poll(struct future *future, struct waker *waker);

/* cmocka tests whose state is a race: the interrupt comes at each point, and at every two points, or every two close ones. */
void race_at_each_two_points(void **state);
void race_at_each_two_close_points(void **state);

/* A cmocka teardown: says in which run the test has failed. */
int race_explain(void **state);
