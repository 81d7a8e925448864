/* SPDX-License-Identifier: MIT */
/*
 * races.h - tasks that wait for each other in every way there is, and an interrupt that gives them what
 * they wait for at any point; races_*.c.
 */
#pragma once

#include "race.h"

extern const struct race permits, permits_in_order, choice_of_permits, permit_withdrawn, permit_with_deadline, event_for_all,
        pulse_for_all, group_of_three, items_to_a_task, items_to_two_and_close, items_from_tasks, items_or_permits,
        items_with_deadline, mutex_and_spurious_wakes, permit_or_disk, disk_with_deadline, all_an_executor_does;

/* Entries of a cmocka table, named after the race. */
#define EACH_TWO(race) { #race, race_at_each_two_points, NULL, race_explain, (void *)(uintptr_t)&(race) }
#define EACH_TWO_CLOSE(race) { #race, race_at_each_two_close_points, NULL, race_explain, (void *)(uintptr_t)&(race) }
