/* SPDX-License-Identifier: MIT */
/* sources: drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c tests/host/ring.c */
/*
 * test_virtqueue_packed.c - what only a packed ring has: flags that say whose a descriptor is, wrap
 * counters, and wishes about events in areas of their own (virtio 1.2, 2.8).
 */
#include "ring.h"
#include "testing.h"
#include "util.h"

static struct ring ring;

static uint16_t *flags_at(unsigned place) { return &ring.queue.descriptors[place].packed.flags; }

static uint16_t *driver_wish(void) { return ring.queue.driver_area; }

static uint16_t *device_wish(void) { return ring.queue.device_area; }

/* The device answers all that it was shown, and the driver takes it back. */
static void answer_all(void)
{
        int id, seat;

        while ((id = ring_take(&ring)) >= 0)
                ring_use(&ring, (uint32_t)id, 0);
        while ((seat = virtq_pop_used(&ring.queue, NULL)) >= 0)
                virtq_release(&ring.queue, (uint16_t)seat);
        assert_null(ring.queue.broken);
}

static void areas_follow_the_descriptors(void **state)
{
        (void)state;
        host.points_max = UINT64_MAX;
        for (unsigned size = 1; size <= 32768; size *= 2)
                for (unsigned kind = 0; kind < 4; kind++) {
                        ring_make(&ring, (uint16_t)size, 1, (kind & 1) != 0, (kind & 2) != 0);
                        assert_int_equal(virtq_ring_bytes(&ring.queue.layout), 16 * size + 8);
                        assert_ptr_equal(ring.queue.descriptors, ring.memory);
                        assert_ptr_equal(driver_wish(), (char *)ring.memory + 16 * size);
                        assert_ptr_equal(device_wish(), (char *)ring.memory + 16 * size + 4);
                        for (unsigned i = 0; i < 2 * size; i++) /* nothing is available, nothing used */
                                assert_int_equal(((uint64_t *)ring.memory)[i], 0);
                        assert_int_equal(driver_wish()[0], 0x8000); /* the very first, in the first lap */
                        assert_int_equal(driver_wish()[1], kind & 2 ? 2 : 0);
                        assert_int_equal(device_wish()[0] | device_wish()[1], 0);
                        ring_free(&ring);
                }
}

/* A batch of lists: the device sees nothing before it is published, and then all of it, in order. */
static void nothing_is_seen_before_it_is_published(void **state)
{
        static const unsigned segments[] = { 3, 1, 2, 3, 2, 1, 1, 3 };

        (void)state;
        host.points_max = UINT64_MAX;
        for (unsigned direct = 0; direct < 2; direct++) {
                ring_make(&ring, 32, 3, !direct, false);
                for (unsigned round = 0; round < 200; round++) {
                        int seats[8];
                        unsigned batch = 1 + round % 8;

                        for (unsigned i = 0; i < batch; i++) {
                                seats[i] = ring_add(&ring, segments[(round + i) % 8], 0);
                                assert_in_range(seats[i], 0, 31);
                                assert_int_equal(ring_take(&ring), -1);
                        }
                        assert_true(virtq_publish(&ring.queue));
                        for (unsigned i = 0; i < batch; i++) {
                                int id = ring_take(&ring);

                                assert_int_equal(id, seats[i]);
                                assert_int_equal(ring.lists[id].count, direct ? segments[(round + i) % 8] : 1);
                                ring_use(&ring, (uint32_t)id, 0);
                        }
                        answer_all();
                }
                ring_free(&ring);
        }
}

/* The stores and fences in order, as letters: of descriptors, of the first one's flags, of the driver's wish. */
static char order[64];
static unsigned order_length, first;

static void note(char what)
{
        assert_in_range(order_length, 0, sizeof order - 2);
        if (order_length == 0 || order[order_length - 1] != what) /* how many of a kind is not the question */
                order[order_length++] = what;
        order[order_length] = '\0';
}

static void note_store(const volatile void *place, size_t size)
{
        (void)size;
        if (place == flags_at(first))
                note('F');
        else if (place == &driver_wish()[0])
                note('W');
        else if ((uintptr_t)place - (uintptr_t)ring.memory < 16u * ring.queue.layout.size ||
                 (uintptr_t)place - (uintptr_t)ring.private < virtq_table_bytes(&ring.queue.layout))
                note('D');
        else
                fail_msg("a store somewhere else");
}

static void note_fence(enum host_fence fence)
{
        note(fence == HOST_FENCE_ENTRY_BEFORE_INDEX ? 'e' : fence == HOST_FENCE_INDEX_BEFORE_EVENT ? 'i' : 'l');
}

static void the_first_flags_come_last(void **state)
{
        (void)state;
        for (unsigned kind = 0; kind < 4; kind++) {
                ring_make(&ring, 8, 2, (kind & 1) != 0, (kind & 2) != 0);
                for (unsigned round = 0; round < 20; round++) {
                        first = ring.next_avail.at;
                        host.stored = note_store;
                        host.fence = note_fence;
                        order_length = 0;
                        ring_add(&ring, 2, 0);
                        ring_add(&ring, 1, 0);
                        assert_string_equal(order, "D");
                        virtq_publish(&ring.queue);
                        assert_string_equal(order, "DeFi");
                        order_length = 0;
                        assert_false(virtq_publish(&ring.queue)); /* nothing new */
                        assert_int_equal(order_length, 0);

                        answer_all(); /* twice one, then the wish for the next, and the last look */
                        assert_string_equal(order, kind & 2 ? "lWi" : "l");
                }
                host.stored = NULL;
                ring_free(&ring);
        }
}

/* Whether one of the places from `old` on, `count` of them, is the one of the wish: counted out, wrap counter and all. */
static bool passed(struct ring_place old, unsigned count, unsigned off, bool wrap)
{
        for (; count > 0; count--) {
                if (old.at == off && old.wrap == wrap)
                        return true;
                old.at++;
                if (old.at == ring.queue.layout.size)
                        old = (struct ring_place){ 0, !old.wrap };
        }
        return false;
}

static bool publish_with_wish(unsigned batch, unsigned off, bool wrap)
{
        device_wish()[0] = (uint16_t)(off | (unsigned)wrap << 15);
        device_wish()[1] = 2;
        for (unsigned i = 0; i < batch; i++)
                assert_true(ring_add(&ring, 1, 0) >= 0);
        return virtq_publish(&ring.queue);
}

/* All places, batches, offsets and wrap counters. */
static void notifications_follow_the_event(void **state)
{
        (void)state;
        host.points_max = UINT64_MAX;
        for (uint16_t size = 1; size <= 16; size *= 2) {
                ring_make(&ring, size, 1, true, true);
                for (unsigned batch = 1; batch <= size; batch++)
                        for (unsigned event = 0; event < 2u * size; event++)
                                for (unsigned i = 0; i < 2u * size; i++) {
                                        struct ring_place old = ring.next_avail;
                                        bool expected = passed(old, batch, event % size, event >= size);

                                        if (publish_with_wish(batch, event % size, event >= size) != expected)
                                                fail_msg("size %u: at %u,%u, batch %u, event %u", size, old.at, old.wrap,
                                                         batch, event);
                                        answer_all();
                                        for (unsigned j = batch; j < 2u * size + 1; j++) { /* one place further than before */
                                                publish_with_wish(1, 0, false);
                                                answer_all();
                                        }
                                }
                ring_free(&ring);
        }
}

static void notifications_of_large_rings(void **state)
{
        unsigned notified = 0;

        (void)state;
        host.points_max = UINT64_MAX;
        for (unsigned size = 1024; size <= 32768; size *= 32) {
                ring_make(&ring, (uint16_t)size, 1, true, true);
                for (unsigned round = 0; round < 500; round++) {
                        unsigned batch = 1 + ring_random() % (ring_random() % 8 ? 64 : size);
                        unsigned off = (ring.next_avail.at + ring_random() % 80 - 8) % size;
                        bool wrap = ring_random() % 2, expected = passed(ring.next_avail, batch, off, wrap);

                        assert_int_equal(publish_with_wish(batch, off, wrap), expected);
                        notified += expected;
                        answer_all();
                }
                ring_free(&ring);
        }
        assert_in_range(notified, 100, 900);
}

/* 0 enables, 1 disables, 2 is for EVENT_IDX alone, 3 and all other bits are reserved (2.8.10). */
static void notifications_follow_the_flags(void **state)
{
        (void)state;
        for (unsigned flags = 0; flags < 16; flags++)
                for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
                        ring_make(&ring, 8, 1, true, event_idx != 0);
                        device_wish()[0] = 5; /* in the other lap: not passed */
                        device_wish()[1] = (uint16_t)((flags & 3) | (flags & 4 ? 0x8000 : 0) | (flags & 8));
                        ring_add(&ring, 1, 0);
                        assert_int_equal(virtq_publish(&ring.queue), (flags & 3) != 1 && !(event_idx && (flags & 3) == 2));
                        ring_free(&ring);
                }
}

static uint16_t wish_at_the_fence;

static void wish_at_fence(enum host_fence fence)
{
        if (fence == HOST_FENCE_INDEX_BEFORE_EVENT)
                device_wish()[1] = wish_at_the_fence;
}

/* Or a wish between the two is missed (2.8.21). */
static void wishes_are_read_after_the_fence(void **state)
{
        (void)state;
        for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
                ring_make(&ring, 8, 1, true, event_idx != 0);
                host.fence = wish_at_fence;
                for (uint16_t disabled = 0; disabled < 2; disabled++) {
                        device_wish()[1] = !disabled;
                        wish_at_the_fence = disabled;
                        ring_add(&ring, 1, 0);
                        assert_int_equal(virtq_publish(&ring.queue), !disabled);
                }
                ring_free(&ring);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST_PACKED(areas_follow_the_descriptors),
                TEST_PACKED(nothing_is_seen_before_it_is_published),
                TEST_PACKED(the_first_flags_come_last),
                TEST_PACKED(notifications_follow_the_event),
                TEST_PACKED(notifications_of_large_rings),
                TEST_PACKED(notifications_follow_the_flags),
                TEST_PACKED(wishes_are_read_after_the_fence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
