/* SPDX-License-Identifier: MIT */
/* The ring of recorded events (kernel/trace.c). */
#include "testing.h"

#include "trace.h"

static void test_the_newest_are_kept(void **state)
{
        enum { LOST = 3 };

        (void)state;
        trace_start();
        for (uint32_t i = 0; i < TRACE_EVENTS + LOST; i++)
                trace_record(TRACE_WAKE, NULL, NULL, i, 0);
        assert_int_equal(trace_recorded(), TRACE_EVENTS + LOST);
        for (uint32_t i = 0; i < TRACE_EVENTS + LOST; i++) {
                if (i < LOST)
                        assert_null(trace_event(i));
                else
                        assert_int_equal(trace_event(i)->argument, i);
        }
        assert_null(trace_event(TRACE_EVENTS + LOST));
}

static void test_count_that_wraps(void **state)
{
        (void)state;
        trace_start();
        trace_ring.recorded = UINT32_MAX;
        trace_record(TRACE_WAKE, NULL, NULL, 1, 0);
        trace_record(TRACE_WAKE, NULL, NULL, 2, 0);
        assert_int_equal(trace_recorded(), 1);
        assert_int_equal(trace_event(UINT32_MAX)->argument, 1);
        assert_int_equal(trace_event(0)->argument, 2);
        assert_null(trace_event(1));
}

static void record_second(void) { trace_record(TRACE_INTERRUPT_BEGIN, NULL, NULL, 2, 0); }

/* Whenever the interrupt comes: neither takes the other's place. */
static void test_an_interrupt_records_meanwhile(void **state)
{
        for (uint64_t point = 1; point <= 2; point++) {
                uint32_t sum = 0;

                host_setup(state);
                trace_start();
                host_plan(record_second, point, 0);
                trace_record(TRACE_WAKE, NULL, NULL, 1, 0);
                host_point();
                assert_int_equal(trace_recorded(), 2);
                for (uint32_t i = 0; i < 2; i++)
                        sum += trace_event(i)->argument;
                assert_int_equal(sum, 1 + 2);
        }
}

static void test_clocks(void **state)
{
        struct trace_clock began, now;

        (void)state;
        host.time = 50;
        trace_start();
        host.time = 70;
        trace_record(TRACE_WAKE, NULL, NULL, 0, 0);
        trace_clocks(&began, &now);
        assert_int_equal(began.ticks, 50);
        assert_int_equal(now.ticks, 70);
        assert_true(began.cycles < trace_event(0)->time && trace_event(0)->time < now.cycles);
}

/* What is recorded meanwhile would lie over what is read. */
static void test_nothing_while_it_is_read(void **state)
{
        (void)state;
        trace_start();
        trace_pause(true);
        trace_record(TRACE_WAKE, NULL, NULL, 1, 0);
        assert_int_equal(trace_recorded(), 0);
        trace_pause(false);
        trace_record(TRACE_WAKE, NULL, NULL, 2, 0);
        assert_int_equal(trace_recorded(), 1);
        assert_int_equal(trace_event(0)->argument, 2);
}

#define TEST(function) cmocka_unit_test_setup(function, host_setup)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_the_newest_are_kept), TEST(test_count_that_wraps), TEST(test_clocks),
                TEST(test_an_interrupt_records_meanwhile), TEST(test_nothing_while_it_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
