/* SPDX-License-Identifier: MIT */
/* traced.c - what is recorded, event by event. */
#include "traced.h"

#include "testing.h"

static uint32_t next;
static uint64_t time;

void traced_begin(void)
{
        next = 0;
        time = 0;
        trace_start();
}

void traced(enum trace_kind kind, const void *task, const void *request, uint32_t argument, uint16_t detail)
{
        const struct trace_event *event = trace_event(next);

        if (!event)
                fail_msg("event %u was not recorded: it should be of kind %d", next, kind);
        if (event->kind != kind)
                fail_msg("event %u is of kind %d, not %d", next, event->kind, kind);
        assert_int_equal(event->task, (uintptr_t)task);
        assert_int_equal(event->request, (uintptr_t)request);
        assert_int_equal(event->argument, argument);
        assert_int_equal(event->detail, detail);
        assert_int_equal(event->hart, 0);
        assert_true(event->time > time);
        time = event->time;
        next++;
}

void traced_all(void)
{
        if (trace_recorded() != next)
                fail_msg("%u events were recorded, not %u; the next one is of kind %d", trace_recorded(), next,
                         trace_event(next)->kind);
}
