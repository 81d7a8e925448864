/* SPDX-License-Identifier: MIT */
/*
 * ring.h - a virtqueue between blocks of memory of exactly its size, and the device at its other end.
 *
 * The device is told addresses, as the real one is, and follows only those: it knows of no seat.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtqueue.h"

enum { RING_SEGMENTS_MAX = 8 };

struct ring {
        struct virtq queue;
        void *memory, *private;

        /* The device's. */
        uint16_t taken, used; /* free-running: requests it took from the avail ring, and gave back */
};

/* The queue in poisoned memory, initialised; the test fails where that fails. */
void ring_make(struct ring *ring, uint16_t size, uint16_t segments, bool indirect, bool event_idx);
void ring_free(struct ring *ring);

/* Poison the memory and initialise the queue anew, as after a reset. */
void ring_reset(struct ring *ring);

/* The driver: take a seat and add a request of `segments` segments with tell-tale contents. The seat, or -1. */
int ring_add(struct ring *ring, unsigned segments, uint32_t writable);

/* What ring_add() describes as segment `index` of a request in `seat`. */
struct virtq_descriptor ring_segment(int seat, unsigned index);

/* The device: the head of the next request that it was shown, or -1. */
int ring_take(struct ring *ring);

/* The device: give back `id`, having written `length` bytes. */
void ring_use(struct ring *ring, uint32_t id, uint32_t length);

/* The device: fill in the used entry `ahead` of the next one, without showing it. */
void ring_fill_used(struct ring *ring, unsigned ahead, uint32_t id, uint32_t length);

/* The device: the segments of the request at `head`; their number. Fails the test for a malformed chain. */
unsigned ring_walk(const struct ring *ring, int head, struct virtq_descriptor segments[RING_SEGMENTS_MAX]);

/* The two rings, and used_event and avail_event behind them. */
struct virtq_avail *ring_avail(const struct ring *ring);
struct virtq_used *ring_used(const struct ring *ring);
uint16_t *ring_used_event(const struct ring *ring);
uint16_t *ring_avail_event(const struct ring *ring);

/* A random number that is the same in every run. */
uint32_t ring_random(void);
