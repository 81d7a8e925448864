/* SPDX-License-Identifier: MIT */
/* fake_rng.h - a virtio entropy device that answers when, and with what, a test says; fake_rng.c. */
#pragma once

#include "virtio.h"

struct fake_rng {
        struct virtio_device device;
        const struct virtq *queue; /* NULL: none has been set up since the last reset */
        uint32_t status;
        uint16_t taken, used; /* free-running */
        unsigned notifications, resets;
        uint32_t queue_max;
        uint64_t offered;
        bool never_resets;

        /* The request that it has, as fake_rng_take() found it. */
        uint8_t *buffer;
        uint32_t length;
        uint16_t head;
};

/* A device as new; the driver has yet to probe it. */
void fake_rng_make(struct fake_rng *rng, const char *node);

/* Take the next request that was published; false when there is none. A request that is no plain buffer fails the test. */
bool fake_rng_take(struct fake_rng *rng);

/* Put `bytes` bytes of `value` into the buffer of the request that it has. */
void fake_rng_fill(struct fake_rng *rng, uint8_t value, uint32_t bytes);

/* Put a used element of `id` and `length` into the ring, and show it. */
void fake_rng_use(struct fake_rng *rng, uint32_t id, uint32_t length);

/* All three: answer the next request well. Fails the test where there is none. */
void fake_rng_answer(struct fake_rng *rng, uint8_t value, uint32_t bytes);

/* The two interrupts, as its transport hands them on. Whether there were used buffers. */
bool fake_rng_interrupt(struct fake_rng *rng);
void fake_rng_configuration_interrupt(struct fake_rng *rng);
