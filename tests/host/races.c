/* SPDX-License-Identifier: MIT */
/* races.c - what tasks wait for comes in an interrupt, at any point. */
#include "races.h"

#include <errno.h>

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

enum { ACTORS = 4, CLOSE = 24, ITEMS = 4 };

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

static struct executor executor;
static struct actor actors[ACTORS];
static unsigned actor_count, ended_count;
static unsigned ended[ACTORS]; /* who, in the order of their ends */

static struct semaphore semaphore, other_semaphore;
static struct event event;
static struct wait_group group;
static struct mutex mutex;
static struct channel channel;
static uint32_t storage[2];
static unsigned event_count;
static uint32_t next_item, items_seen;

/* One run --------------------------------------------------------------------------------------- */

static const struct race *current;
static uint64_t first_at, second_at;
static unsigned pending;
static bool more, running;

static void come(void)
{
        if (!more)
                return;
        pending++;
        host_raise();
}

static void interrupt(void)
{
        host_lower();
        for (; pending > 0 && more; pending--) {
                event_count++;
                more = current->event();
        }
        pending = 0;
}

static bool world(void)
{
        bool acts = more;

        come();
        return acts;
}

static void expect(bool condition, const char *what)
{
        if (!condition)
                host_fail("%s", what);
}

static void check_end(void)
{
        expect(ended_count == actor_count, "not every task came to its end");
        for (unsigned i = 0; i < actor_count; i++) {
                expect(actors[i].ends == 1, "a task ended twice");
                expect(task_finished(&actors[i].task), "a task is not finished");
        }
        expect(!semaphore.waiters.first && !other_semaphore.waiters.first && !event.waiters.first && !group.waiters.first &&
               !mutex.waiters.first && !channel.senders.first && !channel.receivers.first, "somebody is left in a line");
        expect(executor.tail == &executor.marker, "a task is left in the ready queue");
        expect(host.enabled, "interrupts are masked");
        current->check();
}

static uint64_t run(const struct race *race, uint64_t first, uint64_t second)
{
        uint64_t points;

        current = race;
        first_at = first;
        second_at = second;
        running = true;
        host_reset();
        memset(actors, 0, sizeof actors);
        actor_count = ended_count = event_count = pending = 0;
        next_item = items_seen = 0;
        more = true;
        executor_init(&executor);
        timer_init(&executor, 1000, true);
        semaphore_init(&semaphore, 0);
        semaphore_init(&other_semaphore, 0);
        event_init(&event);
        wait_group_init(&group);
        mutex_init(&mutex);
        channel_init(&channel, storage, sizeof storage[0], 2);
        host.interrupt = interrupt;
        host.timer_interrupt = timer_interrupt;
        host.world = world;
        host.points_max = 20000;
        host_plan(come, first, second);
        race->start();
        expect(executor_run_until_idle(&executor) == 0, "a deadlock is seen");
        points = host.points;
        while (world()) /* what comes too late is harmless */
                host_deliver();
        check_end();
        running = false;
        return points;
}

static void report(const char *how, uint64_t points, uint64_t runs)
{
        printf("# %s, %s: %lu points, %lu runs\n", current->name, how, (unsigned long)points, (unsigned long)runs);
        assert_in_range(points, current->points_min, UINT64_MAX);
}

static void at_points(const struct race *race, uint64_t close, const char *how)
{
        uint64_t runs = 0, points_max = 0, points = 1;

        for (uint64_t first = 1; points >= first; first++) {
                points = run(race, first, 0);
                runs++;
                if (points > points_max)
                        points_max = points;
                for (uint64_t second = first; second <= points && second - first <= close; second++, runs++)
                        points = run(race, first, second);
        }
        report(how, points_max, runs);
}

void race_at_each_two_points(void **state) { at_points(*state, UINT64_MAX, "every two points"); }

void race_at_each_two_close_points(void **state) { at_points(*state, CLOSE, "two points close to each other"); }

int race_explain(void **state)
{
        (void)state;
        if (running)
                printf("%s, interrupts at %lu and %lu (now %lu)\n", current->name, (unsigned long)first_at,
                       (unsigned long)second_at, (unsigned long)host.points);
        running = false;
        return 0;
}

/* Tasks ----------------------------------------------------------------------------------------- */

static void spawn(enum poll (*poll)(struct future *future, struct waker *waker))
{
        struct actor *actor = &actors[actor_count++];

        actor->future.poll = poll;
        executor_spawn(&executor, &actor->task, &actor->future, "actor");
}

static void end(struct actor *self)
{
        self->ends++;
        ended[ended_count++] = (unsigned)(self - actors);
}

/* A wake for nothing; a task that is just being spawned has none yet. */
static void wake_everybody(void)
{
        for (unsigned i = 0; i < actor_count; i++)
                if (actors[i].task.waker.wake)
                        actors[i].task.waker.wake(&actors[i].task.waker);
}

static void check_nothing(void) {}

/* Permits --------------------------------------------------------------------------------------- */

static enum poll acquirer_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, semaphore_acquire(&semaphore));
        expect(self->wait.result == 0, "no permit");
        end(self);
        CORO_END();
}

static enum poll late_acquirer_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        CORO_YIELD();
        AWAIT(self->wait, semaphore_acquire(&semaphore));
        end(self);
        CORO_END();
}

static void start_two_acquirers(void)
{
        spawn(acquirer_poll);
        spawn(acquirer_poll);
}

static bool release_twice(void)
{
        expect(semaphore_release(&semaphore) == 0, "a release fails");
        return event_count < 2;
}

static void check_no_permit_left(void) { expect(semaphore.permits == 0, "a permit too many"); }

const struct race permits = {
        .name = "two tasks acquire", .start = start_two_acquirers, .event = release_twice, .check = check_no_permit_left,
};

static void start_in_order(void)
{
        spawn(acquirer_poll);
        spawn(acquirer_poll);
        spawn(late_acquirer_poll);
}

static bool release_thrice(void)
{
        expect(semaphore_release(&semaphore) == 0, "a release fails");
        return event_count < 3;
}

static void check_in_order(void)
{
        check_no_permit_left();
        for (unsigned i = 0; i < 3; i++)
                expect(ended[i] == i, "somebody has overtaken");
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
        expect((self->wait.result == 0) != (self->other_wait.result == 0), "not one permit");
        expect(self->select.winner == (self->wait.result != 0), "not the winner's permit");
        end(self);
        CORO_END();
}

static enum poll other_acquirer_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, semaphore_acquire(&other_semaphore));
        end(self);
        CORO_END();
}

static void start_choosers(void)
{
        spawn(chooser_poll);
        spawn(acquirer_poll);
        spawn(other_acquirer_poll);
}

static bool release_by_turns(void)
{
        semaphore_release(event_count % 2 ? &semaphore : &other_semaphore);
        return event_count < 4;
}

static void check_one_permit_left(void)
{
        expect(semaphore.permits + other_semaphore.permits == 1, "a permit is lost, or there twice");
}

const struct race choice_of_permits = {
        .name = "a choice of two permits, each wanted by another task", .start = start_choosers,
        .event = release_by_turns, .check = check_one_permit_left,
};

/* Waits for two polls, then no more; what it got after all it gives back. */
static enum poll hesitant_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        if (self->rounds++ == 0)
                self->wait = semaphore_acquire(&semaphore);
        future->state = 1;
        if (future_poll(&self->wait.future, self->rounds <= 2 ? waker : NULL) == POLL_PENDING) {
                expect(self->rounds <= 2, "a withdrawal is not ready");
                waker->wake(waker);
                return POLL_PENDING;
        }
        if (self->wait.result == 0)
                semaphore_release(&semaphore);
        end(self);
        return future_ready(future);
}

static void start_hesitant(void)
{
        spawn(hesitant_poll);
        spawn(hesitant_poll);
        spawn(acquirer_poll);
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
        expect(self->timeout.result == (self->wait.result == 0 ? 0 : -ETIMEDOUT), "in time or not?");
        if (self->wait.result == 0)
                semaphore_release(&semaphore);
        end(self);
        CORO_END();
}

static void start_impatient(void)
{
        host.time_step = 1;
        spawn(impatient_poll);
        spawn(acquirer_poll);
}

const struct race permit_with_deadline = {
        .name = "a permit with a deadline", .start = start_impatient, .event = release_once, .check = check_no_permit_left,
};

/* An event, and a count --------------------------------------------------------------------------- */

static enum poll event_waiter_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, event_wait(&event));
        expect(event.set && self->wait.result == 0, "it has not happened yet");
        end(self);
        CORO_END();
}

static enum poll event_or_permit_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        self->wait = semaphore_acquire(&semaphore);
        self->other_wait = event_wait(&event);
        AWAIT(self->select, select2(&self->wait.future, &self->other_wait.future));
        expect(self->select.winner == 1 && self->wait.result == -ECANCELED, "a permit that nobody gave");
        end(self);
        CORO_END();
}

static enum poll event_with_deadline_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        self->wait = event_wait(&event);
        AWAIT(self->timeout, with_deadline(&self->wait.future, timer_now() + 4));
        expect(self->timeout.result == -ETIMEDOUT || event.set, "it has not happened yet");
        end(self);
        CORO_END();
}

static void start_event_waiters(void)
{
        host.time_step = 1;
        spawn(event_waiter_poll);
        spawn(event_with_deadline_poll);
        spawn(event_or_permit_poll);
        spawn(event_waiter_poll);
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
        end(self);
        CORO_END();
}

static void start_pulse_waiters(void)
{
        wait_group_add(&group, 1);
        for (unsigned i = 0; i < 2; i++)
                spawn(pulse_waiter_poll);
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
        expect(event_count >= 3 && self->wait.result == 0, "too early");
        end(self);
        CORO_END();
}

static void start_group_waiters(void)
{
        wait_group_add(&group, 3);
        for (unsigned i = 0; i < 3; i++)
                spawn(group_waiter_poll);
}

static bool one_done(void)
{
        expect(wait_group_done(&group) == 0, "too many are done");
        return event_count < 3;
}

static void check_group(void) { expect(group.count == 0, "the count is not 0"); }

const struct race group_of_three = {
        .name = "tasks wait for a count of three", .start = start_group_waiters, .event = one_done, .check = check_group,
};

/* Channels -------------------------------------------------------------------------------------- */

static bool send_next(void)
{
        if (channel_try_send(&channel, &next_item) == 0)
                next_item++;
        return next_item < ITEMS;
}

static enum poll receiver_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        for (; self->items < ITEMS; self->items++) {
                AWAIT(self->wait, channel_receive(&channel, &self->item));
                expect(self->item == self->items, "an item is lost, doubled or out of order");
        }
        end(self);
        CORO_END();
}

static void start_receiver(void) { spawn(receiver_poll); }

static void check_empty(void) { expect(channel.count == 0, "an item is left"); }

const struct race items_to_a_task = {
        .name = "items to a task", .start = start_receiver, .event = send_next, .check = check_empty,
};

static bool send_next_or_close(void)
{
        if (next_item < ITEMS)
                send_next();
        else
                channel_close(&channel);
        return !channel.closed;
}

static enum poll receiver_to_the_end_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        for (;;) {
                AWAIT(self->wait, channel_receive(&channel, &self->item));
                if (self->wait.result != 0)
                        break;
                expect(items_seen++ == self->item, "an item is lost, doubled or out of order");
        }
        expect(self->wait.result == -EPIPE && items_seen == ITEMS, "it ends too early");
        end(self);
        CORO_END();
}

static void start_two_receivers(void)
{
        spawn(receiver_to_the_end_poll);
        spawn(receiver_to_the_end_poll);
}

const struct race items_to_two_and_close = {
        .name = "items to two tasks, then the end", .start = start_two_receivers, .event = send_next_or_close,
        .check = check_empty,
};

static enum poll sender_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        for (; self->rounds < ITEMS / 2; self->rounds++) {
                self->item = (uint32_t)(self - actors) << 8 | self->rounds;
                AWAIT(self->wait, channel_send(&channel, &self->item));
                expect(self->wait.result == 0, "a send fails");
        }
        end(self);
        CORO_END();
}

static void start_senders(void)
{
        spawn(sender_poll);
        spawn(sender_poll);
}

static bool receive_next(void)
{
        uint32_t item;

        if (channel_try_receive(&channel, &item) == 0) {
                expect((item & 0xff) == actors[item >> 8].items++, "an item is lost, doubled or out of order");
                items_seen++;
        }
        return items_seen < 2 * (ITEMS / 2);
}

static void check_all_items(void)
{
        check_empty();
        expect(items_seen == 2 * (ITEMS / 2), "not all items came");
}

const struct race items_from_tasks = {
        .name = "items from two tasks", .start = start_senders, .event = receive_next, .check = check_all_items,
};

/* A receive that loses takes no item, and an acquire that loses no permit. */
static enum poll either_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        while (self->items + self->permits < 2 + ITEMS) {
                self->wait = channel_receive(&channel, &self->item);
                self->other_wait = semaphore_acquire(&semaphore);
                AWAIT(self->select, select2(&self->wait.future, &self->other_wait.future));
                if (self->select.winner == 0)
                        expect(self->item == self->items++, "an item is lost, doubled or out of order");
                else
                        self->permits++;
        }
        expect(self->permits == 2, "a permit is lost, or there twice");
        end(self);
        CORO_END();
}

static void start_either(void) { spawn(either_poll); }

static bool release_or_send(void)
{
        if (event_count <= 2)
                semaphore_release(&semaphore);
        else
                send_next();
        return next_item < ITEMS;
}

const struct race items_or_permits = {
        .name = "items or permits", .start = start_either, .event = release_or_send, .check = check_empty,
};

static enum poll impatient_receiver_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        while (self->items < 2) {
                self->wait = channel_receive(&channel, &self->item);
                AWAIT(self->timeout, with_deadline(&self->wait.future, timer_now() + 3));
                expect(self->timeout.result == (self->wait.result == 0 ? 0 : -ETIMEDOUT), "in time or not?");
                if (self->wait.result == 0)
                        expect(self->item == self->items++, "an item is lost, doubled or out of order");
        }
        end(self);
        CORO_END();
}

static void start_impatient_receiver(void)
{
        host.time_step = 1;
        spawn(impatient_receiver_poll);
}

static bool send_two(void)
{
        send_next();
        return next_item < 2;
}

const struct race items_with_deadline = {
        .name = "items with a deadline", .start = start_impatient_receiver, .event = send_two, .check = check_empty,
};

/* Others ---------------------------------------------------------------------------------------- */

static enum poll locker_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->wait, mutex_lock(&mutex));
        expect(items_seen++ == 0, "two hold the mutex");
        CORO_YIELD();
        items_seen--;
        expect(mutex_unlock(&mutex, &self->wait) == 0, "it is not its mutex");
        end(self);
        CORO_END();
}

static void start_lockers(void)
{
        for (unsigned i = 0; i < 3; i++)
                spawn(locker_poll);
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
        expect(!future_pending(&self->leaf.future) && !future_pending(&self->wait.future), "a loser is pending");
        expect((self->select.winner == 0) == (self->wait.result == 0), "not the winner's permit");
        if (self->wait.result == 0)
                semaphore_release(&semaphore);
        end(self);
        CORO_END();
}

static void start_disk_or_permit(void)
{
        actors[0].leaf = disk_leaf();
        spawn(disk_or_permit_poll);
        spawn(acquirer_poll);
}

const struct race permit_or_disk = {
        .name = "a permit or a disk", .start = start_disk_or_permit, .event = release_or_disk, .check = check_no_permit_left,
};

static enum poll disk_with_deadline_poll(struct future *future, struct waker *waker)
{
        struct actor *self = container_of(future, struct actor, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->timeout, with_deadline(&self->leaf.future, timer_now() + 4));
        expect(!future_pending(&self->leaf.future), "the disk still has the buffer");
        expect(self->leaf.done, "ready before the disk");
        end(self);
        CORO_END();
}

static void start_disk_with_deadline(void)
{
        host.time_step = 1;
        actors[0].leaf = disk_leaf();
        spawn(disk_with_deadline_poll);
        spawn(acquirer_poll);
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
        spawn(disk_or_permit_poll); /* whose leaf is set up already */
        CORO_YIELD();
        self->other_wait = event_wait(&event);
        AWAIT(self->timeout, with_deadline(&self->other_wait.future, timer_now() + 2));
        spawn(hesitant_poll);
        AWAIT(self->timer, sleep_until(timer_now() + 2));
        end(self);
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
        spawn(spawner_poll);
}

static void check_the_permit_is_left(void) { expect(semaphore.permits == 1, "the permit is lost"); }

const struct race all_an_executor_does = {
        .name = "spawn, poll, wake, idle, select, cancel", .start = start_all, .event = wake_then_bring,
        .check = check_the_permit_is_left, .points_min = 40,
};
