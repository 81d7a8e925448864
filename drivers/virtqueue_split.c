/* SPDX-License-Identifier: MIT */
/*
 * virtqueue_split.c - the split ring (virtio 1.2, 2.7), in the legacy layout of 2.7.2, which a modern
 * device takes as well.
 *
 *      add         descriptors, avail.ring[added]
 *      publish     avail.idx = added; perhaps notify
 *      pop_used    used.ring[last_used] -> seat
 *
 * `published - last_used` is how many requests the device has, so the device can have used no more.
 */
#include "arch.h"
#include "util.h"
#include "virtqueue.h"

enum { USED_F_NO_NOTIFY = 1 };

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
        if (!layout->indirect) {
                queue->chained = true;
                queue->stride = layout->segments - 1;
                queue->tables = queue->descriptors + queue->seats - 1;
        }
        for (uint16_t seat = 0; seat < queue->seats; seat++)
                link_seat(queue, seat);
}

static void add(struct virtq *queue, uint16_t seat, unsigned segments, uint32_t writable)
{
        struct virtq_avail *avail = queue->driver_area;
        uint16_t place = queue->added++ & queue->mask;

        if (!queue->chained)
                device_store(&queue->descriptors[seat].length, segments * (uint32_t)sizeof(struct virtq_descriptor));
        queue->seat[seat].writable = writable;
        queue->seat[seat].taken = 1;
        device_store(&avail->ring[place], seat);
}

/* After the avail ring: the used entry that is worth an interrupt. After the used ring: the avail entry worth a notification. */
static uint16_t *used_event(const struct virtq *queue)
{
        struct virtq_avail *avail = queue->driver_area;

        return &avail->ring[queue->layout.size];
}

static const uint16_t *avail_event(const struct virtq *queue)
{
        const struct virtq_used *used = queue->device_area;

        return (const uint16_t *)(const void *)&used->ring[queue->layout.size];
}

static bool publish(struct virtq *queue)
{
        struct virtq_avail *avail = queue->driver_area;
        const struct virtq_used *used = queue->device_area;
        uint16_t old = (uint16_t)queue->published, new = queue->added;

        if (old == new)
                return false;
        /* Before avail.idx: the device may be done, and its interrupt here, on the next instruction. */
        shared_store(&queue->published, (uint32_t)new);
        ring_entry_before_index();
        device_store(&avail->idx, new);
        ring_index_before_event();
        if (queue->layout.event_idx)
                return virtq_need_event(device_load(avail_event(queue)), new, old);
        return (device_load(&used->flags) & USED_F_NO_NOTIFY) == 0;
}

/*
 * Whether the device has used something. With EVENT_IDX the driver says which entry it wants an
 * interrupt for, and looks again after that: an entry used in between would bring none (2.7.7.1).
 */
static bool look(struct virtq *queue)
{
        const struct virtq_used *used = queue->device_area;

        if (queue->broken)
                return false;
        queue->seen_used = device_load(&used->idx);
        if (queue->seen_used == queue->last_used && queue->layout.event_idx && queue->used_event != queue->last_used) {
                queue->used_event = queue->last_used;
                device_store(used_event(queue), queue->used_event);
                ring_index_before_event();
                queue->seen_used = device_load(&used->idx);
        }
        ring_index_before_element();

        uint16_t in_flight = (uint16_t)(shared_load(&queue->published) - queue->last_used);

        if ((uint16_t)(queue->seen_used - queue->last_used) > in_flight)
                virtq_break(queue, "used.idx is beyond what is in flight");
        return queue->seen_used != queue->last_used;
}

static int pop_used(struct virtq *queue, uint32_t *written)
{
        if (queue->seen_used == queue->last_used && !look(queue))
                return -1;

        const struct virtq_used *used = queue->device_area;
        const struct virtq_used_element *element = &used->ring[queue->last_used & queue->mask];
        size_t id = device_load(&element->id);

        return virtq_answered(queue, id, device_load(&element->len), written);
}

const struct virtq_format virtq_split = {
        .ring_bytes = ring_bytes, .lay_out = lay_out, .add = add, .publish = publish, .pop_used = pop_used,
};
