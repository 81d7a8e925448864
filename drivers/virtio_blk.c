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
#include "block.h"
#include "memory.h"
#include "printk.h"
#include "util.h"
#include "virtio.h"
#include "virtqueue.h"

#define VIRTIO_BLK_F_SIZE_MAX (UINT64_C(1) << 1)
#define VIRTIO_BLK_F_RO (UINT64_C(1) << 5)
#define VIRTIO_BLK_F_BLK_SIZE (UINT64_C(1) << 6)
#define VIRTIO_BLK_F_FLUSH (UINT64_C(1) << 9)

#define SUPPORTED                                                                                  \
        (VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_RO | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH |    \
         VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

enum { VIRTIO_BLK_T_IN = 0, VIRTIO_BLK_T_OUT = 1, VIRTIO_BLK_T_FLUSH = 4 };
enum { VIRTIO_BLK_S_OK = 0, VIRTIO_BLK_S_UNSUPP = 2, STATUS_UNWRITTEN = 0xff };
enum { CONFIG_CAPACITY = 0, CONFIG_SIZE_MAX = 8, CONFIG_BLK_SIZE = 20 }; /* 5.2.4 */
enum { VIRTIO_ID_BLOCK = 2, QUEUE = 0, QUEUE_SIZE = 256, SEGMENTS = 3, BLOCK_SIZE_MAX = 2 << 20 };

struct virtio_blk_header { /* little-endian, as we are */
        uint32_t type;
        uint32_t reserved;
        uint64_t sector;
};

/* A chain describes less than 2^32 bytes (2.7.5.2), header and status among them. */
#define BYTES_MAX (UINT32_MAX - sizeof(struct virtio_blk_header) - 1)

struct seat {
        struct virtio_blk_header header;
        struct block_future *owner; /* NULL: free */
        uint8_t status;
};

struct virtio_blk {
        struct block_device block;
        struct virtio_device *virtio;
        struct virtq queue;
        struct seat *seats;
        bool retired;
};

/* Header, data where there is any, status; the header's segment is always the first, and set up already. */
static void add(struct virtq *queue, uint16_t number, struct seat *seat, const struct block_future *request)
{
        static const uint32_t types[] = { [BLOCK_READ] = VIRTIO_BLK_T_IN, [BLOCK_WRITE] = VIRTIO_BLK_T_OUT,
                                          [BLOCK_FLUSH] = VIRTIO_BLK_T_FLUSH };
        uint16_t device_writes = request->operation == BLOCK_READ ? VIRTQ_DESC_F_WRITE : 0;
        uint32_t bytes = request->sectors * SECTOR_SIZE, segments = 1;

        seat->header.type = types[request->operation];
        seat->header.sector = request->sector; /* a flush has 0 (5.2.6.1) */
        if (bytes > 0)
                virtq_segment(queue, number, segments++, request->buffer, bytes, VIRTQ_DESC_F_NEXT | device_writes);
        virtq_segment(queue, number, segments++, &seat->status, 1, VIRTQ_DESC_F_WRITE);
        virtq_add(queue, number, segments, device_writes ? bytes + 1 : 1);
}

static int submit(struct block_device *block, struct block_future *request)
{
        struct virtio_blk *disk = container_of(block, struct virtio_blk, block);

        if (disk->retired)
                return -ENODEV;
        /* Without FLUSH the device has no volatile cache (5.2.5.1): there is nothing to wait for. */
        if (request->operation == BLOCK_FLUSH && !virtio_has(disk->virtio, VIRTIO_BLK_F_FLUSH)) {
                block_complete(request, 0);
                return 0;
        }

        int number = virtq_take_seat(&disk->queue);

        if (number < 0)
                return -EAGAIN;

        struct seat *seat = &disk->seats[number];

        seat->owner = request;
        device_store(&seat->status, (uint8_t)STATUS_UNWRITTEN);
        add(&disk->queue, (uint16_t)number, seat, request);
        return 0;
}

static int result_of(uint8_t status)
{
        return status == VIRTIO_BLK_S_OK ? 0 : status == VIRTIO_BLK_S_UNSUPP ? -ENOTSUP : -EIO;
}

/* Interrupt: what the device has used is complete. */
static bool used_buffers(struct virtio_device *device)
{
        struct virtio_blk *disk = device->driver_data;
        bool any = false;
        int number;

        for (; (number = virtq_pop_used(&disk->queue, NULL)) >= 0; any = true) {
                struct seat *seat = &disk->seats[number];
                struct block_future *request = seat->owner;
                int result = result_of(device_load(&seat->status));

                seat->owner = NULL;
                virtq_release(&disk->queue, (uint16_t)number);
                block_complete(request, result);
        }
        if (disk->queue.broken)
                block_request_batch();
        disk->block.irqs += any;
        return any;
}

/* Interrupt: a new capacity, perhaps, but also how a device says that it is broken (2.1.1). */
static void config_changed(struct virtio_device *device)
{
        struct virtio_blk *disk = device->driver_data;

        if (virtio_needs_reset(device)) {
                virtq_break(&disk->queue, "the device needs a reset");
                block_request_batch();
        }
}

/*
 * The device cannot be trusted any more: take its buffers away by a reset, then fail what it had. It
 * alone touches both sides of the ring, so no interrupt may come in between.
 */
static void retire(struct virtio_blk *disk)
{
        bool enabled = interrupts_save();

        log_error("disk %u (%s): %s: it is not used any more", disk->block.number, disk->block.node, disk->queue.broken);
        disk->retired = true;
        disk->block.resets++;
        if (virtio_reset(disk->virtio) != 0)
                log_error("disk %u: its reset does not end: what it had for a buffer may yet be written",
                          disk->block.number);
        virtio_fail(disk->virtio);
        for (unsigned i = 0; i < disk->queue.seats; i++) {
                struct block_future *request = disk->seats[i].owner;

                disk->seats[i].owner = NULL;
                if (request)
                        block_complete(request, -ENODEV);
        }
        interrupts_restore(enabled);
}

static void publish(struct block_device *block)
{
        struct virtio_blk *disk = container_of(block, struct virtio_blk, block);

        if (shared_load(&disk->queue.broken) && !disk->retired)
                retire(disk);
        else if (!disk->retired && virtq_publish(&disk->queue)) {
                disk->block.kicks++;
                virtio_notify(disk->virtio, QUEUE);
        }
}

static void for_each_in_flight(struct block_device *block, void (*report)(const struct block_future *))
{
        const struct virtio_blk *disk = container_of(block, struct virtio_blk, block);

        for (unsigned i = 0; i < disk->queue.seats; i++)
                if (disk->seats[i].owner)
                        report(disk->seats[i].owner);
}

static void print(struct block_device *block)
{
        struct virtio_blk *disk = container_of(block, struct virtio_blk, block);
        const struct virtq *queue = &disk->queue;
        unsigned taken = 0;

        for (unsigned i = 0; i < queue->seats; i++)
                taken += disk->seats[i].owner ? 1 : 0;
        printk("%u seats, %u taken; %u entries added, %u published, %u used; %s\n", queue->seats, taken, queue->added,
               queue->published, queue->last_used, queue->broken ?: "not broken");
}

static const struct block_operations operations = { submit, publish, for_each_in_flight, print };

static int read_config(struct virtio_blk *disk)
{
        struct virtio_config_field fields[] = {
                { .offset = CONFIG_CAPACITY, .width = 8 },
                { .feature = VIRTIO_BLK_F_BLK_SIZE, .offset = CONFIG_BLK_SIZE, .width = 4, .value = SECTOR_SIZE },
                { .feature = VIRTIO_BLK_F_SIZE_MAX, .offset = CONFIG_SIZE_MAX, .width = 4, .value = BYTES_MAX },
        };

        if (virtio_config_read(disk->virtio, fields, ARRAY_SIZE(fields)) != 0)
                return -ENODEV;

        uint64_t block_size = fields[1].value, bytes = fields[2].value < BYTES_MAX ? fields[2].value : BYTES_MAX;

        if (block_size < SECTOR_SIZE || block_size > BLOCK_SIZE_MAX || (block_size & (block_size - 1)) != 0)
                return virtio_refuse(disk->virtio, "a logical block of %lu bytes makes no sense", block_size);
        if (bytes < block_size)
                return virtio_refuse(disk->virtio, "segments of at most %lu bytes hold no block", bytes);
        disk->block.capacity = fields[0].value;
        disk->block.block_size = (uint32_t)block_size;
        disk->block.max_sectors = (uint32_t)(ALIGN_DOWN(bytes, block_size) / SECTOR_SIZE);
        return 0;
}

/* What no request changes: the header is always the first segment of its seat. */
static int set_up_seats(struct virtio_blk *disk)
{
        disk->seats = memory_allocate(disk->queue.seats * sizeof(struct seat), sizeof(struct seat *));
        if (!disk->seats)
                return virtio_refuse(disk->virtio, "too little memory");
        for (uint16_t i = 0; i < disk->queue.seats; i++)
                virtq_segment(&disk->queue, i, 0, &disk->seats[i].header, sizeof(struct virtio_blk_header),
                              VIRTQ_DESC_F_NEXT);
        return 0;
}

static int probe(struct virtio_device *device)
{
        struct virtio_blk *disk = memory_allocate(sizeof *disk, sizeof(uint64_t));
        int error;

        if (!disk)
                return virtio_refuse(device, "too little memory");
        *disk = (struct virtio_blk){ .virtio = device, .block = { .operations = &operations, .node = device->node,
                                                                  .transport = device->name, .queues = 1 } };
        error = virtio_negotiate(device, SUPPORTED) ?: read_config(disk)
                ?: virtio_queue_setup(device, QUEUE, &disk->queue, QUEUE_SIZE, SEGMENTS) ?: set_up_seats(disk);
        if (error != 0)
                return error;
        device->driver_data = disk;
        device->used_buffers = used_buffers;
        device->config_changed = config_changed;
        disk->block.read_only = virtio_has(device, VIRTIO_BLK_F_RO);
        disk->block.features = device->features;
        disk->block.offered = device->offered;
        disk->block.depth = disk->queue.seats;
        virtio_ready(device);
        block_register(&disk->block);
        return 0;
}

const struct virtio_driver virtio_blk_driver = { .name = "virtio-blk", .type = VIRTIO_ID_BLOCK, .probe = probe };
