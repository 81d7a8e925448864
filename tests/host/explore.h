/* SPDX-License-Identifier: MIT */
/* explore.h - run a scenario with the devices acting at each of its points in turn. */
#pragma once

#include "testing.h"

#include "scenario.h"

/*
 * cmocka tests whose state is a scenario: the devices act at one point, at two, or between two points at
 * one instruction; the remark says how many runs it took.
 */
void explore_each_point(void **state);
void explore_each_two_points(void **state);
void explore_each_instruction(void **state);

/* Entries of a cmocka table, named after the scenario. */
#define EACH_POINT(scenario) \
        { #scenario, explore_each_point, NULL, scenario_explain, (void *)(uintptr_t)&(scenario) }
#define EACH_TWO_POINTS(scenario) \
        { #scenario "_twice", explore_each_two_points, NULL, scenario_explain, (void *)(uintptr_t)&(scenario) }
#define EACH_INSTRUCTION(scenario) \
        { #scenario, explore_each_instruction, NULL, scenario_explain, (void *)(uintptr_t)&(scenario) }
