/* SPDX-License-Identifier: MIT */
/*
 * arch.h - everything that is RISC-V: the only header with assembly in it.
 *
 * The host tests build the same sources with tests/host/arch.h instead, in which each shared access
 * is a place where an interrupt can be injected.
 */
#ifndef ARCH_H
#define ARCH_H

#include <stdbool.h>
#include <stdint.h>

#define compiler_barrier() __asm__ volatile("" ::: "memory")

/*
 * What tasks and interrupt handlers both touch: 32-bit numbers and pointers. One hart, so an interrupt
 * is a function call between two instructions, and a whole access plus a compiler barrier is order
 * enough; the swap is an amoswap, which no interrupt divides. Any context.
 */
#define shared_load(place)                                                                         \
        __extension__({                                                                            \
                __typeof__(*(place)) shared_value = __atomic_load_n(place, __ATOMIC_RELAXED);      \
                compiler_barrier();                                                                \
                shared_value;                                                                      \
        })
#define shared_store(place, value)                                                                 \
        do {                                                                                       \
                compiler_barrier();                                                                \
                __atomic_store_n(place, value, __ATOMIC_RELAXED);                                  \
                compiler_barrier();                                                                \
        } while (0)
#define shared_swap(place, value)                                                                  \
        __extension__({                                                                            \
                compiler_barrier();                                                                \
                __typeof__(*(place)) shared_value = __atomic_exchange_n(place, value, __ATOMIC_RELAXED); \
                compiler_barrier();                                                                \
                shared_value;                                                                      \
        })

/*
 * Memory that a device reads and writes: each access is one load or store of that width, once.
 * The order between them is made by the barriers below. Any context.
 */
#define device_load(place) (*(const volatile __typeof__(*(place)) *)(place))
#define device_store(place, value) (*(volatile __typeof__(*(place)) *)(place) = (value))

/*
 * Barriers of a virtqueue, by what they order (virtio 1.2, 2.7). With VIRTIO_F_ORDER_PLATFORM or without,
 * a device may be hardware: so these are real fences, and the notification's own is in mmio_write32().
 */
static inline void ring_entry_before_index(void) /* 2.7.13.3.1 */
{
        __asm__ volatile("fence w, w" ::: "memory");
}

static inline void ring_index_before_event(void) /* 2.7.13.4.1, and 2.7.14 on the used side */
{
        __asm__ volatile("fence rw, rw" ::: "memory");
}

static inline void ring_index_before_element(void) /* 2.7.14 */
{
        __asm__ volatile("fence r, r" ::: "memory");
}

/* Device registers, mapped one to one; `address` is aligned to the width. A write is after all memory writes before it, a read before all memory reads after it. */
static inline uint8_t mmio_read8(uintptr_t address)
{
        uint8_t value = *(volatile uint8_t *)address;

        __asm__ volatile("fence i, r" ::: "memory");
        return value;
}

static inline uint16_t mmio_read16(uintptr_t address)
{
        uint16_t value = *(volatile uint16_t *)address;

        __asm__ volatile("fence i, r" ::: "memory");
        return value;
}

static inline uint32_t mmio_read32(uintptr_t address)
{
        uint32_t value = *(volatile uint32_t *)address;

        __asm__ volatile("fence i, r" ::: "memory");
        return value;
}

static inline void mmio_write8(uintptr_t address, uint8_t value)
{
        __asm__ volatile("fence w, o" ::: "memory");
        *(volatile uint8_t *)address = value;
}

static inline void mmio_write32(uintptr_t address, uint32_t value)
{
        __asm__ volatile("fence w, o" ::: "memory");
        *(volatile uint32_t *)address = value;
}

/* After acknowledging an interrupt at the device, before looking at what it announced. */
static inline void mmio_write_before_memory_read(void)
{
        __asm__ volatile("fence o, r" ::: "memory");
}

#define SSTATUS_SIE (1ul << 1)
#define SIE_STIE (1ul << 5)
#define SIE_SEIE (1ul << 9)

/* Whether this hart takes interrupts now: false in a handler and where they are masked. */
static inline bool interrupts_enabled(void)
{
        uintptr_t sstatus;

        __asm__ volatile("csrr %0, sstatus" : "=r"(sstatus));
        return (sstatus & SSTATUS_SIE) != 0;
}

static inline void interrupts_enable(void)
{
        __asm__ volatile("csrsi sstatus, 2" ::: "memory");
}

static inline void interrupts_disable(void)
{
        __asm__ volatile("csrci sstatus, 2" ::: "memory");
}

/* Mask interrupts; returns what interrupts_restore() wants back. Any context. */
static inline uintptr_t interrupts_save(void)
{
        uintptr_t sstatus;

        __asm__ volatile("csrrci %0, sstatus, 2" : "=r"(sstatus)::"memory");
        return sstatus & SSTATUS_SIE;
}

static inline void interrupts_restore(uintptr_t saved)
{
        __asm__ volatile("csrs sstatus, %0" ::"r"(saved) : "memory");
}

/* Let the timer (or external) interrupt through to interrupts_enable(). */
static inline void interrupts_unmask_timer(void)
{
        __asm__ volatile("csrs sie, %0" ::"r"(SIE_STIE) : "memory");
}

static inline void interrupts_mask_timer(void)
{
        __asm__ volatile("csrc sie, %0" ::"r"(SIE_STIE) : "memory");
}

static inline void interrupts_unmask_external(void)
{
        __asm__ volatile("csrs sie, %0" ::"r"(SIE_SEIE) : "memory");
}

/* Sleep until an interrupt is pending, masked or not (privileged specification, 3.3.3). */
static inline void wait_for_interrupt(void)
{
        __asm__ volatile("wfi" ::: "memory");
}

/* Ticks of the platform's timer; instructions retired (exact under QEMU's -icount shift=0). */
static inline uint64_t read_time(void)
{
        uint64_t value;

        __asm__ volatile("rdtime %0" : "=r"(value));
        return value;
}

static inline uint64_t read_instructions(void)
{
        uint64_t value;

        __asm__ volatile("rdinstret %0" : "=r"(value));
        return value;
}

/* Translate through the Sv39 table at `root` from here on. */
static inline void page_table_activate(const void *root)
{
        uintptr_t satp = (UINT64_C(8) << 60) | ((uintptr_t)root >> 12);

        __asm__ volatile("sfence.vma\n\tcsrw satp, %0\n\tsfence.vma" ::"r"(satp) : "memory");
}

/* One call to the SBI firmware (RISC-V SBI specification, chapter 3); returns its error, 0 for success. */
static inline long sbi_ecall(long extension, long function, unsigned long argument0, unsigned long argument1,
                             unsigned long *value)
{
        register unsigned long a0 __asm__("a0") = argument0;
        register unsigned long a1 __asm__("a1") = argument1;
        register long a6 __asm__("a6") = function;
        register long a7 __asm__("a7") = extension;

        __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
        if (value)
                *value = a1;
        return (long)a0;
}

/* The caller's frame pointer, for a backtrace. */
static inline uintptr_t frame_pointer(void)
{
        return (uintptr_t)__builtin_frame_address(0);
}

#endif
