/* SPDX-License-Identifier: MIT */
/* string.h - of the C standard's, what the kernel and libfdt use; kernel/string.c. Any context. */
#pragma once

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t length);
void *memmove(void *destination, const void *source, size_t length);
void *memset(void *destination, int byte, size_t length);
int memcmp(const void *left, const void *right, size_t length);
void *memchr(const void *memory, int byte, size_t length);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t limit);
size_t strcspn(const char *text, const char *reject);
char *strchr(const char *text, int character);
char *strrchr(const char *text, int character);
