/* SPDX-License-Identifier: MIT */
/*
 * combinators.c - join, select and with_timeout.
 *
 * They have no wakers of their own: each future gets the waker of the task, and a wake polls all that
 * are not ready. A ready one is passed over without a call, and one that is pending may be polled as
 * often as one likes (future.h).
 */
#include "combinators.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "util.h"

enum combinator_state { COMBINATOR_POLLED = 1, COMBINATOR_WITHDRAWING };

/* What a panic follows. */
static void set_child(struct future *future, const struct future *child)
{
        ptrdiff_t distance = (const char *)child - (const char *)future;

        future->child = distance == (int32_t)distance ? (int32_t)distance : 0;
}

/* Whether all are ready now. */
static bool poll_all(struct future *parent, struct future *const *futures, uint32_t count, struct waker *waker)
{
        bool ready = true;

        for (uint32_t i = 0; i < count; i++) {
                if (future_poll(futures[i], waker) == POLL_READY)
                        continue;
                if (ready)
                        set_child(parent, futures[i]);
                ready = false;
        }
        return ready;
}

enum poll join_poll(struct future *future, struct waker *waker)
{
        struct join_future *self = container_of(future, struct join_future, future);

        future->state = COMBINATOR_POLLED;
        if (!poll_all(future, self->futures ?: self->pair, self->count, waker))
                return POLL_PENDING;
        return future_ready(future);
}

/* Whether the race is over. */
static bool has_winner(struct select_future *self, struct waker *waker)
{
        struct future *const *futures = self->futures ?: self->pair;

        self->winner = -EINVAL;
        for (uint32_t i = 0; i < self->count; i++) {
                self->winner = (int)i;
                if (future_poll(futures[i], waker) == POLL_READY)
                        return true;
        }
        return self->count == 0;
}

enum poll select_poll(struct future *future, struct waker *waker)
{
        struct select_future *self = container_of(future, struct select_future, future);
        struct future *const *futures = self->futures ?: self->pair;

        if (future->state != COMBINATOR_WITHDRAWING) {
                future->state = COMBINATOR_POLLED;
                if (waker == NULL) {
                        self->winner = -ECANCELED;
                } else if (!has_winner(self, waker)) {
                        set_child(future, futures[0]);
                        return POLL_PENDING;
                }
                future->state = COMBINATOR_WITHDRAWING;
        }
        /* From here on no loser may go on, so none is polled with a waker; each keeps the one that it has. */
        if (poll_all(future, futures, self->count, NULL))
                return future_ready(future);
        if (waker)
                waker->registered = 1;
        return POLL_PENDING;
}

enum poll timeout_poll(struct future *future, struct waker *waker)
{
        struct timeout_future *self = container_of(future, struct timeout_future, future);

        if (future->state == FUTURE_NEW) {
                future->state = COMBINATOR_POLLED;
                self->race = select2(self->inner, &self->timer.future);
                set_child(future, &self->race.future);
        }
        if (future_poll(&self->race.future, waker) == POLL_PENDING)
                return POLL_PENDING;
        self->result = self->race.winner == 1 ? -ETIMEDOUT : self->race.winner;
        return future_ready(future);
}
