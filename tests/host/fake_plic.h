/* SPDX-License-Identifier: MIT */
/*
 * fake_plic.h - a PLIC of which only one context may be touched, before the host's MMIO. A source is a
 * line that is high or low; the gateway forwards it while it is high and is not being served.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLIC_BASE = 0x0c000000, PLIC_SOURCES = 95, PLIC_SOURCES_MAX = 1024 };

struct fake_plic {
        unsigned context;
        uint32_t priority[PLIC_SOURCES_MAX], enabled[PLIC_SOURCES_MAX / 32], threshold;
        bool high[PLIC_SOURCES_MAX], served[PLIC_SOURCES_MAX];
        uint32_t lie;     /* what the next claim says, if not 0 */
        char trace[2048]; /* every claim and write, unless it is quiet */
        size_t length;
        bool quiet;
};

extern struct fake_plic plic;

/* All off, and context 1 is ours. */
void plic_reset(void);

/* What a claim would say. */
uint32_t plic_pending(void);

/* Add `what=a:b` to the trace; numbers in hex. */
void plic_note(const char *what, unsigned long a, unsigned long b);
