/* SPDX-License-Identifier: MIT */
/* sources: drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c tests/host/ring.c */
/*
 * test_virtqueue_lies.c - a device that does not keep to the rules. Whatever it writes, the queue is
 * either right or broken: after a bounded amount of work, and for ever.
 */
#include "ring.h"
#include "testing.h"
#include "util.h"

enum { WRITABLE = 600, WORK_MAX = 40 /* points of one call */ };

static struct ring ring;

static int pop(uint32_t *written)
{
        uint64_t before = host.points;
        int seat = virtq_pop_used(&ring.queue, written);

        if (host.points - before > WORK_MAX)
                fail_msg("one pop took %u points", (unsigned)(host.points - before));
        return seat;
}

/* `count` requests in flight, which the device has taken. */
static void make(uint16_t size, uint16_t segments, bool indirect, bool event_idx, unsigned count)
{
        ring_make(&ring, size, segments, indirect, event_idx);
        for (unsigned i = 0; i < count; i++)
                assert_in_range(ring_add(&ring, segments, WRITABLE), 0, size - 1);
        virtq_publish(&ring.queue);
        while (ring_take(&ring) >= 0)
                ;
}

/* Broken, and it stays so whatever the device says next; nothing else of the interface is worse for it. */
static void assert_broken(void)
{
        uint32_t written;

        assert_int_equal(pop(&written), -1);
        assert_non_null(ring.queue.broken);
        for (unsigned i = 0; i < 1000; i++) {
                if (ring.queue.layout.packed)
                        ring_use(&ring, ring_random() % 4, 1);
                else
                        ring_used(&ring)->idx = (uint16_t)ring_random();
                ring_fill_used(&ring, 0, i % 3 ? ring_random() % 4 : ring_random(), ring_random());
                assert_int_equal(pop(&written), -1);
                assert_non_null(ring.queue.broken);
        }
        for (unsigned i = 0; i < 3 && ring_add(&ring, 1, 0) >= 0; i++)
                virtq_publish(&ring.queue);
        assert_int_equal(pop(NULL), -1);

        /* Only a reset mends it. */
        ring_reset(&ring);
        assert_null(ring.queue.broken);
        int seat = ring_add(&ring, 1, WRITABLE);

        virtq_publish(&ring.queue);
        ring_use(&ring, (uint32_t)ring_take(&ring), 1);
        assert_int_equal(pop(&written), seat);
        assert_int_equal(written, 1);
        ring_free(&ring);
}

static void ids_out_of_range(void **state)
{
        static const uint32_t ids[] = { 8, 9, 255, 256, 32767, 32768, 65535, 65536, 65537, 0x80000000, 0x80000001,
                                        0xffff0000, 0xfffffffe, 0xffffffff };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
                for (unsigned kind = 0; kind < 4; kind++) {
                        make(8, 2, (kind & 1) != 0, (kind & 2) != 0, 2);
                        /* A packed ring has 16 bits for it. */
                        ring_use(&ring, ring.queue.layout.packed && (uint16_t)ids[i] < 8 ? 8 : ids[i], 0);
                        assert_broken();
                }
}

static void ids_not_in_flight(void **state)
{
        (void)state;
        for (uint32_t id = 0; id < 8; id++) {
                make(8, 2, true, false, 0); /* nothing at all is */
                ring_use(&ring, id, 0);
                assert_broken();

                make(8, 2, true, true, 3); /* 0, 1 and 2 are */
                ring_use(&ring, id, 0);
                if (id < 3) {
                        assert_int_equal(pop(NULL), id);
                        ring_use(&ring, id, 0); /* and once more, though the seat is not given back */
                }
                assert_broken();
        }
}

static void id_given_back_and_used_again(void **state)
{
        (void)state;
        make(8, 2, true, false, 3);
        ring_use(&ring, 1, 0);
        ring_use(&ring, 1, 0);
        assert_int_equal(pop(NULL), 1);
        virtq_release(&ring.queue, 1);
        assert_broken();

        make(8, 2, true, false, 1); /* taken by a task, not yet the device's */
        assert_int_equal(virtq_take_seat(&ring.queue), 1);
        ring_use(&ring, 1, 0);
        assert_broken();
}

static void ids_inside_a_chain(void **state)
{
        (void)state;
        for (uint32_t id = 0; id < 16; id++) {
                make(16, 3, false, false, 5); /* heads 0 to 4; then two more for each; 15 is nobody's */
                ring_use(&ring, id, 0);
                if (id < 5) {
                        assert_int_equal(pop(NULL), id);
                        ring_free(&ring);
                } else {
                        assert_broken();
                }
        }
}

static void used_index_ahead(void **state)
{
        static const unsigned ahead[] = { 1, 2, 7, 8, 9, 255, 256, 32766, 32767, 32768, 65532 };

        (void)state;
        host.points_max = UINT64_MAX;
        for (unsigned in_flight = 0; in_flight <= 8; in_flight++)
                for (unsigned i = 0; i < ARRAY_SIZE(ahead); i++)
                        for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
                                if (in_flight + ahead[i] > 65535)
                                        continue;
                                make(8, 1, true, event_idx != 0, in_flight);
                                for (unsigned j = 0; j < in_flight; j++)
                                        ring_fill_used(&ring, j, j, 0);
                                ring_used(&ring)->idx = (uint16_t)(in_flight + ahead[i]);
                                assert_broken();
                        }
}

/* Backwards is ahead by nearly 65536; by exactly that much it is where it was, and nothing has happened. */
static void used_index_backwards(void **state)
{
        (void)state;
        for (unsigned back = 1; back <= 65535; back = back * 3 + 1) {
                make(8, 1, true, true, 8);
                for (unsigned j = 0; j < 3; j++) {
                        ring_use(&ring, j, 0);
                        assert_int_equal(pop(NULL), j);
                }
                ring_used(&ring)->idx = (uint16_t)(ring.used - back);
                assert_broken();
        }
}

/* Requests that were added but not shown do not count: the device cannot have used them. */
static void unpublished_requests_are_not_in_flight(void **state)
{
        (void)state;
        make(8, 1, true, false, 1);
        assert_int_equal(ring_add(&ring, 1, 0), 1);
        ring_use(&ring, 0, 0);
        ring_use(&ring, 1, 0);
        assert_broken();
}

/* Two entries that name the same two requests, the index right: only as many answers as there were questions. */
static void never_more_answers_than_questions(void **state)
{
        (void)state;
        host.points_max = UINT64_MAX;
        for (unsigned round = 0; round < 3000; round++) {
                unsigned count = 1 + ring_random() % 8, answers = 0, seen = 0;
                int seat;

                make(8, 1, ring_random() % 2 != 0, ring_random() % 2 != 0, count);
                for (unsigned i = 0; i < 20; i++) {
                        if (ring_random() % 8)
                                ring_use(&ring, ring_random() % 10 ? ring_random() % 8 : ring_random(), ring_random());
                        while ((seat = pop(NULL)) >= 0) {
                                assert_in_range(seat, 0, count - 1);
                                assert_int_equal(seen & 1u << seat, 0);
                                seen |= 1u << seat;
                                answers++;
                        }
                }
                assert_in_range(answers, 0, count);
                ring_free(&ring);
        }
}

static void written_is_never_more_than_it_could_be(void **state)
{
        static const uint32_t says[] = {
                0, 1, WRITABLE - 1, WRITABLE, WRITABLE + 1, 0x7fffffff, 0x80000000, 0xffffffff
        };
        uint32_t written;

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(says); i++) {
                make(8, 1, true, false, 1);
                ring_use(&ring, 0, says[i]);
                assert_int_equal(pop(&written), 0);
                assert_int_equal(written, says[i] < WRITABLE ? says[i] : WRITABLE);
                assert_null(ring.queue.broken); /* too much is common, and harmless (2.7.8.3) */
                ring_free(&ring);
        }
}

/* What the device writes at first, and what while the driver looks. */
struct answer {
        uint32_t id, length;
        uint16_t idx;
};

static struct answer first, later;

static void answer(const struct answer *with)
{
        ring_fill_used(&ring, 0, with->id, with->length);
        ring_used(&ring)->idx = with->idx;
}

static void change(void) { answer(&later); }

static uint32_t clamped(uint32_t length) { return length < WRITABLE ? length : WRITABLE; }

/*
 * One used entry that changes at point `at`: what comes out is one of the two requests, with what it may
 * hold, or a broken queue. A field read twice would be checked with one value and used with another.
 * Returns whether the pop came as far as that point.
 */
static bool pop_while_it_changes(uint64_t at)
{
        uint32_t written = 0;

        ring_reset(&ring);
        ring_add(&ring, 1, WRITABLE);
        ring_add(&ring, 1, WRITABLE);
        virtq_publish(&ring.queue);
        answer(&first);
        host_plan(change, at, 0);

        uint64_t before = host.points;
        int seat = pop(&written);
        bool changed = host.points - before >= at;

        host_plan(NULL, 0, 0);
        if (seat < 0) { /* when it broke, or saw nothing */
                assert_true(ring.queue.broken || first.idx == 0 || later.idx == 0);
        } else {
                assert_in_range(seat, 0, 1);
                assert_true((uint32_t)seat == first.id || (uint32_t)seat == later.id);
                assert_true(written == clamped(first.length) || written == clamped(later.length));
                assert_int_equal(ring.queue.last_used, 1);
                assert_in_range((uint16_t)(ring.queue.seen_used - ring.queue.last_used), 0, 1);
        }
        return changed;
}

static void values_that_change_while_they_are_read(void **state)
{
        static const struct answer answers[] = {
                { 0, 100, 1 },        { 1, 50, 1 },          { 1, 50, 2 },          { 1, 50, 0 },
                { 0, 0xffffffff, 1 }, { 2, 50, 1 },          { 8, 50, 1 },          { 0xffffffff, 50, 1 },
                { 65536, 50, 1 },     { 1, 50, 3 },          { 1, 50, 0x8000 },     { 1, 50, 0xffff },
                { 7, 0x80000000, 2 },
        };

        (void)state;
        host.points_max = UINT64_MAX;
        ring_make(&ring, 8, 1, true, true);
        for (unsigned i = 0; i < ARRAY_SIZE(answers); i++)
                for (unsigned j = 0; j < ARRAY_SIZE(answers); j++) {
                        uint64_t at = 1;

                        first = answers[i];
                        later = answers[j];
                        while (pop_while_it_changes(at))
                                at++;
                        assert_in_range(at, 2, WORK_MAX);
                }
        ring_free(&ring);
}

/* A device that writes over everything that it was shown: the driver keeps to its own notes. */
static uint32_t run_with(bool scribbles)
{
        uint32_t sum = 0, written;

        make(16, 3, false, true, 0);
        for (unsigned round = 0; round < 500; round++) {
                int seats[5], seat;

                for (unsigned i = 0; i < 5; i++)
                        seats[i] = ring_add(&ring, 1 + (round + i) % 3, 100 * i);
                sum = sum * 31 + virtq_publish(&ring.queue);
                if (scribbles) {
                        memset(ring.queue.descriptors, (int)round, 16 * sizeof *ring.queue.descriptors);
                        memset(ring_avail(&ring)->ring, (int)round, 16 * sizeof *ring_avail(&ring)->ring);
                        ring_avail(&ring)->idx = (uint16_t)(round * 7);
                        ring_avail(&ring)->flags = 0xffff;
                        *ring_used_event(&ring) = (uint16_t)(round * 5);
                }
                for (unsigned i = 0; i < 5; i++) {
                        *ring_avail_event(&ring) = (uint16_t)(5 * round + i);
                        ring_use(&ring, (uint32_t)seats[(i + round) % 5], 250);
                }
                while ((seat = pop(&written)) >= 0) {
                        sum = sum * 31 + (uint32_t)seat * 1000 + written;
                        virtq_release(&ring.queue, (uint16_t)seat);
                }
                assert_null(ring.queue.broken);
        }
        ring_free(&ring);
        return sum;
}

static void what_the_device_was_shown_is_never_read_back(void **state)
{
        uint32_t honest;

        (void)state;
        honest = run_with(false);
        assert_int_not_equal(honest, 0);
        assert_int_equal(run_with(true), honest);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST_BOTH(ids_out_of_range),
                TEST_BOTH(ids_not_in_flight),
                TEST_BOTH(id_given_back_and_used_again),
                TEST_SPLIT(ids_inside_a_chain),
                TEST_SPLIT(used_index_ahead),
                TEST_SPLIT(used_index_backwards),
                TEST_SPLIT(unpublished_requests_are_not_in_flight),
                TEST_BOTH(never_more_answers_than_questions),
                TEST_BOTH(written_is_never_more_than_it_could_be),
                TEST_SPLIT(values_that_change_while_they_are_read),
                TEST_SPLIT(what_the_device_was_shown_is_never_read_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
