/* SPDX-License-Identifier: MIT */
/*
 * scenario.h - small programs of tasks over one or two model disks, and how to run one of them with
 * the devices acting at chosen points.
 */
#pragma once

#include "model.h"

struct scenario {
        const char *name;
        void (*start)(void); /* spawn its tasks */
        unsigned disks;
        bool small_pieces; /* the devices take one sector at once */
        bool busy; /* a task of it never rests: the devices go on by themselves, some points apart */
};

extern const struct scenario one_reader, reader_beside_a_yielding_task, call_that_waits_in_a_task, more_tasks_than_seats,
        respawn_after_a_wake_in_the_last_poll, two_disks, mixed_requests, request_handed_over, request_withdrawn,
        reader_beside_a_sleeper, disk_and_time_at_once,
        request_in_pieces, whole_request_cancelled, request_cancelled, request_cancelled_by_its_owner;

/* What the devices do at the planned points. Whatever is left, they do while the hart sleeps. */
enum run_mode {
        RUN_STEP,      /* go on, and interrupt */
        RUN_SPURIOUS,  /* an interrupt with nothing to do */
        RUN_LATE,      /* go on at the first point, decide about the interrupt at the second */
        RUN_STEPPED,   /* go on, and interrupt, `second` instructions after the first point */
};

extern const char *const scenario_modes[]; /* in words */

struct run {
        const struct scenario *scenario;
        struct model_options options;
        enum run_mode mode;
        uint64_t first, second; /* points; 0: none */
        uint64_t timeout;       /* ticks until a request is overdue; 0: never */
        unsigned losses;        /* so many interrupts of the first disk get lost */
        bool deaf;              /* the first disk does nothing until it is reset */
        bool errors_allowed;    /* requests may fail, but end all the same */
};

/* Devices that differ in features, order and number of completions, and seats. */
enum { DEVICE_KINDS = 32 };
struct model_options scenario_device(unsigned kind);

/* Results of the last run. */
struct outcome {
        uint64_t points;
        unsigned requests, failed; /* that the tasks made */
        int first_error;
};

extern struct outcome outcome;
extern struct model models[2];

/* Run it; whatever does not end as it must fails the test. The devices stay, for requests of the test's own. */
void scenario_run(const struct run *run);

/* A cmocka teardown: says in which run the test has failed. */
int scenario_explain(void **state);

/* A task has ended a request with this result. Context: tasks of a scenario. */
void scenario_note(int result);
void scenario_expect(bool condition, const char *what);
