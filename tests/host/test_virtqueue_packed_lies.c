/* SPDX-License-Identifier: MIT */
/* sources: drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c tests/host/ring.c */
/* test_virtqueue_packed_lies.c - what only a packed ring can be told that is not so. */
#include "ring.h"
#include "testing.h"
#include "util.h"

enum { AVAIL = 1 << 7, USED = 1 << 15, WRITABLE = 600, WORK_MAX = 40 /* points of one call */ };

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

/* Only both flags together, and as the lap has them, make a descriptor used. */
static void half_used_is_not_used(void **state)
{
        (void)state;
        ring_make(&ring, 4, 1, true, true);
        for (unsigned i = 0; i < 50; i++) {
                unsigned at = ring.next_used.at, used = ring.next_used.wrap ? AVAIL | USED : 0;
                int seat = ring_add(&ring, 1, 0);

                virtq_publish(&ring.queue);
                assert_int_equal(ring_take(&ring), seat);
                for (unsigned flags = 0; flags < 4; flags++) {
                        *flags_at(at) = (uint16_t)((flags & 1 ? AVAIL : 0) | (flags & 2 ? USED : 0) | 0x7f7f);
                        if ((*flags_at(at) & (AVAIL | USED)) != used)
                                assert_int_equal(virtq_pop_used(&ring.queue, NULL), -1);
                }
                ring_use(&ring, (uint32_t)seat, 0);
                answer_all();
        }
        ring_free(&ring);
}

/* A device that says nothing with WRITE (2.8.4), as QEMU: the length counts, and is never more than it could be. */
static void length_counts_without_the_flag(void **state)
{
        static const uint32_t says[] = { 0, 1, WRITABLE - 1, WRITABLE, WRITABLE + 1, 0x80000000, 0xffffffff };
        uint32_t written;

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(says); i++) {
                ring_make(&ring, 8, 1, true, false);
                ring_add(&ring, 1, WRITABLE);
                virtq_publish(&ring.queue);
                ring_use(&ring, (uint32_t)ring_take(&ring), says[i]);
                *flags_at(0) &= (uint16_t)~VIRTQ_DESC_F_WRITE;
                assert_int_equal(virtq_pop_used(&ring.queue, &written), 0);
                assert_int_equal(written, says[i] < WRITABLE ? says[i] : WRITABLE);
                ring_free(&ring);
        }
}

static void assert_broken(void)
{
        for (unsigned i = 0; i < 1000; i++) {
                uint64_t before = host.points;

                assert_int_equal(virtq_pop_used(&ring.queue, NULL), -1);
                assert_in_range(host.points - before, 0, WORK_MAX);
                assert_non_null(ring.queue.broken);
                ring_use(&ring, ring_random() % 8, 0);
        }
        ring_reset(&ring); /* in the first lap again, wherever it was */
        for (unsigned i = 0; i < 20; i++) {
                assert_true(ring_add(&ring, 2, 0) >= 0);
                assert_true(virtq_publish(&ring.queue));
                answer_all();
        }
        ring_free(&ring);
}

/* What was not shown cannot have been used; a list is as long as it was when it was added, whatever the device says. */
static void more_than_is_in_flight(void **state)
{
        (void)state;
        for (unsigned laps = 0; laps < 4; laps++) {
                ring_make(&ring, 16, 4, false, false);
                for (unsigned i = 0; i < 5 * laps; i++) {
                        ring_add(&ring, 3, 0);
                        virtq_publish(&ring.queue);
                        answer_all();
                }
                ring_add(&ring, 1, 0);
                virtq_publish(&ring.queue);
                ring_use(&ring, (uint32_t)ring_add(&ring, 3, 0), 0);
                assert_broken();
        }
}

/* What the device writes at first, and what while the driver looks. */
struct answer {
        uint16_t id, flags;
        uint32_t length;
};

static struct answer before, later;

static void answer(const struct answer *with)
{
        ring.queue.descriptors[0].packed.id = with->id;
        ring.queue.descriptors[0].length = with->length;
        *flags_at(0) = with->flags;
}

static void change(void) { answer(&later); }

static uint32_t clamped(uint32_t length) { return length < WRITABLE ? length : WRITABLE; }

/* A field read twice would be checked with one value and used with another. Whether the pop came as far as `at`. */
static bool pop_while_it_changes(uint64_t at)
{
        uint32_t written = 0;

        ring_reset(&ring);
        ring_add(&ring, 1, WRITABLE);
        ring_add(&ring, 1, WRITABLE);
        virtq_publish(&ring.queue);
        answer(&before);
        host_plan(change, at, 0);

        uint64_t points = host.points;
        int seat = virtq_pop_used(&ring.queue, &written);
        bool changed = host.points - points >= at;

        host_plan(NULL, 0, 0);
        if (seat < 0) {
                assert_true(ring.queue.broken || before.flags != (AVAIL | USED) || later.flags != (AVAIL | USED));
        } else {
                assert_in_range(seat, 0, 1);
                assert_true(seat == before.id || seat == later.id);
                assert_true(written == clamped(before.length) || written == clamped(later.length));
                assert_int_equal(ring.queue.last_used, 1);
        }
        return changed;
}

static void values_that_change_while_they_are_read(void **state)
{
        static const struct answer answers[] = {
                { 0, AVAIL | USED, 100 }, { 1, AVAIL | USED, 50 },  { 1, AVAIL, 50 },      { 1, USED, 50 },
                { 1, 0, 50 },             { 8, AVAIL | USED, 50 },  { 2, AVAIL | USED, 1 }, { 0xffff, AVAIL | USED, 50 },
                { 0, AVAIL | USED, ~0u }, { 1, 0xffff, 0x80000000 },
        };

        (void)state;
        host.points_max = UINT64_MAX;
        for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
                ring_make(&ring, 8, 1, true, event_idx != 0);
                for (unsigned i = 0; i < ARRAY_SIZE(answers); i++)
                        for (unsigned j = 0; j < ARRAY_SIZE(answers); j++) {
                                uint64_t at = 1;

                                before = answers[i];
                                later = answers[j];
                                while (pop_while_it_changes(at))
                                        at++;
                                assert_in_range(at, 3, WORK_MAX);
                        }
                ring_free(&ring);
        }
}

/* Of the ring only what a used descriptor says is read; and a list beside it is the driver's alone. */
static uint32_t run_with(bool scribbles, bool direct)
{
        uint32_t sum = 0, written;

        ring_make(&ring, 16, 3, !direct, true);
        for (unsigned round = 0; round < 500; round++) {
                unsigned batch = direct ? 5 : 10;
                int ids[10], seat;

                for (unsigned i = 0; i < batch; i++)
                        ring_add(&ring, 1 + (round + i) % 3, 100 * i);
                device_wish()[0] = (uint16_t)(round * 0x1003 & 0x800f);
                device_wish()[1] = 2;
                sum = sum * 31 + virtq_publish(&ring.queue);
                for (unsigned i = 0; i < batch; i++)
                        ids[i] = ring_take(&ring);
                for (unsigned i = 0; scribbles && i < 16; i++) {
                        ring.queue.descriptors[i].address = round * UINT64_C(0x0101010101010101);
                        ring.queue.descriptors[i].length = ~round;
                        ring.queue.descriptors[i].packed.id = (uint16_t)(round * 7);
                        *flags_at(i) ^= 0x7f7f;
                        driver_wish()[0] = (uint16_t)round;
                }
                for (unsigned i = 0; i < batch; i++)
                        ring_use(&ring, (uint32_t)ids[(i + round) % batch], 250);
                while ((seat = virtq_pop_used(&ring.queue, &written)) >= 0) {
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
        (void)state;
        host.points_max = UINT64_MAX;
        for (unsigned direct = 0; direct < 2; direct++)
                assert_int_equal(run_with(true, direct), run_with(false, direct));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST_PACKED(half_used_is_not_used),
                TEST_PACKED(length_counts_without_the_flag),
                TEST_PACKED(more_than_is_in_flight),
                TEST_PACKED(values_that_change_while_they_are_read),
                TEST_PACKED(what_the_device_was_shown_is_never_read_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
