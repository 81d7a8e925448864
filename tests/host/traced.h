/* SPDX-License-Identifier: MIT */
/* traced.h - what is recorded, event by event. host_reset() empties the ring, and ends the recording. */
#pragma once

#include "trace.h"

/* Begin to record; what is expected next is the first event. */
void traced_begin(void);

/* The next event is this one, and later than the one before. */
void traced(enum trace_kind kind, const void *task, const void *request, uint32_t argument, uint16_t detail);

/* There is none after those. */
void traced_all(void);
