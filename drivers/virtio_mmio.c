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
#include "util.h"
#include "virtio.h"

enum virtio_mmio_register { /* 4.2.2, and 4.2.4 for those of version 1 alone */
        MAGIC_VALUE = 0x000,
        VERSION = 0x004,
        DEVICE_ID = 0x008,
        DEVICE_FEATURES = 0x010,
        DEVICE_FEATURES_SEL = 0x014,
        DRIVER_FEATURES = 0x020,
        DRIVER_FEATURES_SEL = 0x024,
        LEGACY_GUEST_PAGE_SIZE = 0x028,
        QUEUE_SEL = 0x030,
        QUEUE_SIZE_MAX = 0x034,
        QUEUE_SIZE = 0x038,
        LEGACY_QUEUE_ALIGN = 0x03c,
        LEGACY_QUEUE_PFN = 0x040,
        QUEUE_READY = 0x044,
        QUEUE_NOTIFY = 0x050,
        INTERRUPT_STATUS = 0x060,
        INTERRUPT_ACK = 0x064,
        STATUS = 0x070,
        QUEUE_DESC_LOW = 0x080,
        QUEUE_DESC_HIGH = 0x084,
        QUEUE_DRIVER_LOW = 0x090,
        QUEUE_DRIVER_HIGH = 0x094,
        QUEUE_DEVICE_LOW = 0x0a0,
        QUEUE_DEVICE_HIGH = 0x0a4,
        CONFIG_GENERATION = 0x0fc,
        CONFIG = 0x100,
};

enum { MAGIC = 0x74726976 /* "virt" */, INTERRUPT_USED_BUFFER = 1, INTERRUPT_CONFIG_CHANGE = 2 };

struct virtio_mmio {
        struct virtio_device device;
        uintptr_t base;
};

static uintptr_t base_of(struct virtio_device *device)
{
        return container_of(device, struct virtio_mmio, device)->base;
}

static uint32_t get_status(struct virtio_device *device)
{
        return mmio_read32(base_of(device) + STATUS);
}

static void set_status(struct virtio_device *device, uint32_t status)
{
        mmio_write32(base_of(device) + STATUS, status);
}

/* Of 32 features each: a legacy device has one, the second is an error there. */
static uint32_t feature_halves(const struct virtio_device *device)
{
        return device->transport->legacy ? 1 : 2;
}

static uint64_t get_features(struct virtio_device *device)
{
        uint64_t features = 0;

        for (uint32_t half = 0; half < feature_halves(device); half++) {
                mmio_write32(base_of(device) + DEVICE_FEATURES_SEL, half);
                features |= (uint64_t)mmio_read32(base_of(device) + DEVICE_FEATURES) << 32 * half;
        }
        return features;
}

static void set_features(struct virtio_device *device, uint64_t features)
{
        for (uint32_t half = 0; half < feature_halves(device); half++) {
                mmio_write32(base_of(device) + DRIVER_FEATURES_SEL, half);
                mmio_write32(base_of(device) + DRIVER_FEATURES, (uint32_t)(features >> 32 * half));
        }
}

/* Which register says that the selected queue is in use (4.2.3.2, 4.2.4). */
static uint32_t in_use_register(const struct virtio_device *device)
{
        return device->transport->legacy ? LEGACY_QUEUE_PFN : QUEUE_READY;
}

static uint32_t queue_size_max(struct virtio_device *device, unsigned index)
{
        mmio_write32(base_of(device) + QUEUE_SEL, index);
        if (mmio_read32(base_of(device) + in_use_register(device)) != 0)
                return 0;
        return mmio_read32(base_of(device) + QUEUE_SIZE_MAX);
}

static int legacy_queue_setup(struct virtio_device *device, unsigned index, const struct virtq *queue)
{
        uintptr_t base = base_of(device), frame = (uintptr_t)queue->descriptors / PAGE_SIZE;

        if (frame != (uint32_t)frame)
                return -ERANGE;
        mmio_write32(base + LEGACY_GUEST_PAGE_SIZE, PAGE_SIZE);
        mmio_write32(base + QUEUE_SEL, index);
        mmio_write32(base + QUEUE_SIZE, queue->layout.size);
        mmio_write32(base + LEGACY_QUEUE_ALIGN, VIRTQ_RING_ALIGN);
        mmio_write32(base + LEGACY_QUEUE_PFN, (uint32_t)frame);
        return 0;
}

static void write_address(uintptr_t base, uintptr_t low_register, const void *address)
{
        mmio_write32(base + low_register, (uint32_t)(uintptr_t)address);
        mmio_write32(base + low_register + 4, (uint32_t)((uint64_t)(uintptr_t)address >> 32));
}

static int modern_queue_setup(struct virtio_device *device, unsigned index, const struct virtq *queue)
{
        uintptr_t base = base_of(device);

        mmio_write32(base + QUEUE_SEL, index);
        mmio_write32(base + QUEUE_SIZE, queue->layout.size);
        write_address(base, QUEUE_DESC_LOW, queue->descriptors);
        write_address(base, QUEUE_DRIVER_LOW, queue->avail);
        write_address(base, QUEUE_DEVICE_LOW, queue->used);
        mmio_write32(base + QUEUE_READY, 1);
        return 0;
}

static void notify(struct virtio_device *device, unsigned index)
{
        mmio_write32(base_of(device) + QUEUE_NOTIFY, index);
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
        uintptr_t field = base_of(device) + CONFIG + offset;

        return width == 1 ? mmio_read8(field) : width == 2 ? mmio_read16(field) : mmio_read32(field);
}

static uint32_t config_generation(struct virtio_device *device)
{
        return mmio_read32(base_of(device) + CONFIG_GENERATION);
}

#define TRANSPORT(its_name, is_legacy, its_queue_setup)                                                     \
        {                                                                                                   \
                .name = its_name, .legacy = is_legacy, .get_status = get_status, .set_status = set_status,  \
                .get_features = get_features, .set_features = set_features,                                 \
                .queue_size_max = queue_size_max, .queue_setup = its_queue_setup, .notify = notify,         \
                .config_read = config_read, .config_generation = config_generation,                         \
        }

static const struct virtio_transport legacy_transport = TRANSPORT("mmio-legacy", true, legacy_queue_setup);
static const struct virtio_transport modern_transport = TRANSPORT("mmio-modern", false, modern_queue_setup);

/*
 * Acknowledge first, then look at the rings: a completion between the two raises the interrupt again,
 * in the other order it would be acknowledged unseen.
 */
static enum irq_result interrupt(void *context)
{
        struct virtio_mmio *mmio = context;
        uint32_t status = mmio_read32(mmio->base + INTERRUPT_STATUS);

        status &= INTERRUPT_USED_BUFFER | INTERRUPT_CONFIG_CHANGE; /* others are reserved (4.2.2.2) */
        if (status == 0)
                return IRQ_NONE;
        mmio_write32(mmio->base + INTERRUPT_ACK, status);
        mmio_write_before_memory_read();
        if ((status & INTERRUPT_USED_BUFFER) != 0 && mmio->device.used_buffers)
                mmio->device.used_buffers(&mmio->device);
        if ((status & INTERRUPT_CONFIG_CHANGE) != 0 && mmio->device.config_changed)
                mmio->device.config_changed(&mmio->device);
        return IRQ_HANDLED;
}

static int attach(struct virtio_mmio *mmio, const struct device_node *node)
{
        int error;

        if (node->interrupt == 0)
                return device_refuse(node, "it has no interrupt");
        error = irq_attach(node->controller, node->interrupt, interrupt, mmio, node->name);
        if (error == -ENODEV)
                log_warn("%s: not used: its interrupt controller is none that we drive", node->name);
        else if (error != 0)
                return device_refuse(node, "its interrupt is taken, or beyond the controller's last");
        return error;
}

static int probe(const struct device_node *node)
{
        struct virtio_mmio *mmio;
        uint32_t version;
        int error;

        if (node->reg.size < CONFIG)
                return device_refuse(node, "reg is too small for a virtio device");
        if (mmio_read32(node->reg.base + MAGIC_VALUE) != MAGIC)
                return device_refuse(node, "there is no virtio device at its reg");
        version = mmio_read32(node->reg.base + VERSION);
        if (version != 1 && version != 2)
                return 0; /* 4.2.2.2: ignored */
        if (mmio_read32(node->reg.base + DEVICE_ID) == 0)
                return 0; /* an empty slot: touch nothing else (4.2.3.1.1) */

        mmio = memory_allocate(sizeof *mmio, sizeof(uint64_t));
        if (!mmio)
                return -ENOMEM;
        mmio->base = node->reg.base;
        mmio->device.transport = version == 1 ? &legacy_transport : &modern_transport;
        mmio->device.node = node->name;
        mmio->device.type = mmio_read32(node->reg.base + DEVICE_ID);
        error = attach(mmio, node);
        return error ? error : virtio_probe(&mmio->device);
}

static const char *const compatible[] = { "virtio,mmio", NULL };

const struct driver virtio_mmio_driver = { .name = "virtio-mmio", .compatible = compatible, .probe = probe };
