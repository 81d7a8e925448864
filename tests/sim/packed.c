/* SPDX-License-Identifier: MIT */
/* packed.c - the device's end of a packed ring (2.8). Places are counted through 16 bits; a lap is `size` of them. */
#include "ring.h"

enum { AVAIL = 1 << 7, USED = 1 << 15, EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };

static bool wrap_counter(const struct queue *queue, uint16_t place) { return (place & queue->size) == 0; }

static uint16_t off_wrap(const struct queue *queue, uint16_t place)
{
        return (uint16_t)(place % queue->size | (wrap_counter(queue, place) ? 1u << 15 : 0));
}

static struct virtq_descriptor *at(const struct queue *queue, uint16_t place)
{
        return (struct virtq_descriptor *)(uintptr_t)queue->descriptors + place % queue->size;
}

static void check(struct queue *queue)
{
        ring_adopt(queue, queue->descriptors, 16u * queue->size, 16);
        ring_adopt(queue, queue->driver_area, 4, 4);
        ring_adopt(queue, queue->device_area, 4, 4);
        for (unsigned i = 0; i < queue->size; i++)
                if (at(queue, (uint16_t)i)->packed.flags != 0)
                        host_fail("disk %u: a ring is handed over that is not empty", queue->device->number);
}

static const struct virtq_descriptor *available(struct queue *queue, uint16_t place)
{
        const struct virtq_descriptor *descriptor = ring_descriptor(queue, queue->descriptors, queue->size, place % queue->size);
        bool wrap = wrap_counter(queue, place);

        return ((descriptor->packed.flags & AVAIL) != 0) == wrap && ((descriptor->packed.flags & USED) != 0) != wrap
                       ? descriptor : NULL;
}

static bool take(struct queue *queue, struct request *request)
{
        const struct virtq_descriptor *descriptor = available(queue, queue->taken);

        if (!descriptor)
                return false;
        *request = (struct request){ .place = queue->taken };
        for (bool more = true; more; request->places++) {
                descriptor = available(queue, (uint16_t)(queue->taken + request->places));
                if (!descriptor && queue->device->has_lied) /* a used entry in a wrong place may lie over it */
                        return false;
                if (!descriptor || request->places == queue->size)
                        host_fail("disk %u: a list is shown before all of it is there", queue->device->number);
                more = (descriptor->packed.flags & VIRTQ_DESC_F_NEXT) != 0;
        }
        request->id = descriptor->packed.id;
        queue->taken = (uint16_t)(queue->taken + request->places);
        return true;
}

/* Its table, or the list in the ring: which is the driver's no more, but the device itself may write over it (2.8.8). */
static void walk(struct queue *queue, struct request *request)
{
        const struct virtq_descriptor *first = ring_descriptor(queue, queue->descriptors, queue->size, request->place % queue->size);

        if (request->table == 0 && (first->packed.flags & VIRTQ_DESC_F_INDIRECT))
                ring_check_indirect(queue, request, first, first->packed.flags & (uint16_t)~(AVAIL | USED));
        for (unsigned i = 0; i < request->entries; i++) {
                const struct virtq_descriptor *one = ring_descriptor(queue, request->table, request->entries, i);

                if ((one->packed.flags & ~VIRTQ_DESC_F_WRITE) != 0) /* 2.8.19 */
                        host_fail("disk %u: a table's descriptor has flags 0x%x", queue->device->number, one->packed.flags);
                ring_add_segment(request, one, one->packed.flags);
        }
        if (request->table != 0)
                return;
        for (uint16_t i = 0; i < request->places; i++) {
                const struct virtq_descriptor *one = ring_descriptor(queue, queue->descriptors, queue->size,
                                                                     (uint16_t)(request->place + i) % queue->size);

                ring_add_segment(request, one, one->packed.flags & VIRTQ_DESC_F_WRITE);
        }
}

static void show_used(struct queue *queue, uint32_t length)
{
        uint16_t flags = wrap_counter(queue, queue->used) ? AVAIL | USED : 0;

        ram_store_now(&at(queue, queue->used)->packed.flags, flags | (length ? VIRTQ_DESC_F_WRITE : 0u), sizeof(uint16_t));
}

/* After a lie its places may not add up: it still writes over none that it has not taken, or its own requests would be garbage. */
static bool owns(const struct queue *queue, unsigned places) { return (uint16_t)(queue->taken - queue->used) >= places; }

static void use(struct queue *queue, uint32_t id, uint32_t length, uint16_t places)
{
        if (!owns(queue, places))
                return;
        ram_store(&at(queue, queue->used)->packed.id, id, sizeof(uint16_t), true);
        ram_store(&at(queue, queue->used)->length, length, sizeof(uint32_t), true);
        show_used(queue, length);
        queue->used = (uint16_t)(queue->used + places);
}

static bool wants_interrupt(struct queue *queue)
{
        const uint16_t *event = ram_seen(queue->driver_area, 4, 4);
        bool wanted = event[1] == EVENT_ENABLE;

        if (event[1] == EVENT_DESC && ring_has_event_idx(queue))
                for (wanted = false; queue->signalled != queue->used; queue->signalled++)
                        wanted = wanted || off_wrap(queue, queue->signalled) == event[0];
        queue->signalled = queue->used;
        return wanted;
}

/* Where it is, before what is to be done with it (2.8.10). */
static void wish(struct queue *queue, enum wish wish)
{
        bool next = wish == WISH_NEXT && ring_has_event_idx(queue);
        uint16_t flags = wish == WISH_NONE ? EVENT_DISABLE : next ? EVENT_DESC : EVENT_ENABLE;

        ram_store_now((void *)(uintptr_t)queue->device_area, (uint32_t)flags << 16 | (next ? off_wrap(queue, queue->taken) : 0u),
                         sizeof(uint32_t));
}

/* The next descriptors are marked as used, with whatever ids they have. */
static void jump(struct queue *queue, unsigned places)
{
        for (; places > 0 && owns(queue, 1); places--) {
                uint16_t skipped = ring_forget(queue, at(queue, queue->used)->packed.id);

                show_used(queue, 0);
                queue->used = (uint16_t)(queue->used + skipped);
        }
}

static void lie_wish(struct queue *queue, uint32_t value)
{
        ram_store_now((void *)(uintptr_t)queue->device_area, value, sizeof(uint32_t));
}

static void scribble(struct queue *queue) { ram_scribble(queue->driver_area, 4); }

const struct ring_model packed_ring = {
        .check = check, .take = take, .walk = walk, .use = use, .wants_interrupt = wants_interrupt, .wish = wish,
        .jump = jump, .lie_wish = lie_wish, .scribble = scribble,
};
