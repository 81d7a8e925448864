/* SPDX-License-Identifier: MIT */
/* host.h - how a test steers the machine that tests/host/arch.h makes believe; host.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_fence {
        HOST_FENCE_ENTRY_BEFORE_INDEX,
        HOST_FENCE_INDEX_BEFORE_EVENT,
        HOST_FENCE_INDEX_BEFORE_ELEMENT,
        HOST_FENCE_ACKNOWLEDGE_BEFORE_LOOK,
};

/* What arch.h calls. */
void host_point(void);
void host_stored(const volatile void *place, size_t size);
void host_fence(enum host_fence fence);
uint64_t host_mmio_read(uintptr_t address, unsigned width);
void host_mmio_write(uintptr_t address, unsigned width, uint64_t value);
bool host_interrupts_enabled(void);
void host_interrupts_enable(void);
void host_interrupts_disable(void);
bool host_interrupts_save(void);
void host_interrupts_restore(bool enabled);
void host_unmask_timer(bool unmasked);
void host_wait_for_interrupt(void);
uint64_t host_time(void);
