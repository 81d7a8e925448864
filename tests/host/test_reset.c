/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_device.c
 * kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/modelled.c
 */
/* A virtio disk that is reset: how it comes back, as what, and what is done again. */
#include "testing.h"

#include <errno.h>

#include "modelled.h"
#include "util.h"
#include "virtio_blk.h"
#include "waited.h"

enum { TIMEOUT = 10000, GUARD = 0xa5 };

static _Alignas(4096) uint8_t buffer[8 * SECTOR_SIZE];
static struct block_future request;
static struct model_options options;

static int setup(void **state)
{
        (void)state;
        options = (struct model_options){ .indirect = true, .event_idx = true, .cache = true, .queue_size = 16 };
        modelled_setup(&options, TIMEOUT);
        return 0;
}

/* A request that the device has, and does not answer. */
static void have_one_stuck(struct block_future made)
{
        model.deaf = true;
        request = made;
        assert_int_equal(future_poll(&request.future, &waker), POLL_PENDING);
        run_hooks();
}

static void hear_again(struct model *self) { self->deaf = false; }

static void expect_to_serve(void)
{
        memset(buffer, GUARD, sizeof buffer);
        assert_int_equal(waited(block_read(disk, 9, buffer, 2)), 0);
        assert_true(model_holds(buffer, 9, 0) && model_holds(buffer + SECTOR_SIZE, 10, 0));
        assert_int_equal(waited(block_flush(disk)), 0);
        assert_console_lacks("it is not used any more");
}

static void expect_retired(const char *words)
{
        assert_int_equal(waited(block_read(disk, 9, buffer, 1)), -ENODEV);
        assert_console_has("error: disk 0 (model): it is not used any more\n");
        assert_console_has(words);
}

/* Stuck --------------------------------------------------------------------------------------------- */

/* It hears again after the reset: nobody but the clock has noticed. */
static void test_deaf_until_reset(void **state)
{
        (void)state;
        have_one_stuck(block_read(disk, 9, buffer, 2));
        model.on_reset = hear_again;
        assert_int_equal(block_wait(&request), 0);
        assert_true(model_holds(buffer, 9, 0) && model_holds(buffer + SECTOR_SIZE, 10, 0));
        assert_int_equal(disk->resets, 1);
        assert_in_range(host.time, TIMEOUT, 2 * TIMEOUT);
        expect_to_serve();
}

/* It never does: the second deadline is the request's end, and the device has nothing of its buffer any more. */
static void test_deaf_for_ever(void **state)
{
        (void)state;
        have_one_stuck(block_read(disk, 9, buffer, 2));
        assert_int_equal(block_wait(&request), -ETIMEDOUT);
        assert_int_equal(disk->resets, 2);
        memset(buffer, GUARD, sizeof buffer);
        model.deaf = false;
        assert_false(model_step(&model, true));
        for (unsigned i = 0; i < sizeof buffer; i++)
                assert_int_equal(buffer[i], GUARD);
        expect_to_serve();
}

/* A lost interrupt costs a warning, whatever the ring says about interrupts, and the next one is not lost with it. */
static void test_lost_interrupts(void **state)
{
        for (unsigned kind = 0; kind < 4; kind++) {
                (void)state;
                options.indirect = kind & 1;
                options.event_idx = kind & 2;
                modelled_setup(&options, TIMEOUT);
                model.losses = 1;
                assert_int_equal(waited(block_read(disk, 9, buffer, 2)), 0);
                assert_console_has("warning: disk 0 (model): an interrupt was lost");
                assert_int_equal(model.losses, 0);
                host.time_step = 0;

                uint64_t before = host.time;

                expect_to_serve();
                assert_int_equal(host.time, before);
                assert_int_equal(disk->resets, 0);
        }
}

static void use_seat_1(void)
{
        struct virtq_used *used = model.queues[0].ring->device_area;

        used->ring[0].id = 1;
        used->idx = 1;
        model.interrupting = true;
        host_raise();
}

/* The device uses an id that is in the ring, and has yet to be published: a reset comes before the buffer is ours. */
static void use_before_it_is_published(uint8_t status)
{
        struct block_future early = block_read(disk, 10, buffer + SECTOR_SIZE, 1);

        have_one_stuck(block_read(disk, 9, buffer, 1));
        model.on_reset = hear_again;
        assert_int_equal(future_poll(&early.future, &waker), POLL_PENDING);
        virtio_blk_of(disk)->queues[0].seats[1].status = status; /* it knows where it was before */
        use_seat_1();
        host_deliver();
        assert_false(future_done(&early.future));
        assert_int_equal(block_wait(&early), 0);
        assert_int_equal(block_wait(&request), 0);
        assert_true(model_holds(buffer, 9, 0) && model_holds(buffer + SECTOR_SIZE, 10, 0));
        assert_int_equal(disk->resets, 1);
        assert_console_has("a request is used that was not published");
        expect_to_serve();
}

static void test_used_before_it_is_published(void **state)
{
        (void)state;
        for (unsigned status = 0; status < 256; status++) {
                modelled_setup(&options, TIMEOUT);
                use_before_it_is_published((uint8_t)status);
        }
}

/* So does a batch in which somebody has waited for a seat, and does not any more: what came before is of the same batch. */
static void test_used_behind_one_that_left(void **state)
{
        static struct block_future parts[4];

        (void)state;
        options.queue_size = 4;
        modelled_setup(&options, TIMEOUT);
        have_one_stuck(block_read(disk, 9, buffer, 1));
        model.on_reset = hear_again;
        for (unsigned i = 0; i < 4; i++) {
                parts[i] = block_read(disk, 10 + i, buffer + (1 + i) * SECTOR_SIZE, 1);
                assert_int_equal(future_poll(&parts[i].future, &waker), POLL_PENDING);
        }
        assert_int_equal(future_poll(&parts[3].future, NULL), POLL_READY);
        host.time += 10;
        parts[3] = block_read(disk, 20, buffer + 4 * SECTOR_SIZE, 1);
        assert_int_equal(future_poll(&parts[3].future, &waker), POLL_PENDING);
        use_seat_1();
        host_deliver();
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(block_wait(&parts[i]), 0);
        assert_int_equal(disk->resets, 1);
}

/* Wherever that happens while a request in pieces is submitted, which has one seat after the other. */
static void test_used_while_it_is_added(void **state)
{
        static struct block_future early;
        static struct block_segment segment = { buffer + SECTOR_SIZE, SECTOR_SIZE };

        for (unsigned at = 1; at < 60; at++) {
                setup(state);
                have_one_stuck(block_read(disk, 9, buffer, 1));
                model.on_reset = hear_again;
                early = block_vectored(disk, BLOCK_READ, 10, &segment, 1);
                host_plan(use_seat_1, at, 0);
                future_poll(&early.future, &waker);
                host_plan(NULL, 0, 0);
                assert_int_equal(block_wait(&early), 0);
                assert_int_equal(block_wait(&request), 0);
                assert_true(model_holds(buffer, 9, 0) && model_holds(buffer + SECTOR_SIZE, 10, 0));
                assert_int_equal(disk->resets, 1);
        }
}

/* It does not finish its reset: the buffer may yet be written, and that is said. */
static void test_reset_without_end(void **state)
{
        (void)state;
        have_one_stuck(block_read(disk, 9, buffer, 1));
        model.ignores_reset = true;
        assert_int_equal(block_wait(&request), -ENODEV);
        expect_retired("error: disk 0: its reset does not end: what it had for a buffer may yet be written\n");
        assert_int_equal(model.status, VIRTIO_STATUS_FAILED);
        model.deaf = false;
        model.status = VIRTIO_STATUS_DRIVER_OK; /* it did not hear of that either */
        model_step(&model, true); /* what it says then is nobody's business */
        host_deliver();
        run_hooks();
        expect_retired("its reset does not end");
        assert_int_equal(disk->resets, 1);
}

/* Back as another one ------------------------------------------------------------------------------- */

static void be_bolder(struct model *self) { self->options.lifetime = true; }
static void lose_flush(struct model *self) { self->options.cache = false; }
static void have_larger_blocks(struct model *self) { self->options.block_size = 4096; }
static void have_odd_blocks(struct model *self) { self->options.block_size = 768; }
static void have_smaller_segments(struct model *self) { self->options.size_max = 512; }
static void have_smaller_queue(struct model *self) { self->options.queue_size = 8; }

static void expect_refusal(void (*change)(struct model *), const char *words)
{
        modelled_setup(&options, TIMEOUT);
        have_one_stuck(block_read(disk, 9, buffer, 1));
        model.on_reset = change;
        assert_int_equal(block_wait(&request), -ENODEV);
        expect_retired(words);
        assert_true(model.status & VIRTIO_STATUS_FAILED);
        assert_int_equal(disk->resets, 1);
}

static void test_back_as_another_one(void **state)
{
        (void)state;
        expect_refusal(be_bolder, "error: model: it has come back with other features: not used\n");
        expect_refusal(lose_flush, "error: model: it has come back with other features: not used\n");
        options.size_max = 1024;
        expect_refusal(have_smaller_segments, "error: model: it has come back with smaller segments: not used\n");
        options.size_max = 0;
        options.block_size = 512;
        expect_refusal(have_larger_blocks, "error: model: it has come back with another logical block: not used\n");
        expect_refusal(have_odd_blocks, "error: model: a logical block of 768 bytes makes no sense: not used\n");
        expect_refusal(have_smaller_queue, "error: model: ");
}

static void have_larger_queue(struct model *self)
{
        self->options.queue_size = 32;
        self->deaf = false;
}

/* The rings are what they were: a queue that could be larger now is not. */
static void test_back_with_a_larger_queue(void **state)
{
        (void)state;
        have_one_stuck(block_read(disk, 9, buffer, 1));
        model.on_reset = have_larger_queue;
        assert_int_equal(block_wait(&request), 0);
        assert_int_equal(model.queues[0].ring->layout.size, 16);
        expect_to_serve();
}

static void be_smaller(struct model *self)
{
        self->options.capacity = 20;
        self->deaf = false;
}

/* What is beyond its end now is not sent again. */
static void test_back_smaller(void **state)
{
        struct block_future within = block_read(disk, 19, buffer, 1);

        (void)state;
        have_one_stuck(block_read(disk, 20, buffer, 1));
        assert_int_equal(future_poll(&within.future, &waker), POLL_PENDING);
        model.on_reset = be_smaller;
        assert_int_equal(block_wait(&request), -ERANGE);
        assert_int_equal(block_wait(&within), 0);
        assert_int_equal(model.completions, 1);
        assert_int_equal(disk->capacity, 20);
}

static void take_no_range(struct model *self)
{
        self->options.discard_segments = self->options.write_zeroes_segments = 0;
        self->deaf = false;
}

static void take_smaller_ranges(struct model *self)
{
        self->options.max_discard = self->options.max_write_zeroes = 2;
        self->deaf = false;
}

/* What it had taken goes in other pieces now, or, where it takes none any more, not at all. */
static void test_back_with_other_limits(void **state)
{
        (void)state;
        options.max_discard = options.max_write_zeroes = 8;
        options.discard_segments = options.write_zeroes_segments = 1;
        for (unsigned i = 0; i < 4; i++) {
                modelled_setup(&options, TIMEOUT);
                have_one_stuck(i % 2 ? block_discard(disk, 40, 8) : block_write_zeroes(disk, 40, 8, false));
                model.on_reset = i / 2 ? take_no_range : take_smaller_ranges;
                assert_int_equal(block_wait(&request), i / 2 ? -ENOTSUP : 0);
                assert_int_equal(model.completions, i / 2 ? 0 : 4);
                expect_to_serve();
        }
}

/* It asks ------------------------------------------------------------------------------------------- */

static void ask_for_reset(void)
{
        model.status |= VIRTIO_STATUS_NEEDS_RESET;
        reconfigure();
}

static void test_needs_reset(void **state)
{
        (void)state;
        ask_for_reset(); /* at rest */
        assert_int_equal(disk->resets, 1);
        expect_to_serve();
        have_one_stuck(block_write(disk, 3, memset(buffer, 7, SECTOR_SIZE), 1));
        model.on_reset = hear_again;
        ask_for_reset(); /* in flight */
        assert_int_equal(block_wait(&request), 0);
        assert_int_equal(model.data[3][0], 7);
        assert_int_equal(disk->resets, 2);
        for (unsigned i = 0; i < 3; i++)
                ask_for_reset();
        expect_to_serve();
        for (unsigned i = 0; i < 4; i++)
                ask_for_reset(); /* and does nothing else */
        expect_retired("the device needs a reset");
        assert_int_equal(model.status, VIRTIO_STATUS_FAILED);
}

/* Nobody has told: it is found with the deadline. */
static void test_needs_reset_and_does_not_say_so(void **state)
{
        (void)state;
        have_one_stuck(block_read(disk, 9, buffer, 1));
        model.status |= VIRTIO_STATUS_NEEDS_RESET;
        model.on_reset = hear_again;
        assert_int_equal(block_wait(&request), 0);
        assert_console_has("the device needs a reset: it is reset\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_deaf_until_reset, setup),
                cmocka_unit_test_setup(test_deaf_for_ever, setup),
                cmocka_unit_test_setup(test_lost_interrupts, setup),
                cmocka_unit_test_setup(test_used_before_it_is_published, setup),
                cmocka_unit_test_setup(test_used_behind_one_that_left, setup),
                cmocka_unit_test_setup(test_used_while_it_is_added, setup),
                cmocka_unit_test_setup(test_reset_without_end, setup),
                cmocka_unit_test_setup(test_back_as_another_one, setup),
                cmocka_unit_test_setup(test_back_with_a_larger_queue, setup),
                cmocka_unit_test_setup(test_back_smaller, setup),
                cmocka_unit_test_setup(test_back_with_other_limits, setup),
                cmocka_unit_test_setup(test_needs_reset, setup),
                cmocka_unit_test_setup(test_needs_reset_and_does_not_say_so, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
