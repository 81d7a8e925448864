/* SPDX-License-Identifier: MIT */
/*
 * build: plain
 * sources: drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c tests/host/ring.c
 */
/*
 * test_virtqueue_numbers.c - the arithmetic of a ring's indices, for all of them: the event that was passed or not, and a
 * ring of every small size that starts at each of the 2^16 places.
 */
#include "ring.h"
#include "testing.h"
#include "util.h"

enum { INDICES = 65536 };

static struct ring ring;

/* Which indices are passed on the way from `old` on is marked, one more each time; nothing is calculated. */
static void every_event_in_every_window(void **state)
{
        static uint8_t passed[INDICES];
        const uint16_t old = INDICES - 16384; /* so that half of the windows go round */
        uint16_t new = old;

        (void)state;
        memset(passed, 0, sizeof passed);
        for (unsigned window = 0; window <= VIRTQ_SIZE_MAX; window++) {
                unsigned wrong = 0;

                for (unsigned event = 0; event < INDICES; event++)
                        wrong += virtq_need_event((uint16_t)event, new, old) != passed[event];
                if (wrong != 0)
                        fail_msg("window %u: %u events", window, wrong);
                passed[new++] = 1;
        }
}

/* One that is passed is old, or is passed on the way from old + 1 on. */
static bool is_passed(uint16_t event, uint16_t old, unsigned window)
{
        for (; window > 0; window--)
                if (old++ == event)
                        return true;
        return false;
}

static void every_index_with_small_windows(void **state)
{
        (void)state;
        for (unsigned new = 0; new < INDICES; new++)
                for (unsigned window = 0; window <= 32; window++)
                        for (unsigned ahead = 0; ahead <= window + 4; ahead++) {
                                uint16_t old = (uint16_t)(new - window), event = (uint16_t)(old + ahead - 2);

                                if (virtq_need_event(event, (uint16_t)new, old) != is_passed(event, old, window))
                                        fail_msg("event %u, new %u, old %u", event, new, old);
                        }
}

/* The two ends of a whole ring of each size. */
static void every_index_with_whole_rings(void **state)
{
        (void)state;
        for (unsigned new = 0; new < INDICES; new++)
                for (unsigned size = 1; size <= VIRTQ_SIZE_MAX; size *= 2) {
                        uint16_t old = (uint16_t)(new - size);

                        if (virtq_need_event((uint16_t)(old - 1), (uint16_t)new, old) ||
                            !virtq_need_event(old, (uint16_t)new, old) ||
                            !virtq_need_event((uint16_t)(new - 1), (uint16_t)new, old) ||
                            virtq_need_event((uint16_t)new, (uint16_t)new, old))
                                fail_msg("new %u, size %u", new, size);
                }
}

/* An empty ring that has been at work for `start` entries. */
static void start_at(unsigned start, uint16_t size)
{
        struct virtq *queue = &ring.queue;
        bool wrap = (start & size) == 0;

        queue->added = queue->last_used = queue->seen_used = (uint16_t)start;
        queue->published = start;
        queue->broken = NULL;
        ring.taken = ring.used = (uint16_t)start;
        ring.next_avail = ring.next_used = (struct ring_place){ start % size, wrap };
        if (!queue->layout.packed) {
                ring_avail(&ring)->idx = ring_used(&ring)->idx = *ring_used_event(&ring) = (uint16_t)start;
                *ring_avail_event(&ring) = (uint16_t)start;
                return;
        }
        for (unsigned i = 0; i < size; i++) { /* as the laps before have left them: what is behind `start` was used in this one */
                bool lap = i < start % size ? wrap : !wrap;

                queue->descriptors[i].packed.flags = lap ? 0x8080 : 0;
        }
}

static void fill_and_empty(unsigned start, uint16_t size)
{
        for (unsigned i = 0; i < size; i++)
                if (ring_add(&ring, 1, 0) < 0)
                        fail_msg("start %u, size %u: no seat for request %u", start, size, i);
        virtq_publish(&ring.queue);
        if (virtq_pop_used(&ring.queue, NULL) != -1 || ring.queue.broken)
                fail_msg("start %u, size %u: something is used, or broken", start, size);
        for (unsigned i = 0; i < size; i++)
                ring_use(&ring, (uint32_t)ring_take(&ring), 0);
        if (ring_take(&ring) != -1)
                fail_msg("start %u, size %u: the device sees too much", start, size);
        for (unsigned i = 0; i < size; i++) {
                long seat = virtq_pop_used(&ring.queue, NULL);

                if (seat < 0)
                        fail_msg("start %u, size %u: request %u is not there", start, size, i);
                virtq_release(&ring.queue, (size_t)seat);
        }
        if (virtq_pop_used(&ring.queue, NULL) != -1 || ring.queue.broken)
                fail_msg("start %u, size %u: too much is used, or broken: %s", start, size, ring.queue.broken);
}

/* One entry more than is in flight breaks it before the first is popped, and one more is one after an empty ring too. */
static void lie_of_one_more(unsigned start, uint16_t size)
{
        ring_add(&ring, 1, 0);
        virtq_publish(&ring.queue);
        ring_use(&ring, (uint32_t)ring_take(&ring), 0);
        if (ring.queue.layout.packed)
                assert_true(virtq_pop_used(&ring.queue, NULL) >= 0);
        ring_use(&ring, 0, 0);
        if (virtq_pop_used(&ring.queue, NULL) != -1 || !ring.queue.broken)
                fail_msg("start %u, size %u: more is used than was in flight", start, size);
}

/* Twice round each ring, and then too far, wherever that is. */
static void every_place_to_start_at(void **state)
{
        (void)state;
        host.points_max = UINT64_MAX;
        for (uint16_t size = 1; size <= 8; size *= 2) {
                ring_make(&ring, size, 1, true, true);
                for (unsigned start = 0; start < INDICES; start++) {
                        start_at(start, size);
                        fill_and_empty(start, size);
                        fill_and_empty(start + size, size);
                        lie_of_one_more(start, size);
                        ring_reset(&ring);
                }
                ring_free(&ring);
        }
}

/* Behind the 16 bytes that say which seats are taken there are descriptors, of which the first byte is made to look taken. */
static void the_first_id_that_is_no_seat(void **state)
{
        (void)state;
        ring_make(&ring, 16, 1, true, false);
        ring_add(&ring, 1, 0);
        virtq_point(virtq_descriptor_at(&ring.queue, 0, 0), (const void *)0x1ff, 1);
        assert_int_equal(ring.queue.taken[16], 0xff);
        virtq_publish(&ring.queue);
        ring_take(&ring);
        ring_use(&ring, 16, 0);
        assert_int_equal(virtq_pop_used(&ring.queue, NULL), -1);
        assert_non_null(ring.queue.broken);
        ring_free(&ring);
}

/* How many places behind `place` the one of `wish` is, counted out over both laps. */
static unsigned places_to(unsigned place, unsigned wish, unsigned size)
{
        unsigned off = place % size, count = 0;
        bool wrap = place / size % 2 == 0;

        while (off != wish % size || wrap != (wish < size)) {
                wrap = wrap != (off + 1 == size);
                off = (off + 1) % size;
                count++;
        }
        return count;
}

/* 2.8.10: off_wrap names a place in one of two laps. All places, wishes and batches; and all offsets that are no place. */
static void every_off_wrap(void **state)
{
        const unsigned size = 64;
        struct virtq *queue = &ring.queue;

        (void)state;
        host.points_max = UINT64_MAX;
        ring_make(&ring, size, 1, true, true);

        uint16_t *wish = queue->device_area;

        wish[1] = 2;
        for (unsigned place = 0; place < 2 * size; place++)
                for (unsigned event = 0; event < 2 * size; event++) {
                        unsigned first = places_to(place, event, size);

                        wish[0] = (uint16_t)(event % size | (event < size ? 0x8000 : 0));
                        for (unsigned batch = 1; batch <= size; batch++) {
                                queue->published = (uint16_t)(place - 2 * size); /* the same place, at the end of 16 bits */
                                queue->added = (uint16_t)(place - 2 * size + batch);
                                if (virtq_publish(queue) != (batch > first))
                                        fail_msg("place %u, event %u, batch %u", place, event, batch);
                        }
                }
        for (unsigned off = size; off < INDICES; off++) { /* a lie: any answer, and nothing else happens */
                wish[0] = (uint16_t)off;
                queue->added++;
                virtq_publish(queue);
                assert_int_equal(wish[0] | wish[1] << 16, off | 2 << 16);
        }
        ring_free(&ring);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST_SPLIT(every_event_in_every_window),
                TEST_SPLIT(every_index_with_small_windows),
                TEST_SPLIT(every_index_with_whole_rings),
                TEST_BOTH(every_place_to_start_at),
                TEST_BOTH(the_first_id_that_is_no_seat),
                TEST_PACKED(every_off_wrap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
