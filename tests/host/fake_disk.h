/* SPDX-License-Identifier: MIT */
/* fake_disk.h - a block driver without a device: a test says what becomes of each piece of a request, and when. */
#pragma once

#include "block_driver.h"

enum { FAKE_SEATS_MAX = 16, FAKE_SENT_MAX = 256, FAKE_SEGMENTS_MAX = 4 };

struct fake_piece {
        struct block_future *request;
        uint64_t sector;
        uint32_t sectors, count;
        struct block_segment segments[FAKE_SEGMENTS_MAX];
};

struct fake_disk {
        struct block_device block;
        unsigned seats;           /* how many pieces it takes at once */
        int submit_error;         /* what submit returns instead of taking a piece, unless 0 */
        unsigned submits_well;    /* so many it takes before that */
        struct fake_piece seated[FAKE_SEATS_MAX]; /* in the order they came; `count` of them */
        unsigned count;
        unsigned published; /* of those: the device knows them */
        unsigned silent;    /* of those, from the first on: the device is done, and its interrupt was lost */
        uint64_t sent[FAKE_SENT_MAX]; /* sectors of all pieces that came, `submits` of them */
        unsigned submits, publishes, looks;
        int stop_error, start_error; /* what these return */
        unsigned stops, starts;
        void (*attend)(struct fake_disk *disk);
};

/* A disk of `seats` seats and 1000 sectors, registered; it takes 64 sectors in one segment at once. */
void fake_disk_add(struct fake_disk *disk, unsigned seats);

/* How much it takes in a piece. */
void fake_disk_limit(struct fake_disk *disk, uint32_t segments, uint32_t sectors_each);

/* From now on, while the hart sleeps, the disk ends one published piece after the other, each with `result`. */
void fake_disk_serve(struct fake_disk *disk, int result);

/* End the piece that is `index`-th among those seated. */
void fake_disk_complete(struct fake_disk *disk, unsigned index, int result);

/* Fails the test where the hart may not sleep: something was not published, or a request waits beside a free seat. */
void fake_disk_check_sleep(const struct fake_disk *disk);
