/* SPDX-License-Identifier: MIT */
/*
 * block.h - disks, and requests to them as futures.
 *
 * A request is checked here, before any driver sees it, and waits here, first come first served, while
 * the driver has no room. The unit of `sector` and `sectors` is 512 bytes on every disk, whatever its
 * logical block (virtio 1.2, 5.2.5).
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "executor.h"
#include "future.h"

#define SECTOR_SIZE 512u

enum block_operation { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

struct block_device;

/*
 * A request. From the first poll until it is ready, buffer and future belong to the device and stay
 * where they are. The result is 0, or one of
 *
 *      -EFAULT no buffer, or no device, -EINVAL no sectors or not whole logical blocks, -E2BIG more than max_sectors,
 *      -ERANGE beyond the capacity, -EROFS a write to a read-only disk: refused, the device never saw it;
 *      -EINPROGRESS it has not ended, or was never awaited;
 *      -EIO the device failed it, -ENOTSUP the device does not know it, -ENODEV the device is gone.
 */
struct block_future {
        struct future future;
        struct block_device *device;
        struct waker *waker; /* shared */
        void *buffer;
        uint64_t sector;
        uint32_t sectors;
        int result;
        struct block_future *next; /* in the device's FIFO */
        enum block_operation operation;
};

/* What a block driver does. All are called in task context, for_each_in_flight also in a panic. */
struct block_operations {
        /* Give a checked request a seat: 0, -EAGAIN when all are taken, or the error that ends the request. */
        int (*submit)(struct block_device *device, struct block_future *request);
        /* Tell the device of everything submitted since the last call. Once a batch. */
        void (*publish)(struct block_device *device);
        /* Call `report` for each request that the device has. */
        void (*for_each_in_flight)(struct block_device *device, void (*report)(const struct block_future *));
        /* Print the state of its rings. */
        void (*print)(struct block_device *device);
};

struct block_device {
        const struct block_operations *operations;
        const char *node;      /* the device tree's name for it */
        const char *transport; /* docs/contract.md's word */
        uint64_t capacity;     /* sectors */
        uint32_t block_size;   /* bytes in a logical block: a power of two, at least 512 */
        uint32_t max_sectors;  /* in one request */
        bool read_only;
        uint64_t features, offered;
        uint32_t queues, depth; /* depth: requests that the device holds at once */
        uint32_t resets;        /* since it was brought up */
        uint64_t kicks, irqs;   /* notifications sent, and interrupts that brought something */

        /* The block layer's own. */
        struct block_future *waiting, **waiting_tail;
        struct block_device *next;
        unsigned number;
};

/* Forget every disk; requests wait and are published by a hook of `executor`. Once, before the drivers. */
void block_init(struct executor *executor);

/* Add a disk, which the driver has filled in and keeps for ever; gives it the next number. Task context. */
void block_register(struct block_device *device);

/* Disk `number`, or NULL. Any context. */
struct block_device *block_device(unsigned number);

/* How many disks there are. Any context. */
unsigned block_device_count(void);

/* Print a line for each disk (docs/contract.md). Any context. */
void block_print(void);

/* Resets of all disks since they were brought up. Any context. */
unsigned block_device_resets(void);

/* End a request that was submitted: `result` is 0 or a negative errno. Any context; the driver's. */
void block_complete(struct block_future *request, int result);

/* Ask for a batch in which the driver's publish runs. Any context; for a driver's interrupt. */
void block_request_batch(void);

/* Print the requests that the devices have. Any context; for a panic. */
void block_report(void);

/* The poll of the three below. Task context. */
enum poll block_poll(struct future *future, struct waker *waker);

/*
 * Read `sectors` sectors from `sector` on into `buffer`. Nothing happens before the first poll.
 * `sector` and `sectors` are whole logical blocks. The caller owns the future, lends the buffer.
 * Task context. (virtio 1.2, 5.2.6: VIRTIO_BLK_T_IN)
 */
static inline struct block_future block_read(struct block_device *device, uint64_t sector, void *buffer,
                                             uint32_t sectors)
{
        struct block_future made = { .future.poll = block_poll, .device = device, .buffer = buffer,
                                      .sector = sector, .sectors = sectors, .result = -EINPROGRESS, .operation = BLOCK_READ };

        return made;
}

/* The same the other way round; durable only after a later block_flush(). (VIRTIO_BLK_T_OUT) */
static inline struct block_future block_write(struct block_device *device, uint64_t sector, const void *buffer,
                                              uint32_t sectors)
{
        struct block_future made = { .future.poll = block_poll, .device = device, .buffer = (void *)(uintptr_t)buffer,
                                      .sector = sector, .sectors = sectors, .result = -EINPROGRESS, .operation = BLOCK_WRITE };

        return made;
}

/*
 * Put every write that was complete when this is polled first on stable storage (5.2.6.2). On a disk
 * without a write cache it is ready at once. Task context. (VIRTIO_BLK_T_FLUSH)
 */
static inline struct block_future block_flush(struct block_device *device)
{
        struct block_future made = { .future.poll = block_poll, .device = device, .result = -EINPROGRESS,
                                      .operation = BLOCK_FLUSH };

        return made;
}

/*
 * The same three for code that is no coroutine: they return the result, and sleep meanwhile. In a task
 * they keep every other task waiting. -EDEADLK in an interrupt handler.
 */
int block_read_sync(struct block_device *device, uint64_t sector, void *buffer, uint32_t sectors);
int block_write_sync(struct block_device *device, uint64_t sector, const void *buffer, uint32_t sectors);
int block_flush_sync(struct block_device *device);
