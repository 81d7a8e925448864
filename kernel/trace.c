/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the ring of events.
 *
 * Tasks and interrupts both record. A place is taken by one atomic addition, so an interrupt that comes
 * while a task fills its place in takes the next one.
 */
#include "trace.h"

#include <stddef.h>

#include "arch.h"

struct trace trace_ring;
static struct trace_clock start;

static struct trace_clock look(void) { return (struct trace_clock){ read_cycles(), read_time() }; }

void trace_start(void)
{
        start = look();
        trace_ring.on = true;
}

void trace_clocks(struct trace_clock *began, struct trace_clock *now)
{
        *began = start;
        *now = look();
}

uint32_t trace_recorded(void) { return shared_load(&trace_ring.recorded); }

void trace_record(enum trace_kind kind, const void *task, const void *request, uint32_t argument, uint16_t detail)
{
        struct trace_event *event;

        if (!shared_load(&trace_ring.on)) /* it is being read */
                return;
        event = &trace_ring.events[shared_add(&trace_ring.recorded, 1) % TRACE_EVENTS];
        event->time = read_cycles();
        event->task = (uintptr_t)task;
        event->request = (uintptr_t)request;
        event->argument = argument;
        event->detail = detail;
        event->kind = (uint8_t)kind;
}

const struct trace_event *trace_event(uint32_t index)
{
        return trace_recorded() - index - 1 < TRACE_EVENTS ? &trace_ring.events[index % TRACE_EVENTS] : NULL;
}
