/* SPDX-License-Identifier: MIT */
/*
 * step.c - single steps between two points.
 *
 * At the planned point the trap flag is set, so that every instruction from there on ends in a SIGTRAP,
 * whose handler stands for the interrupt: it comes on the stack of what it interrupts, as a trap does.
 */
#define _GNU_SOURCE /* for REG_EFL */
#include "step.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

#include "host.h"

static void (*planned)(void);
static uint64_t left; /* instructions until the event */
static uint64_t armed_at;
static bool armed, happened;

bool step_happened(void) { return happened; }

void step_end(void) { armed = false; }

#ifdef __x86_64__

enum { TRAP_FLAG = 0x100 };

bool step_available(void) { return true; }

static void trap(int number, siginfo_t *info, void *context)
{
        greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

        (void)number;
        (void)info;
        if (host.points != armed_at)
                armed = false;
        if (armed && host.inside == 0 && --left == 0) {
                armed = false;
                happened = true;
                planned();
                host_deliver();
        }
        if (armed)
                *flags |= TRAP_FLAG;
        else
                *flags &= ~(greg_t)TRAP_FLAG;
}

/* Over the red zone, which is the caller's. */
static void begin(void)
{
        if (host.points != armed_at)
                return;
        armed = true;
        __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                         "pushfq\n\t"
                         "orq %0, (%%rsp)\n\t"
                         "popfq\n\t"
                         "lea 128(%%rsp), %%rsp" ::"i"(TRAP_FLAG) : "cc", "memory");
}

void step_plan(void (*event)(void), uint64_t point, uint64_t instruction)
{
        struct sigaction action = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO | SA_NODEFER };

        sigaction(SIGTRAP, &action, NULL);
        planned = event;
        left = instruction;
        armed = happened = false;
        armed_at = host.points + point;
        host.after_point = begin;
}

#else

bool step_available(void) { return false; }

void step_plan(void (*event)(void), uint64_t point, uint64_t instruction)
{
        (void)point;
        planned = event;
        left = instruction;
        armed_at = 0;
}

#endif
