/* SPDX-License-Identifier: MIT */
/* leaf.h - a future that a test completes by hand, and a log of who ran when. */
#pragma once

#include "future.h"

struct leaf {
        struct future future;
        struct waker *waker;
        void (*in_poll)(struct leaf *self, struct waker *waker); /* called at each poll, or NULL */
        unsigned polls, withdrawals;
        bool done;     /* the next poll is ready */
        bool stubborn; /* a withdrawal leaves it pending, as a disk request */
        bool forgets;  /* it keeps no waker, which is a mistake */
        int result;
        char name;     /* logged at each poll, and at a withdrawal as a capital, unless 0 */
};

/* Pending until leaf_complete(); not lazy about its polls: it counts them. */
struct leaf leaf(char name);
enum poll leaf_poll(struct future *future, struct waker *waker);

/* Called at each poll of any leaf, unless it is NULL. */
extern void (*leaf_polled)(void);

/* What an interrupt would do. */
void leaf_complete(struct leaf *leaf, int result);

/* The log: one character an event. log_expect() compares, and empties it. */
void log_reset(void);
void log_event(char name);
void log_expect(const char *expected);
