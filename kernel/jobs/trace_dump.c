/* SPDX-License-Identifier: MIT */
/*
 * trace_dump.c - the recorded events on the console.
 *
 * Times are in cycles; the pairs of cycles and ticks at the first event and now are what a reader makes
 * nanoseconds of.
 */
#include "jobs/trace_dump.h"

#include "jobs/record.h"
#include "printk.h"
#include "timer.h"
#include "trace.h"

static const char *const names[TRACE_KINDS] = {
        [TRACE_SPAWN] = "spawn", [TRACE_POLL_BEGIN] = "poll-begin", [TRACE_RESUME] = "resume",
        [TRACE_AWAIT] = "await", [TRACE_POLL_END] = "poll-end", [TRACE_WAKE] = "wake",
        [TRACE_QUEUE] = "queue", [TRACE_SUBMIT] = "submit", [TRACE_ADD] = "add", [TRACE_NOTIFY] = "notify",
        [TRACE_INTERRUPT_BEGIN] = "interrupt-begin", [TRACE_ACK] = "ack", [TRACE_USED] = "used",
        [TRACE_COMPLETE] = "complete", [TRACE_INTERRUPT_END] = "interrupt-end",
        [TRACE_SLEEP_BEGIN] = "sleep-begin", [TRACE_SLEEP_END] = "sleep-end", [TRACE_TIMER_ARM] = "timer-arm",
        [TRACE_TIMER_FIRE] = "timer-fire", [TRACE_RESET] = "reset", [TRACE_TIMEOUT] = "timeout",
};

static void print_event(const struct trace_event *event)
{
        const char *name = event->kind == TRACE_SPAWN ? (const char *)(uintptr_t)event->request : "";

        printk("event %lx %s %lx %lx %x %x%s%s\n", event->time, names[event->kind], event->task, event->request,
               event->argument, event->detail, *name ? " " : "", name);
}

static uint32_t oldest(uint64_t count)
{
        uint32_t recorded = trace_recorded(), kept = recorded < TRACE_EVENTS ? recorded : TRACE_EVENTS;

        return recorded - (count < kept ? (uint32_t)count : kept);
}

void trace_dump(void)
{
        uint32_t end, first, crc = 0;
        struct trace_clock begin, now;

        trace_pause(true);
        end = trace_recorded();
        first = oldest(TRACE_EVENTS);
        trace_clocks(&begin, &now);
        printk("trace begin events=%u lost=%u hz=%lu cycles=%lx/%lx ticks=%lx/%lx\n", end - first, first, timer_ticks(1000),
               begin.cycles, now.cycles, begin.ticks, now.ticks);
        for (uint32_t index = first; index != end; index++) {
                struct trace_event event = *trace_event(index);

                crc = crc32c_extend(crc, &event, sizeof event);
                print_event(&event);
        }
        printk("trace end crc32c=%08x\n", crc);
        trace_pause(false);
}

void trace_tail(uint64_t count)
{
        uint32_t end;

        trace_pause(true);
        end = trace_recorded();
        for (uint32_t index = oldest(count); index != end; index++)
                print_event(trace_event(index));
        trace_pause(false);
}
