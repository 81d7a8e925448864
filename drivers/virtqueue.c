/* SPDX-License-Identifier: MIT */
/*
 * virtqueue.c - the split virtqueue. Section numbers are those of virtio 1.2.
 *
 *      tasks:      take_seat, segment..., add     descriptors, avail.ring[added]
 *                  publish                        avail.idx = added; perhaps notify
 *      interrupt:  pop_used                       used.ring[last_used] -> seat
 *                  release                        the seat back to the tasks
 *
 * Both indices run free through 16 bits; modulo the size they are places in the ring (2.7.6, 2.7.8).
 * `published - last_used` is how many requests the device has, so the device can have used no more.
 */
#include "virtqueue.h"

#include <errno.h>
#include <string.h>

#include "arch.h"
#include "util.h"

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

size_t virtq_ring_bytes(const struct virtq_layout *layout)
{
        return used_offset(layout) + sizeof(struct virtq_used) +
               layout->size * sizeof(struct virtq_used_element) + sizeof(uint16_t);
}

static size_t seat_bytes(const struct virtq_layout *layout)
{
        return ALIGN_UP(layout->size * sizeof(struct virtq_seat), sizeof(struct virtq_descriptor));
}

size_t virtq_table_bytes(const struct virtq_layout *layout)
{
        size_t tables = layout->indirect ? (size_t)layout->size * layout->segments : 0;

        return seat_bytes(layout) + tables * sizeof(struct virtq_descriptor);
}

/* Write once what no request changes: the links between the segments of a seat, the way to its table. */
static void link_seat(struct virtq *queue, uint16_t seat)
{
        struct virtq_descriptor *table = queue->tables + seat * queue->layout.segments;
        uint16_t base = queue->layout.indirect ? 0 : (uint16_t)(seat * queue->layout.segments);

        for (uint16_t i = 0; i < queue->layout.segments; i++)
                device_store(&table[i].next, (uint16_t)(base + i + 1));
        if (queue->layout.indirect) {
                device_store(&queue->descriptors[seat].address, (uint64_t)(uintptr_t)table);
                device_store(&queue->descriptors[seat].flags, (uint16_t)VIRTQ_DESC_F_INDIRECT);
        }
        queue->seat[seat].next_free = seat + 1 < queue->seats ? (uint16_t)(seat + 2) : 0;
}

int virtq_init(struct virtq *queue, const struct virtq_layout *layout, void *ring, void *tables)
{
        uint16_t size = layout->size, stride = layout->indirect ? 1 : layout->segments;

        if (size == 0 || size > VIRTQ_SIZE_MAX || (size & (size - 1)) != 0 || size < layout->segments)
                return -EINVAL;
        memset(ring, 0, virtq_ring_bytes(layout));
        memset(tables, 0, virtq_table_bytes(layout));
        *queue = (struct virtq){
                .layout = *layout, .seats = (uint16_t)(size / stride), .stride = stride, .free = 1,
                .descriptors = ring, .avail = (void *)((char *)ring + descriptor_bytes(layout)),
                .used = (void *)((char *)ring + used_offset(layout)), .seat = tables,
        };
        queue->tables = layout->indirect ? (void *)((char *)tables + seat_bytes(layout)) : ring;
        for (uint16_t seat = 0; seat < queue->seats; seat++)
                link_seat(queue, seat);
        return 0;
}

int virtq_take_seat(struct virtq *queue)
{
        if (queue->free == 0) {
                queue->free = (uint16_t)shared_swap(&queue->released, 0);
                if (queue->free == 0)
                        return -1;
        }

        uint16_t seat = (uint16_t)(queue->free - 1);

        queue->free = queue->seat[seat].next_free;
        return seat;
}

void virtq_release(struct virtq *queue, uint16_t seat)
{
        /* The tasks take the whole list with one swap, so nobody takes its head between these two. */
        queue->seat[seat].next_free = (uint16_t)shared_load(&queue->released);
        shared_store(&queue->released, seat + 1u);
}

void virtq_segment(struct virtq *queue, uint16_t seat, unsigned index, const void *address, uint32_t length,
                   uint16_t flags)
{
        struct virtq_descriptor *descriptor = &queue->tables[seat * queue->layout.segments + index];

        device_store(&descriptor->address, (uint64_t)(uintptr_t)address);
        device_store(&descriptor->length, length);
        device_store(&descriptor->flags, flags);
}

void virtq_add(struct virtq *queue, uint16_t seat, unsigned segments, uint32_t writable)
{
        uint16_t head = (uint16_t)(seat * queue->stride);

        if (queue->layout.indirect)
                device_store(&queue->descriptors[seat].length, segments * (uint32_t)sizeof(struct virtq_descriptor));
        queue->seat[seat].writable = writable;
        queue->seat[seat].taken = 1;
        device_store(&queue->avail->ring[queue->added & (queue->layout.size - 1)], head);
        queue->added++;
}

/* After the avail ring: the used entry that is worth an interrupt. After the used ring: the avail entry worth a notification. */
static uint16_t *used_event(const struct virtq *queue) { return &queue->avail->ring[queue->layout.size]; }

static const uint16_t *avail_event(const struct virtq *queue)
{
        return (const uint16_t *)(const void *)&queue->used->ring[queue->layout.size];
}

bool virtq_publish(struct virtq *queue)
{
        uint16_t old = (uint16_t)queue->published, new = queue->added;

        if (old == new)
                return false;
        /* Before avail.idx: the device may be done, and its interrupt here, on the next instruction. */
        shared_store(&queue->published, (uint32_t)new);
        ring_entry_before_index();
        device_store(&queue->avail->idx, new);
        ring_index_before_event();
        if (queue->layout.event_idx)
                return virtq_need_event(device_load(avail_event(queue)), new, old);
        return (device_load(&queue->used->flags) & USED_F_NO_NOTIFY) == 0;
}

void virtq_break(struct virtq *queue, const char *why)
{
        shared_store(&queue->broken, why);
        queue->seen_used = queue->last_used;
}

/*
 * Whether the device has used something. With EVENT_IDX the driver says which entry it wants an
 * interrupt for, and looks again after that: an entry used in between would bring none (2.7.7.1).
 */
static bool look(struct virtq *queue)
{
        if (queue->broken)
                return false;
        queue->seen_used = device_load(&queue->used->idx);
        if (queue->seen_used == queue->last_used && queue->layout.event_idx && queue->used_event != queue->last_used) {
                queue->used_event = queue->last_used;
                device_store(used_event(queue), queue->used_event);
                ring_index_before_event();
                queue->seen_used = device_load(&queue->used->idx);
        }
        ring_index_before_element();

        uint16_t in_flight = (uint16_t)(shared_load(&queue->published) - queue->last_used);

        if ((uint16_t)(queue->seen_used - queue->last_used) > in_flight)
                virtq_break(queue, "used.idx is beyond what is in flight");
        return queue->seen_used != queue->last_used;
}

int virtq_pop_used(struct virtq *queue, uint32_t *written)
{
        if (queue->seen_used == queue->last_used && !look(queue))
                return -1;

        const struct virtq_used_element *element = &queue->used->ring[queue->last_used & (queue->layout.size - 1)];
        uint32_t id = device_load(&element->id), length = device_load(&element->len);

        uint32_t seat = id / queue->stride;

        if (seat >= queue->seats || seat * queue->stride != id || !queue->seat[seat].taken) {
                virtq_break(queue, "a used id is not in flight");
                return -1;
        }
        queue->seat[seat].taken = 0;
        queue->last_used++;
        if (written)
                *written = length < queue->seat[seat].writable ? length : queue->seat[seat].writable;
        return (int)seat;
}
