/* SPDX-License-Identifier: MIT */
/*
 * sources: drivers/virtio_rng.c drivers/virtio.c drivers/virtqueue.c drivers/virtqueue_split.c
 * drivers/virtqueue_packed.c kernel/executor.c kernel/future.c kernel/printk.c kernel/semaphore.c
 * kernel/wait_queue.c tests/host/fake_rng.c tests/host/entropy_readers.c
 */
/* test_entropy.c - reads of entropy: who gets what, how much of it, and what becomes of those withdrawn. */
#include "testing.h"

#include <errno.h>

#include "entropy_readers.h"
#include "hooks.h"
#include "util.h"

static void test_a_read(void **state)
{
        (void)state;
        assert_false(rng_may_wake());
        assert_false(reader_start(0));
        assert_int_equal(rng.notifications, 0); /* it is a batch that notifies */
        run_hooks(&executor);
        assert_int_equal(rng.notifications, 1);
        assert_true(rng_may_wake());
        assert_false(reader_poll(0));
        assert_false(fake_rng_interrupt(&rng)); /* spurious */
        fake_rng_answer(&rng, 7, ROOM);
        assert_true(fake_rng_interrupt(&rng));
        assert_int_equal(readers[0].wakes, 1);
        assert_false(rng_may_wake());
        reader_expect(0, ROOM, 7);
        reader_expect(0, ROOM, 7);
        assert_false(fake_rng_interrupt(&rng));
        run_hooks(&executor);
        assert_int_equal(rng.notifications, 1);
        assert_int_equal(rng.resets, 0);
}

/* The device says how much it has put there; of that no more is believed than there is room for. */
static void test_lengths(void **state)
{
        static const struct { uint32_t filled, said; int64_t result; } cases[] = {
                { 1, 1, 1 }, { 5, 5, 5 }, { ROOM - 1, ROOM - 1, ROOM - 1 }, { ROOM, ROOM, ROOM }, { ROOM, ROOM + 1, ROOM },
                { ROOM, INT32_MAX, ROOM }, { ROOM, (uint32_t)INT32_MAX + 1, ROOM }, { ROOM, UINT32_MAX, ROOM }, { 0, 0, -EIO },
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                readers_setup(state);
                assert_false(reader_start(0));
                run_hooks(&executor);
                assert_true(fake_rng_take(&rng));
                assert_int_equal(rng.length, ROOM);
                fake_rng_fill(&rng, 9, cases[i].filled);
                fake_rng_use(&rng, rng.head, cases[i].said);
                assert_true(fake_rng_interrupt(&rng));
                reader_expect(0, cases[i].result, 9);
                assert_int_equal(rng.resets, 0);
        }
}

static void test_the_longest_read(void **state)
{
        (void)state;
        assert_false(reader_start(0));
        run_hooks(&executor);
        fake_rng_answer(&rng, 1, 1);
        fake_rng_interrupt(&rng);
        readers[0].read = entropy_read(readers[0].buffer, UINT32_MAX);
        assert_false(reader_poll(0));
        run_hooks(&executor);
        assert_true(fake_rng_take(&rng));
        fake_rng_use(&rng, rng.head, UINT32_MAX);
        fake_rng_interrupt(&rng);
        assert_true(reader_poll(0));
        assert_int_equal(readers[0].read.result, UINT32_MAX);
}

static void refuse(void *buffer, uint32_t bytes, int64_t result)
{
        readers[1].read = entropy_read(buffer, bytes);
        assert_true(reader_poll(1));
        assert_int_equal(readers[1].read.result, result);
        assert_true(reader_poll(1));
}

/* Refused at once, though the device is busy; and it never hears of it. */
static void test_refusals(void **state)
{
        (void)state;
        assert_false(reader_start(0));
        refuse(NULL, ROOM, -EFAULT);
        refuse(readers[1].buffer, 0, -EINVAL);
        run_hooks(&executor);
        fake_rng_answer(&rng, 1, 1);
        assert_false(fake_rng_take(&rng));
        executor_init(&executor);
        entropy_init(&executor);
        refuse(readers[1].buffer, ROOM, -ENODEV);
}

/* In the order of their coming, one at a time, and each in a buffer of its own. */
static void test_several_readers(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 3; round++) {
                readers_start();
                for (unsigned i = 0; i < READERS; i++) {
                        assert_true(fake_rng_take(&rng));
                        assert_ptr_equal(rng.buffer, readers[i].buffer);
                        fake_rng_answer(&rng, (uint8_t)i, 3);
                        assert_false(fake_rng_take(&rng));
                        assert_int_equal(readers[i].wakes, i > 0); /* for its turn */
                        assert_true(fake_rng_interrupt(&rng));
                        reader_expect(i, 3, (uint8_t)i);
                        if (i + 1 < READERS)
                                assert_false(reader_poll(i + 1));
                        run_hooks(&executor);
                }
                assert_false(rng_may_wake());
        }
        assert_int_equal(rng.notifications, 3 * READERS);
}

/* Polled for no reason, one in line stays there, and has asked the device for nothing. */
static void test_spurious_polls_in_line(void **state)
{
        (void)state;
        readers_start();
        assert_true(fake_rng_take(&rng));
        for (unsigned i = READERS - 1; i > 0; i--)
                assert_false(reader_poll(i));
        run_hooks(&executor);
        assert_false(fake_rng_take(&rng));
        assert_int_equal(rng.notifications, 1);
        fake_rng_answer(&rng, 1, 1);
        fake_rng_interrupt(&rng);
        for (unsigned i = 0; i < READERS; i++)
                assert_int_equal(readers[i].wakes, i < 2); /* the first is done, and it is the second's turn */
}

static void test_withdrawn_before_the_first_poll(void **state)
{
        (void)state;
        readers[0].read = entropy_read(readers[0].buffer, ROOM);
        assert_true(reader_withdraw(0));
        assert_int_equal(readers[0].read.result, -ECANCELED);
        run_hooks(&executor);
        assert_false(fake_rng_take(&rng));
}

static void test_withdrawn_in_line(void **state)
{
        (void)state;
        readers_start();
        assert_true(reader_withdraw(1));
        assert_true(reader_withdraw(READERS - 1));
        reader_expect(1, -ECANCELED, 0);
        reader_expect(READERS - 1, -ECANCELED, 0);
        for (unsigned i = 0; i < READERS - 1; i++) {
                if (i == 1)
                        continue;
                assert_false(reader_poll(i));
                run_hooks(&executor);
                fake_rng_answer(&rng, (uint8_t)i, ROOM);
                fake_rng_interrupt(&rng);
                reader_expect(i, ROOM, (uint8_t)i);
        }
        run_hooks(&executor);
        assert_false(fake_rng_take(&rng));
}

/* Its buffer is the device's until that has answered; then it is over, without a poll of the reader's own. */
static void test_withdrawn_from_the_device(void **state)
{
        (void)state;
        for (unsigned told = 0; told < 2; told++) {
                readers_setup(state);
                assert_false(reader_start(0));
                assert_false(reader_start(1));
                if (told)
                        run_hooks(&executor);
                assert_false(reader_withdraw(0));
                assert_false(reader_withdraw(0));
                run_hooks(&executor);
                assert_false(reader_withdraw(0));
                assert_int_equal(readers[0].wakes, 0);
                fake_rng_answer(&rng, 4, 2);
                assert_false(reader_withdraw(0));
                fake_rng_interrupt(&rng);
                assert_int_equal(readers[0].wakes, 1);
                assert_true(reader_withdraw(0));
                reader_expect(0, 2, 4); /* it says that it came to its end all the same */
                assert_false(reader_poll(1));
                run_hooks(&executor);
                fake_rng_answer(&rng, 5, ROOM);
                fake_rng_interrupt(&rng);
                reader_expect(1, ROOM, 5);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_a_read, readers_setup),
                cmocka_unit_test_setup(test_lengths, readers_setup),
                cmocka_unit_test_setup(test_the_longest_read, readers_setup),
                cmocka_unit_test_setup(test_refusals, readers_setup),
                cmocka_unit_test_setup(test_several_readers, readers_setup),
                cmocka_unit_test_setup(test_spurious_polls_in_line, readers_setup),
                cmocka_unit_test_setup(test_withdrawn_before_the_first_poll, readers_setup),
                cmocka_unit_test_setup(test_withdrawn_in_line, readers_setup),
                cmocka_unit_test_setup(test_withdrawn_from_the_device, readers_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
