/* SPDX-License-Identifier: MIT */
/*
 * channel.c - a ring of items between two lines of futures.
 *
 * The first of a line is woken when there begins to be something for it: the first item, the first
 * room. As long as there is more, each that leaves the line wakes the next (wait_queue.c).
 */
#include "channel.h"

#include <errno.h>
#include <string.h>

#include "arch.h"
#include "util.h"

static unsigned char *next(const struct channel *channel, unsigned char *place)
{
        place += channel->item_size;
        return place == channel->end ? channel->storage : place;
}

static bool has_room(struct wait_queue *queue)
{
        const struct channel *channel = container_of(queue, struct channel, senders);

        return channel->count < channel->capacity || channel->closed;
}

static bool has_item(struct wait_queue *queue)
{
        const struct channel *channel = container_of(queue, struct channel, receivers);

        return channel->count > 0 || channel->closed;
}

static int put(struct channel *channel, const void *item)
{
        if (channel->closed)
                return -EPIPE;
        memcpy(channel->in, item, channel->item_size);
        channel->in = next(channel, channel->in);
        if (channel->count++ == 0)
                wait_queue_serve(&channel->receivers);
        return 0;
}

static int get(struct channel *channel, void *item)
{
        if (channel->count == 0)
                return -EPIPE;
        memcpy(item, channel->out, channel->item_size);
        channel->out = next(channel, channel->out);
        if (channel->count-- == channel->capacity)
                wait_queue_serve(&channel->senders);
        return 0;
}

static int take_room(struct wait_queue *queue, struct wait_future *wait)
{
        return put(container_of(queue, struct channel, senders), wait->item);
}

static int take_item(struct wait_queue *queue, struct wait_future *wait)
{
        return get(container_of(queue, struct channel, receivers), wait->item);
}

void channel_init(struct channel *channel, void *storage, size_t item_size, size_t capacity)
{
        *channel = (struct channel){
                .senders = { .available = has_room, .take = take_room },
                .receivers = { .available = has_item, .take = take_item },
                .storage = storage, .end = (unsigned char *)storage + capacity * item_size, .in = storage, .out = storage,
                .item_size = item_size, .capacity = capacity,
        };
}

int channel_try_send(struct channel *channel, const void *item)
{
        bool enabled = interrupts_save();
        int error = channel->senders.first || !has_room(&channel->senders) ? -EAGAIN : put(channel, item);

        interrupts_restore(enabled);
        return error;
}

int channel_try_receive(struct channel *channel, void *item)
{
        bool enabled = interrupts_save();
        int error = channel->receivers.first || !has_item(&channel->receivers) ? -EAGAIN : get(channel, item);

        interrupts_restore(enabled);
        return error;
}

void channel_close(struct channel *channel)
{
        bool enabled = interrupts_save();

        channel->closed = true;
        wait_queue_serve(&channel->senders);
        wait_queue_serve(&channel->receivers);
        interrupts_restore(enabled);
}
