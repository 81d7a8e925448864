/* SPDX-License-Identifier: MIT */
/*
 * One entry for all traps (privileged specification, 4.1.2). Not vectored: OpenSBI 1.1 takes illegal
 * instructions and access faults itself and hands them on by a jump to stvec as it stands, mode bits and
 * all. tp is free in this kernel, so the entry needs no stack to find out what it is about.
 *
 * An interrupt runs on the stack that it meets, and saves what a C function may change. An exception is
 * always the end, so it takes a stack of its own: the one it meets may be what overflowed.
 */
        .text
        .balign 4
        .globl trap_entry
trap_entry:
        csrr    tp, scause
        bgez    tp, exception_entry     /* the top bit says interrupt */
        andi    tp, tp, 4               /* 9: supervisor external; 5: supervisor timer */
        bnez    tp, timer_entry         /* else on into external_entry */

        .macro  each_caller_saved instruction
        .set    offset, 0
        .irp    register, ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7
        \instruction \register, offset(sp)
        .set    offset, offset + 8
        .endr
        .endm

        .macro  interrupt_entry name, handler
\name:
        addi    sp, sp, -128
        each_caller_saved sd
        call    \handler
        each_caller_saved ld
        addi    sp, sp, 128
        sret
        .endm

        interrupt_entry external_entry, irq_dispatch
        interrupt_entry timer_entry, timer_interrupt /* nothing else is ever enabled */

exception_entry:
        la      sp, __trap_stack_top
        csrr    a0, sepc
        mv      a1, s0
        csrr    a2, stval
        csrr    a3, scause
        call    trap_exception
        unimp
