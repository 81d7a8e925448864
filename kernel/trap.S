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

        .macro  interrupt_entry name, handler
\name:
        addi    sp, sp, -128
        sd      ra, 0(sp)
        sd      t0, 8(sp)
        sd      t1, 16(sp)
        sd      t2, 24(sp)
        sd      t3, 32(sp)
        sd      t4, 40(sp)
        sd      t5, 48(sp)
        sd      t6, 56(sp)
        sd      a0, 64(sp)
        sd      a1, 72(sp)
        sd      a2, 80(sp)
        sd      a3, 88(sp)
        sd      a4, 96(sp)
        sd      a5, 104(sp)
        sd      a6, 112(sp)
        sd      a7, 120(sp)
        call    \handler
        ld      ra, 0(sp)
        ld      t0, 8(sp)
        ld      t1, 16(sp)
        ld      t2, 24(sp)
        ld      t3, 32(sp)
        ld      t4, 40(sp)
        ld      t5, 48(sp)
        ld      t6, 56(sp)
        ld      a0, 64(sp)
        ld      a1, 72(sp)
        ld      a2, 80(sp)
        ld      a3, 88(sp)
        ld      a4, 96(sp)
        ld      a5, 104(sp)
        ld      a6, 112(sp)
        ld      a7, 120(sp)
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
