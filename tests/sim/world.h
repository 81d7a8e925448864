/* SPDX-License-Identifier: MIT */
/* world.h - what the simulator's parts know of each other. */
#pragma once

#include "device.h"
#include "host.h"
#include "sim.h"

enum { TIMEOUT_MS = 5000, TICKS_PER_MS = 1000 };

struct world {
        const struct sim_options *options;
        struct sim_counters *counters;
        struct device devices[DEVICES_MAX];
        unsigned device_count;
        bool live;          /* booted: things may go wrong */
        bool doubtful;      /* booting, and disk 0 may already err in what it says of itself */
        bool plic_of_qemu;  /* else the specification's */
        unsigned complaints; /* errors that this boot has printed */
        bool gone;          /* a disk has been given up: time to switch off and on */
        bool unreliable;    /* an interrupt can get lost: deadlines are needed */
        unsigned storm, storm_source; /* so many times more that line is high for nothing */
        bool asleep;        /* the hart is */
        bool packed;        /* the boot argument */
        bool weak;          /* ram.h */
        bool accounting;    /* the executor looks for mistakes in tasks */
        uint32_t pace;
        uint64_t timeout;   /* in milliseconds: a request's deadline; 0: none */
        uint64_t gap;       /* points until the outside world acts again */
        uint64_t power_at;  /* the point at which the power fails; 0: never */
};

extern struct world world;

static inline bool world_has(enum sim_fault fault) { return (world.options->faults >> fault & 1) != 0; }

/* Draw it. */
void world_make(void);

/* Its end, at once: host.failed. */
_Noreturn void world_failed(const char *why);

/* An acknowledgement that was written has arrived at its device. */
void world_acknowledge(void);

/* A buffer is its task's again: no device may have it. */
void world_check_taken_back(uint64_t loan);

/* Something came to its end: there is progress. */
void world_progress(void);

/* Disk 0 is one that may do anything; the others are honest. */
static inline bool world_is_liar(const struct device *device) { return device->number == 0; }

/* The interrupt controller: plic.c. */
void plic_power_on(void);
uint64_t plic_read(uintptr_t address, unsigned width);
void plic_write(uintptr_t address, unsigned width, uint64_t value);
enum { PLIC_AT = 0x0c000000, PLIC_BYTES = 0x4000000, PLIC_PHANDLE = 7, PLIC_NDEV = 8, PLIC_CONTEXT = 1 };

/* A device drives its line; `again`: it has one more reason for it to be high. */
void plic_line(unsigned source, bool high, bool again);

/* rest.c */
struct executor;
struct block_device;
void rest_check_sleep(const struct executor *executor);
void rest_check_idle(struct block_device *disk);

/* The tasks: workload.c. */
void workload_spawn(struct executor *executor);
bool workload_wants_more(void);
void workload_check_ended(void);
void workload_read_all(unsigned disk);
