/* SPDX-License-Identifier: MIT */
/* races_channels.c - items come and go in an interrupt, at any point. */
#include "races.h"

#include <errno.h>

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
                race_expect(self->item == self->items, "an item is lost, doubled or out of order");
        }
        actor_end(self);
        CORO_END();
}

static void start_receiver(void) { actor_spawn(receiver_poll); }

static void check_empty(void) { race_expect(channel.count == 0, "an item is left"); }

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
                race_expect(items_seen++ == self->item, "an item is lost, doubled or out of order");
        }
        race_expect(self->wait.result == -EPIPE && items_seen == ITEMS, "it ends too early");
        actor_end(self);
        CORO_END();
}

static void start_two_receivers(void)
{
        actor_spawn(receiver_to_the_end_poll);
        actor_spawn(receiver_to_the_end_poll);
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
                race_expect(self->wait.result == 0, "a send fails");
        }
        actor_end(self);
        CORO_END();
}

static void start_senders(void)
{
        actor_spawn(sender_poll);
        actor_spawn(sender_poll);
}

static bool receive_next(void)
{
        uint32_t item;

        if (channel_try_receive(&channel, &item) == 0) {
                race_expect((item & 0xff) == actors[item >> 8].items++, "an item is lost, doubled or out of order");
                items_seen++;
        }
        return items_seen < 2 * (ITEMS / 2);
}

static void check_all_items(void)
{
        check_empty();
        race_expect(items_seen == 2 * (ITEMS / 2), "not all items came");
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
                        race_expect(self->item == self->items++, "an item is lost, doubled or out of order");
                else
                        self->permits++;
        }
        race_expect(self->permits == 2, "a permit is lost, or there twice");
        actor_end(self);
        CORO_END();
}

static void start_either(void) { actor_spawn(either_poll); }

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
                race_expect(self->timeout.result == (self->wait.result == 0 ? 0 : -ETIMEDOUT), "in time or not?");
                if (self->wait.result == 0)
                        race_expect(self->item == self->items++, "an item is lost, doubled or out of order");
        }
        actor_end(self);
        CORO_END();
}

static void start_impatient_receiver(void)
{
        host.time_step = 1;
        actor_spawn(impatient_receiver_poll);
}

static bool send_two(void)
{
        send_next();
        return next_item < 2;
}

const struct race items_with_deadline = {
        .name = "items with a deadline", .start = start_impatient_receiver, .event = send_two, .check = check_empty,
};
