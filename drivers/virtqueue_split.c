/* SPDX-License-Identifier: MIT */
/*
 * virtqueue_split.c - the split ring (virtio 1.2, 2.7), in the legacy layout of 2.7.2, which a modern
 * device takes as well: how its areas lie, and what no request changes. virtqueue_split.h has the rest.
 */
#include "arch.h"
#include "util.h"
#include "virtqueue.h"

static size_t descriptor_bytes(const struct virtq_layout *layout)
{
        return layout->size * sizeof(struct virtq_descriptor);
}

static size_t avail_bytes(const struct virtq_layout *layout)
{
        return sizeof(struct virtq_avail) + (layout->size + 1u) * sizeof(uint16_t);
}

/* Where the used ring begins: 2.7.2 pads the avail ring up to the legacy alignment. */
static size_t used_offset(const struct virtq_layout *layout)
{
        return ALIGN_UP(descriptor_bytes(layout) + avail_bytes(layout), VIRTQ_RING_ALIGN);
}

static size_t ring_bytes(const struct virtq_layout *layout)
{
        return used_offset(layout) + sizeof(struct virtq_used) +
               layout->size * sizeof(struct virtq_used_element) + sizeof(uint16_t);
}

/*
 * The links between the segments of a seat, and the way to its table. Where there are no tables the first
 * descriptors of the ring are the heads, so that an id is a seat's number, and each seat's others follow.
 */
static void link_seat(struct virtq *queue, uint16_t seat)
{
        uint16_t second = queue->chained ? (uint16_t)(queue->seats + seat * queue->stride) : 1;

        for (uint16_t i = 0; i < queue->layout.segments; i++)
                device_store(&virtq_descriptor_at(queue, seat, i)->next, (uint16_t)(second + i));
        if (!queue->chained) {
                device_store(&queue->descriptors[seat].address, (uintptr_t)virtq_descriptor_at(queue, seat, 0));
                device_store(&queue->descriptors[seat].flags, (uint16_t)VIRTQ_DESC_F_INDIRECT);
        }
}

static void lay_out(struct virtq *queue)
{
        const struct virtq_layout *layout = &queue->layout;

        queue->driver_area = (char *)queue->descriptors + descriptor_bytes(layout);
        queue->device_area = (char *)queue->descriptors + used_offset(layout);
        if (layout->event_idx) {
                queue->used_event = &((struct virtq_avail *)queue->driver_area)->ring[layout->size];
                queue->avail_event = (uint16_t *)&((struct virtq_used *)queue->device_area)->ring[layout->size];
        }
        if (!layout->indirect) {
                queue->chained = true;
                queue->stride = layout->segments - 1;
                queue->tables = queue->descriptors + queue->seats - 1;
        }
        for (uint16_t seat = 0; seat < queue->seats; seat++)
                link_seat(queue, seat);
}

static void set_segments(struct virtq *queue, uint16_t seat, unsigned segments)
{
        if (!queue->chained)
                device_store(&queue->descriptors[seat].length, segments * (uint32_t)sizeof(struct virtq_descriptor));
}

const struct virtq_format virtq_split = {
        .ring_bytes = ring_bytes, .lay_out = lay_out, .set_segments = set_segments };
