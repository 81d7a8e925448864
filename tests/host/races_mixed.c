/* SPDX-License-Identifier: MIT */
/* races_mixed.c - a mutex, a disk and a lock, and all that an executor does, with interrupts at any point. */
#include "races.h"

static enum poll locker_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, mutex_lock(&mutex));
        race_expect(items_seen++ == 0, "two hold the mutex");
        CORO_YIELD();
        items_seen--;
        race_expect(mutex_unlock(&mutex, &self->wait) == 0, "it is not its mutex");
        actor_end(self);
        CORO_END();
}

static void start_lockers(void)
{
        for (unsigned i = 0; i < 3; i++)
                actor_spawn(locker_poll);
}

static bool wake_twice(void)
{
        wake_everybody();
        return event_count < 2;
}

const struct race mutex_and_spurious_wakes = {
        .name = "a mutex, and wakes for nothing", .start = start_lockers, .event = wake_twice, .check = check_nothing,
};

static struct leaf disk_leaf(void)
{
        struct leaf made = leaf(0);

        made.stubborn = true;
        return made;
}

static bool disk_or_release(void)
{
        if (event_count == 1)
                leaf_complete(&actors[0].leaf, 0);
        else
                semaphore_release(&semaphore);
        return event_count < 2;
}

static bool release_or_disk(void)
{
        if (event_count == 1)
                semaphore_release(&semaphore);
        else
                leaf_complete(&actors[0].leaf, 0);
        return event_count < 2;
}

/* Whoever wins, the disk lets go before it goes on; and the permit is there for the second task. */
static enum poll disk_or_permit_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        self->wait = semaphore_acquire(&semaphore);
        AWAIT(self->select, select2(&self->wait.future, &self->leaf.future));
        race_expect(!future_pending(&self->leaf.future) && !future_pending(&self->wait.future), "a loser is pending");
        race_expect((self->select.winner == 0) == (self->wait.result == 0), "not the winner's permit");
        if (self->wait.result == 0)
                semaphore_release(&semaphore);
        actor_end(self);
        CORO_END();
}

static void start_disk_or_permit(void)
{
        actors[0].leaf = disk_leaf();
        actor_spawn(disk_or_permit_poll);
        actor_spawn(acquirer_poll);
}

const struct race permit_or_disk = {
        .name = "a permit or a disk", .start = start_disk_or_permit, .event = release_or_disk, .check = check_no_permit_left,
};

static enum poll disk_with_deadline_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->timeout, with_deadline(&self->leaf.future, timer_now() + 4));
        race_expect(!future_pending(&self->leaf.future), "the disk still has the buffer");
        race_expect(self->leaf.done, "ready before the disk");
        actor_end(self);
        CORO_END();
}

static void start_disk_with_deadline(void)
{
        host.time_step = 1;
        actors[0].leaf = disk_leaf();
        actor_spawn(disk_with_deadline_poll);
        actor_spawn(acquirer_poll);
}

const struct race disk_with_deadline = {
        .name = "a disk with a deadline", .start = start_disk_with_deadline, .event = disk_or_release,
        .check = check_no_permit_left,
};

/* Spawn, poll, wake, idle, select, cancel; the interrupt wakes everybody, and then brings what they wait for. */
static enum poll spawner_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        actor_spawn(disk_or_permit_poll); /* whose leaf is set up already */
        CORO_YIELD();
        self->other_wait = event_wait(&event);
        AWAIT(self->timeout, with_deadline(&self->other_wait.future, timer_now() + 2));
        actor_spawn(hesitant_poll);
        AWAIT(self->timer, sleep_until(timer_now() + 2));
        actor_end(self);
        CORO_END();
}

static bool wake_then_bring(void)
{
        wake_everybody();
        if (event_count == 2)
                semaphore_release(&semaphore);
        if (event_count == 3)
                leaf_complete(&actors[1].leaf, 0);
        return event_count < 3;
}

static void start_all(void)
{
        host.time_step = 1;
        actors[1].leaf = disk_leaf();
        actor_spawn(spawner_poll);
}

static void check_the_permit_is_left(void) { race_expect(semaphore.permits == 1, "the permit is lost"); }

const struct race all_an_executor_does = {
        .name = "spawn, poll, wake, idle, select, cancel", .start = start_all, .event = wake_then_bring,
        .check = check_the_permit_is_left, .points_min = 40,
};
