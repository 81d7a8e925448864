/* SPDX-License-Identifier: MIT */
/* console.h - where printed text goes: the firmware's console until a UART is found, then that. */
#pragma once

#include <stddef.h>

/* Print `length` bytes, whole and unmixed with any other call's. Any context. */
void console_write(const char *text, size_t length);

/* Print through `put`, which a UART's driver owns, from now on. At boot. */
void console_attach(void (*put)(char character));
