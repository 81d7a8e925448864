/* SPDX-License-Identifier: MIT */
/* watchdog.h - names the task that keeps all others waiting, and finds out when all wait in vain. */
#pragma once

#include "executor.h"

/* Watch over `executor` from here on. After timer_init(), once. */
void watchdog_init(struct executor *executor);
