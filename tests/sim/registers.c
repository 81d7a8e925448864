/* SPDX-License-Identifier: MIT */
/* registers.c - the registers of a device, which end the world at what virtio 1.2 forbids a driver (4.2.2, 4.2.4). */
#include "choice.h"
#include "fate.h"
#include "ram.h"
#include "register_rules.h"
#include "trace.h"
#include "util.h"
#include "virtio.h"
#include "world.h"

enum { DEFINED_INTERRUPTS = 3, CONFIG = 0x100 };

static void check_access(const struct device *device, unsigned offset, unsigned width, unsigned direction)
{
        for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
                if (rules[i].offset != offset)
                        continue;
                if (width != 4 || (rules[i].rules & direction) == 0 ||
                    (rules[i].rules & (device->config.legacy ? LEGACY : MODERN)) == 0)
                        host_fail("disk %u: register 0x%03x must not be %s like that", device->number, offset,
                                  direction == READ ? "read" : "written");
                return;
        }
        host_fail("disk %u: there is no register 0x%03x of %u bytes", device->number, offset, width);
}

static void expect(const struct device *device, bool condition, unsigned offset, const char *what)
{
        if (!condition)
                host_fail("disk %u: register 0x%03x: %s", device->number, offset, what);
}

static struct queue *selected(struct device *device)
{
        expect(device, device->sel_written[2], 0x030, "no queue is selected");
        return device->queue_sel < device->config.queues ? &device->queues[device->queue_sel] : NULL;
}

uint64_t device_features(const struct device *device)
{
        const struct device_config *config = &device->config;
        uint64_t features = (config->indirect ? VIRTIO_F_INDIRECT_DESC : 0) | (config->event_idx ? VIRTIO_F_EVENT_IDX : 0) |
                            (config->legacy ? 0 : VIRTIO_F_VERSION_1) | (config->packed ? VIRTIO_F_RING_PACKED : 0) |
                            (config->size_max ? 1u << 1 : 0) | (config->seg_max ? 1u << 2 : 0) |
                            (config->block_size ? 1u << 6 : 0) | (config->cache ? 1u << 9 : 0) |
                            (config->switchable ? 1u << 11 : 0) | (config->queues > 1 ? 1u << 12 : 0) |
                            (config->max_discard ? 1u << 13 : 0) | (config->max_write_zeroes ? 1u << 14 : 0) |
                            (config->lifetime ? 1u << 15 : 0) | 1u << 27 | 1u << 30; /* and what nobody may take */

        return device->refusal == REFUSE_OTHER_FEATURES ? features ^ 1u << 6 : features;
}

/* Interrupts -------------------------------------------------------------------------------------- */

void device_interrupt(struct device *device, uint32_t cause)
{
        device->interrupt_status |= cause;
        plic_line(device->source, true, true);
}

void device_acknowledge(struct device *device)
{
        if (device->acknowledged == 0)
                return;
        device->interrupt_status &= ~device->acknowledged;
        device->acknowledged = 0;
        plic_line(device->source, device->interrupt_status != 0, false);
}

/* Status ------------------------------------------------------------------------------------------ */

static void reset(struct device *device)
{
        ram_arrive();
        for (unsigned i = 0; i < QUEUES_MAX; i++)
                queue_reset(&device->queues[i]);
        device->status = device->interrupt_status = device->acknowledged = 0;
        device->driver_features = 0;
        device->page_size_written = device->resetting = false;
        device->deaf = device->refuses_reset || device->deaf_for_ever;
        device->offered = device_features(device);
        device->disk.writeback = device->config.cache;
        for (unsigned i = 0; i < ARRAY_SIZE(device->sel_written); i++)
                device->sel_written[i] = false;
        plic_line(device->source, false, false);
}

static uint32_t read_status(struct device *device)
{
        if (device->refuses_reset && device->resetting)
                return device->status; /* and does nothing more than that */
        if (device->resetting && device->reset_reads > 0)
                device->reset_reads--;
        else if (device->resetting)
                reset(device);
        return device->status;
}

/* A device that was at work is to let go of what it has. */
static void note_reset(struct device *device)
{
        device->resets++;
        device->reset_before = device->reset_at;
        device->reset_at = host.time;
        for (unsigned i = 0; i < device->config.queues; i++)
                for (unsigned k = 0; k < device->queues[i].in_hand; k++)
                        fate_lost(device->queues[i].hand[k].owner, device->resets);
}

static void write_status(struct device *device, uint32_t status)
{
        uint32_t added = status & ~device->status;
        bool legacy = device->config.legacy;

        if (status == 0) {
                trace("reset", device->number, device->reset_reads);
                device->resetting = true;
                if ((device->status & VIRTIO_STATUS_DRIVER_OK) != 0)
                        note_reset(device);
                if (!device->refuses_reset && (device->reset_reads == 0 || device->status == 0))
                        reset(device);
                return;
        }
        expect(device, device->resetting || (device->status & ~status & ~(uint32_t)VIRTIO_STATUS_NEEDS_RESET) == 0, 0x070,
               "a bit is taken back");
        expect(device, !(added & VIRTIO_STATUS_DRIVER) || (status & VIRTIO_STATUS_ACKNOWLEDGE), 0x070, "DRIVER before ACKNOWLEDGE");
        expect(device, !(added & VIRTIO_STATUS_FEATURES_OK) || (!legacy && (status & VIRTIO_STATUS_DRIVER)), 0x070, "FEATURES_OK");
        expect(device, !(added & VIRTIO_STATUS_FEATURES_OK) || (device->driver_features & VIRTIO_F_VERSION_1), 0x070,
               "FEATURES_OK without VERSION_1 (6.1)");
        if ((added & VIRTIO_STATUS_FEATURES_OK) != 0 && device->refusal == REFUSE_FEATURES)
                status &= ~(uint32_t)VIRTIO_STATUS_FEATURES_OK;
        if ((added & VIRTIO_STATUS_DRIVER_OK) != 0) {
                expect(device, legacy || (device->status & VIRTIO_STATUS_FEATURES_OK), 0x070, "DRIVER_OK before FEATURES_OK");
                expect(device, device->queues[0].ready, 0x070, "DRIVER_OK without a queue");
        }
        device->status |= status;
}

/* Features and queues ----------------------------------------------------------------------------- */

static void write_features(struct device *device, uint32_t value)
{
        uint32_t shift = 32 * device->driver_sel;

        expect(device, device->sel_written[1] && device->driver_sel <= (device->config.legacy ? 0 : 1), 0x020, "no such half");
        expect(device, (device->status & 0xf) == 3, 0x020, "at the wrong time");
        device->driver_features = (device->driver_features & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)value << shift;
        expect(device, (device->driver_features & ~device->offered) == 0, 0x020, "a feature that was not offered");
        expect(device, (device->driver_features & (1u << 27 | 1u << 30)) == 0, 0x020, "a feature that is none of ours");
}

static void go_live(struct device *device, struct queue *queue, unsigned offset)
{
        for (unsigned i = 0; i < (device->config.legacy ? 1 : ARRAY_SIZE(queue->written)); i++)
                expect(device, queue->written[i], offset, "the queue is not described");
        expect(device, queue->size > 0 && queue->size <= device->config.queue_max && (queue->size & (queue->size - 1)) == 0,
               offset, "a size that is none");
        queue->format = (device->driver_features & VIRTIO_F_RING_PACKED) != 0 ? &packed_ring : &split_ring;
        queue->format->check(queue);
        queue->ready = true;
        queue->attention = AWAKE; /* free to look, until it has said that it sleeps */
}

static void write_frame(struct device *device, struct queue *queue, uint32_t frame)
{
        expect(device, device->page_size_written && queue->written[1], 0x040, "page size and alignment come first");
        expect(device, frame != 0, 0x040, "a queue is given up");
        queue->descriptors = (uint64_t)frame * 4096;
        queue->driver_area = queue->descriptors + 16u * queue->size;
        queue->device_area = ALIGN_UP(queue->driver_area + 6 + 2u * queue->size, 4096);
        go_live(device, queue, 0x040);
}

static void write_queue(struct device *device, unsigned offset, uint32_t value)
{
        struct queue *queue = selected(device);
        uint32_t needed = device->config.legacy ? VIRTIO_STATUS_DRIVER : VIRTIO_STATUS_FEATURES_OK;

        expect(device, queue && !queue->ready, offset, "there is no such queue, or it is live");
        expect(device, (device->status & (needed | VIRTIO_STATUS_DRIVER_OK)) == needed, offset,
               "at the wrong time");
        if (offset == 0x038) {
                queue->size = (uint16_t)value;
                queue->written[0] = true;
        } else if (offset == 0x03c) {
                expect(device, value == 4096, offset, "not aligned to pages");
                queue->written[1] = true;
        } else if (offset == 0x040) {
                write_frame(device, queue, value);
        } else if (offset == 0x044) {
                expect(device, value == 1, offset, "a queue that is not live is stopped");
                queue->descriptors = (uint64_t)queue->low_high[1] << 32 | queue->low_high[0];
                queue->driver_area = (uint64_t)queue->low_high[3] << 32 | queue->low_high[2];
                queue->device_area = (uint64_t)queue->low_high[5] << 32 | queue->low_high[4];
                go_live(device, queue, offset);
        } else {
                unsigned index = (offset - 0x080) / 0x10 * 2 + (offset % 0x10) / 4;

                queue->low_high[index] = value;
                queue->written[1 + index] = true;
        }
}

static void write_notify(struct device *device, uint32_t value)
{
        expect(device, (device->status & VIRTIO_STATUS_DRIVER_OK) != 0, 0x050, "a notification of a device that is not live");
        expect(device, value < device->config.queues && device->queues[value].ready, 0x050, "of no queue");
        device->queues[value].attention = AWAKE;
}

/* Access ------------------------------------------------------------------------------------------ */

static bool is_strange(const struct device *device, uint32_t n)
{
        return world_is_liar(device) && world_has(SIM_LIE_REGISTER) && (world.live || world.doubtful) && chance(n);
}

static uint32_t interrupt_status(struct device *device)
{
        bool urgent = device->urgent;

        device->urgent = false;
        if (!urgent && is_strange(device, 64))
                return choose(4);
        return device->interrupt_status | (is_strange(device, 4) ? choose(UINT32_MAX) << 2 : 0);
}

/* Not that a reset is complete, or features agreed on: nobody could find that out. */
static uint32_t status_said(struct device *device)
{
        uint32_t status = read_status(device);

        if (status == 0 || !is_strange(device, 32))
                return status;
        return choose(2) ? status | VIRTIO_STATUS_NEEDS_RESET : status & ~(uint32_t)VIRTIO_STATUS_FEATURES_OK;
}

static uint32_t read_queue(struct device *device, unsigned offset)
{
        const struct queue *queue = selected(device);

        if (offset == 0x034)
                return queue && device->refusal != REFUSE_QUEUE ? device->config.queue_max : 0;
        return queue && queue->ready ? 1 : 0;
}

static uint32_t read_register(struct device *device, unsigned offset)
{
        switch (offset) {
        case 0x000: return 0x74726976;
        case 0x004: return device->config.legacy ? 1 : 2;
        case 0x008: return 2;
        case 0x00c: return 0x554d4551;
        case 0x010:
                expect(device, device->sel_written[0] && device->features_sel <= (device->config.legacy ? 0 : 1), 0x010,
                       "no such half");
                return (uint32_t)(device->offered >> 32 * device->features_sel);
        case 0x034:
        case 0x040:
        case 0x044: return read_queue(device, offset);
        case 0x060: return interrupt_status(device);
        case 0x070: return status_said(device);
        case 0x0fc: return device->generation;
        default: return 0;
        }
}

uint64_t device_read(struct device *device, unsigned offset, unsigned width)
{
        uint32_t value;

        if (offset >= CONFIG)
                value = device_config_read(device, offset - CONFIG, width);
        else if (offset == 0x070 && device->resetting && device->refuses_reset)
                return device->status; /* a million times: not worth the trace */
        else {
                check_access(device, offset, width, READ);
                value = read_register(device, offset);
        }
        trace("read", (uint64_t)device->number << 12 | offset, value);
        return value;
}

void device_write(struct device *device, unsigned offset, unsigned width, uint64_t wide)
{
        uint32_t value = (uint32_t)wide;

        trace("write", (uint64_t)device->number << 12 | offset, offset >= 0x080 && offset < CONFIG ? 0 : value);
        if (offset >= CONFIG) {
                device_config_write(device, offset - CONFIG, width, value);
                return;
        }
        check_access(device, offset, width, WRITE);
        switch (offset) {
        case 0x014: device->features_sel = value; device->sel_written[0] = true; break;
        case 0x020: write_features(device, value); break;
        case 0x024: device->driver_sel = value; device->sel_written[1] = true; break;
        case 0x028: expect(device, value == 4096, offset, "pages of a strange size"); device->page_size_written = true; break;
        case 0x030: device->queue_sel = value; device->sel_written[2] = true; break;
        case 0x050: write_notify(device, value); break;
        case 0x064:
                expect(device, (value & ~(uint32_t)DEFINED_INTERRUPTS) == 0 && value != 0, offset, "undefined bits");
                device->acknowledged |= value;
                break;
        case 0x070: write_status(device, value); break;
        default: write_queue(device, offset, value); break;
        }
}

void device_power_on(struct device *device)
{
        device->deaf = device->deaf_for_ever = device->refuses_reset = device->has_lied = device->config_lied = false;
        device->reset_reads = device->generation = device->lies_left = device->resets = 0;
        device->reset_at = device->reset_before = 0;
        device->refusal = REFUSE_NOTHING;
        device->capacity = device->least_said = DISK_SECTORS;
        for (unsigned i = 0; i < QUEUES_MAX; i++)
                device->queues[i].device = device;
        reset(device);
}
