/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what happened, and when: with trace=1 the kernel records events in a ring, the newest TRACE_EVENTS of them.
 *
 * Without it an event costs nothing on the path of a request: who would record one is behind a table or a branch
 * that is there anyway, and is chosen once, when the device is probed or the task spawned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"

/* docs/trace.md says what each has for a task, a request, an argument and a detail. */
enum trace_kind {
        TRACE_SPAWN, TRACE_POLL_BEGIN, TRACE_RESUME, TRACE_AWAIT, TRACE_POLL_END, TRACE_WAKE,
        TRACE_QUEUE, TRACE_SUBMIT, TRACE_ADD, TRACE_NOTIFY,
        TRACE_INTERRUPT_BEGIN, TRACE_ACK, TRACE_USED, TRACE_COMPLETE, TRACE_INTERRUPT_END,
        TRACE_SLEEP_BEGIN, TRACE_SLEEP_END, TRACE_TIMER_ARM, TRACE_TIMER_FIRE, TRACE_RESET, TRACE_TIMEOUT, TRACE_KINDS,
};

struct trace_event {
        uint64_t time;    /* of read_cycles(): the finest clock there is */
        uint64_t task;    /* an address, as a name: it may be another's by now */
        uint64_t request; /* likewise */
        uint32_t argument;
        uint16_t detail;
        uint8_t kind;     /* enum trace_kind */
        uint8_t hart;
};

_Static_assert(sizeof(struct trace_event) == 32, "as trace dumps have it");

enum { TRACE_EVENTS = 8192 };

extern struct trace {
        uint32_t on;       /* shared */
        uint32_t recorded; /* shared: free-running, also the next one's place */
        struct trace_event events[TRACE_EVENTS];
} trace_ring;

/* Begin to record. At boot, before the drivers. */
void trace_start(void);

/* Stop recording, for the ring is to be read, or go on. Task context. */
static inline void trace_pause(bool pause) { shared_store(&trace_ring.on, !pause); }

/* The two clocks at one moment. */
struct trace_clock {
        uint64_t cycles, ticks;
};

/* When recording began, and now. Any context. */
void trace_clocks(struct trace_clock *began, struct trace_clock *now);

/* How many events were recorded so far, modulo 2^32. Any context. */
uint32_t trace_recorded(void);

/* Whether events are recorded. Any context. */
static inline bool trace_on(void) { return trace_ring.on; }

/* Record an event. Any context; 40 instructions at most. */
void trace_record(enum trace_kind kind, const void *task, const void *request, uint32_t argument, uint16_t detail);

/* Event `index` of those recorded; NULL when it is not in the ring. Task context. */
const struct trace_event *trace_event(uint32_t index);
