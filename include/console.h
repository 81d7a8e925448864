/* SPDX-License-Identifier: MIT */
/*
 * console.h - where printed text goes, the firmware's console until a UART is found, and where typed text
 * comes from.
 *
 * A line that is being typed stands below everything that is printed: it is taken away before each
 * output, and comes back after it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "executor.h"
#include "wait_queue.h"

/* What a UART's driver does. */
struct console_device {
        void (*put)(char character);
        /* Have console_received() called from an interrupt for what is typed: 0, or a negative errno. */
        int (*listen)(void);
        /* There is room again, after console_has_room() has said that there was none. Task context. */
        void (*go_on)(void);
};

/* Print `length` bytes, whole and unmixed with any other call's. Any context. */
void console_write(const char *text, size_t length);

/* Speak through `device`, kept for ever, from now on. At boot. */
void console_attach(const struct console_device *device);

/* Begin to take what is typed, on behalf of `executor`'s tasks: 0, or -ENODEV where nothing can be typed. Once. Task context. */
int console_listen(struct executor *executor);

/*
 * Whether there is room for one more character. If not, the driver leaves it where it is, and takes no
 * interrupt for it until go_on(). Interrupt context.
 */
bool console_has_room(void);

/* `character` was typed, and there was room. Interrupt context. */
void console_received(char character);

/*
 * Ready when the next character typed is in `character`. While 256 are unread the UART holds the next ones, a Ctrl-C
 * among them. Task context.
 */
struct wait_future console_read(char *character);

/* Ready when Ctrl-C has been typed since console_clear_interrupt(). It is read as a character as well. Task context. */
struct wait_future console_interrupted(void);
void console_clear_interrupt(void);

/* Show `length` bytes of `text`, kept by the caller, as the line that is being typed; nothing when 0. Task context. */
void console_show_line(const char *text, size_t length);

/* The line is complete: it stays where it is, and what is printed comes after it. Any context. */
void console_end_line(void);
