/* SPDX-License-Identifier: MIT */
/* trap.h - what an exception leaves behind for words. */
#pragma once

#include <stdint.h>

/* Stored by trap.S; its offsets are known there. */
struct trap_frame {
        uintptr_t pc, ra, sp, gp, tp, s0, scause, stval;
};

/* An exception: nothing in this kernel may cause one, so it is the end. On the trap stack. Interrupt context. */
_Noreturn void trap_exception(const struct trap_frame *frame);

/* An interrupt of a kind that this kernel never enables. Interrupt context. */
void trap_unexpected(void);
