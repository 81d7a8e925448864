/* SPDX-License-Identifier: MIT */
/* sbi.c - calls to the firmware; section numbers are those of the SBI specification 2.0. */
#include "sbi.h"

#include <stdbool.h>
#include <stddef.h>

#include "arch.h"

enum sbi_extension {
        SBI_LEGACY_SET_TIMER = 0, SBI_LEGACY_PUTCHAR = 1, /* 5.1, 5.2 */
        SBI_BASE = 0x10, SBI_BASE_PROBE = 3,      /* 4 */
        SBI_TIME = 0x54494d45,                    /* 6 */
        SBI_HSM = 0x48534d,                       /* 9 */
        SBI_SRST = 0x53525354,                    /* 10 */
        SBI_DBCN = 0x4442434e, SBI_DBCN_WRITE_BYTE = 2, /* 12 */
};

static bool sbi_has(long extension)
{
        unsigned long value = 0;

        return sbi_ecall(SBI_BASE, SBI_BASE_PROBE, (unsigned long)extension, 0, &value) == 0 && value != 0;
}

void sbi_put_character(char character)
{
        static enum { UNKNOWN, LEGACY, DEBUG_CONSOLE } console;
        unsigned char byte = (unsigned char)character;

        if (console == UNKNOWN)
                console = sbi_has(SBI_DBCN) ? DEBUG_CONSOLE : LEGACY;
        if (console == DEBUG_CONSOLE)
                sbi_ecall(SBI_DBCN, SBI_DBCN_WRITE_BYTE, byte, 0, NULL);
        else
                sbi_ecall(SBI_LEGACY_PUTCHAR, 0, byte, 0, NULL);
}

void sbi_set_timer(uint64_t ticks)
{
        if (sbi_ecall(SBI_TIME, 0, ticks, 0, NULL) != 0) /* firmware from before the extension */
                sbi_ecall(SBI_LEGACY_SET_TIMER, 0, ticks, 0, NULL);
}

void sbi_start_hart(uint64_t hart, const void *entry) { sbi_ecall(SBI_HSM, 0, hart, (uintptr_t)entry, NULL); }

void sbi_shutdown(void) { sbi_ecall(SBI_SRST, 0, 0, 0, NULL); }
