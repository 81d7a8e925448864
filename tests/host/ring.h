/* SPDX-License-Identifier: MIT */
/*
 * ring.h - a virtqueue between blocks of memory of exactly its size, and the device at its other end.
 *
 * The device is told addresses, as the real one is, and follows only those: it knows of no seat. A test
 * says with TEST_SPLIT or TEST_BOTH in what format of the ring it is run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtqueue.h"

enum { RING_SEGMENTS_MAX = 8 };

/* A place in a packed ring, and the wrap counter there (2.8.1). */
struct ring_place {
        unsigned at;
        bool wrap;
};

struct ring {
        struct virtq queue;
        void *memory, *private;

        /* The device's. */
        uint16_t taken, used; /* free-running: requests it took from the ring, and gave back */
        struct ring_place next_avail, next_used;
        struct ring_list {
                unsigned first, count;
        } *lists; /* in a packed ring, by id: the descriptors of a request that was taken */
};

/* The format of the rings that are made from now on; each is also a test's setup. */
int ring_split(void **state);
int ring_packed(void **state);

#define TEST_SPLIT(function) cmocka_unit_test_setup(function, ring_split)
#define TEST_PACKED(function) cmocka_unit_test_setup(function, ring_packed)
#define TEST_BOTH(function)                                                                        \
        { "split_" #function, function, ring_split, NULL, NULL },                                  \
        { "packed_" #function, function, ring_packed, NULL, NULL }

/* The queue in poisoned memory, initialised; the test fails where that fails. */
void ring_make(struct ring *ring, uint16_t size, uint16_t segments, bool indirect, bool event_idx);
void ring_free(struct ring *ring);

/* Poison the memory and initialise the queue anew, as after a reset. */
void ring_reset(struct ring *ring);

/* The driver: take a seat and add a request of `segments` segments with tell-tale contents. The seat, or -1. */
int ring_add(struct ring *ring, unsigned segments, uint32_t writable);

/* What ring_add() describes as segment `index` of a request in `seat`. */
struct virtq_descriptor ring_segment(int seat, unsigned index);

/* The device: the id of the next request that it was shown, or -1. */
int ring_take(struct ring *ring);

/* The device: give back `id`, having written `length` bytes. Whether EVENT_IDX has it interrupt for that. */
bool ring_use(struct ring *ring, uint32_t id, uint32_t length);

/* The device: fill in id and length `ahead` of the next used entry, without showing it. */
void ring_fill_used(struct ring *ring, unsigned ahead, uint32_t id, uint32_t length);

/* The device: the segments of the request `id`; their number. Fails the test for a malformed one. */
unsigned ring_walk(const struct ring *ring, int id, struct virtq_descriptor segments[RING_SEGMENTS_MAX]);

/* Whether the driver wants an interrupt for the very next used entry. EVENT_IDX. */
bool ring_interrupt_is_next(const struct ring *ring);

/* The two rings of the split format, and used_event and avail_event behind them. */
struct virtq_avail *ring_avail(const struct ring *ring);
struct virtq_used *ring_used(const struct ring *ring);
uint16_t *ring_used_event(const struct ring *ring);
uint16_t *ring_avail_event(const struct ring *ring);

/* A random number that is the same in every run. */
uint32_t ring_random(void);
