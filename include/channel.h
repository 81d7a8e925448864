/* SPDX-License-Identifier: MIT */
/*
 * channel.h - a bounded queue of items of any size, from any number of senders to a receiver.
 *
 * Items are copied in and out, in the order in which their senders came. Several receivers are served in
 * turn, each item to one of them.
 */
#pragma once

#include <stddef.h>

#include "wait_queue.h"

struct channel {
        struct wait_queue senders, receivers;
        unsigned char *storage, *end;
        unsigned char *in, *out; /* where the next item is put and taken */
        size_t item_size, capacity, count; /* of one in bytes, and in items */
        bool closed;
};

/*
 * Make `channel` empty, with room for `capacity` items of `item_size` bytes in `storage`, which is the
 * caller's and stays. Both are at least 1. Before anything else is called on it.
 */
void channel_init(struct channel *channel, void *storage, size_t item_size, size_t capacity);

/*
 * Ready when the item has found room: 0; -EPIPE when the channel is closed, -ECANCELED when withdrawn, and
 * then it was not sent. The item is the caller's, and stays until then. Task context.
 */
static inline struct wait_future channel_send(struct channel *channel, const void *item)
{
        return wait_in(&channel->senders, (void *)(uintptr_t)item);
}

/* Ready when an item has been copied to `item`: 0; -EPIPE when the channel is closed and empty; -ECANCELED. Task context. */
static inline struct wait_future channel_receive(struct channel *channel, void *item)
{
        return wait_in(&channel->receivers, item);
}

/* Send without waiting: 0, -EAGAIN when there is no room or others wait for it, -EPIPE. Any context. */
int channel_try_send(struct channel *channel, const void *item);

/* Receive without waiting: 0, -EAGAIN when it is empty or others wait, -EPIPE when it is also closed. Any context. */
int channel_try_receive(struct channel *channel, void *item);

/* Nothing more is sent; what is in the channel can still be received. Any context. */
void channel_close(struct channel *channel);
