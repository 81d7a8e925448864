/* SPDX-License-Identifier: MIT */
/* entropy_readers.h - an entropy device that is up, and reads that are polled by hand; entropy_readers.c. */
#pragma once

#include "testing.h"

#include "entropy.h"
#include "fake_rng.h"

enum { READERS = 5, ROOM = 16 };

struct reader {
        struct waker waker;
        struct entropy_future read;
        uint8_t buffer[ROOM + 1]; /* one that is nobody's */
        unsigned wakes;
        uint32_t status_at_wake; /* the device's */
};

extern struct executor executor;
extern struct fake_rng rng;
extern struct reader readers[READERS];

/* A cmocka setup: the device is up, nobody reads. */
int readers_setup(void **state);

/* Make reader `number` anew, and poll it once; whether that was enough. All of them, and the batch is over. */
bool reader_start(unsigned number);
void readers_start(void);

/* Whether it is ready now. */
bool reader_poll(unsigned number);
bool reader_withdraw(unsigned number);

/* It must be ready, with `result`: that many bytes are `value`, and the others as they were. */
void reader_expect(unsigned number, int64_t result, uint8_t value);

/* The console must have this reason why the device is not used, and nothing else. */
void rng_expect_words(const char *why);

/* What its hook says. */
bool rng_may_wake(void);
