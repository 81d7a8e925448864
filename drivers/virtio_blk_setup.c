/* SPDX-License-Identifier: MIT */
/* virtio_blk_setup.c - bringing a virtio disk up, after boot and after a reset, and its configuration (virtio 1.2, 5.2.4, 5.2.5). */
#include <errno.h>

#include "memory.h"
#include "util.h"
#include "virtio.h"
#include "virtio_blk.h"
#include "virtqueue.h"

#define SUPPORTED                                                                                  \
        (VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO | VIRTIO_BLK_F_BLK_SIZE |  \
         VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_CONFIG_WCE | VIRTIO_BLK_F_MQ | VIRTIO_BLK_F_DISCARD |   \
         VIRTIO_BLK_F_WRITE_ZEROES | VIRTIO_BLK_F_LIFETIME | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

enum { QUEUE_SIZE = 1024, BLOCK_SIZE_MAX = 2 << 20, WRITEBACK_OFFSET = 32 };

/*
 * The data segments of a piece. More would cost 16 bytes each in every seat, and save little: all the pieces of a
 * vectored request go to the device with one notification.
 */
enum { SEGMENTS_INDIRECT = 2, SEGMENTS_CHAINED = 1 };

_Static_assert(sizeof(struct block_future) + sizeof(struct virtio_blk_seat) + sizeof(struct virtq_seat) + sizeof(uint8_t) +
               sizeof(struct virtq_descriptor) * (1 + SEGMENTS_INDIRECT + 2) + sizeof(uint16_t) +
               sizeof(struct virtq_used_element) <= 256, "what one more request in flight costs beside its buffer");

/* A chain describes less than 2^32 bytes (2.7.5.2), header and status among them. */
#define BYTES_MAX (UINT32_MAX - sizeof(struct virtio_blk_header) - 1)

enum field {
        CONFIG_CAPACITY, CONFIG_SIZE_MAX, CONFIG_SEG_MAX, CONFIG_BLK_SIZE, CONFIG_WRITEBACK, CONFIG_NUM_QUEUES,
        CONFIG_MAX_DISCARD_SECTORS, CONFIG_MAX_DISCARD_SEG, CONFIG_DISCARD_SECTOR_ALIGNMENT,
        CONFIG_MAX_WRITE_ZEROES_SECTORS, CONFIG_MAX_WRITE_ZEROES_SEG, CONFIG_FIELDS,
};

/* What a field is worth where the device does not have it, in `value`. */
static const struct virtio_config_field layout[CONFIG_FIELDS] = {
        [CONFIG_CAPACITY] = { .offset = 0, .width = 8 },
        [CONFIG_SIZE_MAX] = { .feature = VIRTIO_BLK_F_SIZE_MAX, .offset = 8, .width = 4, .value = BYTES_MAX },
        [CONFIG_SEG_MAX] = { .feature = VIRTIO_BLK_F_SEG_MAX, .offset = 12, .width = 4, .value = SEGMENTS_INDIRECT },
        [CONFIG_BLK_SIZE] = { .feature = VIRTIO_BLK_F_BLK_SIZE, .offset = 20, .width = 4, .value = SECTOR_SIZE },
        [CONFIG_WRITEBACK] = { .feature = VIRTIO_BLK_F_CONFIG_WCE, .offset = WRITEBACK_OFFSET, .width = 1, .value = 1 },
        [CONFIG_NUM_QUEUES] = { .feature = VIRTIO_BLK_F_MQ, .offset = 34, .width = 2, .value = 1 },
        [CONFIG_MAX_DISCARD_SECTORS] = { .feature = VIRTIO_BLK_F_DISCARD, .offset = 36, .width = 4 },
        [CONFIG_MAX_DISCARD_SEG] = { .feature = VIRTIO_BLK_F_DISCARD, .offset = 40, .width = 4 },
        [CONFIG_DISCARD_SECTOR_ALIGNMENT] = { .feature = VIRTIO_BLK_F_DISCARD, .offset = 44, .width = 4 },
        [CONFIG_MAX_WRITE_ZEROES_SECTORS] = { .feature = VIRTIO_BLK_F_WRITE_ZEROES, .offset = 48, .width = 4 },
        [CONFIG_MAX_WRITE_ZEROES_SEG] = { .feature = VIRTIO_BLK_F_WRITE_ZEROES, .offset = 52, .width = 4 },
};

/* In whole blocks, what a device takes of a range at once; nothing if it takes no segment that describes one. */
static uint32_t range_limit(uint64_t sectors, uint64_t segments, uint64_t block_size)
{
        return segments > 0 ? (uint32_t)ALIGN_DOWN(sectors, block_size / SECTOR_SIZE) : 0;
}

static void set_limits(struct virtio_blk *disk, const struct virtio_config_field *fields)
{
        struct block_device *block = &disk->block;
        uint64_t block_size = fields[CONFIG_BLK_SIZE].value;
        uint32_t segments = virtio_has(disk->virtio, VIRTIO_F_INDIRECT_DESC) ? SEGMENTS_INDIRECT : SEGMENTS_CHAINED;
        uint64_t bytes = BYTES_MAX / segments;

        block->capacity = fields[CONFIG_CAPACITY].value;
        block->block_size = (uint32_t)block_size;
        block->max_segments = fields[CONFIG_SEG_MAX].value >= segments ? segments : SEGMENTS_CHAINED;
        block->max_segment_sectors = (uint32_t)(ALIGN_DOWN(fields[CONFIG_SIZE_MAX].value < bytes ? fields[CONFIG_SIZE_MAX].value
                                                                                                 : bytes, block_size) / SECTOR_SIZE);
        block->has_flush = virtio_has(disk->virtio, VIRTIO_BLK_F_FLUSH);
        block->write_cache = block->has_flush && fields[CONFIG_WRITEBACK].value != 0;
        block->write_cache_switchable = block->has_flush && virtio_has(disk->virtio, VIRTIO_BLK_F_CONFIG_WCE);
        block->max_discard_sectors = range_limit(fields[CONFIG_MAX_DISCARD_SECTORS].value, fields[CONFIG_MAX_DISCARD_SEG].value, block_size);
        block->discard_alignment = (uint32_t)ALIGN_DOWN(fields[CONFIG_DISCARD_SECTOR_ALIGNMENT].value, block_size / SECTOR_SIZE);
        block->max_write_zeroes_sectors = range_limit(fields[CONFIG_MAX_WRITE_ZEROES_SECTORS].value,
                                                      fields[CONFIG_MAX_WRITE_ZEROES_SEG].value, block_size);
        block->has_lifetime = virtio_has(disk->virtio, VIRTIO_BLK_F_LIFETIME);
        block->read_only = virtio_has(disk->virtio, VIRTIO_BLK_F_RO);
}

static int read_config(struct virtio_blk *disk)
{
        struct virtio_config_field fields[CONFIG_FIELDS];

        for (unsigned i = 0; i < CONFIG_FIELDS; i++)
                fields[i] = layout[i];
        if (virtio_config_read(disk->virtio, fields, CONFIG_FIELDS) != 0)
                return -ENODEV;

        uint64_t block_size = fields[CONFIG_BLK_SIZE].value;

        if (block_size < SECTOR_SIZE || block_size > BLOCK_SIZE_MAX || (block_size & (block_size - 1)) != 0)
                return virtio_refuse(disk->virtio, "a logical block of %lu bytes makes no sense", block_size);
        if (fields[CONFIG_SIZE_MAX].value < block_size)
                return virtio_refuse(disk->virtio, "segments of at most %lu bytes hold no block", fields[CONFIG_SIZE_MAX].value);
        if (fields[CONFIG_NUM_QUEUES].value == 0)
                return virtio_refuse(disk->virtio, "it has no queue");
        if (disk->block.block_size != 0 && disk->block.block_size != block_size)
                return virtio_refuse(disk->virtio, "it has come back with another logical block");
        if (disk->block.queues == 0)
                disk->block.queues = fields[CONFIG_NUM_QUEUES].value < VIRTIO_BLK_QUEUES_MAX ? (uint32_t)fields[CONFIG_NUM_QUEUES].value
                                                                                      : VIRTIO_BLK_QUEUES_MAX;
        set_limits(disk, fields);
        return 0;
}

/* The header is always the first segment; the others are as for a read, the most usual, so that its place alone is missing. */
static void set_up_seat(struct virtq *ring, uint16_t number, struct virtio_blk_seat *seat)
{
        virtq_segment(ring, number, 0, &seat->header, sizeof seat->header, VIRTQ_DESC_F_NEXT);
        virtio_blk_shape(ring, number, seat, BLOCK_READ);
}

static int set_up_queue(struct virtio_blk *disk, unsigned index)
{
        struct virtio_blk_queue *queue = &disk->queues[index];
        unsigned segments = virtio_has(disk->virtio, VIRTIO_F_INDIRECT_DESC) ? SEGMENTS_INDIRECT : SEGMENTS_CHAINED;
        int error = virtio_queue_setup(disk->virtio, index, &queue->ring, QUEUE_SIZE, segments + 2);

        if (error != 0)
                return error;
        queue->index = index;
        if (!queue->seats) {
                queue->seats = memory_allocate(queue->ring.seats * sizeof *queue->seats, sizeof(struct block_future *));
                disk->block.depth += queue->ring.seats;
        }
        if (!queue->seats)
                return virtio_refuse(disk->virtio, "too little memory");
        for (uint16_t i = 0; i < queue->ring.seats; i++)
                set_up_seat(&queue->ring, i, &queue->seats[i]);
        return 0;
}

/* 3.1.1. After a reset the device must be what it was, or what we know of it would be wrong. */
int virtio_blk_start(struct block_device *block)
{
        struct virtio_blk *disk = virtio_blk_of(block);
        struct virtio_device *device = disk->virtio;
        bool again = block->queues != 0, had_cache = block->write_cache;
        uint32_t sectors = block->max_segment_sectors;
        int error = virtio_negotiate(device, SUPPORTED);

        if (error == 0 && again && device->features != block->features)
                return virtio_refuse(device, "it has come back with other features");
        error = error ?: read_config(disk);
        if (error == 0 && block->max_segment_sectors < sectors) /* what waits may be larger, and whole */
                return virtio_refuse(device, "it has come back with smaller segments");
        for (unsigned i = 0; error == 0 && i < block->queues; i++)
                error = set_up_queue(disk, i);
        if (error != 0)
                return error;
        disk->general = block->queues > 1 || disk->queues->ring.layout.packed;
        block->features = device->features;
        block->offered = device->offered;
        virtio_ready(device);
        if (again && block->write_cache != had_cache)
                error = block_set_write_cache(block, had_cache);
        return error == 0 ? 0 : virtio_refuse(device, "its write cache is not as it was");
}

/* One that is given up is told so (3.1.1), whether it heard of the reset or not. */
int virtio_blk_stop(struct block_device *block, bool for_good)
{
        struct virtio_blk *disk = virtio_blk_of(block);
        int error;

        for (unsigned i = 0; i < block->queues; i++)
                virtq_break(&disk->queues[i].ring, "the device is being reset");
        error = virtio_reset(disk->virtio);
        if (error != 0 || for_good)
                virtio_fail(disk->virtio);
        return error;
}

void virtio_blk_attend(struct block_device *block)
{
        struct virtio_blk *disk = virtio_blk_of(block);
        struct virtio_config_field capacity = layout[CONFIG_CAPACITY];

        if (virtio_needs_reset(disk->virtio))
                block_broken(block, "the device needs a reset");
        else if (virtio_config_read(disk->virtio, &capacity, 1) != 0)
                block_broken(block, "its configuration does not rest");
        else
                block_resize(block, capacity.value);
}

/* The device must take it back in what it shows: it may refuse (5.2.5.2). */
int virtio_blk_set_write_cache(struct block_device *block, bool on)
{
        struct virtio_blk *disk = virtio_blk_of(block);
        struct virtio_config_field writeback = layout[CONFIG_WRITEBACK];

        if (!block->write_cache_switchable)
                return -ENOTSUP;
        virtio_config_write8(disk->virtio, WRITEBACK_OFFSET, on);
        if (virtio_config_read(disk->virtio, &writeback, 1) != 0) {
                block_broken(block, "its configuration does not rest");
                return -ENODEV;
        }
        return (writeback.value != 0) == on ? 0 : -EIO;
}
