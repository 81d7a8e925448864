/* SPDX-License-Identifier: MIT */
/* fake_disk.h - a block driver without a device: a test says what becomes of each request, and when. */
#pragma once

#include "block.h"

enum { FAKE_SEATS_MAX = 8, FAKE_SENT_MAX = 256 };

struct fake_disk {
        struct block_device block;
        unsigned seats;           /* how many requests it takes at once */
        int submit_error;         /* what submit returns instead of taking a request, unless 0 */
        bool completes_in_submit; /* with `result` */
        int result;
        struct block_future *seated[FAKE_SEATS_MAX]; /* in the order they came; `count` of them */
        unsigned count;
        unsigned published; /* of those: the device knows them */
        uint64_t sent[FAKE_SENT_MAX]; /* sectors of all requests that came, `submits` of them */
        unsigned submits, publishes;
};

/* A disk of `seats` seats and 1000 sectors, registered. */
void fake_disk_add(struct fake_disk *disk, unsigned seats);

/* End the request that is `index`-th among those seated. */
void fake_disk_complete(struct fake_disk *disk, unsigned index, int result);

/* Fails the test where the hart may not sleep: something was not published, or a request waits beside a free seat. */
void fake_disk_check_sleep(const struct fake_disk *disk);
