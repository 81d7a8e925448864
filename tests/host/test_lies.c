/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/printk.c
 * drivers/virtio.c drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c tests/host/model.c tests/host/scenario.c
 * tests/host/scenarios.c tests/host/worker.c tests/host/step.c
 */
/* A disk that lies: every task that waits for it goes on with an error, it is not used again, and another one is. */
#include "testing.h"

#include <errno.h>

#include "block.h"
#include "scenario.h"

/* What a lie leads to. */
enum verdict {
        HARMLESS,     /* nobody notices */
        ONE_FAILS,    /* the request in question, with -EIO */
        RETIRED,      /* the disk is not used any more */
        RETIRED_OR_NOT /* as far as one can know */
};

static uint64_t runs;
static const char *words; /* on the console, where the disk is retired */

static void expect_all_well(void)
{
        assert_int_equal(outcome.failed, 0);
        assert_int_equal(block_device(0)->resets, 0);
}

static void expect_one_failure(const struct run *run)
{
        assert_int_equal(outcome.failed, outcome.requests >= run->options.lie_at);
        assert_int_equal(outcome.first_error, outcome.failed ? -EIO : 0);
        assert_int_equal(block_device(0)->resets, 0);
        assert_false(models[0].status & VIRTIO_STATUS_FAILED);
}

/* Reset, so that it no longer has anybody's buffer; said so; and closed to whoever comes later. */
static void expect_retirement(const struct run *run)
{
        uint8_t buffer[SECTOR_SIZE];

        assert_true(outcome.first_error == 0 || outcome.first_error == -ENODEV || outcome.first_error == -EIO);
        if (run->options.lie == MODEL_BAD_ID || run->options.lie == MODEL_NEEDS_RESET)
                assert_int_not_equal(outcome.failed, 0); /* nobody ever gave it back */
        assert_int_equal(block_device(0)->resets, 1);
        assert_int_equal(models[0].status, VIRTIO_STATUS_FAILED);
        assert_null(models[0].queue);
        assert_console_has("error: disk 0 (disk-a): ");
        assert_console_has(": it is not used any more\n");
        assert_console_has(words);
        assert_int_equal(block_read_sync(block_device(0), 1, buffer, 1), -ENODEV);
        assert_int_equal(block_write_sync(block_device(0), 1, buffer, 1), -ENODEV);
        assert_int_equal(block_flush_sync(block_device(0)), -ENODEV);
}

static void expect_other_disk_goes_on(void)
{
        uint8_t buffer[SECTOR_SIZE];

        assert_int_equal(block_device(1)->resets, 0);
        assert_int_equal(block_read_sync(block_device(1), 9, buffer, 1), 0);
        assert_true(model_holds(buffer, 9, 0));
}

static void expect(enum verdict verdict, const struct run *run)
{
        bool told = models[0].completions >= run->options.lie_at;

        if (!told || verdict == HARMLESS)
                expect_all_well();
        else if (verdict == ONE_FAILS)
                expect_one_failure(run);
        else if (verdict == RETIRED || block_device(0)->resets != 0)
                expect_retirement(run);
        if (run->scenario->disks == 2)
                expect_other_disk_goes_on();
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
                                                            &more_tasks_than_seats, &two_disks };
        struct run run = { .mode = RUN_STEP, .errors_allowed = true };

        runs = 0;
        words = words_expected;
        for (unsigned i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
                run.scenario = scenarios[i];
                for (unsigned kind = 0; kind < DEVICE_KINDS; kind++) {
                        run.options = scenario_device(kind);
                        run.options.cache = true;
                        run.options.lie = lie;
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
        for_every_device(MODEL_BAD_ID, RETIRED, "a used id is not in flight");
}

static void test_id_of_another_request(void **state)
{
        (void)state;
        for_every_device(MODEL_OTHERS_ID, RETIRED_OR_NOT, "in flight");
}

static void test_duplicate_id(void **state)
{
        (void)state;
        for_every_device(MODEL_DUPLICATE, RETIRED, "in flight");
}

static void test_used_index_jumps(void **state)
{
        (void)state;
        for_every_device(MODEL_INDEX_JUMP, RETIRED, "used.idx is beyond what is in flight");
}

static void test_status_is_never_written(void **state)
{
        (void)state;
        for_every_device(MODEL_NO_STATUS, ONE_FAILS, NULL);
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
        for_every_device(MODEL_NEEDS_RESET, RETIRED, "the device needs a reset");
}

static void run_one_reader(void)
{
        static const struct run run = { .scenario = &one_reader, .options = { .cache = true, .queue_size = 4 } };

        scenario_run(&run);
}

/* It had nothing of anybody's; the next request finds it closed. */
static void test_needs_reset_at_rest(void **state)
{
        struct run run = { .options = { .lie = MODEL_HONEST } };

        (void)state;
        run_one_reader();
        words = "the device needs a reset";
        models[0].status |= VIRTIO_STATUS_NEEDS_RESET;
        models[0].reconfiguring = true;
        host_raise();
        host_deliver();
        assert_int_equal(block_flush_sync(block_device(0)), -ENODEV);
        expect_retirement(&run);
}

static void test_change_of_configuration_alone(void **state)
{
        (void)state;
        run_one_reader();
        models[0].reconfiguring = true;
        host_raise();
        host_deliver();
        assert_int_equal(block_flush_sync(block_device(0)), 0);
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
                LIE(test_needs_reset_at_rest),
                LIE(test_change_of_configuration_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
