/* SPDX-License-Identifier: MIT */
/*
 * registers.h - the registers of a virtio-mmio device, which fail the test at whatever virtio 1.2
 * forbids a driver (4.2.2; 4.2.4 for version 1): a wrong width or direction, a register of the other
 * version, a value before its selector, a queue made live before it is described.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTERS_BASE 0x10001000u

enum { REGISTERS_QUEUES_MAX = 8 };

struct registers {
        /* What the device is. */
        uint32_t magic, version, device_id, queue_max;
        uint64_t features;
        unsigned queues;
        bool queue_in_use; /* of the selected one */

        /* Its state. Bytes of the configuration are their own offsets. */
        uint32_t status, interrupt_status, frame;

        /* Every access: R and the offset, W, the offset and the value; in hex. */
        char trace[1024];
        size_t length;

        uint32_t written[0x100 / 4]; /* last values, and whether there was one */
        bool was_written[0x100 / 4];
        bool in_use[REGISTERS_QUEUES_MAX]; /* of those that are not selected */
};

extern struct registers registers;

/* A modern block device with one queue that is switched on, behind the host's MMIO. */
void registers_reset(void);

/* Empty the trace. */
void registers_forget(void);

/* Add something else to the trace. */
void registers_note(const char *what);
