/* SPDX-License-Identifier: MIT */
/*
 * virtio_blk.c - the block device (virtio 1.2, 5.2).
 *
 * A request is three segments: header, data, status; a flush has no data, and a segment of no bytes
 * would break the device. Header and status lie in the driver's memory, one of each for a seat of the
 * ring, never on a stack: what the device writes late lands where nobody else is.
 *
 * What the device says of the length that it wrote is ignored: devices are known to get it wrong, and
 * the status byte, preset to a value that no device writes, tells whether the data is there.
 */
#include <errno.h>
#include <stddef.h>

#include "arch.h"
#include "block_driver.h"
#include "memory.h"
#include "printk.h"
#include "trace.h"
#include "virtio.h"
#include "virtio_blk.h"
#include "virtqueue.h"

enum virtio_blk_type {
        VIRTIO_BLK_T_IN = 0, VIRTIO_BLK_T_OUT = 1, VIRTIO_BLK_T_FLUSH = 4, VIRTIO_BLK_T_GET_ID = 8,
        VIRTIO_BLK_T_GET_LIFETIME = 10, VIRTIO_BLK_T_DISCARD = 11, VIRTIO_BLK_T_WRITE_ZEROES = 13,
};
enum { VIRTIO_BLK_S_OK = 0, VIRTIO_BLK_S_UNSUPP = 2, STATUS_UNWRITTEN = 0xff };
enum { VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP = 1 };

/* Submission -------------------------------------------------------------------------------------- */

static void end_with_status(struct virtq *ring, uint16_t number, struct virtio_blk_seat *seat, unsigned segments)
{
        virtq_segment(ring, number, segments, &seat->status, 1, VIRTQ_DESC_F_WRITE);
        virtq_set_segments(ring, number, segments + 1, 0); /* the length that the device says it wrote is not asked for */
}

void virtio_blk_shape(struct virtq *ring, uint16_t number, struct virtio_blk_seat *seat, uint8_t shape)
{
        bool reads = shape == BLOCK_READ;

        seat->shape = shape;
        seat->header.type = reads ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
        seat->data = virtq_segment(ring, number, 1, NULL, 0, reads ? VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE : VIRTQ_DESC_F_NEXT);
        end_with_status(ring, number, seat, 2);
}

/* A read or write in as many segments as a piece may have. */
static void describe_segments(const struct virtio_blk *disk, uint16_t number, struct virtio_blk_seat *seat,
                              struct block_future *request)
{
        bool reads = request->operation == BLOCK_READ, more = true;
        uint16_t flags = reads ? VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE : VIRTQ_DESC_F_NEXT;
        uint32_t segments = 1;
        struct block_segment data;

        seat->header.type = reads ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
        seat->header.sector = request->sector + request->cut;
        while (more && segments <= disk->block.max_segments) {
                more = block_next_segment(request, disk->block.max_segment_sectors, &data);
                virtq_segment(&disk->current->ring, number, segments++, data.address, data.bytes, flags);
        }
        end_with_status(&disk->current->ring, number, seat, segments);
}

/* At most one segment of data, of a size that the operation says; the header's sector is 0 (5.2.6.1). */
static void describe_other(struct virtq *ring, uint16_t number, struct virtio_blk_seat *seat, struct block_future *request)
{
        static const uint8_t types[] = {
                [BLOCK_FLUSH] = VIRTIO_BLK_T_FLUSH, [BLOCK_DISCARD] = VIRTIO_BLK_T_DISCARD,
                [BLOCK_WRITE_ZEROES] = VIRTIO_BLK_T_WRITE_ZEROES, [BLOCK_GET_ID] = VIRTIO_BLK_T_GET_ID,
                [BLOCK_GET_LIFETIME] = VIRTIO_BLK_T_GET_LIFETIME,
        };
        uint32_t segments = 1, bytes;

        seat->header.type = types[request->operation];
        seat->header.sector = 0;
        if (request->operation == BLOCK_DISCARD || request->operation == BLOCK_WRITE_ZEROES) {
                seat->range.sector = request->sector + request->cut;
                seat->range.sectors = block_next_range(request);
                seat->range.flags = request->unmap ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
                virtq_segment(ring, number, segments++, &seat->range, sizeof seat->range, VIRTQ_DESC_F_NEXT);
        } else if (request->operation != BLOCK_FLUSH) {
                bytes = request->operation == BLOCK_GET_ID ? BLOCK_ID_BYTES : sizeof(struct block_lifetime);
                virtq_segment(ring, number, segments++, request->buffer, bytes, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE);
        }
        end_with_status(ring, number, seat, segments);
}

static void turn(struct virtio_blk *disk)
{
        if (++disk->current == &disk->queues[disk->block.queues])
                disk->current = disk->queues;
}

/* The batch's queue is full, or its seats have yet to be taken back from the interrupt: perhaps another one has room. */
__attribute__((noinline))
static int submit_elsewhere(struct virtio_blk *disk, struct block_future *request)
{
        for (unsigned i = 0; i < disk->block.queues; i++) {
                if (virtq_has_seat(&disk->current->ring))
                        return disk->block.operations->submit(&disk->block, request);
                turn(disk);
        }
        return -EAGAIN;
}

__attribute__((noinline))
static int submit_new_shape(struct virtio_blk *disk, uint16_t number, struct block_future *request)
{
        struct virtq *ring = &disk->current->ring;
        struct virtio_blk_seat *seat = &disk->current->seats[number];

        if (request->shape != BLOCK_SHAPE_OTHER) {
                virtio_blk_shape(ring, number, seat, request->shape);
                seat->header.sector = request->sector;
                virtq_point(seat->data, request->buffer, request->sectors * SECTOR_SIZE);
        } else {
                seat->shape = SHAPE_NONE;
                if (request->operation <= BLOCK_WRITE)
                        describe_segments(disk, number, seat, request);
                else
                        describe_other(ring, number, seat, request);
        }
        virtq_put(ring, number);
        return 0;
}

/* A piece in a seat, to a trace: of the seats of a queue the first 4,096 have places of their own. */
static uint16_t place_of(const struct virtio_blk_queue *queue, uint16_t number)
{
        return (uint16_t)(queue->index << 12 | number);
}

/* Where nothing is out of the ordinary no function is called, and so no register saved: 30 instructions a request. */
__attribute__((always_inline))
static inline int submit_in(struct block_device *block, struct block_future *request, bool traced)
{
        struct virtio_blk *disk = virtio_blk_of(block);
        struct virtio_blk_queue *queue = disk->current;

        if (queue->ring.free == VIRTQ_NO_SEAT)
                return submit_elsewhere(disk, request);

        uint16_t number = virtq_take_seat(&queue->ring);
        struct virtio_blk_seat *seat = &queue->seats[number];

        if (traced)
                trace_record(TRACE_SUBMIT, block_executor->current, request, (uint32_t)(request->sector + request->cut), request->operation);
        seat->owner = request;
        seat->place = queue->ring.added;
        device_store(&seat->status, (uint8_t)STATUS_UNWRITTEN);
        if (traced)
                trace_record(TRACE_ADD, NULL, request, request->sectors, place_of(queue, number));
        if (seat->shape != request->shape)
                return submit_new_shape(disk, number, request);
        seat->header.sector = request->sector;
        virtq_point(seat->data, request->buffer, request->sectors * SECTOR_SIZE);
        virtq_put(&queue->ring, number);
        return 0;
}

static int submit(struct block_device *block, struct block_future *request) { return submit_in(block, request, false); }

static int submit_traced(struct block_device *block, struct block_future *request) { return submit_in(block, request, true); }

static inline void publish_queue(struct virtio_blk *disk, struct virtio_blk_queue *queue, bool publish_ring(struct virtq *))
{
        if (!publish_ring(&queue->ring))
                return;
        disk->block.kicks++;
        virtio_notify(disk->virtio, queue->index);
}

__attribute__((noinline))
static void publish_all(struct virtio_blk *disk)
{
        for (unsigned i = 0; i < disk->block.queues; i++)
                publish_queue(disk, &disk->queues[i], virtq_publish);
        turn(disk);
}

/* A batch goes to one queue, as long as there is room, and so with one notification; each queue has its turn. */
static void publish(struct block_device *block)
{
        struct virtio_blk *disk = virtio_blk_of(block);

        if (disk->general)
                publish_all(disk);
        else
                publish_queue(disk, disk->queues, virtq_split_publish);
}

/* Completion -------------------------------------------------------------------------------------- */

/*
 * Whether the device was never told of the request that it says it has used: a used id that comes twice, and meets the seat's
 * next request, does this. It has yet to hear of that buffer, and only a reset keeps it from it. While a ring is published
 * nobody can say what it has seen: the status byte, if it was written, speaks for the device.
 */
static bool was_never_told(const struct virtio_blk_queue *queue, const struct virtio_blk_seat *seat, uint8_t status)
{
        const uint32_t *told = status == STATUS_UNWRITTEN ? &queue->ring.shown : &queue->ring.published;

        return !virtq_is_before(&queue->ring, seat->place, shared_load(told));
}

/* End one that did not go well, or that comes while others are being added. A status byte that was never written is a failure. */
__attribute__((noinline))
static void end_carefully(struct virtio_blk *disk, unsigned index, size_t number, uint8_t status)
{
        struct virtio_blk_queue *queue = &disk->queues[index];
        struct block_future *request = queue->seats[number].owner;
        int result = status == VIRTIO_BLK_S_OK ? 0 : status == VIRTIO_BLK_S_UNSUPP ? -ENOTSUP : -EIO;

        if (was_never_told(queue, &queue->seats[number], status)) {
                virtq_unpop(&queue->ring, number);
                return;
        }
        if (trace_on() && block_last_piece(request))
                trace_record(TRACE_COMPLETE, NULL, request, status, 0);
        virtq_release(&queue->ring, number);
        block_complete(request, result);
}

__attribute__((always_inline))
static inline bool drain(struct virtio_blk *disk, struct virtio_blk_queue *queue, long pop_used(struct virtq *, uint32_t *),
                         bool traced)
{
        bool any = false;
        long number;

        for (; (number = pop_used(&queue->ring, NULL)) >= 0; any = true) {
                struct virtio_blk_seat *seat = &queue->seats[number];
                struct block_future *request = seat->owner;
                uint8_t status = device_load(&seat->status);

                if (traced)
                        trace_record(TRACE_USED, NULL, request, status, place_of(queue, (uint16_t)number));
                if (status != VIRTIO_BLK_S_OK || virtq_has_unpublished(&queue->ring)) {
                        end_carefully(disk, queue->index, (size_t)number, status);
                        continue;
                }
                if (traced && block_last_piece(request))
                        trace_record(TRACE_COMPLETE, NULL, request, 0, 0);
                virtq_release(&queue->ring, (size_t)number);
                block_complete(request, 0);
        }
        if (queue->ring.broken)
                block_broken(&disk->block, queue->ring.broken);
        return any;
}

__attribute__((noinline))
static bool drain_all(struct virtio_blk *disk)
{
        bool any = false;

        for (unsigned i = 0; i < disk->block.queues; i++)
                any |= trace_on() ? drain(disk, &disk->queues[i], virtq_pop_used, true)
                                  : drain(disk, &disk->queues[i], virtq_pop_used, false);
        return any;
}

__attribute__((always_inline))
static inline bool drain_disk(struct virtio_blk *disk, bool traced)
{
        bool any = disk->general ? drain_all(disk) : drain(disk, disk->queues, virtq_split_pop_used, traced);

        if (any) {
                disk->block.irqs++;
                block_request_batch();
        }
        return any;
}

/* Interrupt: what the device has used is complete. The queues share one interrupt (4.2.2). */
static bool used_buffers(struct virtio_device *device) { return drain_disk(device->driver_data, false); }

static bool used_buffers_traced(struct virtio_device *device) { return drain_disk(device->driver_data, true); }

static void look(struct block_device *block)
{
        struct virtio_device *device = virtio_blk_of(block)->virtio;

        device->used_buffers(device);
}

/* Interrupt: a new capacity, perhaps, but also how a device says that it is broken (2.1.1): see virtio_blk_attend(). */
static bool config_changed(struct virtio_device *device)
{
        struct virtio_blk *disk = device->driver_data;
        bool news = !shared_load(&disk->block.attention);

        block_request_attention(&disk->block);
        return news;
}

static void for_each_in_flight(struct block_device *block, void (*visit)(struct block_future *))
{
        struct virtio_blk *disk = virtio_blk_of(block);

        for (unsigned i = 0; i < block->queues; i++)
                for (unsigned seat = 0; seat < disk->queues[i].ring.seats; seat++)
                        if (disk->queues[i].ring.taken[seat])
                                visit(disk->queues[i].seats[seat].owner);
}

static void print(struct block_device *block)
{
        struct virtio_blk *disk = virtio_blk_of(block);

        for (unsigned i = 0; i < block->queues; i++) {
                const struct virtq *ring = &disk->queues[i].ring;
                unsigned taken = 0;

                for (unsigned seat = 0; seat < ring->seats; seat++)
                        taken += ring->taken[seat] ? 1 : 0;
                printk("queue %u: %u seats, %u taken; %u entries added, %u published, %u used; %s\n", i, ring->seats, taken,
                       ring->added, ring->published, ring->last_used, ring->broken ?: "not broken");
        }
        printk("%lu notifications, %lu interrupts\n", block->kicks, block->irqs);
}

static const struct block_operations operations = {
        .submit = submit, .publish = publish, .for_each_in_flight = for_each_in_flight, .print = print,
        .look = look, .attend = virtio_blk_attend, .stop = virtio_blk_stop, .start = virtio_blk_start,
        .set_write_cache = virtio_blk_set_write_cache,
};

/* The same, but for its submit; made once, when trace=1. */
static struct block_operations traced_operations;

static const struct block_operations *choose_operations(void)
{
        traced_operations = operations;
        traced_operations.submit = submit_traced;
        return trace_on() ? &traced_operations : &operations;
}

static int probe(struct virtio_device *device)
{
        struct virtio_blk *disk = memory_allocate(sizeof *disk, sizeof(uint64_t));

        if (!disk)
                return virtio_refuse(device, "too little memory");
        *disk = (struct virtio_blk){
                .virtio = device, .current = disk->queues,
                .block = { .operations = choose_operations(), .node = device->node, .transport = device->name },
        };

        int error = virtio_blk_start(&disk->block);

        if (error != 0)
                return error;
        device->driver_data = disk;
        device->used_buffers = trace_on() ? used_buffers_traced : used_buffers;
        device->config_changed = config_changed;
        block_register(&disk->block);
        return 0;
}

const struct virtio_driver virtio_blk_driver = { .name = "virtio-blk", .type = VIRTIO_ID_BLOCK, .probe = probe };
