/* SPDX-License-Identifier: MIT */
/* trace_dump.h - the recorded events on the console, a line each (docs/trace.md). */
#pragma once

#include <stdint.h>

/* Print all that are in the ring, between two lines that tell how many there are, and their checksum. Task context. */
void trace_dump(void);

/* Print the newest `count`. Task context. */
void trace_tail(uint64_t count);
