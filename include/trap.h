/* SPDX-License-Identifier: MIT */
/* trap.h - what trap.S calls for an exception. */
#pragma once

#include <stdint.h>

/*
 * An exception at `pc`, with `frame` in the frame pointer (privileged specification, 4.1.8 and 4.1.9).
 * Nothing in this kernel may cause one, so it is the end. On the trap stack. Interrupt context.
 */
_Noreturn void trap_exception(uintptr_t pc, uintptr_t frame, uintptr_t stval, uintptr_t scause);

struct dt_node;

/*
 * Until the next call, take an access fault for a tree that lies about `node`'s registers: say so, and
 * exit with EXIT_INPUT. NULL: a fault is ours again. In a probe.
 */
void trap_expect(const struct dt_node *node);
