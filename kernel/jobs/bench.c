/* SPDX-License-Identifier: MIT */
/*
 * bench.c - job=bench: how many requests a second, how long each takes, and what it costs.
 *
 * Whatever a task does between two requests is part of the cost: so it is little. What a read brings is
 * not looked at, and the clock is read once, for the end of one read is the start of the next.
 */

#include "coro.h"
#include "jobs/histogram.h"
#include "jobs/jobs.h"
#include "jobs/traffic.h"
#include "printk.h"
#include "timer.h"

static struct {
        struct traffic traffic;
        struct tally tally;
        struct histogram latencies; /* in ticks, of the requests that ended well */
        uint64_t writes[HISTOGRAM_COUNTERS]; /* how many of each counter's were writes */
} bench; /* one variable, so that one register finds all of it */

/* The counters that are read before and after the run. */
struct snapshot {
        uint64_t ticks, instructions, kicks, irqs;
};

/* In line: two callers would each save registers for it, 10 instructions a request. */
__attribute__((always_inline))
static inline void end_well(struct worker *worker, bool write)
{
        uint64_t now = timer_now(), counter = histogram_add(&bench.latencies, now - worker->submitted);

        if (write)
                bench.writes[counter]++;
        worker->submitted = now;
}

static void end_badly(const struct worker *worker)
{
        tally_count(&bench.tally, worker->io.result);
        traffic_failed(&bench.traffic, worker);
}

static enum poll reader_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        self->submitted = timer_now();
        while (traffic_begin(&bench.traffic)) {
                AWAIT(self->io, block_read(bench.traffic.disk, traffic_draw(&bench.traffic), self->buffer,
                                           (uint32_t)bench.traffic.sectors));
                if (self->io.result == 0) {
                        end_well(self, false);
                } else {
                        end_badly(self);
                        CORO_YIELD(); /* one that is refused waits for nobody */
                }
        }
        CORO_END();
}

/* Of those that write, perhaps among reads. */
static enum poll writer_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        while (traffic_begin(&bench.traffic)) {
                self->sector = traffic_draw(&bench.traffic);
                if (traffic_draws_write(&bench.traffic)) {
                        traffic_begin_write(&bench.traffic, self);
                        self->submitted = timer_now();
                        AWAIT(self->io, block_write(bench.traffic.disk, self->sector, self->buffer, (uint32_t)bench.traffic.sectors));
                } else {
                        self->submitted = timer_now();
                        AWAIT(self->io, block_read(bench.traffic.disk, self->sector, self->buffer, (uint32_t)bench.traffic.sectors));
                }
                if (self->io.result == 0) {
                        end_well(self, self->seq != 0);
                } else {
                        end_badly(self);
                        CORO_YIELD();
                }
                if (self->seq != 0 && traffic_end_write(&bench.traffic, self)) {
                        AWAIT(self->io, block_flush(bench.traffic.disk));
                        traffic_end_flush(&bench.traffic, self);
                }
        }
        CORO_END();
}

static struct snapshot look(void)
{
        return (struct snapshot){ timer_now(), instructions_since_entry(), bench.traffic.disk->kicks, bench.traffic.disk->irqs };
}

/* `amount` for each of `units`, rounded to nearest; 0 when there are none. */
static uint64_t per(uint64_t amount, uint64_t units) { return units == 0 ? 0 : (amount + units / 2) / units; }

static void report(const struct snapshot *start, const struct snapshot *end)
{
        static const char *const names[] = { "read", "write", "randread", "randwrite", "randrw" };
        uint64_t iops = per(bench.tally.ok * 1000000, timer_microseconds(end->ticks - start->ticks));
        uint64_t n = arguments.number_ios, percentiles[] = { 500, 900, 990, 999 };

        for (unsigned i = 0; i < ARRAY_SIZE(percentiles); i++)
                percentiles[i] = timer_nanoseconds(histogram_percentile(&bench.latencies, (unsigned)percentiles[i]));
        printk("bench rw=%s bs=%lu iodepth=%lu ios=%lu iops=%lu bw=%lu lat_ns=%lu/%lu/%lu clat_ns=%lu/%lu/%lu/%lu "
               "instr=%lu kicks=%lu irqs=%lu\n", names[arguments.rw], arguments.bs, arguments.iodepth, bench.tally.ok, iops,
               iops * bench.traffic.sectors / 2, timer_nanoseconds(bench.latencies.minimum),
               timer_nanoseconds(per(bench.latencies.sum, bench.tally.ok)), timer_nanoseconds(bench.latencies.maximum), percentiles[0],
               percentiles[1], percentiles[2], percentiles[3], per(end->instructions - start->instructions, n),
               per((end->kicks - start->kicks) * 1000, n), per((end->irqs - start->irqs) * 1000, n));
}

/* How many took up to so long, and longer than those of the line before: what fio calls bins. Out of line, or clang's run() has too large a frame. */
__attribute__((noinline))
static void report_bins(void)
{
        for (unsigned i = 0; i < HISTOGRAM_COUNTERS; i++)
                if (bench.latencies.counts[i] != 0)
                        printk("bin clat_ns=%lu reads=%lu writes=%lu\n", timer_nanoseconds(histogram_largest(&bench.latencies, i)),
                               bench.latencies.counts[i] - bench.writes[i], bench.writes[i]);
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        struct snapshot start, end;
        enum exit_code code;
        bool reads = arguments.rw == RW_READ || arguments.rw == RW_RANDREAD;

        if (traffic_init(&bench.traffic, disk) != 0)
                return EXIT_INPUT;
        tell_what_is_counted();
        bench.latencies.minimum = UINT64_MAX;
        start = look();
        traffic_run(&bench.traffic, executor, reads ? reader_poll : writer_poll);
        end = look();
        bench.tally.ok = histogram_count(&bench.latencies);
        if (bench.tally.ok == 0)
                bench.latencies.minimum = 0;
        code = traffic_report(&bench.traffic, &bench.tally);
        report(&start, &end);
        if (arguments.bins)
                report_bins();
        return code;
}

const struct job bench_job = { .name = "bench", .needs_disk = true, .run = run };
