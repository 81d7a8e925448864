/* SPDX-License-Identifier: MIT */
/*
 * accesses.c - makes a point of every access to memory.
 *
 * With `build: accesses` the suite compiles the kernel's sources as for a kernel's address sanitizer,
 * which has a call before each load and store. Here those calls are no check but an instant at which
 * an interrupt can come, also between two plain accesses that arch.h knows nothing of.
 */
#include <stddef.h>

#include "host.h"

#define POINT(name, ...)                                                                           \
        void name(__VA_ARGS__);                                                                    \
        void name(__VA_ARGS__) { host_point(); }

/* The compilers' names; a parameter that nobody looks at needs none in a prototype alone. */
#define LOAD_AND_STORE(size)                                                                       \
        POINT(__asan_load##size##_noabort, const void *place __attribute__((unused)))              \
        POINT(__asan_store##size##_noabort, void *place __attribute__((unused)))

LOAD_AND_STORE(1)
LOAD_AND_STORE(2)
LOAD_AND_STORE(4)
LOAD_AND_STORE(8)
LOAD_AND_STORE(16)
POINT(__asan_loadN_noabort, const void *place __attribute__((unused)), size_t size __attribute__((unused)))
POINT(__asan_storeN_noabort, void *place __attribute__((unused)), size_t size __attribute__((unused)))

void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {}
