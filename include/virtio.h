/* SPDX-License-Identifier: MIT */
/*
 * virtio.h - a virtio device, whatever it is and however it is attached.
 *
 * A transport finds the device and fills in `struct virtio_device`; a driver for the device's type
 * brings it up with the calls below. Section numbers are those of virtio 1.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "virtqueue.h"

/* Device status (2.1). */
enum virtio_status {
        VIRTIO_STATUS_ACKNOWLEDGE = 1, VIRTIO_STATUS_DRIVER = 2, VIRTIO_STATUS_DRIVER_OK = 4,
        VIRTIO_STATUS_FEATURES_OK = 8, VIRTIO_STATUS_NEEDS_RESET = 64, VIRTIO_STATUS_FAILED = 128,
};

/* Features that are not of one device type (6). */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)
#define VIRTIO_F_RING_PACKED (UINT64_C(1) << 34)

struct virtio_device;

/* How a transport reaches a device. Task context, but for get_status and notify: any. */
struct virtio_transport {
        uint32_t (*get_status)(struct virtio_device *device);
        void (*set_status)(struct virtio_device *device, uint32_t status);
        uint64_t (*get_features)(struct virtio_device *device);
        void (*set_features)(struct virtio_device *device, uint64_t features);
        /* Entries that queue `index` may have; 0: there is no such queue, or it is in use. */
        uint32_t (*queue_size_max)(struct virtio_device *device, unsigned index);
        /* Give the device an empty queue: 0 or a negative errno. */
        int (*queue_setup)(struct virtio_device *device, unsigned index, const struct virtq *queue);
        void (*notify)(struct virtio_device *device, unsigned index);
        /* A field of the device's configuration, `width` 1, 2 or 4 bytes, and the generation it belongs to. */
        uint32_t (*config_read)(struct virtio_device *device, unsigned offset, unsigned width);
        void (*config_write8)(struct virtio_device *device, unsigned offset, uint8_t value);
        uint32_t (*config_generation)(struct virtio_device *device);
};

struct virtio_device {
        const struct virtio_transport *transport;
        const char *name;  /* of transport and version: docs/contract.md's word */
        const char *node;  /* the device tree's name for it */
        bool legacy;       /* of before virtio 1.0 */
        uint32_t type;     /* Device ID (5) */
        uint32_t status;   /* as last written: bits are only ever added (2.1.1) */
        uint64_t offered;  /* features */
        uint64_t features; /* accepted */
        bool was_ready;    /* it was live once, so its queues have their memory */

        /* The driver's own; the two calls come from the transport's interrupt, after it was acknowledged. */
        void *driver_data;
        bool (*used_buffers)(struct virtio_device *device); /* whether there were any */
        bool (*config_changed)(struct virtio_device *device); /* whether it is news: not while the last change is yet to be seen to */
};

/* A driver for one device type. `probe` returns 0, or a negative errno after saying why. */
struct virtio_driver {
        const char *name;
        uint32_t type;
        int (*probe)(struct virtio_device *device);
};

/* The drivers there are, ending with NULL. kernel/drivers.c. */
extern const struct virtio_driver *const virtio_drivers[];
extern const struct virtio_driver virtio_blk_driver, virtio_rng_driver;

/* Find the driver for the device's type and probe it: what it returns, or 0 where there is none. Task context. */
int virtio_probe(struct virtio_device *device);

/* Reset, and wait (bounded) until the device says that it is (2.4.2): 0, or -ETIMEDOUT. Task context. */
int virtio_reset(struct virtio_device *device);

/*
 * The first half of 3.1.1: reset, ACKNOWLEDGE, DRIVER, agree on features, FEATURES_OK. Of what is
 * offered, `supported` is accepted, RING_PACKED where the boot argument ring asks for it, and VERSION_1 insisted
 * on where the transport is modern. Returns 0, or a negative errno with words on the console and the device
 * FAILED. Task context.
 */
int virtio_negotiate(struct virtio_device *device, uint64_t supported);

/*
 * Allocate queue `index`, for requests of up to `segments` segments, and give it to the device. Its entries
 * are the boot argument queue_size; where that is 0, `wanted` (a power of two) or what the device allows.
 * A queue that was set up before, and lost in a reset, is set up again as it was, empty. Returns 0, or a negative
 * errno with words on the console and the device FAILED. Between negotiate and ready; task context.
 */
int virtio_queue_setup(struct virtio_device *device, unsigned index, struct virtq *queue, uint32_t wanted,
                       unsigned segments);

/* DRIVER_OK: the device is live (3.1.1, step 8). Interrupts must be attached. Task context. */
void virtio_ready(struct virtio_device *device);

/* FAILED: given up (3.1.1). Task context. */
void virtio_fail(struct virtio_device *device);

/* The same, saying why; returns -ENODEV. Task context. */
int virtio_refuse(struct virtio_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether the device says that it needs a reset (2.1.1). Any context. */
bool virtio_needs_reset(struct virtio_device *device);

/* A field of the device's configuration. It exists where `feature` was accepted (0: always), else `value` stays. */
struct virtio_config_field {
        uint64_t feature;
        unsigned offset, width; /* 1, 2, 4 or 8 bytes */
        uint64_t value;
};

/*
 * Read the fields, all of one generation (2.5.1): 0, or -ENODEV with words on the console and the device
 * FAILED when the configuration did not rest for a bounded number of tries. Task context.
 */
int virtio_config_read(struct virtio_device *device, struct virtio_config_field *fields, unsigned count);

/* Write a field of one byte; not before FEATURES_OK (3.1.1). Task context. */
static inline void virtio_config_write8(struct virtio_device *device, unsigned offset, uint8_t value)
{
        device->transport->config_write8(device, offset, value);
}

/* Whether `feature` was accepted. Any context. */
static inline bool virtio_has(const struct virtio_device *device, uint64_t feature)
{
        return (device->features & feature) != 0;
}

/* Tell the device of new entries in queue `index` (2.7.13.4). Any context. */
static inline void virtio_notify(struct virtio_device *device, unsigned index)
{
        device->transport->notify(device, index);
}
