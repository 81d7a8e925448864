/* SPDX-License-Identifier: MIT */
/* races_permits.c - permits come in an interrupt, at any point. */
#include "races.h"

#include <errno.h>

enum poll acquirer_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, semaphore_acquire(&semaphore));
        race_expect(self->wait.result == 0, "no permit");
        actor_end(self);
        CORO_END();
}

static enum poll late_acquirer_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        CORO_YIELD();
        AWAIT(self->wait, semaphore_acquire(&semaphore));
        actor_end(self);
        CORO_END();
}

static void start_two_acquirers(void)
{
        actor_spawn(acquirer_poll);
        actor_spawn(acquirer_poll);
}

static bool release_twice(void)
{
        race_expect(semaphore_release(&semaphore) == 0, "a release fails");
        return event_count < 2;
}

void check_no_permit_left(void) { race_expect(semaphore.permits == 0, "a permit too many"); }

const struct race permits = {
        .name = "two tasks acquire", .start = start_two_acquirers, .event = release_twice, .check = check_no_permit_left,
};

static void start_in_order(void)
{
        actor_spawn(acquirer_poll);
        actor_spawn(acquirer_poll);
        actor_spawn(late_acquirer_poll);
}

static bool release_thrice(void)
{
        race_expect(semaphore_release(&semaphore) == 0, "a release fails");
        return event_count < 3;
}

static void check_in_order(void)
{
        check_no_permit_left();
        for (unsigned i = 0; i < 3; i++)
                race_expect(ended[i] == i, "somebody has overtaken");
}

const struct race permits_in_order = {
        .name = "three tasks acquire, one of them late", .start = start_in_order, .event = release_thrice,
        .check = check_in_order,
};

static enum poll chooser_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        self->wait = semaphore_acquire(&semaphore);
        self->other_wait = semaphore_acquire(&other_semaphore);
        AWAIT(self->select, select2(&self->wait.future, &self->other_wait.future));
        race_expect((self->wait.result == 0) != (self->other_wait.result == 0), "not one permit");
        race_expect(self->select.winner == (self->wait.result != 0), "not the winner's permit");
        actor_end(self);
        CORO_END();
}

static enum poll other_acquirer_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, semaphore_acquire(&other_semaphore));
        actor_end(self);
        CORO_END();
}

static void start_choosers(void)
{
        actor_spawn(chooser_poll);
        actor_spawn(acquirer_poll);
        actor_spawn(other_acquirer_poll);
}

static bool release_by_turns(void)
{
        semaphore_release(event_count % 2 ? &semaphore : &other_semaphore);
        return event_count < 4;
}

static void check_one_permit_left(void)
{
        race_expect(semaphore.permits + other_semaphore.permits == 1, "a permit is lost, or there twice");
}

const struct race choice_of_permits = {
        .name = "a choice of two permits, each wanted by another task", .start = start_choosers,
        .event = release_by_turns, .check = check_one_permit_left,
};

/* Waits for two polls, then no more; what it got after all it gives back. */
enum poll hesitant_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        if (self->rounds++ == 0)
                self->wait = semaphore_acquire(&semaphore);
        future->state = 1;
        if (future_poll(&self->wait.future, self->rounds <= 2 ? waker : NULL) == POLL_PENDING) {
                race_expect(self->rounds <= 2, "a withdrawal is not ready");
                waker->wake(waker);
                return POLL_PENDING;
        }
        if (self->wait.result == 0)
                semaphore_release(&semaphore);
        actor_end(self);
        return future_ready(future);
}

static void start_hesitant(void)
{
        actor_spawn(hesitant_poll);
        actor_spawn(hesitant_poll);
        actor_spawn(acquirer_poll);
}

static bool release_once(void)
{
        semaphore_release(&semaphore);
        return false;
}

const struct race permit_withdrawn = {
        .name = "two waits withdrawn before a third", .start = start_hesitant, .event = release_once,
        .check = check_no_permit_left,
};

/* Time passes with each look at it. */
static enum poll impatient_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        self->wait = semaphore_acquire(&semaphore);
        AWAIT(self->timeout, with_deadline(&self->wait.future, timer_now() + 4));
        race_expect(self->timeout.result == (self->wait.result == 0 ? 0 : -ETIMEDOUT), "in time or not?");
        if (self->wait.result == 0)
                semaphore_release(&semaphore);
        actor_end(self);
        CORO_END();
}

static void start_impatient(void)
{
        host.time_step = 1;
        actor_spawn(impatient_poll);
        actor_spawn(acquirer_poll);
}

const struct race permit_with_deadline = {
        .name = "a permit with a deadline", .start = start_impatient, .event = release_once, .check = check_no_permit_left,
};
