/* SPDX-License-Identifier: MIT */
/*
 * arch.h - the host's stand-in for include/riscv/arch.h: the kernel's own sources, on a machine that
 * tests can steer. Every access to what an interrupt or a device shares is a point, before and after
 * it, at which a test may run an interrupt; see host.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host.h"

#define compiler_barrier() __asm__ volatile("" ::: "memory")

#define shared_load(place)                                                                         \
        __extension__({                                                                            \
                host_point();                                                                      \
                __typeof__(*(place)) shared_value = __atomic_load_n(place, __ATOMIC_RELAXED);      \
                host_point();                                                                      \
                shared_value;                                                                      \
        })
#define shared_store(place, value)                                                                 \
        do {                                                                                       \
                host_point();                                                                      \
                __atomic_store_n(place, value, __ATOMIC_RELAXED);                                  \
                host_point();                                                                      \
        } while (0)
#define shared_swap(place, value)                                                                  \
        __extension__({                                                                            \
                host_point();                                                                      \
                __typeof__(*(place)) shared_value = __atomic_exchange_n(place, value, __ATOMIC_RELAXED); \
                host_point();                                                                      \
                shared_value;                                                                      \
        })

#define shared_add(place, value) __atomic_fetch_add(place, value, __ATOMIC_RELAXED)

#define device_load(place)                                                                         \
        __extension__({                                                                            \
                host_point();                                                                      \
                __typeof__(*(place)) device_value = *(const volatile __typeof__(*(place)) *)(place); \
                host_point();                                                                      \
                device_value;                                                                      \
        })
#define device_store(place, value)                                                                 \
        do {                                                                                       \
                host_point();                                                                      \
                *(volatile __typeof__(*(place)) *)(place) = (value);                               \
                host_stored(place, sizeof *(place));                                               \
                host_point();                                                                      \
        } while (0)

#define ring_entry_before_index() host_fence(HOST_FENCE_ENTRY_BEFORE_INDEX)
#define ring_index_before_event() host_fence(HOST_FENCE_INDEX_BEFORE_EVENT)
#define ring_index_before_element() host_fence(HOST_FENCE_INDEX_BEFORE_ELEMENT)
#define acknowledge_before_look() host_fence(HOST_FENCE_ACKNOWLEDGE_BEFORE_LOOK)

#define MMIO_ACCESS(bits)                                                                          \
        static inline uint##bits##_t mmio_read##bits(uintptr_t address)                            \
        {                                                                                          \
                return (uint##bits##_t)host_mmio_read(address, (bits) / 8);                        \
        }                                                                                          \
        static inline void mmio_write##bits(uintptr_t address, uint##bits##_t value)               \
        {                                                                                          \
                host_mmio_write(address, (bits) / 8, value);                                       \
        }
MMIO_ACCESS(8)
MMIO_ACCESS(16)
MMIO_ACCESS(32)

#define interrupts_enabled() host_interrupts_enabled()
#define interrupts_enable() host_interrupts_enable()
#define interrupts_disable() host_interrupts_disable()
#define interrupts_save() host_interrupts_save()
#define interrupts_restore(enabled) host_interrupts_restore(enabled)
#define interrupts_unmask_timer() host_unmask_timer(true)
#define interrupts_mask_timer() host_unmask_timer(false)
#define interrupts_unmask_external() ((void)0)
#define wait_for_interrupt() host_wait_for_interrupt()
#define read_time() host_time()
#define timer_compare_write(ticks) host_timer_compare(ticks)
#define read_instructions() UINT64_C(0)
#define read_cycles() (++host.cycles)
