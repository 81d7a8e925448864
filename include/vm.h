/* SPDX-License-Identifier: MIT */
/*
 * vm.h - the Sv39 identity map (privileged specification, 4.4).
 *
 * Mapped is what is ours: text r-x, rodata r--, data and free memory rw-, the device tree r--, and the
 * registers of devices as their drivers are probed. Nothing is both writable and executable. Not mapped:
 * address 0, the page under each stack, the firmware.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "devicetree.h"

enum vm_flags { VM_READ = 2, VM_WRITE = 4, VM_EXECUTE = 8 };

/* Build the map and turn it on. 0, or a negative errno after saying why. At boot, after memory_init(). */
int vm_init(const struct machine *machine);

/*
 * Map `range`, widened to whole pages, one to one. 0, also where that is so already; -ERANGE beyond
 * IDENTITY_END; -EBUSY where it is mapped with other flags; -ENOMEM. Task context.
 */
int vm_map(struct range range, enum vm_flags flags);

/* Whether `address` is in the guard page under a stack. Any context. */
bool vm_is_guard(uintptr_t address);
