/* SPDX-License-Identifier: MIT */
/* sources: drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c tests/host/ring.c */
/* test_virtqueue_order.c - what comes before what: stores, fences, notifications, and two sides that never meet. */
#include "ring.h"
#include "testing.h"

static struct ring ring;

/* The stores and fences of the ring, in order, as letters. */
static char order[256];
static unsigned order_length;

static void note(char what)
{
        assert_in_range(order_length, 0, sizeof order - 2);
        /* How many of a kind is not the question. */
        if (order_length == 0 || order[order_length - 1] != what)
                order[order_length++] = what;
        order[order_length] = '\0';
}

static bool within(const volatile void *place, const volatile void *from, size_t bytes)
{
        return (uintptr_t)place - (uintptr_t)from < bytes;
}

static void note_store(const volatile void *place, size_t size)
{
        const struct virtq *queue = &ring.queue;

        (void)size;
        if (within(place, &ring_avail(&ring)->idx, 2))
                note('I');
        else if (within(place, ring_used_event(&ring), 2))
                note('U');
        else if (within(place, ring_avail(&ring)->ring, 2u * queue->layout.size))
                note('E');
        else if (within(place, queue->descriptors, 16u * queue->layout.size) ||
                 within(place, queue->tables, 16u * queue->layout.size * queue->layout.segments))
                note('D');
        else
                fail_msg("a store somewhere else");
}

static void note_fence(enum host_fence fence)
{
        static const char letters[] = { [HOST_FENCE_ENTRY_BEFORE_INDEX] = 'e',
                                        [HOST_FENCE_INDEX_BEFORE_EVENT] = 'i',
                                        [HOST_FENCE_INDEX_BEFORE_ELEMENT] = 'l',
                                        [HOST_FENCE_ACKNOWLEDGE_BEFORE_LOOK] = 'a' };

        note(letters[fence]);
}

static void make_noted(bool indirect, bool event_idx)
{
        ring_make(&ring, 8, 2, indirect, event_idx);
        host.stored = note_store;
        host.fence = note_fence;
        order_length = 0;
        order[0] = '\0';
}

/* Descriptors and entries, fence, index, fence, and only then the look at the device's wishes. */
static void publishing_is_in_order(void **state)
{
        (void)state;
        for (unsigned kind = 0; kind < 4; kind++) {
                make_noted((kind & 1) != 0, (kind & 2) != 0);
                ring_add(&ring, 2, 0);
                assert_string_equal(order, "DE");
                ring_add(&ring, 1, 0);
                assert_string_equal(order, "DEDE");
                assert_int_equal(ring_take(&ring), -1);
                virtq_publish(&ring.queue);
                assert_string_equal(order, "DEDEeIi");
                order_length = 0;
                assert_false(virtq_publish(&ring.queue)); /* nothing new */
                assert_int_equal(order_length, 0);
                ring_free(&ring);
        }
}

static void used_side_is_in_order(void **state)
{
        (void)state;
        make_noted(true, true);
        ring_add(&ring, 1, 0);
        virtq_publish(&ring.queue);
        ring_use(&ring, (uint32_t)ring_take(&ring), 0);
        order_length = 0;
        assert_in_range(virtq_pop_used(&ring.queue, NULL), 0, 7);
        assert_string_equal(order, "l");
        order_length = 0;
        assert_int_equal(virtq_pop_used(&ring.queue, NULL), -1);
        assert_string_equal(order, "Ui");
        ring_free(&ring);
}

static unsigned wish_event, wish_flags;

static void wish_at_fence(enum host_fence fence)
{
        if (fence != HOST_FENCE_INDEX_BEFORE_EVENT)
                return;
        *ring_avail_event(&ring) = (uint16_t)wish_event;
        ring_used(&ring)->flags = (uint16_t)wish_flags;
}

/* What the device wishes is read after the fence behind avail.idx, or a wish between the two is missed (2.7.13.4.1). */
static void wishes_are_read_after_the_fence(void **state)
{
        (void)state;
        for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
                ring_make(&ring, 8, 1, true, event_idx != 0);
                host.fence = wish_at_fence;
                for (unsigned wanted = 0; wanted < 4; wanted++) {
                        *ring_avail_event(&ring) = (uint16_t)(ring.queue.added + (wanted % 2 ? 9 : 0));
                        ring_used(&ring)->flags = wanted % 2 == 0;
                        wish_event = ring.queue.added + (wanted % 2 ? 0u : 9u);
                        wish_flags = wanted % 2 ? 0 : 1;
                        ring_add(&ring, 1, 0);
                        assert_int_equal(virtq_publish(&ring.queue), wanted % 2);
                }
                ring_free(&ring);
        }
}

static unsigned element_id;

static void element_at_fence(enum host_fence fence)
{
        if (fence == HOST_FENCE_INDEX_BEFORE_ELEMENT)
                ring_fill_used(&ring, (unsigned)-1, element_id, 7);
}

static void element_is_read_after_the_fence(void **state)
{
        uint32_t written;

        (void)state;
        ring_make(&ring, 8, 1, false, false);
        ring_add(&ring, 1, 100);
        virtq_publish(&ring.queue);
        element_id = (unsigned)ring_take(&ring);
        ring_use(&ring, 0xffffffff, 50); /* not yet what the device means */
        host.fence = element_at_fence;
        assert_int_equal(virtq_pop_used(&ring.queue, &written), element_id);
        assert_int_equal(written, 7);
        ring_free(&ring);
}

/* Without EVENT_IDX bit 0 of used.flags decides, and no other; with it the flags mean nothing (2.7.10.1). */
static void notifications_follow_the_flags(void **state)
{
        (void)state;
        for (unsigned flags = 0; flags < 8; flags++) {
                ring_make(&ring, 8, 1, true, false);
                *ring_avail_event(&ring) = flags % 2 ? 0 : 5; /* means nothing here */
                ring_used(&ring)->flags = (uint16_t)flags;
                ring_add(&ring, 1, 0);
                assert_int_equal(virtq_publish(&ring.queue), flags % 2 == 0);
                assert_int_equal(ring_avail(&ring)->flags, 0);
                ring_free(&ring);

                ring_make(&ring, 8, 1, true, true);
                ring_used(&ring)->flags = (uint16_t)flags;
                ring_add(&ring, 1, 0);
                assert_true(virtq_publish(&ring.queue));
                *ring_avail_event(&ring) = 0; /* has been passed */
                ring_add(&ring, 1, 0);
                assert_false(virtq_publish(&ring.queue));
                assert_int_equal(ring_avail(&ring)->flags, 0);
                ring_free(&ring);
        }
}

/* One notification a batch at most, and exactly when the event is among the entries of the batch. */
static void notifications_follow_the_event(void **state)
{
        unsigned notified = 0;

        (void)state;
        host.points_max = UINT64_MAX;
        ring_make(&ring, 64, 1, true, true);
        for (unsigned round = 0; round < 20000; round++) {
                unsigned batch = 1 + ring_random() % 64, event = ring.queue.added + ring_random() % 80 - 8;
                bool expected = false;

                *ring_avail_event(&ring) = (uint16_t)event;
                for (unsigned i = 0; i < batch; i++) {
                        expected = expected || ring.queue.added == (uint16_t)event;
                        assert_in_range(ring_add(&ring, 1, 0), 0, 63);
                }
                assert_int_equal(virtq_publish(&ring.queue), expected);
                notified += expected;
                for (int head; (head = ring_take(&ring)) >= 0; ) {
                        ring_use(&ring, (uint32_t)head, 0);
                        virtq_release(&ring.queue, (uint16_t)virtq_pop_used(&ring.queue, NULL));
                }
        }
        assert_in_range(notified, 1000, 19000);
        ring_free(&ring);
}

/* Whether one of the entries old, old + 1, ... new - 1 is `event`: counted out, in a type that does not wrap. */
static bool passed(uint32_t event, uint32_t old, uint32_t window)
{
        for (uint32_t i = old; i < old + window; i++)
                if (i % 65536 == event)
                        return true;
        return false;
}

static void need_event_is_the_specifications(void **state)
{
        static const uint32_t starts[] = { 0, 1, 255, 32767, 32768, 65279, 65533, 65534, 65535 };

        (void)state;
        for (unsigned s = 0; s < sizeof starts / sizeof *starts; s++)
                for (uint32_t window = 0; window <= 40; window++)
                        for (uint32_t event = 0; event < 65536; event++) {
                                uint16_t old = (uint16_t)starts[s], new = (uint16_t)(starts[s] + window);

                                if (virtq_need_event((uint16_t)event, new, old) != passed(event, starts[s], window))
                                        fail_msg("event %u, old %u, new %u", event, old, new);
                        }
}

/* A whole ring at once, of every size, around the wrap: here arithmetic takes the place of counting. */
static void need_event_of_whole_rings(void **state)
{
        (void)state;
        for (uint32_t window = 1; window <= 32768; window *= 2)
                for (uint32_t old = 65536 - window; old <= 65536; old += window > 8 ? window / 4 : 1)
                        for (uint32_t event = 0; event < 65536; event++) {
                                bool expected = (event >= old && event < old + window) ||
                                                event + 65536 < old + window;

                                if (virtq_need_event((uint16_t)event, (uint16_t)(old + window), (uint16_t)old) !=
                                    expected)
                                        fail_msg("event %u, old %u, window %u", event, old, window);
                        }
}

/* The device uses an entry and, as it does so, decides whether the driver wants an interrupt for it. */
static bool interrupted;

static void use_one(void)
{
        interrupted = ring_use(&ring, (uint32_t)ring_take(&ring), 0);
}

/* Wherever it does, while the driver looks for the last time: it is found, or an interrupt comes. */
static void nothing_is_used_unseen(void **state)
{
        (void)state;
        for (uint64_t at = 1; at < 40; at++) {
                bool seen;
                uint16_t old;

                ring_make(&ring, 8, 1, true, true);
                for (unsigned i = 0; i < 3; i++)
                        ring_add(&ring, 1, 0);
                virtq_publish(&ring.queue);
                use_one();
                assert_in_range(virtq_pop_used(&ring.queue, NULL), 0, 7);
                use_one();
                old = ring.used;
                host_plan(use_one, at, 0);
                assert_in_range(virtq_pop_used(&ring.queue, NULL), 0, 7);
                seen = virtq_pop_used(&ring.queue, NULL) >= 0;
                if (ring.used != old && !seen && !interrupted)
                        fail_msg("used at point %u: neither found nor announced", (unsigned)at);
                host_plan(NULL, 0, 0);
                ring_free(&ring);
        }
}

/* An interrupt at every point of a task that takes, adds and publishes: no seat is lost, none is there twice. */
static void answer_all(void)
{
        int head, seat;

        host_lower();
        while ((head = ring_take(&ring)) >= 0)
                ring_use(&ring, (uint32_t)head, 0);
        while ((seat = virtq_pop_used(&ring.queue, NULL)) >= 0)
                virtq_release(&ring.queue, (uint16_t)seat);
}

static void both_sides_pass_seats_on(void **state)
{
        (void)state;
        for (uint64_t at = 1; at < 80; at++) {
                unsigned seats = 0;

                ring_make(&ring, 4, 1, true, true);
                for (unsigned i = 0; i < 4; i++)
                        ring_add(&ring, 1, 0);
                virtq_publish(&ring.queue);
                host.interrupt = answer_all;
                host_plan(host_raise, at, at + 7);
                for (unsigned i = 0; i < 6; i++) {
                        ring_add(&ring, 1, 0);
                        virtq_publish(&ring.queue);
                }
                host_plan(NULL, 0, 0);
                answer_all();
                assert_null(ring.queue.broken);
                for (unsigned taken = 0; virtq_take_seat(&ring.queue) != VIRTQ_NO_SEAT; taken++)
                        seats++;
                assert_int_equal(seats, 4);
                ring_free(&ring);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST_SPLIT(publishing_is_in_order),
                TEST_SPLIT(used_side_is_in_order),
                TEST_SPLIT(wishes_are_read_after_the_fence),
                TEST_BOTH(element_is_read_after_the_fence),
                TEST_SPLIT(notifications_follow_the_flags),
                TEST_SPLIT(notifications_follow_the_event),
                TEST_SPLIT(need_event_is_the_specifications),
                TEST_SPLIT(need_event_of_whole_rings),
                TEST_BOTH(nothing_is_used_unseen),
                TEST_BOTH(both_sides_pass_seats_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
