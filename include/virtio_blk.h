/* SPDX-License-Identifier: MIT */
/*
 * virtio_blk.h - a virtio disk, as its driver's two halves see it: requests (virtio_blk.c), and what it takes to
 * bring the device up, once or again (virtio_blk_setup.c). Section numbers are those of virtio 1.2.
 */
#pragma once

#include "block_driver.h"
#include "util.h"
#include "virtio.h"

#define VIRTIO_BLK_F_SIZE_MAX (UINT64_C(1) << 1)
#define VIRTIO_BLK_F_SEG_MAX (UINT64_C(1) << 2)
#define VIRTIO_BLK_F_RO (UINT64_C(1) << 5)
#define VIRTIO_BLK_F_BLK_SIZE (UINT64_C(1) << 6)
#define VIRTIO_BLK_F_FLUSH (UINT64_C(1) << 9)
#define VIRTIO_BLK_F_CONFIG_WCE (UINT64_C(1) << 11)
#define VIRTIO_BLK_F_MQ (UINT64_C(1) << 12)
#define VIRTIO_BLK_F_DISCARD (UINT64_C(1) << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (UINT64_C(1) << 14)
#define VIRTIO_BLK_F_LIFETIME (UINT64_C(1) << 15)

enum { VIRTIO_ID_BLOCK = 2, VIRTIO_BLK_QUEUES_MAX = 8 };

struct virtio_blk_header { /* little-endian, as we are */
        uint32_t type;
        uint32_t reserved;
        uint64_t sector;
};

struct virtio_blk_range { /* of discard and write zeroes (5.2.6) */
        uint64_t sector;
        uint32_t sectors;
        uint32_t flags;
};

/* What a request in a seat of the ring needs beside its buffer, in memory that is the driver's. */
struct virtio_blk_seat {
        struct virtio_blk_header header;
        struct virtio_blk_range range;
        struct block_future *owner; /* of a seat that is taken */
        struct virtq_descriptor *data; /* segment 1 */
        uint8_t status;
        uint16_t place; /* ring.added when it was put: for virtq_is_shown() */
        uint8_t shape; /* of the last request, which its segments still describe; SHAPE_NONE: they need to be told */
};

enum { SHAPE_NONE = 0xfe };

struct virtio_blk_queue {
        struct virtq ring;
        struct virtio_blk_seat *seats;
        unsigned index;
};

struct virtio_blk {
        struct block_device block;
        struct virtio_device *virtio;
        struct virtio_blk_queue *current; /* of this batch */
        bool general; /* several queues, or a packed ring. For one that is split all is in line: 24 instructions a batch less */
        struct virtio_blk_queue queues[VIRTIO_BLK_QUEUES_MAX];
};

static inline struct virtio_blk *virtio_blk_of(struct block_device *block)
{
        return container_of(block, struct virtio_blk, block);
}

/* Describe a request of a single segment, a read or a write, but for its place. Task context. */
void virtio_blk_shape(struct virtq *ring, uint16_t number, struct virtio_blk_seat *seat, uint8_t shape);

/* Of struct block_operations; start also for the first time. All in task context. */
int virtio_blk_start(struct block_device *block);
int virtio_blk_stop(struct block_device *block, bool for_good);
void virtio_blk_attend(struct block_device *block);
int virtio_blk_set_write_cache(struct block_device *block, bool on);
