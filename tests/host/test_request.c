/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_device.c kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/executor.c
 * kernel/future.c kernel/timer.c kernel/printk.c tests/host/fake_disk.c
 */
/* One request's life, polled by hand: wakers, withdrawal, and the calls that wait. */
#include "testing.h"

#include <errno.h>

#include "coro.h"
#include "fake_disk.h"
#include "waited.h"

static struct executor executor;
static struct fake_disk disk;
static _Alignas(BLOCK_BUFFER_ALIGN) uint8_t buffer[SECTOR_SIZE];

struct counted {
        struct waker waker;
        unsigned wakes;
};

static void count_wake(struct waker *waker) { container_of(waker, struct counted, waker)->wakes++; }

static struct counted one, two;

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        block_init(&executor, 0);
        fake_disk_add(&disk, 1);
        one = two = (struct counted){ .waker.wake = count_wake };
        return 0;
}

static void expect_pending(struct block_future *request, struct waker *waker)
{
        assert_int_equal(future_poll(&request->future, waker), POLL_PENDING);
}

static void expect_ready(struct block_future *request, int result)
{
        assert_int_equal(future_poll(&request->future, &one.waker), POLL_READY);
        assert_int_equal(future_poll(&request->future, NULL), POLL_READY);
        assert_int_equal(request->result, result);
}

/* What a batch without tasks does: give seats away, publish. */
static void run_hooks(void)
{
        struct yield_future yield = yield_now();

        assert_int_equal(executor_block_on(&executor, &yield.future), 0);
}

static void test_is_lazy(void **state)
{
        struct block_future read = block_read(&disk.block, 7, buffer, 1), write = block_write(&disk.block, 8, buffer, 1),
                            flush = block_flush(&disk.block);

        (void)state;
        assert_int_equal(read.future.state | write.future.state | flush.future.state, FUTURE_NEW);
        assert_int_equal(disk.submits, 0);
        assert_int_equal(read.operation, BLOCK_READ);
        assert_int_equal(write.operation, BLOCK_WRITE);
        assert_int_equal(flush.operation, BLOCK_FLUSH);
        assert_int_equal(write.sector, 8);
        assert_ptr_equal(write.buffer, buffer);
}

static void test_spurious_polls_send_nothing(void **state)
{
        struct block_future request = block_read(&disk.block, 7, buffer, 1);

        (void)state;
        for (unsigned i = 0; i < 4; i++)
                expect_pending(&request, &one.waker);
        run_hooks();
        expect_pending(&request, &one.waker);
        assert_int_equal(disk.submits, 1);
        fake_disk_complete(&disk, 0, -EIO);
        assert_int_equal(one.wakes, 1);
        expect_ready(&request, -EIO);
        assert_int_equal(disk.submits, 1);
        assert_int_equal(one.wakes, 1);
}

static void test_the_latest_waker_is_woken(void **state)
{
        struct block_future request = block_read(&disk.block, 7, buffer, 1);

        (void)state;
        expect_pending(&request, &one.waker);
        expect_pending(&request, &two.waker);
        run_hooks();
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(one.wakes, 0);
        assert_int_equal(two.wakes, 1);
        expect_ready(&request, 0);
}

/* Withdrawal, state by state. */

static void test_withdrawn_before_its_first_poll(void **state)
{
        struct block_future request = block_write(&disk.block, 7, buffer, 1);

        (void)state;
        assert_int_equal(future_poll(&request.future, NULL), POLL_READY);
        expect_ready(&request, -ECANCELED);
        run_hooks();
        assert_int_equal(disk.submits, 0);
}

/* The device has its buffer: it waits on, with the waker it has. */
static void test_withdrawn_while_the_device_has_it(void **state)
{
        struct block_future request = block_read(&disk.block, 7, buffer, 1);

        (void)state;
        expect_pending(&request, &one.waker);
        expect_pending(&request, NULL);
        run_hooks();
        expect_pending(&request, NULL);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(one.wakes, 1);
        expect_ready(&request, 0);
}

/* It waits for a seat, so no device has its buffer: it is over, the device never sees it, and nobody else is lost. */
static void test_withdrawn_while_it_waits_for_a_seat(void **state)
{
        for (unsigned gone = 1; gone < 4; gone++) {
                struct block_future requests[5];

                setup(state);
                for (unsigned i = 0; i < 4; i++) {
                        requests[i] = block_read(&disk.block, i, buffer, 1);
                        expect_pending(&requests[i], &one.waker);
                }
                run_hooks(); /* tries to seat them, in vain */
                assert_int_equal(future_poll(&requests[gone].future, NULL), POLL_READY);
                expect_ready(&requests[gone], -ECANCELED);
                memset(&requests[gone], 0xff, sizeof requests[gone]);
                requests[4] = block_read(&disk.block, 4, buffer, 1);
                expect_pending(&requests[4], &one.waker);
                for (unsigned i = 0; i < 5; i++) {
                        if (i == gone)
                                continue;
                        run_hooks();
                        assert_ptr_equal(disk.seated[0].request, &requests[i]);
                        fake_disk_complete(&disk, 0, 0);
                        expect_ready(&requests[i], 0);
                }
                assert_int_equal(disk.submits, 4);
                assert_int_equal(one.wakes, 4);
        }
}

/* A request whose waker nobody set can still end, and lets the one behind it go. */
static void test_completion_wakes_nobody(void **state)
{
        struct block_future first = block_read(&disk.block, 0, buffer, 1), second = block_read(&disk.block, 1, buffer, 1);

        (void)state;
        expect_pending(&first, &one.waker);
        expect_pending(&second, &two.waker);
        first.waker = NULL;
        run_hooks();
        assert_int_equal(executor.batch_wanted, 0);
        fake_disk_complete(&disk, 0, 0);
        assert_int_equal(executor.batch_wanted, 1);
        run_hooks();
        assert_ptr_equal(disk.seated[0].request, &second);
}

/* The calls that wait. */

static bool end_one(void)
{
        if (disk.published == 0)
                return false;
        host_raise();
        return true;
}

static void interrupt(void)
{
        host_lower();
        fake_disk_complete(&disk, 0, disk.seated[0].sector == 13 ? -EIO : 0);
}

static void check_sleep(void) { fake_disk_check_sleep(&disk); }

static void let_it_run(void)
{
        host.world = end_one;
        host.interrupt = interrupt;
        host.asleep = check_sleep;
}

static void test_calls_that_wait(void **state)
{
        (void)state;
        let_it_run();
        assert_int_equal(waited(block_write(&disk.block, 4, buffer, 1)), 0);
        assert_int_equal(waited(block_flush(&disk.block)), 0);
        assert_int_equal(waited(block_read(&disk.block, 13, buffer, 1)), -EIO);
        assert_int_equal(waited(block_read(&disk.block, 1000, buffer, 1)), -ERANGE);
        assert_int_equal(disk.submits, 3);
        assert_int_equal(host.sleeps, 3);
}

static void test_calls_that_wait_are_refused_where_interrupts_are_masked(void **state)
{
        (void)state;
        host_interrupts_disable();
        assert_int_equal(waited(block_read(&disk.block, 0, buffer, 1)), -EDEADLK);
        assert_int_equal(waited(block_write(&disk.block, 0, buffer, 1)), -EDEADLK);
        assert_int_equal(waited(block_flush(&disk.block)), -EDEADLK);
        assert_int_equal(disk.submits, 0);
}

/* In a task: its own request goes behind those that wait, and they are served meanwhile, though their task sleeps. */
struct mixed {
        struct future future;
        struct task task;
        struct block_future io;
        int result;
};

static enum poll asynchronous_poll(struct future *future, struct waker *waker)
{
        struct mixed *self = container_of(future, struct mixed, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->io, block_read(&disk.block, 13, buffer, 1));
        self->result = self->io.result;
        CORO_END();
}

static enum poll synchronous_poll(struct future *future, struct waker *waker)
{
        struct mixed *self = container_of(future, struct mixed, future);

        CORO_BEGIN(self, waker);
        self->result = waited(block_write(&disk.block, 99, buffer, 1));
        CORO_END();
}

static void test_a_call_that_waits_behind_others(void **state)
{
        enum { OTHERS = 5 };
        struct mixed tasks[OTHERS + 1];

        (void)state;
        let_it_run();
        memset(tasks, 0, sizeof tasks);
        for (unsigned i = 0; i <= OTHERS; i++) {
                tasks[i].future.poll = i == OTHERS ? synchronous_poll : asynchronous_poll;
                tasks[i].result = 1;
                executor_spawn(&executor, &tasks[i].task, &tasks[i].future, "mixed");
        }
        executor_run_until_idle(&executor);
        for (unsigned i = 0; i <= OTHERS; i++) {
                assert_int_equal(disk.sent[i], i == OTHERS ? 99 : 13);
                assert_int_equal(tasks[i].result, i == OTHERS ? 0 : -EIO);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_is_lazy, setup),
                cmocka_unit_test_setup(test_spurious_polls_send_nothing, setup),
                cmocka_unit_test_setup(test_the_latest_waker_is_woken, setup),
                cmocka_unit_test_setup(test_withdrawn_before_its_first_poll, setup),
                cmocka_unit_test_setup(test_withdrawn_while_the_device_has_it, setup),
                cmocka_unit_test_setup(test_withdrawn_while_it_waits_for_a_seat, setup),
                cmocka_unit_test_setup(test_completion_wakes_nobody, setup),
                cmocka_unit_test_setup(test_calls_that_wait, setup),
                cmocka_unit_test_setup(test_calls_that_wait_are_refused_where_interrupts_are_masked, setup),
                cmocka_unit_test_setup(test_a_call_that_waits_behind_others, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
