/* SPDX-License-Identifier: MIT */
/* split.c - the device's end of a split ring (2.7). */
#include "ring.h"

enum { USED_F_NO_NOTIFY = 1 };

static uint16_t avail_word(const struct queue *queue, unsigned index)
{
        return *(const uint16_t *)ram_seen(queue->driver_area + 2u * index, 2, 2);
}

static struct virtq_used *used_of(const struct queue *queue) { return (void *)(uintptr_t)queue->device_area; }

static void check(struct queue *queue)
{
        ring_adopt(queue, queue->descriptors, 16u * queue->size, 16);
        ring_adopt(queue, queue->driver_area, 6 + 2u * queue->size, 2);
        ring_adopt(queue, queue->device_area, 6 + 8u * queue->size, 4);
        if (avail_word(queue, 0) != 0 || avail_word(queue, 1) != 0 || used_of(queue)->idx != 0 || used_of(queue)->flags != 0)
                host_fail("disk %u: a ring is handed over that is not empty", queue->device->number);
}

/* From `at` on in a table of `entries`, along the links. */
static void follow(struct queue *queue, struct request *request, uint64_t table, unsigned entries, unsigned at, bool inside)
{
        for (;;) {
                const struct virtq_descriptor *descriptor = ring_descriptor(queue, table, entries, at);
                uint16_t flags = descriptor->flags;

                if ((flags & ~(VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | (inside ? 0 : VIRTQ_DESC_F_INDIRECT))) != 0)
                        host_fail("disk %u: descriptor flags 0x%x", queue->device->number, flags);
                if (flags & VIRTQ_DESC_F_INDIRECT) {
                        ring_check_indirect(queue, request, descriptor, flags);
                        follow(queue, request, descriptor->address, descriptor->length / sizeof *descriptor, 0, true);
                        return;
                }
                ring_add_segment(request, descriptor, flags);
                if (!(flags & VIRTQ_DESC_F_NEXT))
                        return;
                at = descriptor->next;
        }
}

static void walk(struct queue *queue, struct request *request)
{
        follow(queue, request, queue->descriptors, queue->size, request->id, false);
}

static bool take(struct queue *queue, struct request *request)
{
        uint16_t idx = avail_word(queue, 1);

        if ((uint16_t)(idx - queue->taken) > queue->size)
                host_fail("disk %u: avail.idx jumps from %u to %u", queue->device->number, queue->taken, idx);
        if (idx == queue->taken)
                return false;
        *request = (struct request){ .id = avail_word(queue, 2u + queue->taken++ % queue->size), .places = 1 };
        return true;
}

static void use(struct queue *queue, uint32_t id, uint32_t length, uint16_t places)
{
        struct virtq_used_element *element = &used_of(queue)->ring[queue->used % queue->size];

        (void)places;
        ram_store(&element->id, id, sizeof element->id, true);
        ram_store(&element->len, length, sizeof element->len, true);
        ram_store_now(&used_of(queue)->idx, ++queue->used, sizeof(uint16_t));
}

static bool wants_interrupt(struct queue *queue)
{
        uint16_t event = avail_word(queue, 2u + queue->size);
        bool wanted = avail_word(queue, 0) == 0;

        if (ring_has_event_idx(queue))
                for (wanted = false; queue->signalled != queue->used; queue->signalled++)
                        wanted = wanted || queue->signalled == event;
        queue->signalled = queue->used;
        return wanted;
}

static void wish(struct queue *queue, enum wish wish)
{
        volatile uint16_t *event = (void *)&used_of(queue)->ring[queue->size];

        if (!ring_has_event_idx(queue))
                ram_store_now(&used_of(queue)->flags, wish == WISH_NONE ? USED_F_NO_NOTIFY : 0, sizeof(uint16_t));
        else if (wish != WISH_NONE)
                ram_store_now(event, queue->taken, sizeof(uint16_t));
}

/* used.idx runs ahead: what is in the ring there has been answered now, whatever it is. */
static void jump(struct queue *queue, unsigned places)
{
        for (; places > 0; places--, queue->used++)
                ring_forget(queue, used_of(queue)->ring[queue->used % queue->size].id);
        ram_store_now(&used_of(queue)->idx, queue->used, sizeof(uint16_t));
}

static void lie_wish(struct queue *queue, uint32_t value)
{
        ram_store_now(&used_of(queue)->flags, value & 3, sizeof(uint16_t));
        ram_store_now(&used_of(queue)->ring[queue->size], value >> 8, sizeof(uint16_t));
}

static void scribble(struct queue *queue)
{
        ram_scribble(queue->descriptors, 16u * queue->size);
        ram_scribble(queue->driver_area, 6 + 2u * queue->size);
}

const struct ring_model split_ring = {
        .check = check, .take = take, .walk = walk, .use = use, .wants_interrupt = wants_interrupt, .wish = wish,
        .jump = jump, .lie_wish = lie_wish, .scribble = scribble,
};
