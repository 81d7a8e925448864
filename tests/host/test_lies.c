/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_device.c
 * kernel/block_check.c kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 * tests/host/model.c tests/host/model_request.c tests/host/model_transport.c tests/host/scenario.c
 * tests/host/scenarios.c tests/host/scenarios_pieces.c tests/host/worker.c tests/host/step.c
 */
/* A disk that lies: every task that waits for it goes on; it is reset and used again, or never again; another one is. */
#include "testing.h"

#include <errno.h>

#include "block.h"
#include "scenario.h"
#include "waited.h"

/* What a lie leads to. */
enum verdict {
        HARMLESS,  /* nobody notices */
        ONE_FAILS, /* the request in question, with -EIO; or a reset, where it is not yet known to have been shown */
        RESET,     /* the disk is reset, and what it had is done again */
        RESET_OR_NOT, /* as far as one can know; and whose id it was fails with -EIO */
        RETIRED,   /* it goes on lying, and is not used any more */
};

enum { ALIVE = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK };

static uint64_t runs;
static const char *words; /* on the console, where the disk is reset */

static void expect_all_well(void)
{
        assert_int_equal(outcome.failed, 0);
        assert_int_equal(block_device(0)->resets, 0);
}

static void expect_one_failure(const struct run *run)
{
        if (run->scenario->small_pieces) /* it may have been a piece of one that failed already, or was cancelled */
                assert_in_range(outcome.failed, 0, 1);
        else
                assert_int_equal(outcome.failed, outcome.requests >= run->options.lie_at);
        assert_int_equal(outcome.first_error, outcome.failed ? -EIO : 0);
        assert_int_equal(block_device(0)->resets, 0);
        assert_int_equal(models[0].status, ALIVE);
}

static void expect_to_serve(unsigned disk)
{
        _Alignas(BLOCK_BUFFER_ALIGN) uint8_t buffer[SECTOR_SIZE];

        assert_int_equal(waited(block_read(block_device(disk), 1, buffer, 1)), 0);
        assert_true(model_holds(buffer, 1, 0));
        assert_int_equal(waited(block_flush(block_device(disk))), 0);
}

/* Seen to at the latest when somebody comes again. */
static void expect_recovery(bool may_fail)
{
        expect_to_serve(0);
        if (!may_fail)
                assert_int_equal(outcome.failed, 0);
        else
                assert_true(outcome.first_error == 0 || outcome.first_error == -EIO);
        assert_int_equal(block_device(0)->resets, 1);
        assert_int_equal(models[0].status, ALIVE);
        assert_console_has("warning: disk 0 (disk-a): ");
        assert_console_has(words);
        assert_console_has(": it is reset\n");
        assert_console_lacks("it is not used any more");
}

/* Reset, so that it no longer has anybody's buffer; said so; and closed to whoever comes later. */
static void expect_retirement(void)
{
        _Alignas(BLOCK_BUFFER_ALIGN) uint8_t buffer[SECTOR_SIZE];
        struct block_device *disk = block_device(0);

        for (unsigned tries = 0; tries < 8; tries++)
                assert_int_not_equal(waited(block_read(disk, 1, buffer, 1)), 0);
        assert_int_equal(waited(block_read(disk, 1, buffer, 1)), -ENODEV);
        assert_int_equal(waited(block_write(disk, 1, buffer, 1)), -ENODEV);
        assert_int_equal(waited(block_flush(disk)), -ENODEV);
        assert_true(outcome.first_error == 0 || outcome.first_error == -ENODEV || outcome.first_error == -ECANCELED);
        assert_int_equal(disk->resets, 4);
        assert_int_equal(models[0].status, VIRTIO_STATUS_FAILED);
        assert_null(models[0].queues[0].ring);
        assert_console_has("error: disk 0 (disk-a): it is not used any more\n");
        assert_console_has(words);
}

static void expect(enum verdict verdict, const struct run *run)
{
        bool told = models[0].completions >= run->options.lie_at;

        if (!told || verdict == HARMLESS)
                expect_all_well();
        else if (verdict == ONE_FAILS && (run->first == 0 || block_device(0)->resets == 0))
                expect_one_failure(run);
        else if (verdict == RETIRED)
                expect_retirement();
        else if (verdict == RESET || block_device(0)->resets != 0)
                expect_recovery(verdict != RESET);
        if (run->scenario->disks == 2) {
                assert_int_equal(block_device(1)->resets, 0);
                expect_to_serve(1);
        }
}

static uint64_t run_once(const struct run *run, enum verdict verdict)
{
        scenario_run(run);
        expect(verdict, run);
        runs++;
        return outcome.points;
}

static void lie_everywhere(struct run run, enum verdict verdict, bool at_every_point)
{
        for (run.options.lie_at = 1; run.options.lie_at <= 3; run.options.lie_at++) {
                run.first = run.second = 0;
                run_once(&run, verdict);
                if (at_every_point)
                        for (run.first = 1; run_once(&run, verdict) >= run.first; run.first++)
                                ;
        }
}

static void for_every_device(enum model_lie lie, enum verdict verdict, const char *words_expected)
{
        static const struct scenario *const scenarios[] = { &one_reader, &call_that_waits_in_a_task, &mixed_requests,
                                                            &more_tasks_than_seats, &two_disks, &request_in_pieces,
                                                            &whole_request_cancelled, &request_cancelled, &request_cancelled_by_its_owner };
        struct run run = { .mode = RUN_STEP, .errors_allowed = true };

        runs = 0;
        words = words_expected;
        for (unsigned i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
                run.scenario = scenarios[i];
                for (unsigned kind = 0; kind < DEVICE_KINDS; kind++) {
                        run.options = scenario_device(kind);
                        run.options.cache = true;
                        run.options.lie = lie;
                        run.options.lies_on = verdict == RETIRED;
                        lie_everywhere(run, verdict, kind == 3 || kind == 30);
                }
        }
        printf("# %lu runs\n", (unsigned long)runs);
}

static void test_honest(void **state)
{
        (void)state;
        for_every_device(MODEL_HONEST, HARMLESS, NULL);
}

static void test_bad_id(void **state)
{
        (void)state;
        for_every_device(MODEL_BAD_ID, RESET, "a used id is not in flight");
}

static void test_id_of_another_request(void **state)
{
        (void)state;
        for_every_device(MODEL_OTHERS_ID, RESET_OR_NOT, "used");
}

static void test_duplicate_id(void **state)
{
        (void)state;
        for_every_device(MODEL_DUPLICATE, RESET, "in flight");
}

static void test_used_index_jumps(void **state)
{
        (void)state;
        for_every_device(MODEL_INDEX_JUMP, RESET, "used.idx is beyond what is in flight");
}

static void test_status_is_never_written(void **state)
{
        (void)state;
        for_every_device(MODEL_NO_STATUS, ONE_FAILS, "a request is used that was not published");
}

static void test_strange_status(void **state)
{
        (void)state;
        for_every_device(MODEL_STRANGE_STATUS, ONE_FAILS, NULL);
}

static void test_length_too_long(void **state)
{
        (void)state;
        for_every_device(MODEL_LONG_LENGTH, HARMLESS, NULL);
}

static void test_needs_reset(void **state)
{
        (void)state;
        for_every_device(MODEL_NEEDS_RESET, RESET, "the device needs a reset");
}

static void test_bad_ids_for_ever(void **state)
{
        (void)state;
        for_every_device(MODEL_BAD_ID, RETIRED, "a used id is not in flight");
}

static void test_needs_reset_for_ever(void **state)
{
        (void)state;
        for_every_device(MODEL_NEEDS_RESET, RETIRED, "the device needs a reset");
}

static void run_one_reader(void)
{
        static const struct run run = { .scenario = &one_reader, .options = { .cache = true, .queue_size = 4 } };

        scenario_run(&run);
}

/* It had nothing of anybody's. */
static void test_needs_reset_at_rest(void **state)
{
        (void)state;
        run_one_reader();
        words = "the device needs a reset";
        models[0].status |= VIRTIO_STATUS_NEEDS_RESET;
        models[0].reconfiguring = true;
        host_raise();
        host_deliver();
        expect_recovery(false);
}

static void test_change_of_configuration_alone(void **state)
{
        (void)state;
        run_one_reader();
        models[0].reconfiguring = true;
        host_raise();
        host_deliver();
        assert_int_equal(waited(block_flush(block_device(0))), 0);
        expect_all_well();
}

#define LIE(function) cmocka_unit_test_teardown(function, scenario_explain)

int main(void)
{
        const struct CMUnitTest tests[] = {
                LIE(test_honest),
                LIE(test_bad_id),
                LIE(test_id_of_another_request),
                LIE(test_duplicate_id),
                LIE(test_used_index_jumps),
                LIE(test_status_is_never_written),
                LIE(test_strange_status),
                LIE(test_length_too_long),
                LIE(test_needs_reset),
                LIE(test_bad_ids_for_ever),
                LIE(test_needs_reset_for_ever),
                LIE(test_needs_reset_at_rest),
                LIE(test_change_of_configuration_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
