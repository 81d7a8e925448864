/* SPDX-License-Identifier: MIT */
/*
 * virtqueue_ring.h - what the two formats of a virtqueue have in common, and drivers need not know; they see
 * virtqueue.h. Section numbers are those of virtio 1.2.
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

enum { VIRTQ_SIZE_MAX = 32768, VIRTQ_RING_ALIGN = 4096, VIRTQ_NO_SEAT = 0xffff };

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
        uint16_t next_free; /* a seat, or VIRTQ_NO_SEAT */
        uint16_t segments;
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
        uint16_t *used_event, *avail_event; /* split, where EVENT_IDX was accepted: behind the two rings (2.7.10, 2.7.7) */

        struct virtq_descriptor *tables; /* of all seats: segments 0 and up, or, where `chained`, 1 and up */
        uint16_t stride;                 /* from one seat's to the next one's */
        bool chained;                    /* segment 0 is the descriptor with the seat's number */
        struct virtq_seat *seat;
        uint8_t *taken; /* of each seat: places of the ring that the request has; 0: the device does not have it */

        /* Avail side: tasks. */
        uint16_t added;    /* free-running: the next place to make available */
        uint16_t free;     /* a list of seats */
        uint16_t withheld; /* packed: flags of the first descriptor that was added since the last publish */

        uint32_t published; /* shared: `added` as the device is about to be told: it can have used no more */
        uint32_t shown;     /* shared: the same, once it has been told: what lies beyond, it has not seen */
        uint32_t released;  /* shared: seats that the used side hands back */

        /* Used side: the interrupt handler. */
        uint16_t last_used; /* free-running: the next place to be used */
        uint16_t seen_used; /* split: used.idx when last read */
        const char *broken; /* shared: NULL, or what the device did */
};

/* A format of the ring, to virtqueue.c. */
struct virtq_format {
        /* How many bytes the ring takes. */
        size_t (*ring_bytes)(const struct virtq_layout *layout);
        /* Set the places of its areas, and write what no request changes. */
        void (*lay_out)(struct virtq *queue);
        /* The seat's list has `segments` entries from now on. */
        void (*set_segments)(struct virtq *queue, uint16_t seat, unsigned segments);
};

extern const struct virtq_format virtq_split, virtq_packed;

/* Where segment `index` of the request in `seat` is described. For virtq_segment() and the formats. */
static inline struct virtq_descriptor *virtq_descriptor_at(const struct virtq *queue, uint16_t seat, unsigned index)
{
        if (queue->chained && index == 0)
                return &queue->descriptors[seat];
        return queue->tables + seat * queue->stride + index;
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
static inline long virtq_answered(struct virtq *queue, size_t id, uint32_t length, uint32_t *written)
{
        if (id >= queue->seats || queue->taken[id] == 0) {
                virtq_break(queue, "a used id is not in flight");
                return -1;
        }
        queue->last_used = (uint16_t)(queue->last_used + queue->taken[id]);
        queue->taken[id] = 0;
        if (written)
                *written = length < queue->seat[id].writable ? length : queue->seat[id].writable;
        return (long)id;
}

/* Whether a driver that moves avail.idx from `old` to `new` has passed `event` (2.7.10.1). Any context. */
static inline bool virtq_need_event(uint16_t event, uint16_t new, uint16_t old)
{
        return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}
