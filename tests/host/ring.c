/* SPDX-License-Identifier: MIT */
/* ring.c - the device's end of a virtqueue, and exactly sized memory for it. */
#include "ring.h"

#include <stdlib.h>

#include "testing.h"

enum { POISON = 0xA5 };

void ring_reset(struct ring *ring)
{
        struct virtq_layout layout = ring->queue.layout;

        memset(ring->memory, POISON, virtq_ring_bytes(&layout));
        memset(ring->private, POISON, virtq_table_bytes(&layout));
        assert_int_equal(virtq_init(&ring->queue, &layout, ring->memory, ring->private), 0);
        ring->taken = ring->used = 0;
}

void ring_make(struct ring *ring, uint16_t size, uint16_t segments, bool indirect, bool event_idx)
{
        struct virtq_layout layout = { size, segments, indirect, event_idx };

        *ring = (struct ring){ .queue.layout = layout };
        assert_int_equal(posix_memalign(&ring->memory, VIRTQ_RING_ALIGN, virtq_ring_bytes(&layout)), 0);
        assert_int_equal(posix_memalign(&ring->private, 16, virtq_table_bytes(&layout)), 0);
        ring_reset(ring);
}

void ring_free(struct ring *ring)
{
        free(ring->memory);
        free(ring->private);
}

struct virtq_descriptor ring_segment(int seat, unsigned index)
{
        return (struct virtq_descriptor){ .address = 0x123400000000u + (unsigned)seat * 0x10000u + index * 0x1000u,
                                          .length = 1000 + (unsigned)seat * 10 + index };
}

int ring_add(struct ring *ring, unsigned segments, uint32_t writable)
{
        int seat = virtq_take_seat(&ring->queue);

        for (unsigned i = 0; seat >= 0 && i < segments; i++) {
                struct virtq_descriptor segment = ring_segment(seat, i);
                unsigned flags = (i + 1 < segments ? VIRTQ_DESC_F_NEXT : 0u) | (i > 0 ? VIRTQ_DESC_F_WRITE : 0u);

                virtq_segment(&ring->queue, (uint16_t)seat, i, (const void *)(uintptr_t)segment.address, segment.length,
                              (uint16_t)flags);
        }
        if (seat >= 0)
                virtq_add(&ring->queue, (uint16_t)seat, segments, writable);
        return seat;
}

int ring_take(struct ring *ring)
{
        const struct virtq_avail *avail = ring_avail(ring);

        if (ring->taken == avail->idx)
                return -1;
        return avail->ring[ring->taken++ % ring->queue.layout.size];
}

void ring_fill_used(struct ring *ring, unsigned ahead, uint32_t id, uint32_t length)
{
        struct virtq_used_element *element =
                &ring_used(ring)->ring[(ring->used + ahead) % ring->queue.layout.size];

        *element = (struct virtq_used_element){ .id = id, .len = length };
}

void ring_use(struct ring *ring, uint32_t id, uint32_t length)
{
        ring_fill_used(ring, 0, id, length);
        ring_used(ring)->idx = ++ring->used;
}

unsigned ring_walk(const struct ring *ring, int head, struct virtq_descriptor segments[RING_SEGMENTS_MAX])
{
        const struct virtq_descriptor *table = ring->memory;
        unsigned entries = ring->queue.layout.size, count = 0, at = (unsigned)head;
        bool writes = false;

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
                /* What the device writes follows all that it reads (2.7.4.2). */
                assert_true(!writes || (table[at].flags & VIRTQ_DESC_F_WRITE));
                writes = (table[at].flags & VIRTQ_DESC_F_WRITE) != 0;
                segments[count++] = table[at];
                if (!(table[at].flags & VIRTQ_DESC_F_NEXT))
                        return count;
        }
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
