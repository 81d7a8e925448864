/* SPDX-License-Identifier: MIT */
/*
 * build: plain
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_device.c
 * kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/scenario.c
 * tests/host/scenarios.c tests/host/scenarios_pieces.c tests/host/worker.c tests/host/step.c tests/host/explore.c
 */
/* As test_interleave.c, with an interrupt between any two instructions that the compiler made of the kernel. */
#include "explore.h"

int main(void)
{
        const struct CMUnitTest tests[] = {
                EACH_INSTRUCTION(one_reader),
                EACH_INSTRUCTION(request_handed_over),
                EACH_INSTRUCTION(call_that_waits_in_a_task),
                EACH_INSTRUCTION(request_withdrawn),
                EACH_INSTRUCTION(reader_beside_a_sleeper),
                EACH_INSTRUCTION(request_in_pieces),
                EACH_INSTRUCTION(whole_request_cancelled),
                EACH_INSTRUCTION(request_cancelled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
