/* SPDX-License-Identifier: MIT */
/* sources: kernel/timer.c kernel/executor.c kernel/future.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host.h"
#include "timer.h"
static void t(void **state) { (void)state; }
int main(void){const struct CMUnitTest tests[]={cmocka_unit_test_setup(t, host_setup)};return cmocka_run_group_tests(tests,NULL,NULL);}
