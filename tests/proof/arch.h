/* SPDX-License-Identifier: MIT */
/* arch.h - the machine of a proof: one step after another, and nothing in between. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define shared_load(place) (*(place))
#define shared_store(place, value) (*(place) = (value))
#define shared_swap(place, value) swap(place, value)
#define device_load(place) (*(place))
#define device_store(place, value) (*(place) = (value))

#define ring_entry_before_index() ((void)0)
#define ring_index_before_event() ((void)0)
#define ring_index_before_element() ((void)0)

static inline uint32_t swap(uint32_t *place, uint32_t value)
{
        uint32_t former = *place;

        *place = value;
        return former;
}
