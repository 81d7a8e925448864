/* SPDX-License-Identifier: MIT */
/* testing.h - what every host test begins with: cmocka, and what cmocka wants before it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

/* A test that begins on a machine as new. */
#define TEST(function) cmocka_unit_test_setup(function, host_setup)
