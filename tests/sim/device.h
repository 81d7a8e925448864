/* SPDX-License-Identifier: MIT */
/*
 * device.h - a virtio block device, of which the driver has registers and memory, and nothing else.
 *
 *      registers.c   virtio-mmio, legacy and modern, and what may be done to it when
 *      split.c, packed.c   the device's end of a ring
 *      queue.c       a queue: what it takes, has in hand, gives back, and when it interrupts or sleeps
 *      request.c     what a request asks for
 *      disk.c        the sectors, and a cache that forgets
 *      faults.c      what a device may do, and what it must not
 *
 * Section numbers are those of virtio 1.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "virtio.h"

enum { DEVICES_MAX = 2, QUEUES_MAX = 4, SEGMENTS_MAX = 8, HAND_MAX = 64 };
enum { DEVICE_AT = 0x10001000, DEVICE_BYTES = 0x1000 };

struct ring_segment {
        uint64_t address, loan;
        uint32_t length;
        bool writes;
};

/* Of a request in hand. */
struct request {
        uint16_t id;       /* the used entry's */
        uint16_t place;    /* of its first descriptor in a packed ring */
        uint16_t places;   /* of the ring that it takes */
        unsigned count;
        struct ring_segment segments[SEGMENTS_MAX];
        uint64_t table;    /* the descriptors are in a table of their own; 0: in the ring */
        unsigned entries;
        uint32_t type;
        uint64_t sector;
        uint64_t owner;    /* fate_of(): the operation that it is a part of; 0: none that we know of */
        uint64_t taken;    /* when */
        uint64_t due;      /* not to be answered before that time */
};

enum wish { WISH_ALL, WISH_NONE, WISH_NEXT };

struct queue;

/* The device's end of a ring. */
struct ring_model {
        void (*check)(struct queue *queue);                       /* as it is handed over */
        bool (*take)(struct queue *queue, struct request *request); /* the next that is available */
        void (*walk)(struct queue *queue, struct request *request); /* its segments, by its id or place */
        void (*use)(struct queue *queue, uint32_t id, uint32_t length, uint16_t places);
        bool (*wants_interrupt)(struct queue *queue);             /* for what was used since the last question */
        void (*wish)(struct queue *queue, enum wish wish);        /* for notifications */
        void (*jump)(struct queue *queue, unsigned places);       /* a lie: more is used than was */
        void (*lie_wish)(struct queue *queue, uint32_t value);
        void (*scribble)(struct queue *queue);                    /* over what the driver alone may write */
};

extern const struct ring_model split_ring, packed_ring;

enum attention { ASLEEP, DROWSY, AWAKE };

struct queue {
        struct device *device;
        const struct ring_model *format;
        uint16_t size;
        bool ready;
        uint64_t descriptors, driver_area, device_area;
        uint32_t low_high[6]; /* as they are written */
        bool written[7];

        enum attention attention; /* a notification wakes it; it falls asleep after it has said so and looked again */
        uint16_t taken, used, signalled; /* free-running; for a packed ring in places */
        uint32_t last_id;  /* that was given back */
        bool undecided;    /* it has used something, and has yet to look whether that is worth an interrupt */
        struct request hand[HAND_MAX];
        unsigned in_hand;
};

struct device_config {
        bool legacy, packed, indirect, event_idx, cache, switchable, lifetime;
        uint16_t queues, queue_max;
        uint32_t size_max, seg_max, block_size;
        uint32_t max_discard, discard_alignment, max_write_zeroes;
};

struct device {
        unsigned number, source;
        struct device_config config;
        struct disk disk;

        uint32_t status, interrupt_status, acknowledged; /* the last: on its way */
        uint64_t driver_features, offered;
        uint32_t features_sel, driver_sel, queue_sel, generation;
        bool sel_written[3], page_size_written;
        struct queue queues[QUEUES_MAX];

        /* What is wrong with it. */
        bool deaf, deaf_for_ever, refuses_reset, has_lied;
        bool config_lied;      /* so that what it says of its limits is nothing to hold the driver to */
        uint32_t reset_reads;  /* so many looks at the status until a reset is complete */
        bool resetting;
        unsigned resets;       /* since it was switched on, of a device at work */
        uint64_t reset_at, reset_before; /* the last of them, and the one before */
        unsigned refusal;      /* enum refusal: what is amiss when it is brought up the next time */
        bool urgent;           /* the next look at InterruptStatus is answered honestly */
        uint32_t lies_left;    /* reads of the configuration that are lies */
        uint64_t capacity;     /* as it says */
        uint32_t least_said;   /* the smallest that it ever said */
};

/* Given up, and it has heard of nothing: of what it has it goes on to say that it is done. */
static inline bool device_goes_on(const struct device *device)
{
        return device->resetting && device->refuses_reset && (device->status & VIRTIO_STATUS_FAILED) != 0;
}

/* A device that is switched on, with a disk that keeps what it had. */
void device_power_on(struct device *device);

/* registers.c */
uint64_t device_read(struct device *device, unsigned offset, unsigned width);
void device_write(struct device *device, unsigned offset, unsigned width, uint64_t value);
void device_acknowledge(struct device *device);
void device_interrupt(struct device *device, uint32_t cause);
uint64_t device_features(const struct device *device);

/* config.c: the configuration, which exists where its feature was offered (2.5.1). */
uint32_t device_config_read(struct device *device, unsigned offset, unsigned width);
void device_config_write(struct device *device, unsigned offset, unsigned width, uint32_t value);

/* queue.c. Go on with one thing; false: there is nothing that it could do now. */
bool device_step(struct device *device);
bool device_busy(struct device *device);
/* When the first of those in its hand is due, which it holds back; UINT64_MAX: none. */
uint64_t device_due(const struct device *device);
void queue_reset(struct queue *queue);
void queue_take_all(struct queue *queue);
void queue_forget(struct queue *queue, unsigned index);
/* Its hart sleeps: no request of the device's is overdue. */
void device_check_overdue(const struct device *device);
/* No request of the device's is about the loan. */
void device_check_loan(struct device *device, uint64_t loan);

/* request.c */
void request_check(struct device *device, struct request *request);
uint32_t request_execute(struct device *device, struct request *request, uint8_t *status);

/* faults.c: something that the device's faults allow happens, perhaps. */
void device_misbehave(struct device *device);
/* A lie about the status byte, or none; true: it is not written at all. About the length that was written. */
bool fault_status(struct device *device, uint8_t *status);
bool fault_fails(struct device *device);
uint32_t fault_length(struct device *device, uint32_t length);
enum refusal { REFUSE_NOTHING, REFUSE_FEATURES, REFUSE_OTHER_FEATURES, REFUSE_QUEUE, REFUSE_CAPACITY, REFUSE_BLOCK, REFUSALS };
