/* SPDX-License-Identifier: MIT */
/* ring.c - descriptors, and what each of them must be. */
#include "ring.h"

#include "fate.h"
#include "virtio.h"

void ring_adopt(struct queue *queue, uint64_t address, size_t bytes, size_t alignment)
{
        if (address % alignment != 0)
                host_fail("disk %u: an area of its queue at +0x%llx is not aligned to %zu", queue->device->number,
                          (unsigned long long)address, alignment);
        ram_sync(address, bytes);
}

const struct virtq_descriptor *ring_descriptor(const struct queue *queue, uint64_t table, unsigned entries, unsigned index)
{
        if (index >= entries)
                host_fail("disk %u: descriptor %u of a table of %u", queue->device->number, index, entries);
        return ram_seen(table + index * sizeof(struct virtq_descriptor), sizeof(struct virtq_descriptor), 16);
}

void ring_check_indirect(struct queue *queue, struct request *request, const struct virtq_descriptor *descriptor, uint16_t flags)
{
        if ((queue->device->driver_features & VIRTIO_F_INDIRECT_DESC) == 0 || request->count > 0 || flags != VIRTQ_DESC_F_INDIRECT ||
            descriptor->length == 0 || descriptor->length % sizeof *descriptor != 0)
                host_fail("disk %u: a table where there must be none, or of %u bytes", queue->device->number, descriptor->length);
        request->table = descriptor->address;
        request->entries = descriptor->length / sizeof *descriptor;
}

void ring_add_segment(struct request *request, const struct virtq_descriptor *descriptor, uint16_t flags)
{
        if (request->count == SEGMENTS_MAX)
                host_fail("a request of more segments than the driver has");
        request->segments[request->count++] = (struct ring_segment){
                .address = descriptor->address, .length = descriptor->length, .writes = (flags & VIRTQ_DESC_F_WRITE) != 0 };
}

bool ring_has_event_idx(const struct queue *queue)
{
        return (queue->device->driver_features & VIRTIO_F_EVENT_IDX) != 0;
}

uint16_t ring_forget(struct queue *queue, uint32_t id)
{
        uint16_t places = 1;

        for (unsigned i = queue->in_hand; i-- > 0;) {
                if (queue->hand[i].id != id)
                        continue;
                places = queue->hand[i].places;
                fate_met(queue->hand[i].owner, MET_ERROR);
                queue_forget(queue, i);
        }
        return places;
}
