/* SPDX-License-Identifier: MIT */
/* scenario_tasks.h - the tasks that scenarios are made of; scenario_tasks.c. */
#pragma once

#include "executor.h"

/* Forget the last run's tasks; the next ones are spawned on `executor`. */
void tasks_begin(struct executor *executor);

/* Every task that was spawned must have ended as it should; else the test fails. */
void tasks_check(void);
