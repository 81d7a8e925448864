/* SPDX-License-Identifier: MIT */
/* sbi.h - what the firmware does for the kernel (RISC-V SBI specification 1.0 and 2.0). */
#pragma once

#include <stdint.h>

/* Print one character: debug console extension, or the legacy call. Any context. */
void sbi_put_character(char character);

/* Interrupt this hart at `ticks` of the timer; a time gone by interrupts at once. Clears a pending one. Any context. */
void sbi_set_timer(uint64_t ticks);

/* Have a stopped hart jump to `entry`, in S-mode without translation; one that cannot stays stopped. Any context. */
void sbi_start_hart(uint64_t hart, const void *entry);

/* Power off; returns where the firmware cannot. It carries no exit code. Any context. */
void sbi_shutdown(void);
