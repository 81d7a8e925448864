/* SPDX-License-Identifier: MIT */
/* sources: kernel/jobs/histogram.c */
/* test_histogram.c - counters against their definition, percentiles against the sorted values. */
#include <stdlib.h>

#include "jobs/histogram.h"
#include "testing.h"
#include "util.h"

enum { VALUES = 5000 };

static struct histogram histogram;

static void begin(void) { histogram = (struct histogram){ .minimum = UINT64_MAX }; }

static int compare(const void *a, const void *b)
{
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

/* By nearest rank: the smallest value such that so many thousandths of all are not above it. */
static uint64_t plain_percentile(const uint64_t *sorted, unsigned count, unsigned thousandths)
{
        unsigned rank = (count * thousandths + 999) / 1000;

        return sorted[rank > 0 ? rank - 1 : 0];
}

static void small_values_have_counters_of_their_own(void **state)
{
        (void)state;
        for (uint64_t value = 0; value < 256; value++)
                assert_int_equal(histogram_counter(value), value);
}

/* From one counter to the next the values go up, none is left out, and none is wider than a 128th. */
static void counters_are_in_order_and_narrow(void **state)
{
        uint64_t first = 0, counter = 0;

        (void)state;
        for (uint64_t value = 1; value < 1 << 20; value++) {
                uint64_t next = histogram_counter(value);

                assert_true(next == counter || next == counter + 1);
                if (next == counter) {
                        assert_true((value - first) * 128 < value);
                } else {
                        counter = next;
                        first = value;
                }
        }
}

static void huge_values_have_counters(void **state)
{
        (void)state;
        assert_int_equal(histogram_counter((UINT64_C(1) << 63) - 1), HISTOGRAM_COUNTERS - HISTOGRAM_STEPS - 1);
        assert_int_equal(histogram_counter(UINT64_MAX), HISTOGRAM_COUNTERS - 1);
        begin();
        histogram_add(&histogram, UINT64_MAX - 5);
        assert_int_equal(histogram_percentile(&histogram, 500), UINT64_MAX - 5);
}

/* The next value is another counter's; but nothing is above the maximum. */
static void the_largest_of_a_counter(void **state)
{
        (void)state;
        begin();
        histogram.maximum = UINT64_MAX;
        for (unsigned counter = 0; counter < HISTOGRAM_COUNTERS; counter++) {
                uint64_t largest = histogram_largest(&histogram, counter);

                assert_int_equal(histogram_counter(largest), counter);
                assert_true(largest == UINT64_MAX || histogram_counter(largest + 1) == counter + 1);
        }
        begin();
        assert_int_equal(histogram_add(&histogram, 1000), histogram_counter(1000));
        assert_int_equal(histogram_largest(&histogram, (unsigned)histogram_counter(1000)), 1000);
        assert_int_equal(histogram_add(&histogram, 5000), histogram_counter(5000));
        assert_int_equal(histogram_largest(&histogram, (unsigned)histogram_counter(1000)), 1003);
        assert_int_equal(histogram_largest(&histogram, (unsigned)histogram_counter(5000)), 5000);
}

static void of_nothing_all_is_zero(void **state)
{
        (void)state;
        begin();
        assert_int_equal(histogram_percentile(&histogram, 500), 0);
        assert_int_equal(histogram_percentile(&histogram, 1000), 0);
}

static void one_value_is_every_percentile(void **state)
{
        static const uint64_t values[] = { 0, 1, 255, 256, 257, 1000, 123456789 };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
                begin();
                histogram_add(&histogram, values[i]);
                for (unsigned thousandths = 1; thousandths <= 1000; thousandths++)
                        assert_int_equal(histogram_percentile(&histogram, thousandths), values[i]);
                assert_int_equal(histogram.minimum, values[i]);
                assert_int_equal(histogram.maximum, values[i]);
                assert_int_equal(histogram.sum, values[i]);
        }
}

static void percentiles_of_known_values(void **state)
{
        (void)state;
        begin();
        for (uint64_t value = 1; value <= 100; value++)
                histogram_add(&histogram, value);
        assert_int_equal(histogram_percentile(&histogram, 500), 50);
        assert_int_equal(histogram_percentile(&histogram, 501), 51);
        assert_int_equal(histogram_percentile(&histogram, 900), 90);
        assert_int_equal(histogram_percentile(&histogram, 990), 99);
        assert_int_equal(histogram_percentile(&histogram, 999), 100);
        assert_int_equal(histogram.sum, 5050);
}

/* Of any values: never below the true one, and above it by less than a 128th. */
static void percentiles_of_any_values(void **state)
{
        static uint64_t values[VALUES];
        uint64_t sum = 0;

        (void)state;
        for (unsigned bits = 1; bits <= 40; bits++) {
                begin();
                sum = 0;
                for (unsigned i = 0; i < VALUES; i++) {
                        values[i] = ((uint64_t)(unsigned)rand() << 31 ^ (unsigned)rand()) & ((UINT64_C(1) << bits) - 1);
                        histogram_add(&histogram, values[i]);
                        sum += values[i];
                }
                qsort(values, VALUES, sizeof *values, compare);
                for (unsigned thousandths = 1; thousandths <= 1000; thousandths++) {
                        uint64_t found = histogram_percentile(&histogram, thousandths);
                        uint64_t right = plain_percentile(values, VALUES, thousandths);

                        assert_true(found >= right && (found - right) * 128 <= right);
                }
                assert_int_equal(histogram.minimum, values[0]);
                assert_int_equal(histogram.maximum, values[VALUES - 1]);
                assert_int_equal(histogram_percentile(&histogram, 1000), values[VALUES - 1]);
                assert_int_equal(histogram.sum, sum);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(small_values_have_counters_of_their_own),
                cmocka_unit_test(counters_are_in_order_and_narrow),
                cmocka_unit_test(huge_values_have_counters),
                cmocka_unit_test(the_largest_of_a_counter),
                cmocka_unit_test(of_nothing_all_is_zero),
                cmocka_unit_test(one_value_is_every_percentile),
                cmocka_unit_test(percentiles_of_known_values),
                cmocka_unit_test(percentiles_of_any_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
