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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"

/* Flags of a segment, as in a descriptor (2.7.5). */
enum virtq_descriptor_flags {
        VIRTQ_DESC_F_NEXT = 1,  /* another segment follows in this request */
        VIRTQ_DESC_F_WRITE = 2, /* the device writes it; all such follow all that it reads (2.7.4.2) */
        VIRTQ_DESC_F_INDIRECT = 4,
};

enum { VIRTQ_SIZE_MAX = 32768, VIRTQ_RING_ALIGN = 4096 };

struct virtq_descriptor {
        uint64_t address;
        uint32_t length;
        union {
                struct { /* 2.7.5 */
                        uint16_t flags;
                        uint16_t next;
                };
                struct { /* 2.8.13 */
                        uint16_t id;
                        uint16_t flags;
                } packed;
        };
};

/* The areas of a split ring (2.7.6, 2.7.8). */
struct virtq_avail {
        uint16_t flags;
        uint16_t idx;
        uint16_t ring[]; /* followed by used_event */
};

struct virtq_used_element {
        uint32_t id;
        uint32_t len;
};

struct virtq_used {
        uint16_t flags;
        uint16_t idx;
        struct virtq_used_element ring[]; /* followed by avail_event */
};

/* What the driver alone knows of a seat. */
struct virtq_seat {
        uint32_t writable;  /* bytes that the device may have written to the request */
        uint16_t next_free; /* seat + 1; 0 ends the list */
        uint16_t taken;     /* places of the ring that the request has; 0: the device does not have it */
};

struct virtq_layout {
        uint16_t size;     /* ring entries: a power of two */
        uint16_t segments; /* the most of any request */
        bool indirect;     /* VIRTIO_F_INDIRECT_DESC was accepted */
        bool event_idx;    /* VIRTIO_F_EVENT_IDX was accepted */
        bool packed;       /* VIRTIO_F_RING_PACKED was accepted */
};

struct virtq {
        const struct virtq_format *format;
        struct virtq_layout layout;
        uint16_t seats;
        uint16_t mask; /* of a place in the ring: size - 1 */

        /* What the device is told of (2.6). */
        struct virtq_descriptor *descriptors;
        void *driver_area, *device_area;

        struct virtq_descriptor *tables; /* of all seats: segments 0 and up, or, where `chained`, 1 and up */
        uint16_t stride;                 /* from one seat's to the next one's */
        bool chained;                    /* segment 0 is the descriptor with the seat's number */
        struct virtq_seat *seat;

        /* Avail side: tasks. */
        uint16_t added;    /* free-running: the next place to make available */
        uint16_t free;     /* seat + 1 */
        uint16_t withheld; /* packed: flags of the first descriptor that was added since the last publish */

        uint32_t published; /* shared: `added` as the device has been told */
        uint32_t released;  /* shared: seats that the used side hands back; seat + 1 */

        /* Used side: the interrupt handler. */
        uint16_t last_used; /* free-running: the next place to be used */
        uint16_t seen_used; /* split: used.idx when last read */
        uint16_t used_event;
        const char *broken; /* shared: NULL, or what the device did */
};

/* A format of the ring. `lay_out` finds the areas in the ring's memory and writes what no request changes. */
struct virtq_format {
        size_t (*ring_bytes)(const struct virtq_layout *layout);
        void (*lay_out)(struct virtq *queue);
        void (*add)(struct virtq *queue, uint16_t seat, unsigned segments, uint32_t writable);
        bool (*publish)(struct virtq *queue);
        int (*pop_used)(struct virtq *queue, uint32_t *written);
};

extern const struct virtq_format virtq_split, virtq_packed;

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

/* A free seat, or -1. It is the caller's until virtq_add(). Task context. */
int virtq_take_seat(struct virtq *queue);

/* Where segment `index` of the request in `seat` is described. For virtq_segment() and the formats. */
static inline struct virtq_descriptor *virtq_descriptor_at(const struct virtq *queue, uint16_t seat, unsigned index)
{
        if (queue->chained && index == 0)
                return &queue->descriptors[seat];
        return &queue->tables[(size_t)seat * queue->stride + index];
}

/* Describe segment `index` of the request in `seat`; flags of enum virtq_descriptor_flags. Task context. */
static inline void virtq_segment(struct virtq *queue, uint16_t seat, unsigned index, const void *address,
                                 uint32_t length, uint16_t flags)
{
        struct virtq_descriptor *descriptor = virtq_descriptor_at(queue, seat, index);

        device_store(&descriptor->address, (uint64_t)(uintptr_t)address);
        device_store(&descriptor->length, length);
        if (queue->layout.packed) /* where a table knows no other flag (2.8.19) */
                device_store(&descriptor->packed.flags, flags & VIRTQ_DESC_F_WRITE);
        else
                device_store(&descriptor->flags, flags);
}

/*
 * Put a request of `segments` segments, of which the device writes `writable` bytes, into the ring;
 * the device sees it after virtq_publish(). Task context.
 */
static inline void virtq_add(struct virtq *queue, uint16_t seat, unsigned segments, uint32_t writable)
{
        queue->format->add(queue, seat, segments, writable);
}

/* Show the device what was added; true when it wants a notification (2.7.13.4). Once a batch. Task context. */
static inline bool virtq_publish(struct virtq *queue) { return queue->format->publish(queue); }

/*
 * The seat of the next request that the device is done with, and in `written`, unless it is NULL, how many bytes it
 * says it wrote, never more than it could have; -1 when there is none, or when the queue is broken: then
 * `broken` says why. The seat is the caller's until virtq_release(). Interrupt context.
 */
static inline int virtq_pop_used(struct virtq *queue, uint32_t *written)
{
        return queue->format->pop_used(queue, written);
}

/* Never look at what the device says again; `why` is kept in `broken`. Interrupt context. */
static inline void virtq_break(struct virtq *queue, const char *why)
{
        shared_store(&queue->broken, why);
        queue->seen_used = queue->last_used;
}

/*
 * For the formats: the device has used `id`, of which it says that it wrote `length` bytes. The id must name a
 * seat that is taken, and then is that seat; -1 when it is not, and the queue is broken. Interrupt context.
 */
static inline int virtq_answered(struct virtq *queue, size_t id, uint32_t length, uint32_t *written)
{
        if (id >= queue->seats || queue->seat[id].taken == 0) {
                virtq_break(queue, "a used id is not in flight");
                return -1;
        }

        struct virtq_seat *seat = &queue->seat[id];

        queue->last_used = (uint16_t)(queue->last_used + seat->taken);
        seat->taken = 0;
        if (written)
                *written = length < seat->writable ? length : seat->writable;
        return (int)id;
}

/* Give a popped seat back to the tasks. Interrupt context. */
void virtq_release(struct virtq *queue, uint16_t seat);

/* Whether a driver that moves avail.idx from `old` to `new` has passed `event` (2.7.10.1). Any context. */
static inline bool virtq_need_event(uint16_t event, uint16_t new, uint16_t old)
{
        return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}
