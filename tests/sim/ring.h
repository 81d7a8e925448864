/* SPDX-License-Identifier: MIT */
/* ring.h - what the two formats of a ring have in common at the device's end; ring.c. */
#pragma once

#include "ram.h"
#include "virtqueue_ring.h"
#include "world.h"

/* An area of a ring as it is handed over: the driver's memory, aligned. */
void ring_adopt(struct queue *queue, uint64_t address, size_t bytes, size_t alignment);

/* Descriptor `index` of a table of `entries`, as the device sees it. */
const struct virtq_descriptor *ring_descriptor(const struct queue *queue, uint64_t table, unsigned entries, unsigned index);

/* A descriptor of a table may be one. */
void ring_check_indirect(struct queue *queue, struct request *request, const struct virtq_descriptor *descriptor, uint16_t flags);

void ring_add_segment(struct request *request, const struct virtq_descriptor *descriptor, uint16_t flags);

bool ring_has_event_idx(const struct queue *queue);

/* The driver has been told that `id` is done with, which it is not: how many places of the ring it had, or 1. */
uint16_t ring_forget(struct queue *queue, uint32_t id);

static inline void ram_store_now(const volatile void *place, uint64_t value, size_t size)
{
        ram_store(place, value, size, false);
}
