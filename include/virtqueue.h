/* SPDX-License-Identifier: MIT */
/*
 * virtqueue.h - the virtqueue (virtio 1.2, 2.6), whatever the format of its ring.
 *
 * The driver's unit is the seat: room for one request, with a fixed place for each of its segments.
 * With VIRTIO_F_INDIRECT_DESC a seat is one descriptor and a table beside the ring. Without it, it is a fixed
 * chain of descriptors of a split ring, or a list that is copied into a packed one. What never changes
 * between two requests in a seat is written once.
 *
 * The ring has two owners who never meet: tasks take seats, add and publish; the interrupt handler
 * pops and releases. So nothing here masks an interrupt or takes a lock. Both sides believe nothing
 * that the device writes: what it was given is never read back, a used element is read once and must
 * name a seat that is taken. A lie breaks the queue, which only virtq_init() mends.
 */
#pragma once

#include "virtqueue_ring.h"
#include "virtqueue_split.h"

/* Of the packed ring, what virtq_put(), virtq_publish() and virtq_pop_used() do: in their contexts. */
void virtq_packed_add(struct virtq *queue, uint16_t seat);
bool virtq_packed_publish(struct virtq *queue);
long virtq_packed_pop_used(struct virtq *queue, uint32_t *written);

/* Bytes of the memory that virtq_init() wants: the ring; indirect tables and the driver's own records. Any context. */
size_t virtq_ring_bytes(const struct virtq_layout *layout);
size_t virtq_table_bytes(const struct virtq_layout *layout);

/*
 * Make an empty queue in `ring` (aligned to VIRTQ_RING_ALIGN; the device gets its address) and `tables`
 * (aligned to 16).
 * Both are the caller's, live as long as the queue, and are cleared here. Returns 0, or -EINVAL for a
 * size that is no power of two, is over VIRTQ_SIZE_MAX, or has no room for one request.
 * Task context, with the device reset.
 */
int virtq_init(struct virtq *queue, const struct virtq_layout *layout, void *ring, void *tables);

/* Make the seats that were given back the free list; false when there are none. Task context. */
bool virtq_take_released(struct virtq *queue);

/* Whether there is a free seat. Task context. */
static inline bool virtq_has_seat(struct virtq *queue)
{
        return queue->free != VIRTQ_NO_SEAT || virtq_take_released(queue);
}

/* A free seat, or VIRTQ_NO_SEAT. It is the caller's until virtq_put(). Task context. */
static inline uint16_t virtq_take_seat(struct virtq *queue)
{
        uint16_t seat = virtq_has_seat(queue) ? queue->free : VIRTQ_NO_SEAT;

        if (seat != VIRTQ_NO_SEAT)
                queue->free = queue->seat[seat].next_free;
        return seat;
}

/* Have a segment that virtq_segment() has described point elsewhere. Task context. */
static inline void virtq_point(struct virtq_descriptor *segment, const void *address, uint32_t length)
{
        device_store(&segment->address, (uint64_t)(uintptr_t)address);
        device_store(&segment->length, length);
}

/* Describe segment `index` of the request in `seat`; flags of enum virtq_descriptor_flags. Where it is. Task context. */
static inline struct virtq_descriptor *virtq_segment(struct virtq *queue, uint16_t seat, unsigned index,
                                                     const void *address, uint32_t length, uint16_t flags)
{
        struct virtq_descriptor *descriptor = virtq_descriptor_at(queue, seat, index);

        virtq_point(descriptor, address, length);
        if (queue->layout.packed) /* where a table knows no other flag (2.8.19) */
                device_store(&descriptor->packed.flags, flags & VIRTQ_DESC_F_WRITE);
        else
                device_store(&descriptor->flags, flags);
        return descriptor;
}

/*
 * The request in `seat` has `segments` segments, and the device writes `writable` bytes. Need not be told again for
 * the next one in the seat, if it is the same. Task context.
 */
static inline void virtq_set_segments(struct virtq *queue, uint16_t seat, unsigned segments, uint32_t writable)
{
        queue->seat[seat].segments = (uint16_t)segments;
        queue->seat[seat].writable = writable;
        queue->format->set_segments(queue, seat, segments);
}

/* Put the request in `seat` into the ring; the device sees it after virtq_publish(). Task context. */
static inline void virtq_put(struct virtq *queue, uint16_t seat)
{
        if (queue->layout.packed)
                virtq_packed_add(queue, seat);
        else
                virtq_split_add(queue, seat);
}

/* Both at once. Task context. */
static inline void virtq_add(struct virtq *queue, uint16_t seat, unsigned segments, uint32_t writable)
{
        virtq_set_segments(queue, seat, segments, writable);
        virtq_put(queue, seat);
}

/* Show the device what was added; true when it wants a notification (2.7.13.4). Once a batch. Task context. */
static inline bool virtq_publish(struct virtq *queue)
{
        return queue->layout.packed ? virtq_packed_publish(queue) : virtq_split_publish(queue);
}

/*
 * The seat of the next request that the device is done with, and in `written`, unless it is NULL, how many bytes it
 * says it wrote, never more than it could have; -1 when there is none, or when the queue is broken: then
 * `broken` says why. The seat is the caller's until virtq_release(). Interrupt context.
 */
static inline long virtq_pop_used(struct virtq *queue, uint32_t *written)
{
        return queue->layout.packed ? virtq_packed_pop_used(queue, written) : virtq_split_pop_used(queue, written);
}

/* Whether anything was added that is not published: not while the hart sleeps. Any context. */
static inline bool virtq_has_unpublished(const struct virtq *queue)
{
        return queue->added != queue->published;
}

/* Whether `place`, of all that was added and not yet popped, comes before `told`, which is `published` or `shown`. Any context. */
static inline bool virtq_is_before(const struct virtq *queue, uint16_t place, uint32_t told)
{
        return (uint16_t)(place - told) >= (uint16_t)(queue->added - told);
}

/* The device cannot have used the request in a popped seat: it is in flight as before, and the queue broken. Interrupt context. */
static inline void virtq_unpop(struct virtq *queue, size_t seat)
{
        queue->taken[seat] = 1;
        virtq_break(queue, "a request is used that was not published");
}

/*
 * Give a popped seat back to the tasks. They take the whole list with one swap, so nobody takes its head between the
 * two accesses. Interrupt context.
 */
static inline void virtq_release(struct virtq *queue, size_t seat)
{
        queue->seat[seat].next_free = (uint16_t)shared_load(&queue->released);
        shared_store(&queue->released, (uint32_t)seat);
}
