/* SPDX-License-Identifier: MIT */
/* fake_plic.c - the registers of the PLIC specification, chapter 3. */
#include "fake_plic.h"

#include "testing.h"

struct fake_plic plic;

void plic_note(const char *what, unsigned long a, unsigned long b)
{
        char text[48];

        if (plic.quiet)
                return;
        snprintf(text, sizeof text, "%s=%lx:%lx ", what, a, b);
        assert_in_range(plic.length + strlen(text), 1, sizeof plic.trace - 1);
        memcpy(plic.trace + plic.length, text, strlen(text) + 1);
        plic.length += strlen(text);
}

uint32_t plic_pending(void)
{
        uint32_t best = plic.lie;

        for (uint32_t source = 1; best == 0 && source <= PLIC_SOURCES; source++)
                if (plic.high[source] && !plic.served[source] && (plic.enabled[source / 32] >> source % 32 & 1) != 0 &&
                    plic.priority[source] > plic.threshold)
                        best = source;
        return best;
}

static uint32_t claim_source(void)
{
        uint32_t best = plic_pending();

        plic.lie = 0;
        if (best < 1024)
                plic.served[best] = best != 0;
        plic_note("claim", best, 0);
        return best;
}

/* Which word of `size` bytes at `start` an address is in, or -1. */
static long word_in(uintptr_t offset, uintptr_t start, uintptr_t size)
{
        return offset >= start && offset < start + size ? (long)((offset - start) / 4) : -1;
}

static uint64_t plic_read(uintptr_t address, unsigned width)
{
        uintptr_t offset = address - PLIC_BASE;
        long enable = word_in(offset, 0x2000 + 0x80u * plic.context, 0x80);

        assert_int_equal(width, 4);
        assert_int_equal(offset % 4, 0);
        if (offset == 0x200004 + 0x1000u * plic.context)
                return claim_source();
        if (enable >= 0)
                return plic.enabled[enable];
        fail_msg("register 0x%lx is read", (unsigned long)offset);
        return 0;
}

static void plic_write(uintptr_t address, unsigned width, uint64_t value)
{
        uintptr_t offset = address - PLIC_BASE;
        long priority = word_in(offset, 4, 4 * 1023), enable = word_in(offset, 0x2000 + 0x80u * plic.context, 0x80);

        assert_int_equal(width, 4);
        assert_int_equal(offset % 4, 0);
        if (priority >= 0) {
                plic_note("priority", (unsigned long)priority + 1, value);
                plic.priority[priority + 1] = (uint32_t)value;
        } else if (enable >= 0) {
                plic_note("enable", (unsigned long)enable, value);
                plic.enabled[enable] = (uint32_t)value;
        } else if (offset == 0x200000 + 0x1000u * plic.context) {
                plic.threshold = (uint32_t)value;
        } else if (offset == 0x200004 + 0x1000u * plic.context) {
                plic_note("complete", value, 0);
                if (value < 1024)
                        plic.served[value] = false;
        } else {
                fail_msg("register 0x%lx is written", (unsigned long)offset);
        }
}

void plic_reset(void)
{
        memset(&plic, 0, sizeof plic);
        plic.context = 1;
        host.mmio_read = plic_read;
        host.mmio_write = plic_write;
}
