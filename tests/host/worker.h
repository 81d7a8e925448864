/* SPDX-License-Identifier: MIT */
/* worker.h - the tasks that scenarios are made of; worker.c. */
#pragma once

#include "block.h"
#include "coro.h"
#include "timer.h"

/* A request between a task and the block layer: it sees that each is completed exactly once. */
struct watched {
        struct future future;
        struct waker waker, *parent;
        struct block_future io;
        unsigned wakes;
};

struct watched watched(struct block_future io);

struct worker {
        struct future future;
        struct task task;
        struct watched io, other_io;
        struct timer_future timer;
        struct yield_future yield;
        struct block_cancel_future cancel;
        struct block_device *disk;
        uint64_t sector;
        unsigned rounds, ended, rounds_to_live;
        bool whole;     /* what is cancelled is not in pieces */
        bool untouched; /* its buffers are as worker_poison() left them, to the end of the run */
        _Alignas(BLOCK_BUFFER_ALIGN) uint8_t buffer[SECTOR_SIZE], other_buffer[2 * SECTOR_SIZE];
        struct block_segment segments[2];
};

/* In the order they were started, and how many of them have come to their end. */
enum { WORKERS = 6 };
extern struct worker workers[WORKERS];
extern unsigned worker_count, workers_ended;

typedef enum poll poll_function(struct future *future, struct waker *waker);

/* Forget the last run's workers; the next ones are spawned on `executor`. */
void workers_begin(struct executor *executor);

/* A new worker that uses disk `disk`, and has three sectors of it to itself. */
struct worker *worker_start(poll_function *poll, unsigned disk);

/* Spawn the worker's task, again perhaps, with `poll` as its future. */
void worker_spawn(struct worker *worker, poll_function *poll);

/* Each worker comes to its end once. */
void worker_end(struct worker *worker);

/* A request of the worker's has ended; a read must have found the `version`-th contents of its sector. */
void worker_check_read(const struct worker *worker, int result, unsigned version);

/* Every worker must have ended as it should; else the test fails. */
void workers_check(void);

/* What the worker's buffer holds before a read. */
void worker_poison(struct worker *worker);
