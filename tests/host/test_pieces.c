/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_check.c kernel/block_device.c kernel/block_pieces.c kernel/block_recovery.c
 * kernel/executor.c kernel/future.c kernel/timer.c kernel/printk.c tests/host/fake_disk.c
 */
/* Requests larger than the device takes at once: how their pieces end, and in which order they go. */
#include "testing.h"

#include <errno.h>

#include "fake_disk.h"
#include "util.h"
#include "waited.h"

enum { PIECES = 4 };

static struct executor executor;
static struct fake_disk disk;
static _Alignas(BLOCK_BUFFER_ALIGN) uint8_t memory[PIECES * SECTOR_SIZE];

struct counted {
        struct waker waker;
        unsigned wakes;
};

static void count_wake(struct waker *waker) { container_of(waker, struct counted, waker)->wakes++; }

static struct counted one;

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        block_init(&executor, 0);
        fake_disk_add(&disk, FAKE_SEATS_MAX);
        fake_disk_limit(&disk, 1, 1);
        one = (struct counted){ .waker.wake = count_wake };
        return 0;
}

static enum poll poll_one(struct block_future *request) { return future_poll(&request->future, &one.waker); }

/* What a batch without tasks does: give seats away, publish. */
static void run_hooks(void)
{
        struct yield_future yield = yield_now();

        assert_int_equal(executor_block_on(&executor, &yield.future), 0);
}

/* Its end ------------------------------------------------------------------------------------------ */

/* The n-th of all orders of PIECES pieces: which of those left ends next. */
static unsigned next_of(unsigned *order, unsigned left)
{
        unsigned index = *order % left;

        *order /= left;
        return index;
}

/* Whatever the order, and whoever fails: it ends with the last of them, once, with the error that came first. */
static void test_results_are_joined(void **state)
{
        static const int errors[PIECES] = { -EIO, -ENOTSUP, -ENODEV, -EINVAL };

        for (unsigned failing = 0; failing < 1 << PIECES; failing++)
                for (unsigned order = 0; order < 4 * 3 * 2; order++) {
                        struct block_future request = block_read(&disk.block, 8, memory, PIECES);
                        unsigned rest = order;
                        int expected = 0;

                        setup(state);
                        assert_int_equal(poll_one(&request), POLL_PENDING);
                        run_hooks();
                        for (unsigned left = PIECES; left > 0; left--) {
                                unsigned index = next_of(&rest, left);
                                uint64_t which = disk.seated[index].sector - 8;
                                int error = failing >> which & 1 ? errors[which] : 0;

                                assert_int_equal(poll_one(&request), POLL_PENDING);
                                assert_int_equal(one.wakes, 0);
                                expected = expected ?: error;
                                fake_disk_complete(&disk, index, error);
                        }
                        assert_int_equal(one.wakes, 1);
                        assert_int_equal(poll_one(&request), POLL_READY);
                        assert_int_equal(request.result, expected);
                }
}

/* Seats -------------------------------------------------------------------------------------------- */

/* However few they are: in the order of the requests, and each request's pieces in order. */
static void test_fewer_seats_than_pieces(void **state)
{
        for (unsigned seats = 1; seats <= 7; seats++) {
                struct block_future requests[3];

                setup(state);
                disk.seats = seats;
                for (unsigned i = 0; i < 3; i++) {
                        requests[i] = block_write(&disk.block, 10 * i, memory, PIECES);
                        assert_int_equal(poll_one(&requests[i]), POLL_PENDING);
                }
                for (unsigned i = 0; i < 3 * PIECES; i++) {
                        run_hooks();
                        fake_disk_check_sleep(&disk);
                        fake_disk_complete(&disk, disk.count - 1, 0);
                }
                assert_int_equal(disk.submits, 3 * PIECES);
                for (unsigned i = 0; i < 3; i++) {
                        assert_int_equal(poll_one(&requests[i]), POLL_READY);
                        assert_int_equal(requests[i].result, 0);
                        for (unsigned j = 0; j < PIECES; j++)
                                assert_int_equal(disk.sent[PIECES * i + j], 10 * i + j);
                }
                assert_int_equal(one.wakes, 3);
        }
}

/* One that comes while the rest of another waits goes behind it, though a seat has become free. */
static void test_nobody_overtakes_a_rest(void **state)
{
        struct block_future large = block_read(&disk.block, 0, memory, PIECES), small = block_read(&disk.block, 99, memory, 1),
                            flush = block_flush(&disk.block);

        (void)state;
        disk.seats = 2;
        assert_int_equal(poll_one(&large), POLL_PENDING);
        run_hooks();
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(poll_one(&small), POLL_PENDING);
        assert_int_equal(poll_one(&flush), POLL_PENDING);
        assert_int_equal(disk.submits, 2);
        for (unsigned i = 0; i < PIECES + 1; i++) {
                run_hooks();
                fake_disk_complete(&disk, 0, 0);
        }
        assert_int_equal(disk.sent[3], 3);
        assert_int_equal(disk.sent[4], 99);
        assert_int_equal(poll_one(&large), POLL_READY);
        assert_int_equal(poll_one(&small), POLL_READY);
        assert_int_equal(poll_one(&flush), POLL_READY);
}

/* After an error the rest is not sent; what is under way is awaited. */
static void test_an_error_ends_the_rest(void **state)
{
        struct block_future large = block_read(&disk.block, 0, memory, PIECES), small = block_read(&disk.block, 99, memory, 1);

        (void)state;
        disk.seats = 2;
        assert_int_equal(poll_one(&large), POLL_PENDING);
        assert_int_equal(poll_one(&small), POLL_PENDING);
        run_hooks();
        fake_disk_complete(&disk, 0, -EIO);
        run_hooks();
        assert_int_equal(disk.submits, 3);
        assert_int_equal(disk.sent[2], 99);
        assert_int_equal(poll_one(&large), POLL_PENDING);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(one.wakes, 1);
        assert_int_equal(poll_one(&large), POLL_READY);
        assert_int_equal(large.result, -EIO);
        assert_int_equal(poll_one(&small), POLL_PENDING);
}

/* All of its pieces have ended before the hook finds out that the rest is not to be sent. */
static void test_an_error_of_all_that_is_under_way(void **state)
{
        struct block_future large = block_read(&disk.block, 0, memory, PIECES);

        (void)state;
        disk.seats = 2;
        assert_int_equal(poll_one(&large), POLL_PENDING);
        run_hooks();
        fake_disk_complete(&disk, 1, -EIO);
        fake_disk_complete(&disk, 0, -ENOTSUP);
        assert_int_equal(poll_one(&large), POLL_PENDING);
        run_hooks();
        assert_int_equal(one.wakes, 1);
        assert_int_equal(poll_one(&large), POLL_READY);
        assert_int_equal(large.result, -EIO);
        assert_int_equal(disk.submits, 2);
}

/* One that is waited for, and so is its first error. */
static void test_waited_for(void **state)
{
        for (int result = -EIO; result <= 0; result += EIO) {
                setup(state);
                disk.seats = 2;
                fake_disk_serve(&disk, result);
                assert_int_equal(waited(block_read(&disk.block, 5, memory, PIECES)), result);
                assert_int_equal(disk.submits, result == 0 ? PIECES : 2);
        }
}

/* The driver refuses the next piece while others are under way. */
static void test_refused_in_the_midst(void **state)
{
        struct block_future large = block_read(&disk.block, 0, memory, PIECES);

        (void)state;
        disk.seats = 2;
        assert_int_equal(poll_one(&large), POLL_PENDING);
        run_hooks();
        disk.submit_error = -ENODEV;
        fake_disk_complete(&disk, 0, 0);
        run_hooks();
        assert_int_equal(poll_one(&large), POLL_PENDING);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(poll_one(&large), POLL_READY);
        assert_int_equal(large.result, -ENODEV);
}

/* At once, in its first poll, with one piece under way, or with none. */
static void test_refused_at_once(void **state)
{
        for (unsigned well = 0; well < PIECES; well++) {
                struct block_future large = block_read(&disk.block, 0, memory, PIECES);

                setup(state);
                disk.submit_error = -ENODEV;
                disk.submits_well = well;
                assert_int_equal(poll_one(&large), well == 0 ? POLL_READY : POLL_PENDING);
                run_hooks();
                while (disk.count > 0) {
                        assert_int_equal(poll_one(&large), POLL_PENDING);
                        fake_disk_complete(&disk, 0, 0);
                }
                assert_int_equal(one.wakes, well > 0);
                assert_int_equal(poll_one(&large), POLL_READY);
                assert_int_equal(large.result, -ENODEV);
        }
}

/* The disk becomes smaller under a request that waits: of what it has left nothing is sent. */
static void test_waits_for_what_is_no_more(void **state)
{
        struct block_future within = block_read(&disk.block, 0, memory, 2), beyond = block_read(&disk.block, 90, memory, PIECES),
                            last = block_write(&disk.block, 91, memory, 1);

        (void)state;
        disk.seats = 3;
        assert_int_equal(poll_one(&within), POLL_PENDING);
        assert_int_equal(poll_one(&beyond), POLL_PENDING);
        assert_int_equal(poll_one(&last), POLL_PENDING);
        run_hooks();
        block_resize(&disk.block, 92);
        fake_disk_complete(&disk, 2, 0); /* the first piece of what is beyond now */
        run_hooks();
        assert_int_equal(poll_one(&beyond), POLL_READY);
        assert_int_equal(beyond.result, -ERANGE);
        assert_int_equal(disk.sent[3], 91);
        assert_int_equal(disk.submits, 4);
        assert_int_equal(poll_one(&within), POLL_PENDING);
        assert_int_equal(waited(block_read(&disk.block, 91, memory, 2)), -ERANGE);
        assert_console_has("92 sectors now, 1000 before\n");
}

/* Or it becomes read-only, or one of other blocks: what waits need not find a seat to be refused. */
static void test_waits_for_what_is_forbidden(void **state)
{
        for (int expected = -EROFS; expected != 0; expected = expected == -EROFS ? -EINVAL : 0) {
                struct block_future whole = block_write(&disk.block, 1, memory, 1), read = block_read(&disk.block, 9, memory, 1),
                                    pieces = block_write(&disk.block, 2, memory, PIECES);

                setup(state);
                disk.seats = 1;
                assert_int_equal(poll_one(&read), POLL_PENDING);
                assert_int_equal(poll_one(&whole), POLL_PENDING);
                assert_int_equal(poll_one(&pieces), POLL_PENDING);
                run_hooks();
                if (expected == -EROFS)
                        disk.block.read_only = true;
                else
                        disk.block.block_size = 4096;
                run_hooks();
                assert_int_equal(poll_one(&whole), POLL_READY);
                assert_int_equal(whole.result, expected);
                assert_int_equal(poll_one(&pieces), POLL_READY);
                assert_int_equal(pieces.result, expected);
                assert_int_equal(poll_one(&read), POLL_PENDING);
                assert_int_equal(disk.submits, 1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_results_are_joined, setup),
                cmocka_unit_test_setup(test_fewer_seats_than_pieces, setup),
                cmocka_unit_test_setup(test_nobody_overtakes_a_rest, setup),
                cmocka_unit_test_setup(test_an_error_ends_the_rest, setup),
                cmocka_unit_test_setup(test_an_error_of_all_that_is_under_way, setup),
                cmocka_unit_test_setup(test_waited_for, setup),
                cmocka_unit_test_setup(test_refused_in_the_midst, setup),
                cmocka_unit_test_setup(test_refused_at_once, setup),
                cmocka_unit_test_setup(test_waits_for_what_is_no_more, setup),
                cmocka_unit_test_setup(test_waits_for_what_is_forbidden, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
