/* SPDX-License-Identifier: MIT */
/* plic.c - the platform-level interrupt controller (RISC-V PLIC specification 1.0.0), for one hart in S-mode. */
#include <stddef.h>

#include "arch.h"
#include "driver.h"
#include "irq.h"

enum plic_register { /* chapter 3 */
        PRIORITY = 0x000000,                                           /* of a source: 4 bytes each */
        ENABLE = 0x002000, ENABLE_STRIDE = 0x80,                       /* of a context: a bit a source */
        THRESHOLD = 0x200000, CLAIM = 0x200004, CONTEXT_STRIDE = 0x1000, /* of a context */
        SOURCES_MAX = 1023,
};

static uintptr_t priorities, enables;

static void enable(uint32_t source)
{
        uintptr_t word = enables + 4 * (uintptr_t)(source / 32);

        mmio_write32(priorities + 4 * (uintptr_t)source, 1);
        mmio_write32(word, mmio_read32(word) | UINT32_C(1) << source % 32);
}

static void disable(uint32_t source)
{
        /* By priority, not by the enable bit: a PLIC may ignore the completion of a source that is disabled (9). */
        mmio_write32(priorities + 4 * (uintptr_t)source, 0);
}

static int probe(const struct device_node *node)
{
        int context = dt_hart_context(node->at, node->machine->boot_hart);
        uint64_t sources, phandle;

        if (irq_available())
                return 0;
        if (context < 0)
                return dt_refuse(node->at, "interrupts-extended has no S-mode context for the hart that booted");
        if (dt_number(node->at, "riscv,ndev", &sources) != 0 || sources > SOURCES_MAX)
                return dt_refuse(node->at, "riscv,ndev is missing, or makes no sense");
        if (dt_number(node->at, "phandle", &phandle) != 0)
                return dt_refuse(node->at, "phandle is missing");
        if (node->reg.size < CLAIM + 4 + (uint64_t)context * CONTEXT_STRIDE)
                return dt_refuse(node->at, "reg is too small for a PLIC");
        priorities = node->reg.base + PRIORITY;
        enables = node->reg.base + ENABLE + (uintptr_t)context * ENABLE_STRIDE;

        mmio_write32(node->reg.base + THRESHOLD + (uintptr_t)context * CONTEXT_STRIDE, 0);
        irq_set_chip(&(struct irq_chip){ .phandle = (uint32_t)phandle, .sources = (uint32_t)sources,
                                         .claim = node->reg.base + CLAIM + (uintptr_t)context * CONTEXT_STRIDE,
                                         .enable = enable, .disable = disable });
        return 0;
}

static const char *const compatible[] = { "sifive,plic-1.0.0", "riscv,plic0", NULL };

const struct driver plic_driver = { .name = "plic", .compatible = compatible, .probe = probe };
