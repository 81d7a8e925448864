/* SPDX-License-Identifier: MIT */
/*
 * The firmware jumps here in S-mode, translation and interrupts off, a0 the hart's id and a1 the device
 * tree. One hart goes on; should others come along as well, they sleep.
 */
        .section .text.start, "ax", @progbits
        .globl _start
_start:
        la      t0, hart_lottery
        li      t1, 1
        amoswap.w t1, t1, (t0)
        bnez    t1, park

        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      sp, __stack_top
        la      t0, trap_entry
        csrw    stvec, t0
        csrw    sie, zero

        rdinstret a2                    /* for jobs_init(): what booting has cost */
        la      t0, __bss_start
        la      t1, __bss_end
1:      sd      zero, 0(t0)
        addi    t0, t0, 8
        bltu    t0, t1, 1b

        li      fp, 0                   /* a backtrace ends here */
        call    kernel_main

        .globl  park
park:   csrw    sie, zero
2:      wfi
        j       2b

        .data
        .balign 4
hart_lottery:                           /* in .data: .bss is cleared after it is drawn */
        .word   0
