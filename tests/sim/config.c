/* SPDX-License-Identifier: MIT */
/* config.c - the configuration of a device: fields of a width, which exist where their feature was offered (2.5.1, 5.2.4). */
#include "choice.h"
#include "virtio.h"
#include "world.h"

enum { WRITEBACK = 32, NUM_QUEUES = 34 };

static uint32_t field(const struct device *device, unsigned offset, bool exists, uint32_t value)
{
        if (!exists)
                host_fail("disk %u: field %u of the configuration is not there", device->number, offset);
        return value;
}

static void check_access(const struct device *device, unsigned offset, unsigned width)
{
        uint32_t needed = device->config.legacy ? VIRTIO_STATUS_DRIVER : VIRTIO_STATUS_FEATURES_OK;

        if (width != (offset == WRITEBACK ? 1u : offset == NUM_QUEUES ? 2u : 4u))
                host_fail("disk %u: field %u of the configuration with a width of %u", device->number, offset, width);
        if ((device->status & needed) == 0)
                host_fail("disk %u: the configuration, before the features are agreed on", device->number);
}

static uint32_t honest(const struct device *device, unsigned offset)
{
        const struct device_config *config = &device->config;
        uint64_t capacity = device->refusal == REFUSE_CAPACITY ? 1 : device->capacity;
        uint32_t block = device->refusal == REFUSE_BLOCK ? 8192 : config->block_size;

        switch (offset) {
        case 0: return (uint32_t)capacity;
        case 4: return (uint32_t)(capacity >> 32);
        case 8: return field(device, offset, config->size_max, config->size_max);
        case 12: return field(device, offset, config->seg_max, config->seg_max);
        case 20: return field(device, offset, config->block_size, block);
        case WRITEBACK: return field(device, offset, config->switchable, device->disk.writeback);
        case NUM_QUEUES: return field(device, offset, config->queues > 1, config->queues);
        case 36: return field(device, offset, config->max_discard, config->max_discard);
        case 40: return field(device, offset, config->max_discard, 1);
        case 44: return field(device, offset, config->max_discard, config->discard_alignment);
        case 48: return field(device, offset, config->max_write_zeroes, config->max_write_zeroes);
        case 52: return field(device, offset, config->max_write_zeroes, 1);
        default: return field(device, offset, false, 0);
        }
}

static uint32_t said(struct device *device, unsigned offset, unsigned width)
{
        uint32_t value = honest(device, offset);

        if (!world_is_liar(device) || !(world.live || world.doubtful))
                return value;
        /* It changes while it is read: what was read so far is not of the generation that follows. */
        if (world_has(SIM_RESIZE) && !device->config.legacy && chance(16)) {
                device->generation++;
                return value + 1;
        }
        if (device->lies_left == 0)
                return value;
        device->lies_left--;
        device->has_lied = device->config_lied = true;
        device->generation += choose(2);
        world.counters->lies++;
        if (offset > 4 && chance(4)) /* of the capacity that would be a disk that nobody can use */
                return 0;
        return width == 1 ? choose(256) : width == 2 ? choose(65536) : chance(2) ? choose(UINT32_MAX) : choose(DISK_SECTORS);
}

uint32_t device_config_read(struct device *device, unsigned offset, unsigned width)
{
        uint32_t value;

        check_access(device, offset, width);
        value = said(device, offset, width);
        if (offset == 0 && value < device->least_said)
                device->least_said = value;
        return value;
}

void device_config_write(struct device *device, unsigned offset, unsigned width, uint32_t value)
{
        check_access(device, offset, width);
        if (offset != WRITEBACK || value > 1 || !device->config.switchable)
                host_fail("disk %u: %u is written to field %u of the configuration", device->number, value, offset);
        device->disk.writeback = value != 0;
}
