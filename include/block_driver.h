/* SPDX-License-Identifier: MIT */
/*
 * block_driver.h - what a block driver is to the block layer, and the block layer to it.
 *
 * The driver's unit is the piece: as much of a request as fits into one of its seats.
 */
#pragma once

#include "block.h"

/*
 * All are called in task context, for_each_in_flight also in a panic; look, stop and start with interrupts masked. Those
 * three and attend are NULL where a device is never broken.
 */
struct block_operations {
        /*
         * Give the next piece of a checked request a seat: 0, -EAGAIN when all are taken, or the error that ends
         * the request. A read or write that is not in pieces has one segment, its buffer; what is in any other is had
         * from block_next_segment() or block_next_range(). It is not completed in here.
         */
        int (*submit)(struct block_device *device, struct block_future *request);
        /* Tell the device of everything submitted since the last call. Once a batch. */
        void (*publish)(struct block_device *device);
        /* Call `visit` with the request of each piece that the device has. */
        void (*for_each_in_flight)(struct block_device *device, void (*visit)(struct block_future *));
        /* Print the state of its rings. */
        void (*print)(struct block_device *device);
        /* See to what block_request_attention() was called for. */
        void (*attend)(struct block_device *device);
        /* Look for completions, though no interrupt has announced any. */
        void (*look)(struct block_device *device);
        /* Take every buffer away from the device: 0, or -ETIMEDOUT when it does not let go. It is started again, or not: `for_good`. */
        int (*stop)(struct block_device *device, bool for_good);
        /* Bring it up again, with nothing in flight: 0, or a negative errno after saying why. */
        int (*start)(struct block_device *device);
        /* Of block_set_write_cache(); NULL: -ENOTSUP. */
        int (*set_write_cache)(struct block_device *device, bool on);
};

/* Add a disk, which the driver has filled in and keeps for ever; gives it the next number. Task context. */
void block_register(struct block_device *device);

/* Whose tasks make the requests. */
extern struct executor *block_executor;

/*
 * End a piece of `request`: `result` is 0 or a negative errno. After the last of several call block_request_batch(): their
 * seats may be what the FIFO waits for, and nobody's task may be woken. Any context.
 */
void block_complete(struct block_future *request, int result);

/* Whether `request` ends with the end of one more of its pieces. Any context. */
static inline bool block_last_piece(const struct block_future *request)
{
        return !request->in_pieces ||
               ((uint16_t)(request->ended + 1) == request->issued && request->cut == request->sectors);
}

/* Ask for a batch, in which the FIFO gets the seats that have become free. Any context. */
static inline void block_request_batch(void) { executor_request_batch(block_executor); }

/* Ask for a batch in which attend() runs. Any context. */
void block_request_attention(struct block_device *device);

/* Have the device reset, and what it holds sent once more, after this batch; `why` is for the console. Any context. */
void block_broken(struct block_device *device, const char *why);

/* The disk has another capacity now, in sectors: requests beyond it fail from here on. Task context. */
void block_resize(struct block_device *device, uint64_t capacity);

/* The next part of the request's range, as much as the device takes at once, for discard and write zeroes: in sectors. Task context. */
uint32_t block_next_range(struct block_future *request);

/*
 * The next segment of a read's or write's data, of at most `max_sectors`: false when it is the last: do not
 * call it again then. In submit().
 */
bool block_next_segment(struct block_future *request, uint32_t max_sectors, struct block_segment *segment);

/* The parts of the block layer see these of each other. */

extern struct block_device *block_devices;
extern uint64_t block_timeout; /* ticks; 0: no request is ever overdue */

/* Watch over the deadlines of what `device` is given from now on. Task context. */
void block_watch(struct block_device *device);

/* Something other than requests is to be seen to: a deadline, a new configuration, a broken device. Task context. */
void block_attend(struct block_device *device);

/* Submit as many pieces of `request` as find a seat: -EAGAIN when more are left, else 0. Task context. */
int block_submit_pieces(struct block_device *device, struct block_future *request);

/* Count a piece that has ended: whether that was the end of the request. Any context. */
bool block_piece_ended(struct block_future *request, int result);

/* Let go of the pieces that have no seat yet: whether that was the end of the request. Task context. */
bool block_drop_pieces(struct block_future *request);

/* Put a request that was taken back from the device into the FIFO again, as it was in the beginning. Task context. */
void block_requeue(struct block_future *request);

/* End a request that no device has. Task context, interrupts masked. */
void block_fail(struct block_future *request, int error);

/* The errno with which a request is refused that is neither a plain read nor a plain write, or 0. Task context. */
int block_check_other(struct block_future *request);

/* Whether `buffer` is no place for a request's data. Any context. */
static inline bool block_misplaced(const void *buffer)
{
        return buffer == NULL || (uintptr_t)buffer % BLOCK_BUFFER_ALIGN != 0;
}

/* 0 for a range of whole blocks that lies on the disk, else -EINVAL, -ERANGE or -EROFS (virtio 1.2, 5.2.6.1). Any context. */
__attribute__((always_inline))
static inline int block_check_range(const struct block_device *device, uint64_t sector, uint64_t sectors, bool writes)
{
        if (((sector | sectors) * SECTOR_SIZE & (device->block_size - UINT64_C(1))) != 0)
                return -EINVAL;
        if (sector > device->capacity || sectors > device->capacity - sector)
                return -ERANGE;
        return writes && device->read_only ? -EROFS : 0;
}
