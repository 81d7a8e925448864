/* SPDX-License-Identifier: MIT */
/* power.h - the end of a run. */
#pragma once

#include <stdint.h>

/* docs/contract.md's exit codes. */
enum exit_code { EXIT_PASS, EXIT_MISMATCH, EXIT_REQUEST, EXIT_DEVICE, EXIT_INPUT, EXIT_PANIC };

/* End runs through `finish` from now on: it ends the machine with an exit code. At boot; the finisher's driver. */
void power_set_finisher(void (*finish)(unsigned code));

/*
 * Print the exit line and end the machine: through the finisher, else the firmware (whose status is
 * always 0), else asleep for ever. Any context.
 */
_Noreturn void power_exit(enum exit_code code);
