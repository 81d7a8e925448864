/* SPDX-License-Identifier: MIT */
/*
 * block.h - disks, and requests to them as futures.
 *
 * A request is checked here, before any driver sees it, cut into pieces as large as the device takes, and
 * waits here, first come first served, while the driver has no room. The unit of `sector` and `sectors`
 * is 512 bytes on every disk, whatever its logical block (virtio 1.2, 5.2.5).
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "executor.h"
#include "future.h"
#include "timer.h"

#define SECTOR_SIZE 512u

enum { BLOCK_SEGMENTS_MAX = 1024, BLOCK_BUFFER_ALIGN = 4, BLOCK_ID_BYTES = 20, BLOCK_SHAPE_OTHER = 0xff };

enum block_operation {
        BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES, BLOCK_GET_ID, BLOCK_GET_LIFETIME,
};

/* A part of a vectored request's buffer: whole logical blocks, aligned to BLOCK_BUFFER_ALIGN. */
struct block_segment {
        void *address;
        uint32_t bytes;
};

struct block_device;

/*
 * A request. From the first poll until it is ready, buffer and future belong to the device and stay
 * where they are. The result is 0, or one of
 *
 *      -EFAULT no device, or no buffer that is aligned to BLOCK_BUFFER_ALIGN, -EINVAL no sectors or not whole
 *      logical blocks, -E2BIG too many segments, -ERANGE beyond the capacity, -EROFS a change of a read-only
 *      disk, -ENOTSUP the device cannot do it: refused, the device never saw it;
 *      -EINPROGRESS it was never awaited, -ECANCELED it was withdrawn, or lost in two resets;
 *      -EIO the device failed it, -ENOTSUP the device does not know it, -ENODEV the device is gone,
 *      -ETIMEDOUT it was overdue a second time, after a reset.
 *
 * Of a request in pieces the first error counts; which of its sectors were written is then unknown.
 */
struct block_future {
        struct future future;
        struct block_device *device;
        const void *buffer; /* or, where segment_count is not 0, an array of struct block_segment */
        uint64_t sector;
        uint32_t sectors;
        int result; /* final once it is ready; before that, of one in pieces, its first error or 0 */

        uint8_t operation; /* enum block_operation */
        bool unmap;        /* of write zeroes: the blocks need not stay allocated */
        bool in_pieces;    /* it is more than the device takes at once, or may be */

        bool retried;      /* a reset has taken it from the device once */
        bool cancelled;
        uint8_t shape;     /* BLOCK_READ or BLOCK_WRITE: one of a single segment in one piece; or BLOCK_SHAPE_OTHER */
        uint16_t segment_count;
        uint32_t cut;           /* sectors that have gone into pieces */
        uint16_t issued, ended; /* pieces, modulo 2^16: no device holds so many. `ended` is the interrupt's */
        struct waker *waker;    /* shared */
        struct waker *canceller;   /* shared: who awaits block_cancel(), or NULL */
        struct block_future *next; /* in the device's FIFO */
        uint64_t seated; /* ticks: when it, or its newest piece, got its seat; 0: it has had none */
};

struct block_operations;

struct block_device {
        const struct block_operations *operations;
        const char *node;      /* the device tree's name for it */
        const char *transport; /* docs/contract.md's word */
        uint64_t capacity;     /* sectors */
        uint32_t block_size;   /* bytes in a logical block: a power of two, at least 512 */
        uint32_t max_segments, max_segment_sectors; /* the data of one piece; the latter is whole blocks */
        uint32_t max_discard_sectors, discard_alignment; /* of one piece, in whole blocks; 0: it cannot discard */
        uint32_t max_write_zeroes_sectors;
        bool read_only, has_flush, write_cache, write_cache_switchable, has_lifetime;
        uint64_t features, offered;
        uint32_t queues, depth; /* depth: pieces that the device holds at once */
        uint32_t resets;        /* since it was brought up */
        uint64_t kicks, irqs;   /* notifications, and interrupts that brought something */

        /* The block layer's own. */
        struct block_future *waiting, **waiting_tail;
        struct block_device *next;
        unsigned number;
        uint64_t batch;             /* ticks: when the batch's clock was started first; 0: not yet */
        uint64_t clock;             /* ticks, read once in a batch and counted up; 0: not yet in this one */
        struct timer_future deadline; /* of the request that has been in its seat for longest, or sooner */
        struct waker alarm;
        uint32_t attention;         /* shared: there is something other than requests to be seen to */
        const char *broken;         /* shared: why it must be reset, or NULL */
        unsigned vain_resets;       /* since it last ended a request */
        uint64_t irqs_at_reset;
};

/*
 * Forget every disk; requests wait and are published by a hook of `executor`. A request that is in its seat for
 * `timeout` ticks is overdue; 0: none ever is. Once, before the drivers.
 */
void block_init(struct executor *executor, uint64_t timeout);

/* Disk `number`, or NULL. Any context. */
struct block_device *block_device(unsigned number);

/* How many disks there are. Any context. */
unsigned block_device_count(void);

/* Print a line for each disk (docs/contract.md); what each can do; the state of a disk's rings. Any context. */
void block_print(void);
void block_print_limits(void);
void block_print_rings(struct block_device *device);

/* Resets of all disks since they were brought up. Any context. */
unsigned block_device_resets(void);

/* Print the requests that the devices have. Any context; for a panic. */
void block_report(void);

/*
 * Have the device keep completed writes in a cache of its own until a flush, or write through it. 0; -ENOTSUP where
 * that is not for us to choose, or the disk is not used any more; -EIO when the device did not take it; -ENODEV when its
 * configuration does not rest: it is reset. What is in the cache stays there until a flush. Task context.
 * (virtio 1.2, 5.2.5: VIRTIO_BLK_F_CONFIG_WCE)
 */
int block_set_write_cache(struct block_device *device, bool on);

/* The poll of all requests. Task context. */
enum poll block_poll(struct future *future, struct waker *waker);

/* The requests: nothing happens before the first poll; the caller owns the future, and lends the buffer. Task context. */

/* What they have in common. */
static inline struct block_future block_request(struct block_device *device, enum block_operation operation,
                                                uint64_t sector, uint32_t sectors, const void *buffer)
{
        struct block_future made = { .future.poll = block_poll, .device = device, .buffer = buffer, .sector = sector,
                                     .sectors = sectors, .result = -EINPROGRESS, .operation = (uint8_t)operation,
                                     .shape = (uint8_t)(operation <= BLOCK_WRITE ? operation : BLOCK_SHAPE_OTHER) };

        return made;
}

/*
 * Read `sectors` sectors from `sector` on into `buffer`, whole logical blocks both. (virtio 1.2, 5.2.6:
 * VIRTIO_BLK_T_IN)
 */
static inline struct block_future block_read(struct block_device *device, uint64_t sector, void *buffer,
                                             uint32_t sectors)
{
        return block_request(device, BLOCK_READ, sector, sectors, buffer);
}

/* The same the other way round; durable only after a later block_flush(). (VIRTIO_BLK_T_OUT) */
static inline struct block_future block_write(struct block_device *device, uint64_t sector, const void *buffer,
                                              uint32_t sectors)
{
        return block_request(device, BLOCK_WRITE, sector, sectors, buffer);
}

/* Read into, or write from, `count` segments, one after the other; the caller keeps the array as long as the buffers. */
static inline struct block_future block_vectored(struct block_device *device, enum block_operation operation,
                                                 uint64_t sector, const struct block_segment *segments, uint16_t count)
{
        struct block_future made = block_request(device, operation, sector, 0, segments);

        made.segment_count = count;
        made.shape = BLOCK_SHAPE_OTHER;
        return made;
}

/*
 * Put every write that was complete when this is polled first on stable storage (5.2.6.2). On a disk
 * without VIRTIO_BLK_F_FLUSH it is ready at once. (VIRTIO_BLK_T_FLUSH)
 */
static inline struct block_future block_flush(struct block_device *device)
{
        return block_request(device, BLOCK_FLUSH, 0, 0, NULL);
}

/* Let the device forget what is in these sectors, whole logical blocks: they hold anything afterwards. (VIRTIO_BLK_T_DISCARD) */
static inline struct block_future block_discard(struct block_device *device, uint64_t sector, uint32_t sectors)
{
        return block_request(device, BLOCK_DISCARD, sector, sectors, NULL);
}

/* Fill these sectors with zeros; with `unmap` the device need not keep room for them. (VIRTIO_BLK_T_WRITE_ZEROES) */
static inline struct block_future block_write_zeroes(struct block_device *device, uint64_t sector, uint32_t sectors,
                                                     bool unmap)
{
        struct block_future made = block_request(device, BLOCK_WRITE_ZEROES, sector, sectors, NULL);

        made.unmap = unmap;
        return made;
}

/* The device's serial number: BLOCK_ID_BYTES characters, ended by NUL only when it is shorter. (VIRTIO_BLK_T_GET_ID) */
static inline struct block_future block_get_id(struct block_device *device, char *id)
{
        return block_request(device, BLOCK_GET_ID, 0, 0, id);
}

/* How worn the device is, in the words of 5.2.6 (0: it does not say). (VIRTIO_BLK_T_GET_LIFETIME) */
struct block_lifetime {
        uint16_t pre_eol_info;           /* 1 normal, 2 over 80 % of the reserve used, 3 over 90 % */
        uint16_t estimate_a, estimate_b; /* of single- and multi-level cells: in steps of 10 %; 11: over */
};

static inline struct block_future block_get_lifetime(struct block_device *device, struct block_lifetime *lifetime)
{
        return block_request(device, BLOCK_GET_LIFETIME, 0, 0, lifetime);
}

/* Awaiting it takes a request back from its device. */
struct block_cancel_future {
        struct future future;
        struct block_future *request;
};

/* The poll of block_cancel(). Task context. */
enum poll block_cancel_poll(struct future *future, struct waker *waker);

/*
 * Ready when `request`, a started one or not, is ready and its buffer the caller's. One that waits for a seat, or the rest
 * of one in pieces, is never sent: -ECANCELED. What the device already has is waited for and has its own result,
 * unless the device is reset. Whoever awaits the request is woken as well. One canceller at a time, and until it is
 * ready `request` keeps its place. Task context.
 */
static inline struct block_cancel_future block_cancel(struct block_future *request)
{
        struct block_cancel_future made = { .future.poll = block_cancel_poll, .request = request };

        return made;
}

/*
 * Any request for code that is no coroutine: returns its result, and sleeps meanwhile. In a task it keeps every other
 * task waiting. -EDEADLK in an interrupt handler. The caller owns the request. Outside of interrupts.
 */
int block_wait(struct block_future *request);
