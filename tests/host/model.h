/* SPDX-License-Identifier: MIT */
/*
 * model.h - a virtio block device behind a made-up transport: it follows its rings as the specification
 * has it, moves the data, and decides about interrupts and notifications. Section numbers: virtio 1.2.
 *
 * A queue is awake from a notification until the device finds nothing more to do in it; what is published while it
 * sleeps without a notification the device is free to find (model_step with `peek`), and free not to.
 *
 * model.c: queues and interrupts. model_request.c: what a request means. model_transport.c: all else.
 */
#pragma once

#include "virtio.h"

enum { MODEL_SECTORS = 64, MODEL_HAND_MAX = 64, MODEL_QUEUES_MAX = 8, MODEL_SEEN_MAX = 256, MODEL_SEGMENTS_MAX = 8 };

enum model_type {
        MODEL_IN = 0, MODEL_OUT = 1, MODEL_FLUSH = 4, MODEL_GET_ID = 8, MODEL_GET_LIFETIME = 10, MODEL_DISCARD = 11,
        MODEL_WRITE_ZEROES = 13,
};

enum model_lie {
        MODEL_HONEST,
        MODEL_BAD_ID,      /* a used id beyond the ring */
        MODEL_OTHERS_ID,   /* one in range that is not in flight */
        MODEL_DUPLICATE,   /* the same request used twice */
        MODEL_INDEX_JUMP,  /* used.idx runs ahead of what is in flight */
        MODEL_NO_STATUS,   /* the status byte is never written */
        MODEL_STRANGE_STATUS,
        MODEL_LONG_LENGTH, /* used.len beyond the buffers; believed by nobody, and so harmless */
        MODEL_NEEDS_RESET, /* with a configuration interrupt; what it had stays undone */
};

struct model_options {
        bool indirect, event_idx, cache; /* features it offers: VIRTIO_BLK_F_FLUSH is `cache` */
        bool newest_first;   /* the order of completions */
        bool one_at_a_time;  /* an interrupt for each, else one for all that it has */
        uint16_t queue_size;
        unsigned seats;      /* how many of the driver's seats a scenario has to itself; 0: all */
        enum model_lie lie;  /* at completion number `lie_at`, counted from 1 */
        unsigned lie_at;
        bool lies_on;        /* and at each one after that */

        /* More features; 0: not offered. */
        uint16_t num_queues;
        uint32_t size_max, seg_max, block_size;
        uint32_t max_discard, discard_segments, discard_alignment, max_write_zeroes, write_zeroes_segments;
        bool switchable, lifetime, read_only;
        bool legacy;
        uint64_t strange;    /* features of any kind that it offers beside, and no driver may accept */
        uint64_t capacity;   /* 0: MODEL_SECTORS */
};

struct model_queue {
        const struct virtq *ring; /* what the driver set up; only the addresses in it are looked at */
        bool awake;
        uint16_t taken, used, signalled;
        uint16_t hand[MODEL_HAND_MAX]; /* requests taken and not completed, oldest first */
        unsigned in_hand, notifications;
};

/* A request as the device saw it. */
struct model_seen {
        enum model_type type;
        unsigned queue, segments; /* of data */
        uint64_t sector;
        uint32_t sectors, flags;
};

struct model {
        struct virtio_device device;
        struct model_options options;
        struct model_queue queues[MODEL_QUEUES_MAX];
        uint32_t status;
        bool interrupting, reconfiguring;
        bool hold_interrupts; /* the device has used something and has not yet decided about an interrupt */
        unsigned completions, resets;
        struct model_seen seen[MODEL_SEEN_MAX]; /* `completions` of them, or as many as there is room for */
        uint8_t data[MODEL_SECTORS][512], stable[MODEL_SECTORS][512]; /* as read; as it is after the power has failed */
        bool writeback;       /* keeps what is written in a cache until a flush */

        /* What a test may have it do. */
        bool deaf;            /* takes nothing and answers nothing */
        unsigned losses;      /* so many interrupts get lost */
        bool ignores_reset;
        bool refuses_writeback; /* to have it changed */
        bool knows_nothing;   /* answers every request with UNSUPP */
        void (*on_reset)(struct model *model); /* when it has been reset: the place to become another one */
};

/* A device as new, with sector s of version 0 at s; the driver has yet to probe it. */
void model_make(struct model *model, const struct model_options *options, const char *node);

/*
 * Go on: take what was published, complete one request or all, and interrupt where the driver wants to
 * know. False when there was nothing to do: then it asks to be notified, and sleeps.
 */
bool model_step(struct model *model, bool peek);

/* Decide about the interrupt that model_step() held back. */
void model_release(struct model *model);

/* Have it say that its configuration has changed. */
void model_reconfigure(struct model *model);

/* The transport's interrupt handler: acknowledge, then call the driver. False when there was nothing to acknowledge. */
bool model_interrupt(struct model *model);

/* What the driver may not leave undone when the hart sleeps; fails the test. */
void model_check_sleep(const struct model *model);

/* Sector `sector` in its `version`-th contents. */
void model_fill(uint8_t *buffer, uint64_t sector, unsigned version);
bool model_holds(const uint8_t *buffer, uint64_t sector, unsigned version);

/* For the model's parts. */

/* Do what the chain at `head` asks for, but lie if it is time to; returns how many bytes were written. */
uint32_t model_execute(struct model *model, unsigned queue, uint16_t head);

/* Where the chain at `head` has its status byte. */
uint8_t *model_status_of(const struct model *model, unsigned queue, uint16_t head);

/* Forget the driver, as in a reset. */
void model_reset(struct model *model);

extern const struct virtio_transport model_transport;
