/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_device.c
 * kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/scenario.c
 * tests/host/scenarios.c tests/host/scenarios_pieces.c tests/host/worker.c tests/host/step.c
 */
/* A disk that loses interrupts, or does nothing until it is reset; and time that passes at every point. No request is lost. */
#include "testing.h"

#include <errno.h>

#include "block.h"
#include "scenario.h"

enum { TIMEOUT = 1000 };

static uint64_t runs;

static const struct scenario *const scenarios[] = {
        &one_reader, &call_that_waits_in_a_task, &mixed_requests, &more_tasks_than_seats, &two_disks, &request_in_pieces,
        &whole_request_cancelled, &request_cancelled, &request_cancelled_by_its_owner,
};

static uint64_t run_once(const struct run *run)
{
        const struct block_device *disk;

        scenario_run(run);
        disk = block_device(0);
        runs++;
        /* Time that passes between a second seat and the notification makes it overdue a second time, and others with it. */
        if (outcome.failed > 0 && !(run->deaf && run->first > 0 &&
                                    (outcome.first_error == -ETIMEDOUT || outcome.first_error == -ECANCELED)))
                fail_msg("%u requests fail, one with %d", outcome.failed, outcome.first_error);
        assert_console_lacks("it is not used any more");
        if (run->deaf)
                assert_in_range(disk->resets, 1, 2);
        else if (run->first == 0)
                assert_int_equal(disk->resets, 0);
        if (run->scenario->disks == 2 && run->first == 0)
                assert_int_equal(block_device(1)->resets, 0);
        return outcome.points;
}

/* At one point all the time passes that a request has, and the device goes on: the one may look like the other's fault. */
static void for_every_device(struct run run)
{
        run.mode = RUN_STEP;
        run.timeout = TIMEOUT;
        run.errors_allowed = true; /* to the run, though not to us: a reset gives it other rings */
        runs = 0;
        for (unsigned i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
                run.scenario = scenarios[i];
                for (unsigned kind = 0; kind < DEVICE_KINDS; kind++) {
                        run.options = scenario_device(kind);
                        run.options.cache = true;
                        run.first = 0;
                        run_once(&run);
                        if (kind == 3 || kind == 26)
                                for (run.first = 1; run_once(&run) >= run.first; run.first++)
                                        ;
                }
        }
        printf("# %lu runs\n", (unsigned long)runs);
}

static void test_time_passes(void **state)
{
        (void)state;
        for_every_device((struct run){ .losses = 0 });
}

static void test_one_interrupt_is_lost(void **state)
{
        (void)state;
        for_every_device((struct run){ .losses = 1 });
}

static void test_many_interrupts_are_lost(void **state)
{
        (void)state;
        for_every_device((struct run){ .losses = 5 });
}

static void test_deaf_until_reset(void **state)
{
        (void)state;
        for_every_device((struct run){ .deaf = true });
}

#define OVERDUE(function) cmocka_unit_test_teardown(function, scenario_explain)

int main(void)
{
        const struct CMUnitTest tests[] = {
                OVERDUE(test_time_passes),
                OVERDUE(test_one_interrupt_is_lost),
                OVERDUE(test_many_interrupts_are_lost),
                OVERDUE(test_deaf_until_reset),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
