/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_device.c
 * kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/modelled.c
 */
/* A virtio disk of several queues that is reset: all of them are. */
#include "testing.h"

#include <errno.h>

#include "modelled.h"
#include "util.h"

enum { TIMEOUT = 10000 };

static _Alignas(BLOCK_BUFFER_ALIGN) uint8_t buffer[SECTOR_SIZE];

static void have_queues(uint16_t count)
{
        const struct model_options options = { .indirect = true, .event_idx = true, .queue_size = 4, .num_queues = count };

        modelled_setup(&options, TIMEOUT);
}

static void hear_again(struct model *self) { self->deaf = false; }

/* All queues come back, and what is in all of them is done again. */
static void test_reset_of_all(void **state)
{
        struct block_future many[20];

        (void)state;
        have_queues(3);
        model.deaf = true;
        model.on_reset = hear_again;
        for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
                many[i] = block_read(disk, i, buffer, 1);
                assert_int_equal(future_poll(&many[i].future, &waker), POLL_PENDING);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
                assert_int_equal(block_wait(&many[i]), 0);
        assert_int_equal(disk->resets, 1);
        assert_int_equal(model.completions, ARRAY_SIZE(many));
        for (unsigned i = 0; i < 3; i++)
                assert_non_null(model.queues[i].ring);
        assert_int_equal(disk->depth, 12);
}

/* Its reset does not end, and it goes on to say that it is done, in each of its queues. */
static void test_answers_after_a_reset_in_vain(void **state)
{
        struct block_future each[3];

        (void)state;
        have_queues(ARRAY_SIZE(each));
        model.deaf = model.ignores_reset = true;
        for (unsigned i = 0; i < ARRAY_SIZE(each); i++) {
                each[i] = block_read(disk, i, buffer, 1);
                assert_int_equal(future_poll(&each[i].future, &waker), POLL_PENDING);
                run_hooks(); /* a batch for each queue */
        }
        for (unsigned i = 0; i < ARRAY_SIZE(each); i++)
                assert_int_equal(block_wait(&each[i]), -ENODEV);
        model.deaf = false;
        model.status = VIRTIO_STATUS_DRIVER_OK;
        while (model_step(&model, true))
                host_deliver();
        assert_int_equal(model.completions, ARRAY_SIZE(each));
        for (unsigned i = 0; i < ARRAY_SIZE(each); i++)
                assert_int_equal(each[i].result, -ENODEV);
        assert_int_equal(disk->irqs, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reset_of_all),
                cmocka_unit_test(test_answers_after_a_reset_in_vain),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
