/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_device.c
 * kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/modelled.c tests/host/traced.c
 */
/* What is recorded of tasks and requests. */
#include "testing.h"

#include <errno.h>

#include "coro.h"
#include "modelled.h"
#include "traced.h"
#include "util.h"

enum { TIMEOUT = 10000, BEGAN = 1000, SUBMITTED = 2 /* kernel/block.c */, S_UNSUPP = 2, SECTOR = 9 };

static _Alignas(4096) uint8_t buffer[8 * SECTOR_SIZE];
static struct block_future request, other;

/* A disk of one seat, whose requests are of one sector or in pieces. */
static const struct model_options narrow = { .queue_size = 4, .size_max = SECTOR_SIZE };
static const struct model_options wide = { .indirect = true, .queue_size = 16 };

static void record_disk(const struct model_options *options, uint64_t timeout)
{
        modelled_prepare(options, timeout);
        host.time_step = 0;
        traced_begin();
        timer_trace();
        assert_int_equal(modelled_probe(), 0);
}

static void submitted(const void *task, const struct block_future *io, uint32_t sector, uint16_t place)
{
        traced(TRACE_SUBMIT, task, io, sector, BLOCK_READ);
        traced(TRACE_ADD, NULL, io, io->sectors, place);
}

static void used(const struct block_future *io, uint32_t status, uint16_t place)
{
        traced(TRACE_USED, NULL, io, status, place);
        traced(TRACE_COMPLETE, NULL, io, status, 0);
}

/* Interrupts are masked meanwhile. */
static void slept(void)
{
        traced(TRACE_SLEEP_BEGIN, NULL, NULL, 0, 0);
        traced(TRACE_SLEEP_END, NULL, NULL, 0, 0);
}

/* Tasks --------------------------------------------------------------------------------------------- */

struct reader {
        struct future future;
        struct task task;
        struct block_future io;
};

static struct reader reader;
static uint32_t await_line;

static enum poll reader_poll(struct future *future, struct waker *wake_me)
{
        struct reader *self = container_of(future, struct reader, future);

        CORO_BEGIN(self, wake_me);
        await_line = __LINE__ + 1;
        AWAIT(self->io, block_read(disk, SECTOR, buffer, 1));
        CORO_END();
}

static void run_reader(bool accounts)
{
        reader = (struct reader){ .future.poll = reader_poll };
        executor_account(&executor, accounts);
        executor_spawn(&executor, &reader.task, &reader.future, "reader");
        assert_int_equal(executor_run_until_idle(&executor), 0);
        assert_int_equal(reader.io.result, 0);
}

static void expect_reader(bool accounts)
{
        const struct task *task = &reader.task;

        record_disk(&wide, 0);
        run_reader(accounts);
        traced(TRACE_SPAWN, task, task->name, 0, 0);
        traced(TRACE_POLL_BEGIN, task, NULL, 0, 0);
        submitted(task, &reader.io, SECTOR, 0);
        traced(TRACE_AWAIT, task, (void *)reader_poll, await_line, 0);
        traced(TRACE_AWAIT, task, (void *)block_poll, SUBMITTED, 0);
        traced(TRACE_POLL_END, task, NULL, POLL_PENDING, 0);
        slept();
        used(&reader.io, 0, 0);
        traced(TRACE_WAKE, task, NULL, 0, 0);
        traced(TRACE_POLL_BEGIN, task, NULL, 0, 0);
        traced(TRACE_RESUME, task, (void *)reader_poll, await_line, 0);
        traced(TRACE_POLL_END, task, NULL, POLL_READY, 0);
        traced_all();
}

static void test_a_task_that_reads(void **state)
{
        (void)state;
        expect_reader(true);
        expect_reader(false);
}

static void test_nothing_when_it_is_off(void **state)
{
        (void)state;
        modelled_setup(&wide, TIMEOUT);
        run_reader(true);
        assert_false(trace_on());
        assert_int_equal(trace_recorded(), 0);
        assert_null(trace_event(0));
}

/* Futures in futures: each is pending with the one below, the last until its second poll. */
enum { LINKS = 10, RECORDED = 8 };

static struct future links[LINKS];

static enum poll link_poll(struct future *self, struct waker *wake_me)
{
        if (self == &links[LINKS - 1] ? self->state != FUTURE_NEW : future_poll(self + 1, wake_me) == POLL_READY)
                return future_ready(self);
        self->child = self == &links[LINKS - 1] ? 0 : (int32_t)sizeof *self;
        self->state = (uint32_t)(self - links) + 1;
        wake_me->wake(wake_me);
        return POLL_PENDING;
}

static void test_no_deeper_than_eight(void **state)
{
        for (unsigned depth = 1; depth <= LINKS; depth++) {
                struct task task = { 0 };
                unsigned shown = depth < RECORDED ? depth : RECORDED, first = LINKS - depth;

                host_setup(state);
                executor_init(&executor);
                traced_begin();
                executor_account(&executor, true);
                for (unsigned i = 0; i < LINKS; i++)
                        links[i] = (struct future){ .poll = link_poll };
                executor_spawn(&executor, &task, &links[first], "deep");
                assert_int_equal(executor_run_until_idle(&executor), 0);
                traced(TRACE_SPAWN, &task, task.name, 0, 0);
                traced(TRACE_POLL_BEGIN, &task, NULL, 0, 0);
                for (unsigned i = 0; i < depth; i++)
                        traced(TRACE_WAKE, &task, NULL, 0, 0);
                for (unsigned i = 0; i < shown; i++)
                        traced(TRACE_AWAIT, &task, (void *)link_poll, first + i + 1, 0);
                traced(TRACE_POLL_END, &task, NULL, POLL_PENDING, 0);
                traced(TRACE_POLL_BEGIN, &task, NULL, 0, 0);
                for (unsigned i = 0; i < shown; i++)
                        traced(TRACE_RESUME, &task, (void *)link_poll, first + i + 1, 0);
                traced(TRACE_POLL_END, &task, NULL, POLL_READY, 0);
                traced_all();
        }
}

/* Requests ------------------------------------------------------------------------------------------ */

/* Both wait in one batch, in two tasks: the second gets the seat of the first. */
static void test_one_that_finds_no_seat(void **state)
{
        struct task task = { 0 }, other_task = { 0 };

        (void)state;
        record_disk(&narrow, 0);
        request = block_read(disk, SECTOR, buffer, 1);
        other = block_read(disk, SECTOR + 1, buffer + SECTOR_SIZE, 1);
        executor_spawn(&executor, &task, &request.future, "one");
        executor_spawn(&executor, &other_task, &other.future, "other");
        assert_int_equal(executor_run_until_idle(&executor), 0);
        traced(TRACE_SPAWN, &task, task.name, 0, 0);
        traced(TRACE_SPAWN, &other_task, other_task.name, 0, 0);
        submitted(&task, &request, SECTOR, 0);
        traced(TRACE_QUEUE, &other_task, &other, SECTOR + 1, BLOCK_READ);
        used(&request, 0, 0);
        traced(TRACE_WAKE, &task, NULL, 0, 0);
        submitted(NULL, &other, SECTOR + 1, 0);
        used(&other, 0, 0);
        traced(TRACE_WAKE, &other_task, NULL, 0, 0);
        traced_all();
}

/* Its end is recorded with its last piece, and not with each. */
static void test_in_pieces(void **state)
{
        (void)state;
        record_disk(&narrow, 0);
        request = block_read(disk, SECTOR, buffer, 3);
        assert_int_equal(block_wait(&request), 0);
        submitted(NULL, &request, SECTOR, 0);
        traced(TRACE_QUEUE, NULL, &request, SECTOR, BLOCK_READ);
        traced(TRACE_USED, NULL, &request, 0, 0);
        submitted(NULL, &request, SECTOR + 1, 0);
        traced(TRACE_USED, NULL, &request, 0, 0);
        submitted(NULL, &request, SECTOR + 2, 0);
        used(&request, 0, 0);
        traced_all();
}

/* All at once: the last that ends is the end. */
static void test_pieces_at_once(void **state)
{
        const struct model_options options = { .indirect = true, .queue_size = 16, .size_max = SECTOR_SIZE };

        (void)state;
        record_disk(&options, 0);
        request = block_read(disk, SECTOR, buffer, 3);
        assert_int_equal(block_wait(&request), 0);
        submitted(NULL, &request, SECTOR, 0);
        submitted(NULL, &request, SECTOR + 2, 1);
        traced(TRACE_USED, NULL, &request, 0, 0);
        used(&request, 0, 1);
        traced_all();
}

/* A request is in the queue that its batch goes to. */
static void test_queues(void **state)
{
        const struct model_options options = { .indirect = true, .queue_size = 16, .num_queues = 2 };
        unsigned seats[2] = { 0 };

        (void)state;
        record_disk(&options, 0);
        for (unsigned i = 0; i < 4; i++) {
                unsigned queue;

                request = block_read(disk, SECTOR, buffer, 1);
                assert_int_equal(block_wait(&request), 0);
                queue = model.seen[i].queue;
                submitted(NULL, &request, SECTOR, (uint16_t)(queue << 12 | seats[queue]));
                used(&request, 0, (uint16_t)(queue << 12 | seats[queue]++));
                disk->operations->publish(disk); /* as a batch more: the other queue has its turn */
        }
        traced_all();
        assert_true(seats[0] > 0 && seats[1] > 0);
}

static void test_one_that_fails(void **state)
{
        (void)state;
        record_disk(&wide, 0);
        model.knows_nothing = true;
        request = block_read(disk, SECTOR, buffer, 1);
        assert_int_equal(block_wait(&request), -ENOTSUP);
        submitted(NULL, &request, SECTOR, 0);
        used(&request, S_UNSUPP, 0);
        traced_all();
}

/* Its other pieces never get a seat: it ends with its turn in the FIFO. */
static void test_one_whose_piece_fails(void **state)
{
        (void)state;
        record_disk(&narrow, 0);
        model.knows_nothing = true;
        request = block_read(disk, SECTOR, buffer, 3);
        assert_int_equal(block_wait(&request), -ENOTSUP);
        submitted(NULL, &request, SECTOR, 0);
        traced(TRACE_QUEUE, NULL, &request, SECTOR, BLOCK_READ);
        traced(TRACE_USED, NULL, &request, S_UNSUPP, 0);
        traced(TRACE_COMPLETE, NULL, &request, ENOTSUP, 1);
        traced_all();
}

static void timed_out(const struct block_device *gone, uint64_t deadline)
{
        traced(TRACE_TIMER_ARM, NULL, (void *)deadline, 0, 0);
        slept();
        traced(TRACE_TIMER_FIRE, NULL, NULL, 0, 0);
        traced(TRACE_TIMEOUT, NULL, gone, gone->number, 0);
        traced(TRACE_RESET, NULL, gone, gone->number, 0);
}

/* Overdue, it is sent again; overdue once more, recovery ends it. In pieces it waits in the FIFO, and is over once. */
static void test_overdue_twice(void **state)
{
        for (uint32_t sectors = 1; sectors <= 3; sectors += 2) {
                (void)state;
                record_disk(&narrow, TIMEOUT);
                executor_account(&executor, true);
                model.deaf = true;
                request = block_read(disk, SECTOR, buffer, sectors);
                assert_int_equal(block_wait(&request), -ETIMEDOUT);
                submitted(NULL, &request, SECTOR, 0);
                if (sectors > 1)
                        traced(TRACE_QUEUE, NULL, &request, SECTOR, BLOCK_READ);
                timed_out(disk, BEGAN + TIMEOUT);
                submitted(NULL, &request, SECTOR, 0);
                timed_out(disk, BEGAN + 2 * TIMEOUT);
                traced(TRACE_COMPLETE, NULL, &request, ETIMEDOUT, 1);
                if (sectors > 1) /* its turn in the FIFO */
                        traced(TRACE_TIMER_ARM, NULL, (void *)(uintptr_t)(BEGAN + 3 * TIMEOUT), 0, 0);
                traced_all();
        }
}

/* A broken ring: what it had is sent again, with nothing of it used. */
static void test_a_lie(void **state)
{
        const struct model_options options = { .indirect = true, .queue_size = 16, .lie = MODEL_BAD_ID, .lie_at = 1 };

        (void)state;
        record_disk(&options, 0);
        request = block_read(disk, SECTOR, buffer, 1);
        assert_int_equal(block_wait(&request), 0);
        submitted(NULL, &request, SECTOR, 0);
        traced(TRACE_RESET, NULL, disk, disk->number, 0);
        submitted(NULL, &request, SECTOR, 0);
        used(&request, 0, 0);
        traced_all();
}

/* Recorded or not, in one queue or the next: what was published ends, and what was added since is left in the ring. */
static void test_an_answer_while_another_is_added(void **state)
{
        (void)state;
        for (unsigned kind = 0; kind < 4; kind++) {
                const struct model_options options = { .indirect = true, .queue_size = 16, .num_queues = 1 + (kind & 1) };

                modelled_prepare(&options, 0);
                if (kind & 2)
                        trace_start();
                assert_int_equal(modelled_probe(), 0);
                model.deaf = true;
                request = block_read(disk, SECTOR, buffer, 1);
                assert_int_equal(future_poll(&request.future, &waker), POLL_PENDING);
                run_hooks();
                other = block_read(disk, SECTOR + 1, buffer + SECTOR_SIZE, 1);
                assert_int_equal(future_poll(&other.future, &waker), POLL_PENDING);
                model.deaf = false;
                while (model_step(&model, false))
                        ;
                host_deliver();
                assert_true(future_done(&request.future));
                assert_false(future_done(&other.future));
                assert_int_equal(block_wait(&other), 0);
                assert_true(request.result == 0 && model_holds(buffer, SECTOR, 0) && model_holds(buffer + SECTOR_SIZE, SECTOR + 1, 0));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_a_task_that_reads), TEST(test_nothing_when_it_is_off), TEST(test_no_deeper_than_eight),
                TEST(test_one_that_finds_no_seat), TEST(test_in_pieces), TEST(test_pieces_at_once),
                TEST(test_queues), TEST(test_one_that_fails), TEST(test_one_whose_piece_fails),
                TEST(test_overdue_twice), TEST(test_a_lie), TEST(test_an_answer_while_another_is_added),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
