/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_device.c
 * kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/scenario.c
 * tests/host/scenarios.c tests/host/scenarios_pieces.c tests/host/worker.c tests/host/step.c tests/host/explore.c
 */
/* The real path of a request, from task to ring and back, with the device acting at every point of every scenario. */
#include "explore.h"

int main(void)
{
        const struct CMUnitTest tests[] = {
                EACH_POINT(one_reader),
                EACH_POINT(reader_beside_a_yielding_task),
                EACH_POINT(call_that_waits_in_a_task),
                EACH_POINT(more_tasks_than_seats),
                EACH_POINT(respawn_after_a_wake_in_the_last_poll),
                EACH_POINT(two_disks),
                EACH_POINT(mixed_requests),
                EACH_POINT(request_handed_over),
                EACH_POINT(request_withdrawn),
                EACH_POINT(reader_beside_a_sleeper),
                EACH_POINT(disk_and_time_at_once),
                EACH_POINT(request_in_pieces),
                EACH_POINT(whole_request_cancelled),
                EACH_POINT(request_cancelled),
                EACH_POINT(request_cancelled_by_its_owner),
                EACH_TWO_POINTS(one_reader),
                EACH_TWO_POINTS(request_handed_over),
                EACH_TWO_POINTS(reader_beside_a_sleeper),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
