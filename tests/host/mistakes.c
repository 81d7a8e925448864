/* SPDX-License-Identifier: MIT */
/*
 * mistakes.c - what no compiler sees of a coroutine's mistakes. test_coro.c includes this file and shows
 * what becomes of each, and that scripts/check_coro complains of it.
 */
#include "coro.h"
#include "leaf.h"

struct mistake {
        struct future future;
        struct leaf io;
        unsigned seen;
};

static unsigned polls_of_early_local;

/* `count` is made anew by every poll. */
static enum poll early_local_poll(struct future *future, struct waker *waker)
{
        struct mistake *self = container_of(future, struct mistake, future);
        unsigned count = 10 * ++polls_of_early_local; /* MISTAKE: before CORO_BEGIN */

        CORO_BEGIN(self, waker);
        count++;
        AWAIT(self->io, leaf(0));
        self->seen = count;
        CORO_END();
}

static void __attribute__((noinline)) set_to_2(unsigned *place) { *place = 2; }

static void __attribute__((noinline)) look_at(unsigned *place) { (void)place; }

/* Its address has been taken, so a compiler must think that anybody may have set it. */
static enum poll address_taken_poll(struct future *future, struct waker *waker)
{
        struct mistake *self = container_of(future, struct mistake, future);
        unsigned number; /* MISTAKE: its place is another's after the AWAIT */

        look_at(&number);
        CORO_BEGIN(self, waker);
        set_to_2(&number);
        AWAIT(self->io, leaf(0));
        self->seen = number;
        CORO_END();
}

/* A 64-bit switch can hold the AWAIT's label, so the outer one does not. */
static enum poll wide_switch_poll(struct future *future, struct waker *waker)
{
        struct mistake *self = container_of(future, struct mistake, future);

        CORO_BEGIN(self, waker);
        switch ((uint64_t)self->seen) {
        case 1:
                AWAIT(self->io, leaf(0)); /* MISTAKE: in a switch */
                break;
        default:
                self->seen = 3;
        }
        CORO_END();
}
