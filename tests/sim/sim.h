/* SPDX-License-Identifier: MIT */
/*
 * sim.h - one simulated world: the kernel's executor, block layer, drivers and interrupts over model devices.
 *
 * sim_run() is all there is to call. It sets everything up anew, so that it may be called any number of times in a
 * process, and comes back also from a failed world; only a sanitizer, or a crash, ends the process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may go wrong, as a set of bits; sim_fault_name() has the words. All but the first five make of disk 0 a liar. */
enum sim_fault {
        SIM_CANCEL,     /* tasks give requests up: block_cancel(), with_timeout() */
        SIM_LOSS,       /* interrupts get lost */
        SIM_SPURIOUS,   /* interrupts about nothing, now and then a storm of them */
        SIM_POWER,      /* the power fails, and of what is not flushed any subset is lost */
        SIM_RESIZE,     /* the disk grows and shrinks; its configuration changes while it is read */
        SIM_ERRORS,     /* it fails requests, as it may */
        SIM_SLOW,       /* it answers after the deadline */
        SIM_DEAF,       /* it answers nothing any more */
        SIM_BREAK,      /* DEVICE_NEEDS_RESET */
        SIM_RESET,      /* its reset takes long, or does not end; it comes back as another one */
        SIM_LIE_USED,   /* used ids, lengths, indices, descriptor flags */
        SIM_LIE_WISH,   /* used.flags, avail_event, event suppression */
        SIM_LIE_STATUS, /* the status byte of a request */
        SIM_LIE_REGISTER, /* Status, InterruptStatus, the configuration, its generation */
        SIM_FAULTS,
};

/* What was injected, met and checked. */
#define SIM_COUNTERS(X)                                                                            \
        X(operations) X(errors) X(boots) X(completions) X(resets) X(retired) X(refused) X(lost) X(spurious)   \
        X(cancels) X(timeouts) X(timed_out) X(lies) X(breaks) X(late) X(resizes) X(power_cuts) X(unflushed)     \
        X(durable) X(flushes) X(sectors_checked) X(points) X(wrapped)

struct sim_counters {
#define SIM_COUNTER(name) uint64_t name;
        SIM_COUNTERS(SIM_COUNTER)
#undef SIM_COUNTER
};

struct sim_options {
        uint64_t seed;
        const uint8_t *bytes; /* the source of all choices, where it is not NULL */
        size_t size;
        uint32_t operations;  /* that the tasks begin, in all */
        uint32_t faults;      /* 1 << enum sim_fault */
        const char *world;    /* "split", "legacy" or "packed"; NULL: any of them */
};

struct sim_report {
        bool failed;
        char words[256];  /* what is wrong */
        uint64_t hash;    /* over everything that happened; the same for the same options */
        struct sim_counters counters;
};

/* Whether the world came to its end without a failure; `report` says the rest. */
bool sim_run(const struct sim_options *options, struct sim_report *report);

/* Print the last events of the world that was run last. */
void sim_print_log(void);

const char *sim_fault_name(enum sim_fault fault);
