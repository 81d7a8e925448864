/* SPDX-License-Identifier: MIT */
/*
 * wait_queue.c - a line in which only the first may take.
 *
 * What becomes available is never handed over: the first is woken, and takes it when it is polled.
 * Until then nobody else does, since a newcomer that finds a line joins it. So one that is withdrawn
 * has nothing to give back; it leaves the line and wakes the next.
 *
 * Interrupts may release what tasks wait for: so they are masked while a line changes.
 */
#include "wait_queue.h"

#include <errno.h>
#include <stddef.h>

#include "arch.h"
#include "util.h"

enum wait_state { WAIT_IN_LINE = 1 };

static void join_line(struct wait_queue *queue, struct wait_future *wait)
{
        wait->future.state = WAIT_IN_LINE;
        wait->next = NULL;
        wait->link = queue->first ? queue->last : &queue->first;
        *wait->link = wait;
        queue->last = &wait->next;
}

static void leave_line(struct wait_queue *queue, const struct wait_future *wait)
{
        *wait->link = wait->next;
        if (wait->next)
                wait->next->link = wait->link;
        else
                queue->last = wait->link;
}

void wait_queue_wake_first(struct wait_queue *queue)
{
        bool enabled = interrupts_save();
        struct wait_future *first = queue->first;

        if (first && queue->available(queue))
                first->waker->wake(first->waker);
        interrupts_restore(enabled);
}

void wait_queue_release_all(struct wait_queue *queue)
{
        bool enabled = interrupts_save();
        struct wait_future *wait;

        while ((wait = queue->first) != NULL) {
                leave_line(queue, wait);
                wait->result = 0;
                future_ready(&wait->future);
                wait->waker->wake(wait->waker);
                interrupts_restore(enabled); /* the line may be long */
                interrupts_save();
        }
        interrupts_restore(enabled);
}

static enum poll end_wait(struct wait_future *wait, bool in_line, int result)
{
        if (in_line)
                leave_line(wait->queue, wait);
        wait->result = result;
        wait_queue_serve(wait->queue);
        return future_ready(&wait->future);
}

static enum poll poll_masked(struct wait_future *self, struct waker *waker)
{
        struct wait_queue *queue = self->queue;
        bool in_line = self->future.state == WAIT_IN_LINE, its_turn = in_line ? queue->first == self : !queue->first;

        if (self->future.state == FUTURE_DONE) /* released by an interrupt, after future_poll() had looked */
                return POLL_READY;
        if (waker == NULL)
                return end_wait(self, in_line, -ECANCELED);
        if (its_turn && queue->available(queue))
                return end_wait(self, in_line, queue->take ? queue->take(queue, self) : 0);
        if (!in_line)
                join_line(queue, self);
        waker_register(&self->waker, waker);
        return POLL_PENDING;
}

enum poll wait_poll(struct future *future, struct waker *waker)
{
        bool enabled = interrupts_save();
        enum poll poll = poll_masked(container_of(future, struct wait_future, future), waker);

        interrupts_restore(enabled);
        return poll;
}
