/* SPDX-License-Identifier: MIT */
/*
 * Traps, vectored (privileged specification, 4.1.2). An interrupt runs on the stack that it meets, and
 * saves what a C function may change. An exception is always the end, so it may take a stack of its
 * own without giving it back: the one it meets may be what overflowed.
 */
        .text
        .balign 256
        .option push
        .option norvc                   /* each entry of the table is four bytes */
        .globl trap_vector
trap_vector:
        j       exception_entry
        .rept 4
        j       unexpected_entry
        .endr
        j       timer_entry             /* 5: supervisor timer */
        .rept 3
        j       unexpected_entry
        .endr
        j       external_entry          /* 9: supervisor external */
        .rept 6
        j       unexpected_entry
        .endr
        .option pop

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
        interrupt_entry timer_entry, timer_interrupt
        interrupt_entry unexpected_entry, trap_unexpected

exception_entry:
        csrrw   sp, sscratch, sp
        addi    sp, sp, -64             /* struct trap_frame */
        sd      ra, 8(sp)
        sd      gp, 24(sp)
        sd      tp, 32(sp)
        sd      s0, 40(sp)
        csrr    t0, sepc
        sd      t0, 0(sp)
        csrr    t0, sscratch
        sd      t0, 16(sp)
        csrr    t0, scause
        sd      t0, 48(sp)
        csrr    t0, stval
        sd      t0, 56(sp)
        mv      a0, sp
        call    trap_exception
        unimp
