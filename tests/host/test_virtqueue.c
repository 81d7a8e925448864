/* SPDX-License-Identifier: MIT */
/* sources: drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c tests/host/ring.c */
/* test_virtqueue.c - what the ring looks like and how it goes round, with a device that keeps to the rules. */
#include <errno.h>
#include <stdlib.h>

#include "ring.h"
#include "testing.h"
#include "util.h"

/* Worked out by hand from virtio 1.2, 2.7.2: 16 n; plus 6 + 2 n, up to the next 4096; plus 6 + 8 n. */
static const struct {
        unsigned size, avail, used, bytes;
} layouts[] = {
        { 1, 16, 4096, 4110 },            { 2, 32, 4096, 4118 },
        { 4, 64, 4096, 4134 },            { 8, 128, 4096, 4166 },
        { 16, 256, 4096, 4230 },          { 32, 512, 4096, 4358 },
        { 64, 1024, 4096, 4614 },         { 128, 2048, 4096, 5126 },
        { 256, 4096, 8192, 10246 },       { 512, 8192, 12288, 16390 },
        { 1024, 16384, 20480, 28678 },    { 2048, 32768, 40960, 57350 },
        { 4096, 65536, 77824, 110598 },   { 8192, 131072, 151552, 217094 },
        { 16384, 262144, 299008, 430086 }, { 32768, 524288, 593920, 856070 },
};

static void layout_is_that_of_2_7_2(void **state)
{
        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++) {
                struct ring ring;
                uintptr_t base;

                ring_make(&ring, (uint16_t)layouts[i].size, 1, false, i % 2 != 0);
                base = (uintptr_t)ring.memory;
                assert_int_equal(virtq_ring_bytes(&ring.queue.layout), layouts[i].bytes);
                assert_int_equal((uintptr_t)ring.queue.descriptors, base);
                assert_int_equal((uintptr_t)ring_avail(&ring), base + layouts[i].avail);
                assert_int_equal((uintptr_t)ring_used(&ring), base + layouts[i].used);
                /* 2.7.1 */
                assert_int_equal((uintptr_t)ring.queue.descriptors % 16, 0);
                assert_int_equal((uintptr_t)ring_avail(&ring) % 2, 0);
                assert_int_equal((uintptr_t)ring_used(&ring) % 4, 0);
                ring_free(&ring);
        }
}

static void assert_zero(const void *memory, size_t from, size_t to)
{
        for (size_t at = from; at < to; at++)
                if (((const uint8_t *)memory)[at] != 0)
                        fail_msg("byte %zu of %zu is not zero", at, to);
}

/* All is zero but what a seat never changes: its links, and the way to its table. */
static void check_cleared(struct ring *ring)
{
        const struct virtq_layout *layout = &ring->queue.layout;
        const struct virtq_descriptor *table = ring->memory;

        assert_zero(ring->memory, layout->size * sizeof *table, virtq_ring_bytes(layout));
        for (unsigned i = 0; i < layout->size; i++) {
                assert_int_equal(table[i].length, 0);
                assert_int_equal(table[i].flags, layout->indirect ? VIRTQ_DESC_F_INDIRECT : 0);
                if (layout->indirect) {
                        assert_int_equal(table[i].next, 0);
                        assert_int_equal(table[i].address % 16, 0);
                        assert_in_range(table[i].address, (uintptr_t)ring->private,
                                        (uintptr_t)ring->private + virtq_table_bytes(layout) -
                                                layout->segments * sizeof *table);
                        assert_true(i == 0 ||
                                    table[i].address >= table[i - 1].address + layout->segments * sizeof *table);
                } else {
                        assert_int_equal(table[i].address, 0);
                }
        }
}

static void init_clears_poisoned_memory(void **state)
{
        (void)state;
        for (uint16_t size = 1; size <= 1024; size *= 2)
                for (unsigned indirect = 0; indirect < 2; indirect++)
                        for (uint16_t segments = 1; segments <= 4 && segments <= size; segments++) {
                                struct ring ring;

                                ring_make(&ring, size, segments, indirect != 0, true);
                                check_cleared(&ring);
                                ring_free(&ring);
                        }
}

static void impossible_sizes_are_refused(void **state)
{
        static const struct virtq_layout bad[] = {
                { 0, 1, false, false, false },     { 3, 1, false, false, false },    { 5, 1, true, false, false },
                { 32767, 1, false, false, false }, { 32769, 1, true, false, false }, { 49152, 1, false, false, true },
                { 65535, 1, true, false, true },   { 1, 2, false, false, false },    { 2, 3, false, true, true },
                { 4, 5, false, false, true },      { 32768, 32769, false, false, false },
                /* A chain in a table is no longer than the queue either (2.7.5.3.1). */
                { 1, 2, true, false, false },      { 2, 3, true, true, true },       { 4, 5, true, false, true },
        };
        static _Alignas(4096) uint8_t ring[4096], private[4096]; /* too small for any of them: nothing may be written */
        struct virtq queue;

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
                memset(ring, 0xA5, sizeof ring);
                memset(private, 0xA5, sizeof private);
                assert_int_equal(virtq_init(&queue, &bad[i], ring, private), -EINVAL);
                for (unsigned j = 0; j < sizeof ring; j++)
                        assert_true(ring[j] == 0xA5 && private[j] == 0xA5);
        }
}

static void seats_are_unique_and_all_there(void **state)
{
        static const struct {
                uint16_t size, segments, indirect, seats;
        } table[] = { { 1, 1, 0, 1 },   { 1, 1, 1, 1 },        { 4, 3, 1, 4 },     { 4, 3, 0, 1 },
                      { 8, 3, 0, 2 },   { 256, 3, 0, 85 },     { 256, 3, 1, 256 }, { 1024, 3, 0, 341 },
                      { 16, 16, 0, 1 }, { 32768, 1, 0, 32768 } };
        static uint8_t seen[32768];

        (void)state;
        host.points_max = UINT64_MAX;
        for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
                struct ring ring;

                ring_make(&ring, table[i].size, table[i].segments, table[i].indirect != 0, false);
                assert_int_equal(ring.queue.seats, table[i].seats);
                memset(seen, 0, sizeof seen);
                for (unsigned seat = 0; seat < table[i].seats; seat++) {
                        int taken = virtq_take_seat(&ring.queue);

                        assert_in_range(taken, 0, table[i].seats - 1);
                        assert_int_equal(seen[taken]++, 0);
                }
                for (unsigned seat = 0; seat < 3; seat++)
                        assert_int_equal(virtq_take_seat(&ring.queue), VIRTQ_NO_SEAT);
                ring_free(&ring);
        }
}

/* The device must find what was described, at its place, and nothing of a longer request that was there before. */
static void check_request(struct ring *ring, int seat, unsigned segments)
{
        struct virtq_descriptor found[RING_SEGMENTS_MAX];

        assert_true(virtq_publish(&ring->queue));
        int head = ring_take(ring);

        assert_int_equal(ring_walk(ring, head, found), segments);
        for (unsigned i = 0; i < segments; i++) {
                struct virtq_descriptor expected = ring_segment(seat, i);

                assert_int_equal(found[i].address, expected.address);
                assert_int_equal(found[i].length, expected.length);
                assert_int_equal(found[i].flags & VIRTQ_DESC_F_WRITE, i > 0 ? VIRTQ_DESC_F_WRITE : 0);
        }
        if (ring->queue.layout.indirect && !ring->queue.layout.packed)
                assert_int_equal(ring->queue.descriptors[head].length, segments * 16);
        ring_use(ring, (uint32_t)head, 0);
        assert_int_equal(virtq_pop_used(&ring->queue, NULL), seat);
        virtq_release(&ring->queue, (uint16_t)seat);
}

static void device_finds_what_was_described(void **state)
{
        (void)state;
        for (unsigned indirect = 0; indirect < 2; indirect++) {
                struct ring ring;

                ring_make(&ring, 32, 5, indirect != 0, false);
                for (unsigned i = 0; i < 200; i++) {
                        unsigned segments = 1 + ring_random() % 5;

                        check_request(&ring, ring_add(&ring, segments, 0), segments);
                }
                ring_free(&ring);
        }
}

/* What is in flight in the tour below, by head. */
struct tour {
        struct ring ring;
        unsigned segments, in_flight;
        int heads[1024];
        struct {
                int seat;
                uint32_t writable;
        } expected[1024];
};

static void tour_submit(struct tour *tour)
{
        unsigned batch = 1 + ring_random() % 8;

        while (batch-- > 0) {
                uint32_t writable = ring_random() % 5000;
                int seat = ring_add(&tour->ring, 1 + ring_random() % tour->segments, writable);

                if (seat < 0) {
                        assert_int_equal(tour->in_flight, tour->ring.queue.seats);
                        break;
                }
                assert_int_equal(ring_take(&tour->ring), -1); /* not before it is published */
                virtq_publish(&tour->ring.queue);

                int head = ring_take(&tour->ring);

                assert_in_range(head, 0, tour->ring.queue.layout.size - 1);
                tour->expected[head].seat = seat;
                tour->expected[head].writable = writable;
                tour->heads[tour->in_flight++] = head;
        }
        assert_int_equal(ring_take(&tour->ring), -1);
}

/* The device answers in any order, and says that it wrote anything. */
static unsigned tour_complete(struct tour *tour)
{
        unsigned count = ring_random() % (tour->in_flight + 1);

        for (unsigned i = 0; i < count; i++) {
                unsigned which = ring_random() % tour->in_flight;
                int head = tour->heads[which];
                uint32_t says = ring_random() % 3 ? ring_random() % 6000 : UINT32_MAX, written;
                uint32_t writable = tour->expected[head].writable;

                tour->heads[which] = tour->heads[--tour->in_flight];
                ring_use(&tour->ring, (uint32_t)head, says);
                if (ring_random() % 4 == 0)
                        assert_int_equal(virtq_pop_used(&tour->ring.queue, NULL), tour->expected[head].seat);
                else {
                        assert_int_equal(virtq_pop_used(&tour->ring.queue, &written), tour->expected[head].seat);
                        assert_int_equal(written, says < writable ? says : writable);
                }
                virtq_release(&tour->ring.queue, (uint16_t)tour->expected[head].seat);
        }
        assert_int_equal(virtq_pop_used(&tour->ring.queue, NULL), -1);
        assert_null(tour->ring.queue.broken);
        return count;
}

/* More than three times round the 16 bits of the indices. */
static void tour_around(uint16_t size, uint16_t segments, bool indirect, bool event_idx)
{
        static struct tour tour;
        unsigned done = 0;

        tour = (struct tour){ .segments = segments };
        ring_make(&tour.ring, size, segments, indirect, event_idx);
        while (done <= 3 * 65536 + 5) {
                tour_submit(&tour);
                done += tour_complete(&tour);
                if (event_idx) /* asked for with nothing left to pop: an interrupt for the very next */
                        assert_true(ring_interrupt_is_next(&tour.ring));
                if (!tour.ring.queue.layout.packed)
                        assert_int_equal(ring_avail(&tour.ring)->flags, 0);
        }
        assert_int_equal((uint16_t)(tour.ring.taken - tour.ring.used), tour.in_flight);
        ring_free(&tour.ring);
}

static void indices_wrap_direct(void **state)
{
        (void)state;
        host.points_max = UINT64_MAX;
        tour_around(1, 1, false, false);
        tour_around(4, 3, false, true);
        tour_around(8, 3, false, true);
        tour_around(64, 3, false, false);
        tour_around(1024, 1, false, true);
}

static void indices_wrap_indirect(void **state)
{
        (void)state;
        host.points_max = UINT64_MAX;
        tour_around(1, 1, true, true);
        tour_around(4, 3, true, false);
        tour_around(128, 3, true, true);
        tour_around(1024, 4, true, false);
}

/* A full ring of the largest size, twice over the 16 bits, given back in reverse. */
static void full_ring_of_the_largest_size(void **state)
{
        static int heads[32768], seats[32768];
        struct ring ring;

        (void)state;
        host.points_max = UINT64_MAX;
        ring_make(&ring, 32768, 1, false, true);
        for (unsigned round = 0; round < 5; round++) {
                for (unsigned i = 0; i < 32768; i++)
                        assert_in_range(seats[i] = ring_add(&ring, 1, 1), 0, 32767);
                assert_int_equal(ring_add(&ring, 1, 1), -1);
                assert_true(virtq_publish(&ring.queue) || round > 0);
                for (unsigned i = 0; i < 32768; i++)
                        assert_int_equal(heads[i] = ring_take(&ring), seats[i]);
                for (unsigned i = 32768; i-- > 0;)
                        ring_use(&ring, (uint32_t)heads[i], 1);
                for (unsigned i = 32768; i-- > 0;) {
                        assert_int_equal(virtq_pop_used(&ring.queue, NULL), seats[i]);
                        virtq_release(&ring.queue, (uint16_t)seats[i]);
                }
                assert_int_equal(virtq_pop_used(&ring.queue, NULL), -1);
                assert_null(ring.queue.broken);
        }
        ring_free(&ring);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST_SPLIT(layout_is_that_of_2_7_2),
                TEST_SPLIT(init_clears_poisoned_memory),
                TEST_SPLIT(impossible_sizes_are_refused),
                TEST_BOTH(seats_are_unique_and_all_there),
                TEST_BOTH(device_finds_what_was_described),
                TEST_BOTH(indices_wrap_direct),
                TEST_BOTH(indices_wrap_indirect),
                TEST_BOTH(full_ring_of_the_largest_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
