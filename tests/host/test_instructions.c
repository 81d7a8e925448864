/* SPDX-License-Identifier: MIT */
/*
 * build: plain
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/printk.c
 * drivers/virtio.c drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c tests/host/model.c tests/host/scenario.c
 * tests/host/scenarios.c tests/host/worker.c tests/host/step.c tests/host/explore.c
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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
