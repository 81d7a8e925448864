/* SPDX-License-Identifier: MIT */
/* rest.c - what the kernel may not leave undone: when its hart sleeps, and when all tasks have ended. */
#include "block_driver.h"
#include "executor.h"
#include "util.h"
#include "virtio_blk.h"
#include "world.h"

/* Whoever wakes the hart may come late, or never. */
void rest_check_sleep(const struct executor *executor)
{
        if (executor->batch_wanted || (!executor->current && executor->tail != &executor->marker))
                host_fail("asleep, and there is something to do");
        for (struct block_device *disk = block_devices; disk; disk = disk->next) {
                bool has_seat = false;

                for (unsigned i = 0; i < disk->queues; i++) {
                        const struct virtq *ring = &virtio_blk_of(disk)->queues[i].ring;

                        if (ring->added != (uint16_t)ring->published && !ring->broken)
                                host_fail("disk %u: asleep, and not all is published", disk->number);
                        has_seat = has_seat || ring->free != VIRTQ_NO_SEAT || ring->released != VIRTQ_NO_SEAT;
                }
                if (disk->waiting && has_seat)
                        host_fail("disk %u: asleep, and a request waits for a seat, of which there are some", disk->number);
        }
}

static void fail_in_flight(struct block_future *request)
{
        host_fail("disk %u: idle, and it has a request of sector %u", request->device->number, (unsigned)request->sector);
}

static unsigned length_of(const struct virtq *ring, uint32_t seat)
{
        unsigned length = 0;

        for (; seat != VIRTQ_NO_SEAT; seat = ring->seat[seat].next_free)
                if (length++ > ring->seats)
                        host_fail("a list of seats is a ring");
        return length;
}

void rest_check_idle(struct block_device *disk)
{
        struct device *device = &world.devices[disk->number];

        if (disk->waiting != NULL)
                host_fail("disk %u: idle, and a request waits for a seat", disk->number);
        disk->operations->for_each_in_flight(disk, fail_in_flight);
        if (!world_is_liar(device) && disk->resets > 0)
                host_fail("disk %u is honest, and was reset", disk->number);
        world.counters->resets += disk->resets;
        if (!disk->operations->attend) { /* it was given up */
                world.gone = true;
                return;
        }
        /* A device that needs a reset, and has not said so, may have changed. */
        if (!device->has_lied && device->refusal == REFUSE_NOTHING && (device->interrupt_status & 2) == 0 && !disk->attention &&
            (device->status & VIRTIO_STATUS_NEEDS_RESET) == 0 && disk->capacity != device->capacity)
                host_fail("disk %u has %u sectors, and the kernel thinks %u", disk->number, (unsigned)device->capacity,
                          (unsigned)disk->capacity);
        for (unsigned i = 0; i < disk->queues; i++) {
                const struct virtq *ring = &virtio_blk_of(disk)->queues[i].ring;

                if (!ring->broken && length_of(ring, ring->free) + length_of(ring, ring->released) != ring->seats)
                        host_fail("disk %u: a seat of queue %u is lost", disk->number, i);
        }
}
