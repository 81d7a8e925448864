/* SPDX-License-Identifier: MIT */
/*
 * virtio_rng.c - the entropy device (virtio 1.2, 5.4): it fills the buffers that it is given.
 *
 * A source is a stream, which more requests at once would not make faster: so the device has one at a
 * time, and who comes meanwhile stands in line. docs/writing-a-driver.md explains this file step by step.
 */
#include <errno.h>

#include "coro.h"
#include "entropy.h"
#include "virtio.h"

enum { VIRTIO_ID_ENTROPY = 4, QUEUE = 0, QUEUE_SIZE = 1, SEGMENTS = 1 };

static struct executor *served;
static struct virtio_device *rng; /* NULL: there is none, or it is gone */
static struct virtq queue;
static struct semaphore turn;         /* its only permit: to be the reader */
static struct entropy_future *reader; /* whose buffer the device has; NULL: nobody's */

void entropy_init(struct executor *executor)
{
        served = executor;
        rng = NULL;
}

/* Into the ring; the device hears of it in run_hook(), when the reader awaits what this returns. */
static struct completion submit(struct entropy_future *self)
{
        reader = self;
        self->seat = virtq_take_seat(&queue); /* there is one, since nobody else has any */
        virtq_segment(&queue, self->seat, 0, self->buffer, self->bytes, VIRTQ_DESC_F_WRITE);
        virtq_add(&queue, self->seat, SEGMENTS, self->bytes);
        executor_request_batch(served);
        return completion();
}

/* The buffer is the reader's again, and the turn the next one's. Not for the reader to do: withdrawn, it runs no more. */
static void finish(int64_t result)
{
        struct entropy_future *done = reader;

        reader = NULL;
        virtq_release(&queue, done->seat);
        done->result = result;
        complete(&done->used);
        semaphore_release(&turn);
}

enum poll entropy_poll(struct future *future, struct waker *waker)
{
        struct entropy_future *self = container_of(future, struct entropy_future, future);

        CORO_BEGIN(self, waker);
        self->result = !rng ? -ENODEV : !self->buffer ? -EFAULT : self->bytes == 0 ? -EINVAL : -ECANCELED;
        if (self->result != -ECANCELED) /* which it is until the device has answered */
                CORO_RETURN();
        AWAIT(self->permit, semaphore_acquire(&turn));
        AWAIT(self->used, submit(self));
        CORO_END();
}

/* Interrupt: the device has put something into the buffer, though perhaps less than fits (5.4.6.2). */
static bool used_buffers(struct virtio_device *device)
{
        uint32_t written;
        bool any = false;

        for (; virtq_pop_used(&queue, &written) >= 0; any = true)
                finish(written > 0 ? (int64_t)written : -EIO);
        if (virtio_needs_reset(device))
                virtq_break(&queue, "the device needs a reset");
        executor_request_batch(served);
        return any;
}

/* Interrupt: it has no configuration that could change, but this is how a device says that it is broken (2.1.1). */
static bool config_changed(struct virtio_device *device) { return used_buffers(device); }

/* After a batch: publish. A device that cannot be trusted is reset, which takes its buffer away, and is not used again. */
static void run_hook(struct batch_hook *hook)
{
        (void)hook;
        if (!shared_load(&queue.broken) && virtq_publish(&queue))
                virtio_notify(rng, QUEUE);
        if (shared_load(&queue.broken) && rng) {
                virtio_refuse(rng, "%s%s", queue.broken, virtio_reset(rng) == 0 ? "" : ", and its reset does not end");
                rng = NULL;
        }
        if (!rng && reader) /* the one that the device had, then in turn those who stood in line */
                finish(-ENODEV);
}

static bool may_wake(struct batch_hook *hook)
{
        (void)hook;
        return reader != NULL;
}

static int probe(struct virtio_device *device)
{
        static struct batch_hook hook = { .run = run_hook, .may_wake = may_wake };

        if (rng)
                return virtio_refuse(device, "there is another source of entropy");
        if (virtio_negotiate(device, 0) != 0 || virtio_queue_setup(device, QUEUE, &queue, QUEUE_SIZE, SEGMENTS) != 0)
                return -ENODEV;
        device->used_buffers = used_buffers;
        device->config_changed = config_changed;
        semaphore_init(&turn, 1);
        executor_add_hook(served, &hook);
        rng = device;
        virtio_ready(device);
        return 0;
}

const struct virtio_driver virtio_rng_driver = { .name = "virtio-rng", .type = VIRTIO_ID_ENTROPY, .probe = probe };
