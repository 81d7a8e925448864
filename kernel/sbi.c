/* SPDX-License-Identifier: MIT */
/* sbi.c - calls to the firmware; section numbers are those of the SBI specification 2.0. */
#include "sbi.h"

#include "arch.h"

enum sbi_extension {
        SBI_LEGACY_SET_TIMER = 0, SBI_LEGACY_PUTCHAR = 1,   /* 5.1, 5.2 */
        SBI_TIME = 0x54494d45,                              /* 6 */
        SBI_HSM = 0x48534d,                                 /* 9 */
        SBI_SRST = 0x53525354,                              /* 10 */
        SBI_DBCN = 0x4442434e, SBI_DBCN_WRITE_BYTE = 2,     /* 12 */
};

/* Firmware from before an extension says so; what came before it is still there. */
void sbi_put_character(char character)
{
        if (sbi_ecall(SBI_DBCN, SBI_DBCN_WRITE_BYTE, (unsigned char)character, 0) != 0)
                sbi_ecall(SBI_LEGACY_PUTCHAR, 0, (unsigned char)character, 0);
}

void sbi_set_timer(uint64_t ticks)
{
        if (sbi_ecall(SBI_TIME, 0, ticks, 0) != 0)
                sbi_ecall(SBI_LEGACY_SET_TIMER, 0, ticks, 0);
}

void sbi_start_hart(uint64_t hart, const void *entry) { sbi_ecall(SBI_HSM, 0, hart, (uintptr_t)entry); }

void sbi_shutdown(void) { sbi_ecall(SBI_SRST, 0, 0, 0); }
