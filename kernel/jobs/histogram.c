/* SPDX-License-Identifier: MIT */
/* histogram.c - what a histogram says of the values in it. */
#include "jobs/histogram.h"

uint64_t histogram_largest(const struct histogram *histogram, unsigned counter)
{
        unsigned octave = counter < 2 * HISTOGRAM_STEPS ? 0 : counter / HISTOGRAM_STEPS - 1;
        uint64_t step = counter - octave * HISTOGRAM_STEPS, largest = ((step + 1) << octave) - 1;

        return largest > histogram->maximum ? histogram->maximum : largest;
}

uint64_t histogram_count(const struct histogram *histogram)
{
        uint64_t total = 0;

        for (unsigned i = 0; i < HISTOGRAM_COUNTERS; i++)
                total += histogram->counts[i];
        return total;
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned thousandths)
{
        uint64_t total = histogram_count(histogram), below = 0, rank;
        unsigned counter = 0;

        if (total == 0)
                return 0;
        rank = total / 1000 * thousandths + (total % 1000 * thousandths + 999) / 1000; /* rounded up */
        while (below + histogram->counts[counter] < rank)
                below += histogram->counts[counter++];
        return histogram_largest(histogram, counter);
}
