/* SPDX-License-Identifier: MIT */
/* irq.h - external interrupts: who handles which, on behalf of the interrupt controller. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Returns whether there was anything to do. Interrupt context. */
typedef bool irq_handler(void *context);

/* What an interrupt controller does for this hart; sources count from 1. */
struct irq_chip {
        uint32_t phandle;                   /* its name in the device tree */
        uint32_t sources;                   /* the highest source */
        uintptr_t claim; /* register: reads as the most urgent pending source, 0: none; written with it after its handler */
        void (*enable)(uint32_t source);
        void (*disable)(uint32_t source);
};

/* Take interrupts from `chip`, which is copied. Once, by the controller's driver. */
void irq_set_chip(const struct irq_chip *chip);

/* Whether an interrupt controller was found. Any context. */
bool irq_available(void);

/*
 * Have `handler(context)` called for `source` of the controller with that phandle, and enable it. `name`
 * (kept) says whose it is. 0; -ENODEV when that controller is not ours; -ERANGE for a source it does
 * not have; -EBUSY when it is taken. Task context.
 */
int irq_attach(uint32_t controller, uint32_t source, irq_handler *handler, void *context, const char *name);

/* Serve the most urgent source that is pending (PLIC specification, 7 and 8). Interrupt context. */
void irq_dispatch(void);

/* Claims that found no handler or nothing to do. Any context. */
uint64_t irq_spurious_count(void);

/* Print who has had how many. Any context. */
void irq_print(void);
