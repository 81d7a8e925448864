/* SPDX-License-Identifier: MIT */
/*
 * races.h - tasks that wait for each other in every way there is, and an interrupt that gives them what
 * they wait for at any point; races.c.
 */
#pragma once

#include "testing.h"

struct race {
        const char *name;
        void (*start)(void);  /* spawn its tasks */
        bool (*event)(void);  /* in the interrupt: one thing more; false when that was the last */
        void (*check)(void);  /* at the end: nothing is lost, nothing twice */
        uint64_t points_min;  /* a run has at least so many points */
};

extern const struct race permits, permits_in_order, choice_of_permits, permit_withdrawn, permit_with_deadline, event_for_all,
        pulse_for_all, group_of_three, items_to_a_task, items_to_two_and_close, items_from_tasks, items_or_permits, items_with_deadline,
        mutex_and_spurious_wakes, permit_or_disk, disk_with_deadline, all_an_executor_does;

/* cmocka tests whose state is a race: the interrupt comes at each point, and at every two points, or every two close ones. */
void race_at_each_two_points(void **state);
void race_at_each_two_close_points(void **state);

/* A cmocka teardown: says in which run the test has failed. */
int race_explain(void **state);

/* Entries of a cmocka table, named after the race. */
#define EACH_TWO(race) { #race, race_at_each_two_points, NULL, race_explain, (void *)(uintptr_t)&(race) }
#define EACH_TWO_CLOSE(race) { #race, race_at_each_two_close_points, NULL, race_explain, (void *)(uintptr_t)&(race) }
