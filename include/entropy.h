/* SPDX-License-Identifier: MIT */
/* entropy.h - random bytes from a device. */
#pragma once

#include <errno.h>
#include <stdint.h>

#include "executor.h"
#include "future.h"
#include "semaphore.h"

/*
 * A read. From the first poll until it is ready, buffer and future belong to the device and stay where
 * they are: withdrawn while it stands in line it is ready at once, later when the device is done with it. There is
 * no deadline: a source that never answers keeps it, and a with_timeout() over it, pending for ever.
 * The result is how many bytes have come, at least 1 and perhaps fewer than there is room for, as with
 * read(2); or one of
 *
 *      -EFAULT no buffer, -EINVAL no bytes: refused, the device never saw it;
 *      -ECANCELED it was withdrawn, or never awaited;
 *      -EIO the device gave nothing, -ENODEV there is none, or it is gone.
 */
struct entropy_future {
        struct future future;
        void *buffer;
        uint32_t bytes;
        uint16_t seat;             /* in the device's ring */
        struct wait_future permit; /* to have one */
        struct completion used;    /* the device has answered */
        int64_t result;
};

/* Forget the device; reads wait for it as tasks of `executor`. Once, before the drivers. */
void entropy_init(struct executor *executor);

/* The poll of the one below. Task context. */
enum poll entropy_poll(struct future *future, struct waker *waker);

/*
 * Put random bytes into `buffer`, up to `bytes` of them; several readers are served in the order of their
 * coming. Nothing happens before the first poll. The caller owns the future, lends the buffer. Task
 * context. (virtio 1.2, 5.4.6)
 */
static inline struct entropy_future entropy_read(void *buffer, uint32_t bytes)
{
        struct entropy_future made = { .future.poll = entropy_poll, .buffer = buffer, .bytes = bytes, .result = -ECANCELED };

        return made;
}
