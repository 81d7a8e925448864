/* SPDX-License-Identifier: MIT */
/* ring.c - the device's end of a virtqueue, and exactly sized memory for it. */
#include "ring.h"

#include <stdlib.h>

#include "testing.h"

enum { POISON = 0xA5, AVAIL = 1 << 7, USED = 1 << 15, EVENT_DESC = 2 };

static bool packed;

int ring_split(void **state)
{
        packed = false;
        return host_setup(state);
}

int ring_packed(void **state)
{
        packed = true;
        return host_setup(state);
}

void ring_reset(struct ring *ring)
{
        struct virtq_layout layout = ring->queue.layout;

        memset(ring->memory, POISON, virtq_ring_bytes(&layout));
        memset(ring->private, POISON, virtq_table_bytes(&layout));
        memset(ring->lists, 0, layout.size * sizeof *ring->lists);
        assert_int_equal(virtq_init(&ring->queue, &layout, ring->memory, ring->private), 0);
        ring->taken = ring->used = 0;
        ring->next_avail = ring->next_used = (struct ring_place){ 0, true };
}

void ring_make(struct ring *ring, uint16_t size, uint16_t segments, bool indirect, bool event_idx)
{
        struct virtq_layout layout = { size, segments, indirect, event_idx, packed };

        *ring = (struct ring){ .queue.layout = layout, .lists = malloc(size * sizeof *ring->lists) };
        assert_int_equal(posix_memalign(&ring->memory, VIRTQ_RING_ALIGN, virtq_ring_bytes(&layout)), 0);
        assert_int_equal(posix_memalign(&ring->private, 16, virtq_table_bytes(&layout)), 0);
        ring_reset(ring);
}

void ring_free(struct ring *ring)
{
        free(ring->memory);
        free(ring->private);
        free(ring->lists);
}

struct virtq_descriptor ring_segment(int seat, unsigned index)
{
        return (struct virtq_descriptor){ .address = 0x123400000000u + (unsigned)seat * 0x10000u + index * 0x1000u,
                                          .length = 1000 + (unsigned)seat * 10 + index };
}

int ring_add(struct ring *ring, unsigned segments, uint32_t writable)
{
        uint16_t seat = virtq_take_seat(&ring->queue);

        if (seat == VIRTQ_NO_SEAT)
                return -1;
        for (unsigned i = 0; i < segments; i++) {
                struct virtq_descriptor segment = ring_segment(seat, i);
                unsigned flags = (i + 1 < segments ? VIRTQ_DESC_F_NEXT : 0u) | (i > 0 ? VIRTQ_DESC_F_WRITE : 0u);

                virtq_segment(&ring->queue, seat, i, (const void *)(uintptr_t)segment.address, segment.length,
                              (uint16_t)flags);
        }
        virtq_add(&ring->queue, seat, segments, writable);
        return seat;
}

static struct ring_place after(const struct ring *ring, struct ring_place place)
{
        bool last = place.at + 1 == ring->queue.layout.size;

        return (struct ring_place){ last ? 0 : place.at + 1, place.wrap != last };
}

static bool is_available(const struct virtq_descriptor *descriptor, bool wrap)
{
        return ((descriptor->packed.flags & AVAIL) != 0) == wrap && ((descriptor->packed.flags & USED) != 0) != wrap;
}

static int take_packed(struct ring *ring)
{
        const struct virtq_descriptor *descriptor = ring->memory;
        struct ring_place place = ring->next_avail;
        unsigned count = 0;

        if (!is_available(&descriptor[place.at], place.wrap))
                return -1;
        for (bool more = true; more; place = after(ring, place)) {
                assert_in_range(++count, 1, ring->queue.layout.size);
                assert_true(is_available(&descriptor[place.at], place.wrap));
                more = (descriptor[place.at].packed.flags & VIRTQ_DESC_F_NEXT) != 0;
        }

        unsigned last = (place.at - 1) & (ring->queue.layout.size - 1u), id = descriptor[last].packed.id;

        assert_in_range(id, 0, ring->queue.layout.size - 1);
        ring->lists[id] = (struct ring_list){ ring->next_avail.at, count };
        ring->next_avail = place;
        ring->taken++;
        return (int)id;
}

int ring_take(struct ring *ring)
{
        if (ring->queue.layout.packed)
                return take_packed(ring);
        if (ring->taken == ring_avail(ring)->idx)
                return -1;
        return ring_avail(ring)->ring[ring->taken++ % ring->queue.layout.size];
}

void ring_fill_used(struct ring *ring, unsigned ahead, uint32_t id, uint32_t length)
{
        unsigned size = ring->queue.layout.size;
        struct virtq_descriptor *descriptor = ring->memory;

        if (ring->queue.layout.packed) {
                descriptor[(ring->next_used.at + ahead) % size].packed.id = (uint16_t)id;
                descriptor[(ring->next_used.at + ahead) % size].length = length;
        } else {
                ring_used(ring)->ring[(ring->used + ahead) % size] = (struct virtq_used_element){ id, length };
        }
}

bool ring_interrupt_is_next(const struct ring *ring)
{
        const uint16_t *wish = ring->queue.driver_area;

        if (!ring->queue.layout.packed)
                return *ring_used_event(ring) == ring->used;
        assert_int_equal(wish[1], EVENT_DESC);
        return wish[0] == (ring->next_used.at | (unsigned)ring->next_used.wrap << 15);
}

/* One descriptor for all of the request; the device goes on after as many as it took (2.8.8). */
static bool use_packed(struct ring *ring, uint32_t id)
{
        unsigned count = id < ring->queue.layout.size && ring->lists[id].count ? ring->lists[id].count : 1;
        struct virtq_descriptor *descriptor = ring->memory;
        bool interrupt = false;

        descriptor[ring->next_used.at].packed.flags = ring->next_used.wrap ? AVAIL | USED | VIRTQ_DESC_F_WRITE : 0;
        for (; count > 0; count--) {
                interrupt = interrupt || (ring->queue.layout.event_idx && ring_interrupt_is_next(ring));
                ring->next_used = after(ring, ring->next_used);
        }
        ring->used++;
        return interrupt;
}

bool ring_use(struct ring *ring, uint32_t id, uint32_t length)
{
        bool interrupt = !ring->queue.layout.packed && ring_interrupt_is_next(ring);

        ring_fill_used(ring, 0, id, length);
        if (ring->queue.layout.packed)
                return use_packed(ring, id);
        ring_used(ring)->idx = ++ring->used;
        return interrupt;
}

static unsigned walk_packed(const struct ring *ring, int id, struct virtq_descriptor segments[RING_SEGMENTS_MAX])
{
        struct ring_list list = ring->lists[id];
        const struct virtq_descriptor *table = ring->memory;
        unsigned mask = ring->queue.layout.size - 1u, strange = ~(unsigned)(AVAIL | USED | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_NEXT);

        if (table[list.first].packed.flags & VIRTQ_DESC_F_INDIRECT) {
                assert_true(ring->queue.layout.indirect);
                assert_int_equal(list.count, 1);
                list.count = table[list.first].length / sizeof *table;
                table = (const void *)(uintptr_t)table[list.first].address;
                list.first = 0;
                strange = ~(unsigned)VIRTQ_DESC_F_WRITE; /* 2.8.19 */
                mask = ~0u;
        }
        for (unsigned i = 0; i < list.count; i++) {
                assert_in_range(i, 0, RING_SEGMENTS_MAX - 1);
                segments[i] = table[(list.first + i) & mask];
                segments[i].flags = segments[i].packed.flags;
                assert_int_equal(segments[i].flags & strange, 0);
        }
        return list.count;
}

static unsigned walk_split(const struct ring *ring, int head, struct virtq_descriptor segments[RING_SEGMENTS_MAX])
{
        const struct virtq_descriptor *table = ring->memory;
        unsigned entries = ring->queue.layout.size, count = 0, at = (unsigned)head;

        assert_in_range(head, 0, entries - 1);
        if (table[at].flags & VIRTQ_DESC_F_INDIRECT) {
                assert_true(ring->queue.layout.indirect);
                assert_int_equal(table[at].flags & VIRTQ_DESC_F_NEXT, 0);
                assert_int_equal(table[at].length % sizeof *table, 0);
                entries = table[at].length / sizeof *table;
                table = (const void *)(uintptr_t)table[at].address;
                at = 0;
        }
        for (;; at = table[at].next) {
                assert_in_range(at, 0, entries - 1);
                assert_in_range(count, 0, RING_SEGMENTS_MAX - 1);
                assert_int_equal(table[at].flags & VIRTQ_DESC_F_INDIRECT, 0);
                segments[count++] = table[at];
                if (!(table[at].flags & VIRTQ_DESC_F_NEXT))
                        return count;
        }
}

unsigned ring_walk(const struct ring *ring, int id, struct virtq_descriptor segments[RING_SEGMENTS_MAX])
{
        unsigned count = ring->queue.layout.packed ? walk_packed(ring, id, segments) : walk_split(ring, id, segments);

        /* What the device writes follows all that it reads (2.7.4.2, 2.8.5). */
        for (unsigned i = 1; i < count; i++)
                assert_true(!(segments[i - 1].flags & VIRTQ_DESC_F_WRITE) || (segments[i].flags & VIRTQ_DESC_F_WRITE));
        return count;
}

struct virtq_avail *ring_avail(const struct ring *ring) { return ring->queue.driver_area; }

struct virtq_used *ring_used(const struct ring *ring) { return ring->queue.device_area; }

uint16_t *ring_used_event(const struct ring *ring) { return &ring_avail(ring)->ring[ring->queue.layout.size]; }

uint16_t *ring_avail_event(const struct ring *ring)
{
        return (uint16_t *)(void *)&ring_used(ring)->ring[ring->queue.layout.size];
}

uint32_t ring_random(void)
{
        static uint64_t state = 1;

        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(state >> 33);
}
