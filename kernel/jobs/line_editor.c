/* SPDX-License-Identifier: MIT */
/* line_editor.c - keys become a line. */
#include "jobs/line_editor.h"

#include <string.h>

#include "coro.h"
#include "util.h"

enum key { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, NEWLINE = 10, RETURN = 13, CTRL_N = 14, CTRL_P = 16, CTRL_U = 21,
           ESCAPE = 27, DELETE = 127 };

static void show(struct line_editor *editor) { console_show_line(editor->shown, editor->length); }

static void set_text(struct line_editor *editor, const char *text)
{
        size_t length = strlen(text);

        memcpy(editor->shown + editor->start, text, length);
        console_show_line("", 0);
        editor->length = editor->start + (unsigned)length;
        show(editor);
}

static void begin(struct line_editor *editor)
{
        editor->start = (unsigned)strlen(editor->prompt);
        memcpy(editor->shown, editor->prompt, editor->start);
        editor->back = editor->escape = 0;
        set_text(editor, "");
}

static const char *remembered(const struct line_editor *editor, unsigned back)
{
        return editor->history[(editor->remembered - back) % HISTORY_MAX];
}

/* `step` lines further back, or forth again; beyond the last is an empty one. */
static void recall(struct line_editor *editor, int step)
{
        unsigned back = editor->back + (unsigned)step;

        if (back > editor->remembered || back > HISTORY_MAX) /* also below 0 */
                return;
        editor->back = back;
        set_text(editor, back == 0 ? "" : remembered(editor, back));
}

static void remember(struct line_editor *editor, const char *text)
{
        if (*text == '\0' || (editor->remembered > 0 && strcmp(text, remembered(editor, 1)) == 0))
                return;
        memcpy(editor->history[editor->remembered++ % HISTORY_MAX], text, strlen(text) + 1);
}

static char *end(struct line_editor *editor)
{
        char *text = editor->shown + editor->start;

        editor->shown[editor->length] = '\0';
        console_end_line();
        remember(editor, text);
        return text;
}

static void insert(struct line_editor *editor, char key)
{
        if (key < ' ' || key > '~' || editor->length == editor->start + LINE_MAX)
                return;
        editor->shown[editor->length++] = key;
        show(editor);
}

static void erase(struct line_editor *editor)
{
        if (editor->length == editor->start)
                return;
        editor->length--;
        show(editor);
}

/* A cursor key sends an escape, a bracket or an O, and a letter. True while it is not over. */
static bool escape(struct line_editor *editor, char key)
{
        bool in_a_key = editor->escape > 0 || key == ESCAPE;

        if (editor->escape == 2 && key == 'A')
                recall(editor, 1);
        if (editor->escape == 2 && key == 'B')
                recall(editor, -1);
        if (key == ESCAPE)
                editor->escape = 1;
        else if (editor->escape == 1 && (key == '[' || key == 'O'))
                editor->escape = 2;
        else if (editor->escape != 2 || key >= '@')
                editor->escape = 0;
        return in_a_key;
}

static void edit(struct line_editor *editor, char key)
{
        if (escape(editor, key))
                return;
        switch (key) {
        case BACKSPACE: case DELETE: erase(editor); break;
        case CTRL_U: set_text(editor, ""); break;
        case CTRL_P: recall(editor, 1); break;
        case CTRL_N: recall(editor, -1); break;
        default: insert(editor, key);
        }
}

enum poll line_poll(struct future *future, struct waker *waker)
{
        struct line_future *self = container_of(future, struct line_future, future);

        CORO_BEGIN(self, waker);
        begin(self->editor);
        for (;;) {
                AWAIT(self->typed, console_read(&self->key));
                if (self->key == RETURN || self->key == NEWLINE) {
                        self->text = end(self->editor);
                        CORO_RETURN();
                }
                if (self->key == CTRL_C) {
                        console_clear_interrupt();
                        console_end_line();
                        console_write("^C\n", 3);
                        self->editor->length = self->editor->start;
                        self->text = end(self->editor);
                        CORO_RETURN();
                }
                if (self->key == CTRL_D && self->editor->length == self->editor->start) {
                        console_end_line();
                        CORO_RETURN();
                }
                edit(self->editor, self->key);
        }
        CORO_END();
}
