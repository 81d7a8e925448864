/* SPDX-License-Identifier: MIT */
/*
 * virtio_mmio.c - the MMIO transport, version 1 (legacy) and version 2 (virtio 1.2, 4.2).
 */
#include <errno.h>
#include <stddef.h>

#include "arch.h"
#include "driver.h"
#include "irq.h"
#include "memory.h"
#include "printk.h"
#include "trace.h"
#include "util.h"
#include "virtio.h"

enum virtio_mmio_register { /* 4.2.2, and 4.2.4 for those of version 1 alone */
        MAGIC_VALUE = 0x000, VERSION = 0x004, DEVICE_ID = 0x008,
        DEVICE_FEATURES = 0x010, DEVICE_FEATURES_SEL = 0x014, DRIVER_FEATURES = 0x020, DRIVER_FEATURES_SEL = 0x024,
        LEGACY_GUEST_PAGE_SIZE = 0x028, QUEUE_SEL = 0x030, QUEUE_SIZE_MAX = 0x034, QUEUE_SIZE = 0x038,
        LEGACY_QUEUE_ALIGN = 0x03c, LEGACY_QUEUE_PFN = 0x040, QUEUE_READY = 0x044, QUEUE_NOTIFY = 0x050,
        INTERRUPT_STATUS = 0x060, INTERRUPT_ACK = 0x064, STATUS = 0x070,
        QUEUE_DESC_LOW = 0x080, QUEUE_DRIVER_LOW = 0x090, QUEUE_DEVICE_LOW = 0x0a0, /* the high half follows */
        CONFIG_GENERATION = 0x0fc,
        CONFIG = 0x100,
};

enum { MAGIC = 0x74726976 /* "virt" */, INTERRUPT_USED_BUFFER = 1, INTERRUPT_CONFIG_CHANGE = 2 };

struct virtio_mmio {
        struct virtio_device device;
        uintptr_t base;
};

static uint32_t read(struct virtio_device *device, enum virtio_mmio_register at)
{
        return mmio_read32(container_of(device, struct virtio_mmio, device)->base + at);
}

static void write(struct virtio_device *device, enum virtio_mmio_register at, uint32_t value)
{
        mmio_write32(container_of(device, struct virtio_mmio, device)->base + at, value);
}

static uint32_t get_status(struct virtio_device *device) { return read(device, STATUS); }

static void set_status(struct virtio_device *device, uint32_t status) { write(device, STATUS, status); }

/* 32 features at a time. A legacy device has no more, and to ask it for others is an error. */
static uint64_t get_features(struct virtio_device *device)
{
        uint64_t features = 0;

        for (uint32_t half = 0; half < (device->legacy ? 1 : 2); half++) {
                write(device, DEVICE_FEATURES_SEL, half);
                features |= (uint64_t)read(device, DEVICE_FEATURES) << 32 * half;
        }
        return features;
}

static void set_features(struct virtio_device *device, uint64_t features)
{
        for (uint32_t half = 0; half < (device->legacy ? 1 : 2); half++) {
                write(device, DRIVER_FEATURES_SEL, half);
                write(device, DRIVER_FEATURES, (uint32_t)(features >> 32 * half));
        }
}

static uint32_t queue_size_max(struct virtio_device *device, unsigned index)
{
        write(device, QUEUE_SEL, index);
        if (read(device, device->legacy ? LEGACY_QUEUE_PFN : QUEUE_READY) != 0) /* in use */
                return 0;
        return read(device, QUEUE_SIZE_MAX);
}

static void write_address(struct virtio_device *device, enum virtio_mmio_register low, const void *address)
{
        write(device, low, (uint32_t)(uintptr_t)address);
        write(device, low + 4, (uint32_t)((uint64_t)(uintptr_t)address >> 32));
}

static int queue_setup(struct virtio_device *device, unsigned index, const struct virtq *queue)
{
        uintptr_t frame = (uintptr_t)queue->descriptors / PAGE_SIZE;

        if (device->legacy && frame != (uint32_t)frame)
                return -ERANGE;
        if (device->legacy)
                write(device, LEGACY_GUEST_PAGE_SIZE, PAGE_SIZE);
        write(device, QUEUE_SEL, index);
        write(device, QUEUE_SIZE, queue->layout.size);
        if (device->legacy) {
                write(device, LEGACY_QUEUE_ALIGN, VIRTQ_RING_ALIGN);
                write(device, LEGACY_QUEUE_PFN, (uint32_t)frame);
        } else {
                write_address(device, QUEUE_DESC_LOW, queue->descriptors);
                write_address(device, QUEUE_DRIVER_LOW, queue->driver_area);
                write_address(device, QUEUE_DEVICE_LOW, queue->device_area);
                write(device, QUEUE_READY, 1);
        }
        return 0;
}

static void notify(struct virtio_device *device, unsigned index) { write(device, QUEUE_NOTIFY, index); }

static void notify_traced(struct virtio_device *device, unsigned index)
{
        trace_record(TRACE_NOTIFY, NULL, device, index, 0);
        notify(device, index);
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
        uintptr_t field = container_of(device, struct virtio_mmio, device)->base + CONFIG + offset;

        return width == 1 ? mmio_read8(field) : width == 2 ? mmio_read16(field) : mmio_read32(field);
}

static void config_write8(struct virtio_device *device, unsigned offset, uint8_t value)
{
        mmio_write8(container_of(device, struct virtio_mmio, device)->base + CONFIG + offset, value);
}

static uint32_t config_generation(struct virtio_device *device) { return read(device, CONFIG_GENERATION); }

static const struct virtio_transport transport = {
        .get_status = get_status, .set_status = set_status,
        .get_features = get_features, .set_features = set_features,
        .queue_size_max = queue_size_max, .queue_setup = queue_setup, .notify = notify,
        .config_read = config_read, .config_write8 = config_write8,
        .config_generation = config_generation,
};

/* The same, but for its notify; made once, when trace=1. */
static struct virtio_transport traced_transport;

static const struct virtio_transport *choose_transport(void)
{
        traced_transport = transport;
        traced_transport.notify = notify_traced;
        return trace_on() ? &traced_transport : &transport;
}

static bool used_buffers(struct virtio_device *device) { return device->used_buffers && device->used_buffers(device); }

/* Acknowledge first, then look: a completion between the two raises the interrupt again, in the other order it would be acknowledged unseen. */
static inline void acknowledge(struct virtio_device *device, uint32_t status, bool traced)
{
        if (traced)
                trace_record(TRACE_ACK, NULL, device, status, 0);
        write(device, INTERRUPT_ACK, status);
        acknowledge_before_look();
}

/* Any but the one about used buffers alone. Out of line, so that that one saves no register: 12 instructions. */
__attribute__((noinline))
static bool handle_other(struct virtio_device *device, uint32_t status, bool traced)
{
        bool news = false;

        status &= INTERRUPT_USED_BUFFER | INTERRUPT_CONFIG_CHANGE; /* others are reserved (4.2.2.2) */
        if (status == 0)
                return false;
        acknowledge(device, status, traced);
        if ((status & INTERRUPT_CONFIG_CHANGE) != 0 && device->config_changed)
                news = device->config_changed(device);
        return ((status & INTERRUPT_USED_BUFFER) != 0 && used_buffers(device)) || news;
}

/* Handled is what brought a used buffer, or news: a device that goes on about anything else is a storm (irq.c). */
__attribute__((always_inline))
static inline bool handle(void *context, bool traced)
{
        struct virtio_device *device = context;
        uint32_t status = read(device, INTERRUPT_STATUS);

        if (status != INTERRUPT_USED_BUFFER)
                return handle_other(device, status, traced);
        acknowledge(device, status, traced);
        return used_buffers(device);
}

static bool interrupt(void *context) { return handle(context, false); }

static bool interrupt_traced(void *context) { return handle(context, true); }

static int attach(struct virtio_device *device, const struct device_node *node)
{
        int error = irq_attach(node->controller, node->interrupt, trace_on() ? interrupt_traced : interrupt, device,
                               node->at->name);

        if (error == -ENODEV)
                log_warn("%s: not used: its interrupt controller is none that we drive", node->at->name);
        else if (error != 0)
                return dt_refuse(node->at, "its interrupt is taken, or none of its controller's");
        return error;
}

static int probe(const struct device_node *node)
{
        struct virtio_mmio *mmio = memory_allocate(sizeof *mmio, sizeof(uint64_t));
        uint32_t version;

        if (!mmio) {
                log_error("%s: too little memory: not used", node->at->name);
                return -ENOMEM;
        }
        mmio->base = node->reg.base;
        if (node->reg.size < CONFIG)
                return dt_refuse(node->at, "reg is too small for a virtio device");
        if (node->interrupt == 0)
                return dt_refuse(node->at, "it has no interrupt");
        if (read(&mmio->device, MAGIC_VALUE) != MAGIC) { /* ignored (4.2.2.2), and told */
                log_warn("%s: there is no virtio device at its reg", node->at->name);
                return 0;
        }
        version = read(&mmio->device, VERSION);
        if (version != 1 && version != 2)
                return 0; /* ignored (4.2.2.2) */
        mmio->device.type = read(&mmio->device, DEVICE_ID);
        if (mmio->device.type == 0)
                return 0; /* an empty slot: touch nothing else (4.2.3.1.1) */
        mmio->device.transport = choose_transport();
        mmio->device.legacy = version == 1;
        mmio->device.name = version == 1 ? "mmio-legacy" : "mmio-modern";
        mmio->device.node = node->at->name;
        return attach(&mmio->device, node) ?: virtio_probe(&mmio->device);
}

static const char *const compatible[] = { "virtio,mmio", NULL };

const struct driver virtio_mmio_driver = { .name = "virtio-mmio", .compatible = compatible, .probe = probe };
