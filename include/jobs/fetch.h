/* SPDX-License-Identifier: MIT */
/* fetch.h - random bytes, fetched by a task of their own: who gives up waiting for it leaves the device its buffer. */
#pragma once

#include "entropy.h"
#include "event.h"
#include "executor.h"

struct fetch {
        struct future future;
        struct task task;
        struct entropy_future read;
        struct event done;
        uint8_t bytes[16];
};

/*
 * Ready when the bytes are there, or read.result says why not. Begins a fetch, or goes on with one that nobody waits for any
 * more; `fetch` was zeroed, and is kept for ever. Task context.
 */
struct wait_future fetch_entropy(struct fetch *fetch, struct executor *executor);
