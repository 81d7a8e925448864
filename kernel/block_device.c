/* SPDX-License-Identifier: MIT */
/* block_device.c - the disks there are, and what they can do. */
#include <errno.h>
#include <stddef.h>

#include "block.h"
#include "block_driver.h"
#include "printk.h"

void block_register(struct block_device *device)
{
        struct block_device **link = &block_devices;

        device->number = block_device_count();
        while (*link)
                link = &(*link)->next;
        *link = device;
        device->next = NULL;
        device->waiting = NULL;
        device->waiting_tail = &device->waiting;
}

struct block_device *block_device(unsigned number)
{
        struct block_device *device = block_devices;

        while (device && device->number != number)
                device = device->next;
        return device;
}

unsigned block_device_count(void)
{
        unsigned count = 0;

        for (const struct block_device *device = block_devices; device; device = device->next)
                count++;
        return count;
}

unsigned block_device_resets(void)
{
        unsigned resets = 0;

        for (const struct block_device *device = block_devices; device; device = device->next)
                resets += device->resets;
        return resets;
}

void block_print(void)
{
        for (const struct block_device *device = block_devices; device; device = device->next)
                printk("disk %u node=%s transport=%s capacity=%lu block=%u ro=%u features=0x%016lx offered=0x%016lx "
                       "queues=%u depth=%u\n", device->number, device->node, device->transport, device->capacity,
                       device->block_size, device->read_only, device->features, device->offered, device->queues, device->depth);
}

void block_print_limits(void)
{
        for (const struct block_device *device = block_devices; device; device = device->next)
                printk("limits of disk %u: write cache %s%s, %u segments of %u sectors, discard %u sectors (aligned to %u), "
                       "write zeroes %u sectors%s\n", device->number, device->write_cache ? "on" : "off",
                       device->write_cache_switchable ? " (switchable)" : "", device->max_segments,
                       device->max_segment_sectors, device->max_discard_sectors, device->discard_alignment,
                       device->max_write_zeroes_sectors, device->has_lifetime ? ", lifetime" : "");
}

void block_print_rings(struct block_device *device) { device->operations->print(device); }

int block_set_write_cache(struct block_device *device, bool on)
{
        int error = device->operations->set_write_cache ? device->operations->set_write_cache(device, on) : -ENOTSUP;

        if (error == 0)
                device->write_cache = on;
        return error;
}

void block_resize(struct block_device *device, uint64_t capacity)
{
        if (capacity == device->capacity)
                return;
        log_info("%s: disk %u has %lu sectors now, %lu before", device->node, device->number, capacity, device->capacity);
        device->capacity = capacity;
}

static void report_request(struct block_future *request)
{
        static const char *const names[] = { "read", "write", "flush", "discard", "write zeroes", "get id", "get lifetime" };

        printk("in flight on disk %u: %s of sector %lu, %u sectors\n", request->device->number,
               names[request->operation], request->sector, request->sectors);
}

void block_report(void)
{
        for (struct block_device *device = block_devices; device; device = device->next)
                device->operations->for_each_in_flight(device, report_request);
}
