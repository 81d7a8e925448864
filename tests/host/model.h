/* SPDX-License-Identifier: MIT */
/*
 * model.h - a virtio block device behind a made-up transport: it follows the ring as the specification
 * has it, moves the data, and decides about interrupts and notifications. Section numbers: virtio 1.2.
 *
 * It is awake from a notification until it finds nothing more to do; what is published while it sleeps
 * without a notification it is free to find (model_step with `peek`), and free not to.
 */
#pragma once

#include "virtio.h"

enum { MODEL_SECTORS = 32, MODEL_HAND_MAX = 64 };

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
};

struct model {
        struct virtio_device device;
        struct model_options options;
        const struct virtq *queue; /* what the driver set up; only the addresses in it are looked at */
        uint32_t status;
        bool awake, interrupting, reconfiguring;
        uint16_t taken, used, signalled;
        uint16_t hand[MODEL_HAND_MAX]; /* requests taken and not completed, oldest first */
        unsigned in_hand;
        unsigned completions, flushes, notifications;
        bool hold_interrupts; /* the device has used something and has not yet decided about an interrupt */
        uint8_t data[MODEL_SECTORS][512];
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

/* The transport's interrupt handler: acknowledge, then call the driver. False when there was nothing to acknowledge. */
bool model_interrupt(struct model *model);

/* What the driver may not leave undone when the hart sleeps; fails the test. */
void model_check_sleep(const struct model *model);

/* Sector `sector` in its `version`-th contents. */
void model_fill(uint8_t *buffer, uint64_t sector, unsigned version);
bool model_holds(const uint8_t *buffer, uint64_t sector, unsigned version);
