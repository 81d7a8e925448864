/* SPDX-License-Identifier: MIT */
/*
 * ram.h - the simulated machine's memory, as the hart and as the devices see it.
 *
 * What the driver stores with device_store() is not seen by a device at once, but in any order that the fences
 * between the stores allow, as on hardware; and of what a device writes the hart sees the index before the element,
 * unless a fence is between its loads. So a missing fence is a wrong ring, and not an argument.
 *
 * Memory lies at an address below 2^31, the same in each run: a legacy device takes page numbers of 32 bits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"

enum { JOB_ALIGN = 64 };

/* All of it free and unlent. `weak`: stores may be delayed. */
void ram_reset(bool weak);

/* Memory for a task, with a poisoned zone behind it; memory_allocate() is the driver's. */
void *ram_for_task(size_t bytes);

/* Of the hart: host.stored and host.fence. */
void ram_stored(const volatile void *place, size_t size);
void ram_fence(enum host_fence fence);

/* All stores so far are visible to the devices, as before a register is written and sooner or later in any case. */
void ram_drain(void);

/* Some of them become visible, or all, or none. */
void ram_settle(void);

/* Of a device: what it sees of the driver's memory at `address`; fails the world where the driver has no such memory. */
const void *ram_seen(uint64_t address, size_t bytes, size_t alignment);

/* A queue of the driver's is handed over: the device sees what is there, however it was stored. */
void ram_sync(uint64_t address, size_t bytes);

/* What the device stores there; `late`: the hart may not see it before its next fence. */
void ram_store(const volatile void *place, uint64_t value, size_t size, bool late);

/* A device writes anything where only the driver may: the driver must not read that again, and the device itself does not. */
void ram_scribble(uint64_t address, size_t bytes);

/* Nothing is late any more. */
void ram_arrive(void);

/* A task lends `bytes` at `address` to the kernel, for a device to write or to read, and touches them no more. */
void ram_lend(void *address, size_t bytes, bool writes);
void ram_take_back(void *address);

/* For a device: the number of the loan that holds all of this memory; fails the world where there is none. */
uint64_t ram_loan(uint64_t address, size_t bytes, bool writes);

/* Around a device's access to a lent buffer. */
void ram_unlock(void *buffer, size_t bytes);
void ram_lock(void *buffer, size_t bytes);
