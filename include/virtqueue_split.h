/* SPDX-License-Identifier: MIT */
/*
 * virtqueue_split.h - what is done with a split ring for each request and each batch (virtio 1.2, 2.7).
 *
 *      add         avail.ring[added] = seat
 *      publish     avail.idx = added; perhaps notify
 *      pop_used    used.ring[last_used] -> seat
 *
 * `published - last_used` is how many requests the device has, so the device can have used no more. In a header, so
 * that it becomes part of its caller: 60 instructions a request, and 40 a batch.
 */
#pragma once

#include "virtqueue_ring.h"

enum { VIRTQ_USED_F_NO_NOTIFY = 1 };

static inline void virtq_split_add(struct virtq *queue, uint16_t seat)
{
        struct virtq_avail *avail = queue->driver_area;
        uint16_t place = queue->added++ & queue->mask;

        queue->taken[seat] = 1;
        device_store(&avail->ring[place], seat);
}

static inline bool virtq_split_publish(struct virtq *queue)
{
        struct virtq_avail *avail = queue->driver_area;
        const uint16_t *event = queue->avail_event;
        uint16_t old = (uint16_t)queue->published, new = queue->added;

        if (old == new)
                return false;
        /* Before avail.idx: the device may be done, and its interrupt here, on the next instruction. */
        shared_store(&queue->published, (uint32_t)new);
        ring_entry_before_index();
        device_store(&avail->idx, new);
        shared_store(&queue->shown, (uint32_t)new);
        ring_index_before_event();
        if (event)
                return virtq_need_event(device_load(event), new, old);

        const struct virtq_used *used = queue->device_area;

        return (device_load(&used->flags) & VIRTQ_USED_F_NO_NOTIFY) == 0;
}

/*
 * Whether the device has used something. With EVENT_IDX the driver says which entry it wants an
 * interrupt for, and looks again after that: an entry used in between would bring none (2.7.7.1).
 */
static inline bool virtq_split_look(struct virtq *queue)
{
        const struct virtq_used *used = queue->device_area;
        uint16_t last = queue->last_used, idx = device_load(&used->idx);

        if (idx == last && queue->used_event) {
                device_store(queue->used_event, last);
                ring_index_before_event();
                idx = device_load(&used->idx);
        }
        if (idx == last || queue->broken)
                return false;
        ring_index_before_element();
        queue->seen_used = idx;
        if ((uint16_t)(idx - last) <= (uint16_t)(shared_load(&queue->published) - last))
                return true;
        virtq_break(queue, "used.idx is beyond what is in flight");
        return false;
}

static inline long virtq_split_pop_used(struct virtq *queue, uint32_t *written)
{
        const struct virtq_used *used = queue->device_area;
        uint16_t last = queue->last_used;

        if (queue->seen_used == last && !virtq_split_look(queue))
                return -1;

        const struct virtq_used_element *element = &used->ring[last & queue->mask];
        size_t id = device_load(&element->id);

        return virtq_answered(queue, id, written ? device_load(&element->len) : 0, written);
}
