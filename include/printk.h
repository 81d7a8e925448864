/* SPDX-License-Identifier: MIT */
/*
 * printk.h - formatted lines to the console.
 *
 * Formats are printf's, but that a control character in a %s or %c is printed as '?': %d %i %u %x %X %c %s %p %%, l and
 * z, flags - and 0, width and precision, also as *. A call appears whole: an interrupt's line is never in the middle of
 * a task's.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/*
 * Format into `buffer` of `size` bytes, always ended with NUL when size > 0. Returns the length that
 * the whole text has, as snprintf() does. Any context.
 */
size_t format_text(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
size_t format_text_va(char *buffer, size_t size, const char *format, va_list arguments)
        __attribute__((format(printf, 3, 0)));

/* Print; a call of more than 255 characters is cut, with "..." at its end. Any context. */
void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print a line for people, `format` without its newline, when `level` is as urgent as log_limit() says. Any context. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print lines up to and including `level`; LOG_INFO at first. Any context. */
void log_limit(enum log_level level);

/* Whether lines of `level` are printed. Any context. */
bool log_shows(enum log_level level);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
