/* SPDX-License-Identifier: MIT */
/*
 * traffic.h - the requests that rw= asks for, and the tasks that make them: what bench and rw have in
 * common. Each is of bs bytes, at a multiple of that from the start of the span: so two overlap only when
 * they begin at the same sector. What is left over at the end of the span gets none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block.h"
#include "executor.h"
#include "jobs/jobs.h"

/* One of the tasks; it has one request at a time. */
struct worker {
        struct future future;
        struct task task;
        struct block_future io;
        void *buffer;
        uint64_t sector;    /* of its request */
        uint64_t seq;       /* of the write that is under way; 0: none is */
        uint64_t submitted; /* ticks of the timer: bench's */
        uint64_t durable;   /* what its flush will make so */
        struct worker *next;

        /* rw's own. */
        struct worker *behind; /* waits for this one, for it wants the same sectors */
        bool waiting, writing;
};

struct traffic {
        struct block_device *disk;
        struct span span;
        uint64_t sectors;  /* of a request: less than 2^32 */
        bool random;       /* places; else in order, and again from the start */
        bool writes;       /* all of them */
        bool mixed;        /* half of them */
        uint64_t places;   /* that the span has room for */
        uint64_t left;     /* requests that are not begun */
        uint64_t next;     /* place, when they are in order */
        uint64_t dice;
        uint64_t seq;      /* of the last write that was begun */
        uint64_t completed, first_failed; /* writes that ended well; the seq from which on nothing is called durable */
        bool failed;       /* any: only the first is told */
        bool uncounted_failed; /* one that the result line does not count: a flush */
        struct worker *workers;
};

/*
 * Fill in `traffic` from the boot arguments, for `disk`, and make iodepth workers. 0, or -EINVAL after
 * saying what is wrong, which may be too little memory. Outside of any task.
 */
int traffic_init(struct traffic *traffic, struct block_device *disk);

/* Run all workers, with `poll` as their coroutine, until they have finished: executor_run_until_idle()'s 0 or error. Outside of any task. */
int traffic_run(struct traffic *traffic, struct executor *executor, enum poll (*poll)(struct future *, struct waker *));

/*
 * A number that is as good as random, at the cost of a multiplication: a multiplicative generator modulo 2^64 (L'Ecuyer,
 * Tables of Linear Congruential Generators, 1999), which began with an odd number. Only its upper bits are worth
 * something. Task context.
 */
static inline uint64_t traffic_throw(struct traffic *traffic)
{
        traffic->dice *= UINT64_C(1181783497276652981);
        return traffic->dice;
}

/* Whether there is another request; the caller's, then. Task context. */
static inline bool traffic_begin(struct traffic *traffic)
{
        return traffic->left != 0 && (traffic->left--, true);
}

/* Whether the next request is a write. Task context. */
static inline bool traffic_draws_write(struct traffic *traffic)
{
        return traffic->mixed ? traffic_throw(traffic) >> 63 != 0 : traffic->writes;
}

/* The first sector of the next request. Task context. */
static inline uint64_t traffic_draw(struct traffic *traffic)
{
        uint64_t place;

        if (traffic->random) { /* as many of all numbers for each place, without a division */
                place = (uint64_t)((unsigned __int128)traffic_throw(traffic) * traffic->places >> 64);
        } else {
                place = traffic->next;
                traffic->next = place + 1 == traffic->places ? 0 : place + 1;
        }
        return traffic->span.first + place * traffic->sectors;
}

/* Number a write to `worker`'s sector, and make its records. Task context, right before it is submitted. */
void traffic_begin_write(struct traffic *traffic, struct worker *worker);

/* Take note of how the write ended; true when it is time for a flush, and then `durable` is set. Task context. */
bool traffic_end_write(struct traffic *traffic, struct worker *worker);

/* Tell of a request that did not end well. Task context. */
void traffic_failed(struct traffic *traffic, const struct worker *worker);

/* Say what the flush in `worker`'s io has made durable. Task context. */
void traffic_end_flush(struct traffic *traffic, struct worker *worker);

/* The exit code after a run that `tally` counted, with the result line. Task context. */
enum exit_code traffic_report(const struct traffic *traffic, const struct tally *tally);
