/* SPDX-License-Identifier: MIT */
/*
 * line_editor.h - a line typed at the console, as a future: backspace, Ctrl-U, Ctrl-C, and the lines
 * before it with the arrow keys or Ctrl-P and Ctrl-N.
 */
#pragma once

#include "console.h"
#include "future.h"

enum { LINE_MAX = 64, HISTORY_MAX = 8 }; /* so that a line with its prompt stays one line of any terminal */

struct line_editor {
        const char *prompt; /* at most 14 characters */
        char shown[80];     /* the prompt and what was typed */
        unsigned start, length; /* in `shown`: where the text begins, and its end */
        char history[HISTORY_MAX][LINE_MAX + 1];
        unsigned remembered, back; /* lines so far, and how many of them we have gone back */
        unsigned escape;           /* characters so far of a key that sends several */
};

struct line_future {
        struct future future;
        struct line_editor *editor;
        char key;
        struct wait_future typed;
        char *text; /* NUL-terminated, in the editor until the next line; NULL: Ctrl-D on an empty line */
};

/* The poll of the one below. Task context. */
enum poll line_poll(struct future *future, struct waker *waker);

/* Ready when a line is complete; Ctrl-C makes it an empty one. One at a time for an editor, which the caller keeps. Task context. */
static inline struct line_future line_read(struct line_editor *editor)
{
        struct line_future made = { .future.poll = line_poll, .editor = editor };

        return made;
}
