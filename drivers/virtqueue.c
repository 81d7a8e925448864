/* SPDX-License-Identifier: MIT */
/*
 * virtqueue.c - seats, which are alike in both formats of the ring. Section numbers are those of virtio 1.2.
 *
 *      tasks:      take_seat, segment..., add     the seat goes to the next place of the ring
 *                  publish                        the device sees it; perhaps notify
 *      interrupt:  pop_used                       what the device used -> seat
 *                  release                        the seat back to the tasks
 *
 * Places are counted through 16 bits; modulo the size they are places in the ring. A descriptor's id is
 * its seat's number.
 */
#include "virtqueue.h"

#include <errno.h>
#include <string.h>

#include "arch.h"
#include "util.h"

static const struct virtq_format *format_of(const struct virtq_layout *layout)
{
        return layout->packed ? &virtq_packed : &virtq_split;
}

static uint16_t seats_of(const struct virtq_layout *layout)
{
        return layout->indirect ? layout->size : (uint16_t)(layout->size / layout->segments);
}

static size_t seat_bytes(const struct virtq_layout *layout)
{
        return ALIGN_UP(seats_of(layout) * (sizeof(struct virtq_seat) + sizeof(uint8_t)), sizeof(struct virtq_descriptor));
}

size_t virtq_ring_bytes(const struct virtq_layout *layout) { return format_of(layout)->ring_bytes(layout); }

size_t virtq_table_bytes(const struct virtq_layout *layout)
{
        size_t tables = layout->indirect || layout->packed ? (size_t)seats_of(layout) * layout->segments : 0;

        return seat_bytes(layout) + tables * sizeof(struct virtq_descriptor);
}

int virtq_init(struct virtq *queue, const struct virtq_layout *layout, void *ring, void *tables)
{
        uint16_t size = layout->size;

        if (size == 0 || size > VIRTQ_SIZE_MAX || (size & (size - 1)) != 0 || size < layout->segments)
                return -EINVAL;
        memset(ring, 0, virtq_ring_bytes(layout));
        memset(tables, 0, virtq_table_bytes(layout));
        *queue = (struct virtq){
                .format = format_of(layout), .layout = *layout, .seats = seats_of(layout), .mask = size - 1,
                .descriptors = ring, .seat = tables, .tables = (void *)((char *)tables + seat_bytes(layout)),
                .stride = layout->segments, .released = VIRTQ_NO_SEAT,
        };
        queue->taken = (uint8_t *)&queue->seat[queue->seats];
        for (uint16_t seat = 0; seat < queue->seats; seat++)
                queue->seat[seat].next_free = seat + 1 < queue->seats ? (uint16_t)(seat + 1) : VIRTQ_NO_SEAT;
        queue->format->lay_out(queue);
        return 0;
}

bool virtq_take_released(struct virtq *queue)
{
        queue->free = (uint16_t)shared_swap(&queue->released, VIRTQ_NO_SEAT);
        return queue->free != VIRTQ_NO_SEAT;
}
