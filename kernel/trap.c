/* SPDX-License-Identifier: MIT */
/* trap.c - exceptions, which are the end; interrupts go from trap.S straight to their subsystem. */
#include "trap.h"

#include "devicetree.h"
#include "panic.h"
#include "power.h"
#include "util.h"
#include "vm.h"

enum { LOAD_ACCESS_FAULT = 5, STORE_ACCESS_FAULT = 7 };

static const char *const causes[] = {
        [0] = "instruction address misaligned", "instruction access fault", "illegal instruction", "breakpoint",
        "load address misaligned", "load access fault", "store address misaligned", "store access fault",
        "environment call from U-mode", "environment call from S-mode",
        [12] = "instruction page fault", "load page fault", [15] = "store page fault",
};

/* The privileged specification's words for an exception (table 4.2). */
static const char *words(uintptr_t scause)
{
        return scause < ARRAY_SIZE(causes) && causes[scause] ? causes[scause] : "unknown exception";
}

static const struct dt_node *probed;

void trap_expect(const struct dt_node *node) { probed = node; }

void trap_exception(uintptr_t pc, uintptr_t frame, uintptr_t stval, uintptr_t scause)
{
        if (probed && (scause == LOAD_ACCESS_FAULT || scause == STORE_ACCESS_FAULT)) {
                dt_refuse(probed, "nobody answers at its registers");
                power_exit(EXIT_INPUT);
        }
        panic_at(pc, frame, stval, vm_is_guard(stval) ? "stack overflow" : words(scause));
}
