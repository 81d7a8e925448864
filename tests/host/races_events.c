/* SPDX-License-Identifier: MIT */
/* races_events.c - an event, or the last of a count, comes in an interrupt, at any point. */
#include "races.h"

#include <errno.h>

static enum poll event_waiter_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, event_wait(&event));
        race_expect(event.set && self->wait.result == 0, "it has not happened yet");
        actor_end(self);
        CORO_END();
}

static enum poll event_or_permit_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        self->wait = semaphore_acquire(&semaphore);
        self->other_wait = event_wait(&event);
        AWAIT(self->select, select2(&self->wait.future, &self->other_wait.future));
        race_expect(self->select.winner == 1 && self->wait.result == -ECANCELED, "a permit that nobody gave");
        actor_end(self);
        CORO_END();
}

static enum poll event_with_deadline_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        self->wait = event_wait(&event);
        AWAIT(self->timeout, with_deadline(&self->wait.future, timer_now() + 4));
        race_expect(self->timeout.result == -ETIMEDOUT || event.set, "it has not happened yet");
        actor_end(self);
        CORO_END();
}

static void start_event_waiters(void)
{
        host.time_step = 1;
        actor_spawn(event_waiter_poll);
        actor_spawn(event_with_deadline_poll);
        actor_spawn(event_or_permit_poll);
        actor_spawn(event_waiter_poll);
}

static bool set_event(void)
{
        event_set(&event);
        return false;
}

const struct race event_for_all = {
        .name = "four tasks wait for an event", .start = start_event_waiters, .event = set_event,
        .check = check_no_permit_left,
};

static enum poll pulse_waiter_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, event_wait(&event));
        AWAIT(self->wait, wait_group_wait(&group));
        actor_end(self);
        CORO_END();
}

static void start_pulse_waiters(void)
{
        wait_group_add(&group, 1);
        for (unsigned i = 0; i < 2; i++)
                actor_spawn(pulse_waiter_poll);
}

static bool both_in_line(const struct wait_queue *queue)
{
        return queue->first && queue->first->next;
}

/* As soon as both wait it happens, and at once no more: whoever is just about to be polled has it all the same. */
static bool pulse(void)
{
        wake_everybody();
        if (both_in_line(&event.waiters)) {
                event_set(&event);
                event_clear(&event);
        }
        if (!both_in_line(&group.waiters))
                return true;
        wait_group_done(&group);
        wait_group_add(&group, 1);
        return false;
}

const struct race pulse_for_all = {
        .name = "an event and a count, for an instant", .start = start_pulse_waiters, .event = pulse, .check = check_nothing,
};

static enum poll group_waiter_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        self->wait = wait_group_wait(&group);
        self->other_wait = semaphore_acquire(&semaphore);
        if (self == &actors[0])
                AWAIT(self->select, select2(&self->other_wait.future, &self->wait.future));
        else
                AWAIT(self->join, join2(&self->wait.future, &self->wait.future));
        race_expect(event_count >= 3 && self->wait.result == 0, "too early");
        actor_end(self);
        CORO_END();
}

static void start_group_waiters(void)
{
        wait_group_add(&group, 3);
        for (unsigned i = 0; i < 3; i++)
                actor_spawn(group_waiter_poll);
}

static bool one_done(void)
{
        race_expect(wait_group_done(&group) == 0, "too many are done");
        return event_count < 3;
}

static void check_group(void) { race_expect(group.count == 0, "the count is not 0"); }

const struct race group_of_three = {
        .name = "tasks wait for a count of three", .start = start_group_waiters, .event = one_done, .check = check_group,
};
