/* SPDX-License-Identifier: MIT */
/* virtio.c - what every driver of a virtio device does alike (virtio 1.2, 3.1). */
#include "virtio.h"

#include <errno.h>

#include "args.h"
#include "memory.h"
#include "printk.h"

enum { RESET_TRIES = 1000000, CONFIG_TRIES = 64 };

static void add_status(struct virtio_device *device, uint32_t bits)
{
        device->status |= bits;
        device->transport->set_status(device, device->status);
}

int virtio_reset(struct virtio_device *device)
{
        device->status = 0;
        device->transport->set_status(device, 0);
        for (unsigned i = 0; i < RESET_TRIES; i++)
                if (device->transport->get_status(device) == 0)
                        return 0;
        return -ETIMEDOUT;
}

void virtio_fail(struct virtio_device *device) { add_status(device, VIRTIO_STATUS_FAILED); }

bool virtio_needs_reset(struct virtio_device *device)
{
        return (device->transport->get_status(device) & VIRTIO_STATUS_NEEDS_RESET) != 0;
}

int virtio_refuse(struct virtio_device *device, const char *format, ...)
{
        static char why[96];
        va_list values;

        va_start(values, format);
        format_text_va(why, sizeof why, format, values);
        va_end(values);
        log_error("%s: %s: not used", device->node, why);
        virtio_fail(device);
        return -ENODEV;
}

int virtio_negotiate(struct virtio_device *device, uint64_t supported)
{
        bool legacy = device->legacy;

        if (virtio_reset(device) != 0)
                return virtio_refuse(device, "the device does not finish its reset");
        add_status(device, VIRTIO_STATUS_ACKNOWLEDGE);
        add_status(device, VIRTIO_STATUS_DRIVER);

        device->offered = device->transport->get_features(device);
        if (!legacy)
                supported |= VIRTIO_F_VERSION_1 | (arguments.ring == RING_PACKED ? VIRTIO_F_RING_PACKED : 0);
        device->features = device->offered & supported;
        if (arguments.ring == RING_PACKED && !virtio_has(device, VIRTIO_F_RING_PACKED))
                log_warn("%s: ring=packed: the device does not offer it: its ring is split", device->node);
        if (!legacy && !virtio_has(device, VIRTIO_F_VERSION_1))
                return virtio_refuse(device, "a modern device that does not offer VIRTIO_F_VERSION_1");
        device->transport->set_features(device, device->features);
        if (legacy) /* has no FEATURES_OK (3.1.2) */
                return 0;
        add_status(device, VIRTIO_STATUS_FEATURES_OK);
        if ((device->transport->get_status(device) & VIRTIO_STATUS_FEATURES_OK) == 0)
                return virtio_refuse(device, "the device refuses the features that it offered");
        return 0;
}

int virtio_queue_setup(struct virtio_device *device, unsigned index, struct virtq *queue, uint32_t wanted,
                       unsigned segments)
{
        uint32_t maximum = device->transport->queue_size_max(device, index);
        bool again = device->was_ready;
        uint32_t size = again ? queue->layout.size : arguments.queue_size ? (uint32_t)arguments.queue_size : wanted;

        if (maximum == 0)
                return virtio_refuse(device, "the queue is missing, or in use");
        while (!again && arguments.queue_size == 0 && size > maximum)
                size /= 2;
        if (size > maximum)
                return virtio_refuse(device, "queue_size=%u is more than the device's %u", size, maximum);

        struct virtq_layout layout = {
                .size = (uint16_t)size, .segments = (uint16_t)segments,
                .indirect = virtio_has(device, VIRTIO_F_INDIRECT_DESC),
                .event_idx = virtio_has(device, VIRTIO_F_EVENT_IDX),
                .packed = virtio_has(device, VIRTIO_F_RING_PACKED),
        };
        void *ring = again ? queue->descriptors : memory_allocate(virtq_ring_bytes(&layout), VIRTQ_RING_ALIGN);
        void *tables = again ? queue->seat : memory_allocate(virtq_table_bytes(&layout), sizeof(struct virtq_descriptor));

        if (!ring || !tables)
                return virtio_refuse(device, "too little memory for its queue");
        if (virtq_init(queue, &layout, ring, tables) != 0)
                return virtio_refuse(device, "a queue of %u has no room for a request of %u segments", size, segments);
        if (device->transport->queue_setup(device, index, queue) != 0)
                return virtio_refuse(device, "the queue lies beyond the device's reach");
        log_debug("%s: queue %u: a %s ring of %u", device->node, index, layout.packed ? "packed" : "split", size);
        return 0;
}

void virtio_ready(struct virtio_device *device)
{
        add_status(device, VIRTIO_STATUS_DRIVER_OK);
        device->was_ready = true;
}

/* 64 bits as two halves: they need not be readable at once (4.2.2.2). */
static uint64_t read_field(struct virtio_device *device, const struct virtio_config_field *field)
{
        if (field->width < 8)
                return device->transport->config_read(device, field->offset, field->width);
        return device->transport->config_read(device, field->offset, 4) |
               (uint64_t)device->transport->config_read(device, field->offset + 4, 4) << 32;
}

/* Reads every field, and says whether all were as they are in `fields` already. */
static bool read_fields(struct virtio_device *device, struct virtio_config_field *fields, unsigned count)
{
        bool same = true;

        for (unsigned i = 0; i < count; i++) {
                uint64_t former = fields[i].value;

                if (fields[i].feature == 0 || virtio_has(device, fields[i].feature))
                        fields[i].value = read_field(device, &fields[i]);
                same = same && fields[i].value == former;
        }
        return same;
}

int virtio_config_read(struct virtio_device *device, struct virtio_config_field *fields, unsigned count)
{
        for (unsigned try = 0; try < CONFIG_TRIES; try++) {
                uint32_t generation = device->legacy ? 0 : device->transport->config_generation(device);
                bool same = read_fields(device, fields, count);

                /* Legacy has no generation: a reading is good when it repeats the one before (2.5.4). */
                if (device->legacy ? try > 0 && same : generation == device->transport->config_generation(device))
                        return 0;
        }
        return virtio_refuse(device, "the configuration does not stop changing");
}
