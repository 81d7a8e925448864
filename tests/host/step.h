/* SPDX-License-Identifier: MIT */
/* step.h - an interrupt between any two machine instructions, by the processor's single-step trap. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether this host can do it. */
bool step_available(void);

/*
 * Call `event`, and deliver what it raises, before the `instruction`-th instruction (from 1) after point
 * `point`, counted from now on. What the host's own functions execute does not count.
 */
void step_plan(void (*event)(void), uint64_t point, uint64_t instruction);

/* No more: what is to be looked at is over. */
void step_end(void);

/* Whether that happened: false when the next point, or the end, came before. */
bool step_happened(void);
