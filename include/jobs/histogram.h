/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - how often each value came, to within one part in 128, in the manner of HdrHistogram.
 *
 * Up to 255 each value has a counter of its own. Above, each octave has 128 of them: as many as it takes,
 * bits are dropped at the low end until what is left is one of 128 to 255. That is a loop, and not a
 * count of leading zeros, for the base instruction set has none, and few latencies go round twice. No value is beyond the last counter.
 */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_STEPS = 128, HISTOGRAM_OCTAVES = 56, HISTOGRAM_COUNTERS = (HISTOGRAM_OCTAVES + 2) * HISTOGRAM_STEPS };

struct histogram {
        uint64_t sum, minimum, maximum; /* of all values; the minimum of none is UINT64_MAX */
        uint64_t counts[HISTOGRAM_COUNTERS];
};

/* The counter of `value`. Any context. */
static inline uint64_t histogram_counter(uint64_t value)
{
        uint64_t octave = 0;

        for (; value >= 2 * HISTOGRAM_STEPS; value >>= 1)
                octave += HISTOGRAM_STEPS;
        return octave + value;
}

/* Count `value` in `histogram`, which began as zeroes with the minimum of none; the counter that it went to. Task context. */
static inline uint64_t histogram_add(struct histogram *histogram, uint64_t value)
{
        uint64_t counter = histogram_counter(value);

        histogram->counts[counter]++;
        histogram->sum += value;
        if (value < histogram->minimum)
                histogram->minimum = value;
        if (value > histogram->maximum)
                histogram->maximum = value;
        return counter;
}

/* How many values were counted. Any context. */
uint64_t histogram_count(const struct histogram *histogram);

/* The largest value that `counter` may have counted: never above the maximum. Any context. */
uint64_t histogram_largest(const struct histogram *histogram, unsigned counter);

/*
 * The value that `thousandths` of all do not exceed: the largest that its counter may have counted. 0 when
 * there are none. Any context.
 */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned thousandths);
