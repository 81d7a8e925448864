/* SPDX-License-Identifier: MIT */
/*
 * plic.c - an interrupt controller, behind the kernel's own driver, of two characters (RISC-V PLIC specification, 1.0.0):
 *
 *  - the specification's: a line that is still high when its interrupt is completed is pending again; the completion
 *    of a source that is not enabled is ignored;
 *  - QEMU 7.2's: only a device that drives its line makes it pending, also while it is served; a completion does
 *    not; whatever is completed is.
 *
 * Both keep pending what was pending before its line dropped.
 */
#include <string.h>

#include "trace.h"
#include "world.h"

static struct {
        uint32_t priority[PLIC_NDEV + 1], enabled, threshold;
        bool high[PLIC_NDEV + 1], pending[PLIC_NDEV + 1], served[PLIC_NDEV + 1];
} plic;

static uint32_t most_urgent(void)
{
        uint32_t best = 0;

        for (uint32_t source = 1; source <= PLIC_NDEV; source++)
                if (plic.pending[source] && !plic.served[source] && (plic.enabled >> source & 1) != 0 &&
                    plic.priority[source] > plic.threshold && (best == 0 || plic.priority[source] > plic.priority[best]))
                        best = source;
        return best;
}

static void update(void)
{
        if (most_urgent() != 0)
                host_raise();
        else
                host_lower();
}

void plic_power_on(void)
{
        memset(&plic, 0, sizeof plic);
        update();
}

void plic_line(unsigned source, bool high, bool again)
{
        bool rose = high && (!plic.high[source] || (again && world.plic_of_qemu));

        plic.high[source] = high;
        if (rose && (world.plic_of_qemu || !plic.served[source]))
                plic.pending[source] = true;
        update();
}

static uint32_t claim(void)
{
        uint32_t source = most_urgent();

        if (source != 0) {
                plic.pending[source] = false;
                plic.served[source] = true;
        }
        update();
        return source;
}

static void complete(uint32_t source)
{
        if (source == 0 || source > PLIC_NDEV || !plic.served[source])
                host_fail("plic: %u is completed, and was not claimed", source);
        if (!world.plic_of_qemu && (plic.enabled >> source & 1) == 0)
                return;
        plic.served[source] = false;
        if (world.storm > 0 && world.storm_source == source) {
                world.storm--;
                plic.pending[source] = true;
        }
        if (!world.plic_of_qemu && plic.high[source])
                plic.pending[source] = true;
        update();
}

enum { PRIORITY = 0, ENABLE = 0x2000 + 0x80 * PLIC_CONTEXT, THRESHOLD = 0x200000 + 0x1000 * PLIC_CONTEXT, CLAIM = THRESHOLD + 4 };

uint64_t plic_read(uintptr_t offset, unsigned width)
{
        if (width == 4 && offset == CLAIM) {
                uint32_t source = claim();

                trace("claim", source, 0);
                return source;
        }
        if (width == 4 && offset == ENABLE)
                return plic.enabled;
        host_fail("plic: register 0x%lx must not be read", (unsigned long)offset);
}

void plic_write(uintptr_t offset, unsigned width, uint64_t value)
{
        trace("plic", offset, value);
        if (width != 4)
                host_fail("plic: register 0x%lx with a width of %u", (unsigned long)offset, width);
        if (offset >= PRIORITY + 4 && offset <= PRIORITY + 4 * PLIC_NDEV && offset % 4 == 0)
                plic.priority[offset / 4] = (uint32_t)value;
        else if (offset == ENABLE)
                plic.enabled = (uint32_t)value; /* and what is pending stays silent until something happens */
        else if (offset == THRESHOLD)
                plic.threshold = (uint32_t)value;
        else if (offset == CLAIM)
                complete((uint32_t)value);
        else
                host_fail("plic: register 0x%lx must not be written", (unsigned long)offset);
        if (offset != ENABLE || !world.plic_of_qemu)
                update();
}
