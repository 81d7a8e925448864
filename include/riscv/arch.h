/* SPDX-License-Identifier: MIT */
/*
 * arch.h - everything that is RISC-V: the only header with assembly in it.
 *
 * The host tests build the same sources with tests/host/arch.h instead, in which each shared access
 * is a place where an interrupt can be injected.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define compiler_barrier() __asm__ volatile("" ::: "memory")

/*
 * What tasks and interrupt handlers both touch: numbers of up to 32 bits, and pointers. One hart, so an interrupt
 * is a function call between two instructions, and a whole access between two compiler barriers is order
 * enough; the swap is an amoswap, which no interrupt divides. (A plain atomic store would be an amoswap with gcc 12,
 * which QEMU executes slowly; a volatile load would be two instructions.) Any context.
 */
#define shared_load(place)                                                                         \
        __extension__({                                                                            \
                compiler_barrier();                                                                \
                __typeof__(*(place)) shared_value = *(place);                                      \
                compiler_barrier();                                                                \
                shared_value;                                                                      \
        })
#define shared_store(place, value)                                                                 \
        do {                                                                                       \
                compiler_barrier();                                                                \
                *(place) = (value);                                                                \
                compiler_barrier();                                                                \
        } while (0)
#define shared_swap(place, value)                                                                  \
        __extension__({                                                                            \
                compiler_barrier();                                                                \
                __typeof__(*(place)) shared_value = __atomic_exchange_n(place, value, __ATOMIC_RELAXED); \
                compiler_barrier();                                                                \
                shared_value;                                                                      \
        })

#define shared_add(place, value) __atomic_fetch_add(place, value, __ATOMIC_RELAXED) /* an amoadd */

/*
 * Memory that a device reads and writes: each access is one load or store of that width, once.
 * The order between them is made by the barriers below. Any context.
 */
#define device_load(place) shared_load(place)
#define device_store(place, value) (*(volatile __typeof__(*(place)) *)(place) = (value))

/*
 * Barriers of a virtqueue, by what they order (virtio 1.2, 2.7). A device may be hardware: so these are
 * real fences, and the notification's own is in mmio_write32(). __sync_synchronize() will not do: gcc
 * and clang make different fences of it.
 */
#define fence(before, after) __asm__ volatile("fence " before ", " after ::: "memory")
#define ring_entry_before_index() fence("w", "w")   /* 2.7.13.3.1 */
#define ring_index_before_event() fence("rw", "rw") /* 2.7.13.4.1, and 2.7.14 on the used side */
#define ring_index_before_element() fence("r", "r") /* 2.7.14 */

/* Between acknowledging an interrupt at the device and looking at what it announced. */
#define acknowledge_before_look() fence("o", "r")

/*
 * mmio_read8(address), mmio_write8(address, value) and so on: device registers, mapped one to one and
 * aligned to their width. A write comes after all memory writes before it, a read before all memory
 * reads after it. Any context.
 */
#define MMIO_ACCESS(bits)                                                                          \
        static inline uint##bits##_t mmio_read##bits(uintptr_t address)                            \
        {                                                                                          \
                uint##bits##_t value = *(volatile uint##bits##_t *)address;                        \
                fence("i", "r");                                                                   \
                return value;                                                                      \
        }                                                                                          \
        static inline void mmio_write##bits(uintptr_t address, uint##bits##_t value)               \
        {                                                                                          \
                fence("w", "o");                                                                   \
                *(volatile uint##bits##_t *)address = value;                                       \
        }
MMIO_ACCESS(8)
MMIO_ACCESS(16)
MMIO_ACCESS(32)

#define csr_read(csr)                                                                              \
        __extension__({                                                                            \
                uint64_t csr_value;                                                                \
                __asm__ volatile("csrr %0, " #csr : "=r"(csr_value)::"memory");                    \
                csr_value;                                                                         \
        })
#define csr_write(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"rK"(value) : "memory")
#define csr_set(csr, bits) __asm__ volatile("csrs " #csr ", %0" ::"rK"(bits) : "memory")
#define csr_clear(csr, bits) __asm__ volatile("csrc " #csr ", %0" ::"rK"(bits) : "memory")

enum { SSTATUS_SIE = 1 << 1, SIE_STIE = 1 << 5, SIE_SEIE = 1 << 9 };

/* Whether this hart takes interrupts now: false in a handler and where they are masked. */
static inline bool interrupts_enabled(void)
{
        return (csr_read(sstatus) & SSTATUS_SIE) != 0;
}

#define interrupts_enable() csr_set(sstatus, SSTATUS_SIE)
#define interrupts_disable() csr_clear(sstatus, SSTATUS_SIE)

/* Mask interrupts; returns what interrupts_restore() wants back. Any context. */
static inline bool interrupts_save(void)
{
        uint64_t former;

        __asm__ volatile("csrrc %0, sstatus, %1" : "=r"(former) : "rK"(SSTATUS_SIE) : "memory");
        return (former & SSTATUS_SIE) != 0;
}

/* Undo an interrupts_save(). Any context. */
static inline void interrupts_restore(bool enabled)
{
        if (enabled)
                interrupts_enable();
}

/* Let the timer's or the external interrupts through to interrupts_enable(), or not. */
#define interrupts_unmask_timer() csr_set(sie, SIE_STIE)
#define interrupts_mask_timer() csr_clear(sie, SIE_STIE)
#define interrupts_unmask_external() csr_set(sie, SIE_SEIE)

/* Sleep until an interrupt is pending, masked or not (privileged specification, 3.3.3). */
#define wait_for_interrupt() __asm__ volatile("wfi" ::: "memory")

/* Ticks of the platform's timer; instructions retired (exact under QEMU's -icount shift=0). Any context. */
#define read_time() csr_read(time)
#define read_instructions() csr_read(instret)

/* Execute twice as many instructions as `rounds`, which is not 0. Any context. */
static inline void spin(uint64_t rounds) { __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(rounds)); }
#define read_cycles() csr_read(cycle)

/* Interrupt this hart at `ticks` of the timer: stimecmp, of Sstc, by its number, for older assemblers do not know it. */
#define timer_compare_write(ticks) csr_write(0x14d, ticks)

/* The caller's frame pointer, for a backtrace. */
#define frame_pointer() ((uintptr_t)__builtin_frame_address(0))

/* After an entry of the page table has become valid: hardware may remember that it was not (4.2.1). */
#define page_table_changed() __asm__ volatile("sfence.vma" ::: "memory")

/* Translate through the Sv39 table at `root` from here on. At boot. */
static inline void page_table_activate(const void *root)
{
        uintptr_t satp = (UINT64_C(8) << 60) | ((uintptr_t)root >> 12);

        __asm__ volatile("sfence.vma\n\tcsrw satp, %0\n\tsfence.vma" ::"r"(satp) : "memory");
}

/* One call to the SBI firmware (SBI specification, chapter 3); returns its error, 0 for success. Any context. */
static inline long sbi_ecall(long extension, long function, unsigned long argument0, unsigned long argument1)
{
        register unsigned long a0 __asm__("a0") = argument0;
        register unsigned long a1 __asm__("a1") = argument1;
        register long a6 __asm__("a6") = function;
        register long a7 __asm__("a7") = extension;

        __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
        return (long)a0;
}
