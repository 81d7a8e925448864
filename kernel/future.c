/* SPDX-License-Identifier: MIT */
/* future.c - yielding, completions, and what the coroutine macros call. */
#include "future.h"

#include "coro.h"
#include "panic.h"

enum { YIELD_YIELDED = 1 };

enum poll yield_poll(struct future *self, struct waker *waker)
{
        if (self->state == FUTURE_NEW && waker != NULL) {
                self->state = YIELD_YIELDED;
                waker->wake(waker);
                return POLL_PENDING;
        }
        return future_ready(self);
}

enum poll completion_poll(struct future *self, struct waker *waker)
{
        if (waker) /* withdrawn, it keeps the one it has */
                waker_register(&container_of(self, struct completion, future)->waker, waker);
        return shared_load(&self->state) == FUTURE_DONE ? POLL_READY : POLL_PENDING;
}

void complete(struct completion *completion)
{
        struct waker *waker = shared_load(&completion->waker);

        future_ready(&completion->future);
        if (waker)
                waker->wake(waker);
}

enum poll coro_withdraw(struct future *future)
{
        struct future *child = (struct future *)(void *)((char *)future + future->child);

        if (future->state != FUTURE_NEW && future->child != 0 && future_poll(child, NULL) == POLL_PENDING)
                return POLL_PENDING;
        return future_ready(future);
}

void coro_lost(const struct future *future)
{
        panic("a coroutine resumes at %u, which is no AWAIT of its own (an AWAIT in a switch?)", future->state);
}

void coro_overwrites(const struct future *place, unsigned line)
{
        panic("at line %u a coroutine awaits in a place that is still pending (or in a local, never set): state %u", line,
              place->state);
}
