/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/jobs/line_editor.c kernel/console.c kernel/channel.c kernel/event.c kernel/wait_queue.c
 *          kernel/executor.c kernel/future.c kernel/printk.c tests/fuzz/fuzz.c
 */
/* options: -max_len=512 */
/*
 * fuzz_line.c - the input is what is typed, and when something is printed meanwhile. A terminal that knows carriage return,
 * backspace and newline looks on: it must show what the editor believes to be the line, no more and no less.
 *
 * A byte is a key, but PRINT, text: printed by somebody else; and BURST, count: so many keys come before anybody reads one.
 */
#include <stdio.h>
#include <string.h>

#include "coro.h"
#include "executor.h"
#include "fuzz.h"
#include "jobs/line_editor.h"

enum { PRINT = 0xfe, BURST = 0xff, CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_N = 14, CTRL_P = 16, CTRL_U = 21, ESCAPE = 27, DELETE = 127, WIDTH = 79,
       PAST_MAX = 600, DUE_MAX = 1024 };

static const char prompt[] = "squall> ";

/* The terminal -------------------------------------------------------------------------------- */

static char row[512], ended_row[sizeof row]; /* the lowest line; the one above it */
static size_t column, row_length;
static char printed[sizeof row]; /* what was printed and has no end yet: the line that is typed waits for that */
static size_t printed_length;

static void put(char character)
{
        fuzz_expect((character >= ' ' && character <= '~') || strchr("\r\b\n", character), "0x%02x goes to the terminal",
                    (unsigned char)character);
        switch (character) {
        case '\r': column = 0; return;
        case '\b':
                fuzz_expect(column > 0, "a step back out of the line");
                column--;
                return;
        case '\n':
                memcpy(ended_row, row, sizeof row);
                memset(row, '\0', sizeof row);
                column = row_length = printed_length = 0;
                return;
        default: break;
        }
        fuzz_expect(column < sizeof row - 1, "a line without an end");
        row[column++] = character;
        row_length = column > row_length ? column : row_length;
}

static bool went_on;

static void go_on(void) { went_on = true; }

static int listen(void) { return 0; }

static const struct console_device terminal = { .put = put, .listen = listen, .go_on = go_on };

/* A row is what it looks like: blanks at its end are none. */
static bool reads(const char *at, const char *text, size_t length)
{
        size_t shown = strlen(at);

        while (shown > 0 && at[shown - 1] == ' ')
                shown--;
        while (length > 0 && text[length - 1] == ' ')
                length--;
        return shown == length && memcmp(at, text, length) == 0;
}

/* The editor ---------------------------------------------------------------------------------- */

static struct line_editor editor;
static struct line_future line;
static bool woken;

static void wake(struct waker *waker)
{
        (void)waker;
        woken = true;
}

static struct waker waker = { .wake = wake };

/* What must have become of the keys so far, by another reckoning. */
static char wanted[LINE_MAX + 1];
static char past[PAST_MAX][LINE_MAX + 1]; /* the lines so far, but for empty ones, and a second one of the same */
static unsigned past_count, back;         /* back: how many of them */
static unsigned escape;                   /* characters so far of a key that sends several */
static struct {
        char text[LINE_MAX + 1];
        bool is_end;                      /* Ctrl-D: no line, but the end of all */
} due[DUE_MAX];
static unsigned due_count, due_seen;

static void end_line(bool is_end)
{
        fuzz_expect(due_count < DUE_MAX && past_count < PAST_MAX, "the reference is full");
        due[due_count].is_end = is_end;
        strcpy(due[due_count++].text, wanted);
        if (wanted[0] != '\0' && (past_count == 0 || strcmp(past[past_count - 1], wanted) != 0))
                strcpy(past[past_count++], wanted);
        wanted[0] = '\0';
        back = escape = 0;
}

static void recall(int step)
{
        unsigned most = past_count < HISTORY_MAX ? past_count : HISTORY_MAX;

        if ((step > 0 && back == most) || (step < 0 && back == 0))
                return;
        back += (unsigned)step;
        strcpy(wanted, back == 0 ? "" : past[past_count - back]);
}

/* Whether the key is part of one that sends several. */
static bool take_escape(uint8_t key)
{
        bool is_part = escape > 0 || key == ESCAPE;

        if (escape == 2 && (key == 'A' || key == 'B'))
                recall(key == 'A' ? 1 : -1);
        if (key == ESCAPE)
                escape = 1;
        else if (escape == 1)
                escape = key == '[' || key == 'O' ? 2 : 0;
        else if (key >= '@')
                escape = 0;
        return is_part;
}

static void take_key(uint8_t key)
{
        size_t length = strlen(wanted);

        if (key == CTRL_C)
                wanted[0] = '\0';
        if (key == '\r' || key == '\n' || key == CTRL_C || (key == CTRL_D && length == 0)) {
                end_line(key == CTRL_D);
        } else if (take_escape(key)) {
                ;
        } else if (key == CTRL_P || key == CTRL_N) {
                recall(key == CTRL_P ? 1 : -1);
        } else if (key == CTRL_U) {
                wanted[0] = '\0';
        } else if ((key == BACKSPACE || key == DELETE) && length > 0) {
                wanted[length - 1] = '\0';
        } else if (key >= ' ' && key <= '~' && length < LINE_MAX) {
                wanted[length] = (char)key;
                wanted[length + 1] = '\0';
        }
}

static void check_screen(void)
{
        const char *text = editor.shown + editor.start;
        unsigned length = editor.length - editor.start;

        fuzz_expect(editor.start == strlen(prompt) && length == strlen(wanted) && memcmp(text, wanted, length) == 0,
                    "the line is \"%.*s\" where \"%s\" was typed", (int)length, text, wanted);
        if (printed_length > 0) {
                fuzz_expect(reads(row, printed, printed_length), "\"%s\" where \"%.*s\" was printed", row, (int)printed_length, printed);
                return;
        }
        fuzz_expect(reads(row, editor.shown, editor.length), "\"%s\" where the line is \"%.*s\"", row, (int)editor.length,
                    editor.shown);
        fuzz_expect(column == editor.length && row_length <= WIDTH, "the cursor is in column %zu of \"%s\"", column, row);
}

/* A line is complete, and stands above. */
static void check_line(void)
{
        char shown[sizeof editor.shown + 1];
        unsigned number = due_seen++;

        fuzz_expect(number < due_count, "a line that nobody has typed");
        fuzz_expect(due[number].is_end == !line.text, "Ctrl-D is a line, or a line is the end");
        if (!line.text)
                return;
        fuzz_expect(strcmp(line.text, due[number].text) == 0, "\"%s\" where \"%s\" was typed", line.text, due[number].text);
        snprintf(shown, sizeof shown, "%s%s", prompt, line.text);
        if (printed_length == 0 && *line.text)
                fuzz_expect(reads(ended_row, shown, strlen(shown)), "\"%s\" is left of \"%s\"", ended_row, shown);
}

static void read_keys(void)
{
        while (line_poll(&line.future, &waker) == POLL_READY) {
                check_line();
                line = line_read(&editor);
        }
        woken = false;
        fuzz_expect(due_seen == due_count, "a line is missing");
        check_screen();
}

static void press(uint8_t key)
{
        if (!console_has_room()) { /* the UART keeps it meanwhile */
                went_on = false;
                read_keys();
                fuzz_expect(went_on && console_has_room(), "nobody tells the UART to go on");
        }
        console_received((char)key);
        fuzz_expect(woken, "a key, and nobody is woken");
        take_key(key);
}

static void print_beside(uint8_t what)
{
        char words[8] = "abcdefg";
        size_t length = what & 7;

        if ((what & 8) != 0 || printed_length > sizeof printed - 16)
                words[length++] = '\n';
        memcpy(printed + printed_length, words, length);
        printed_length += length;
        console_write(words, length);
        check_screen();
}

static void begin(void)
{
        static struct executor executor;
        static bool listening;

        host_reset();
        executor_init(&executor);
        console_attach(&terminal);
        if (!listening)
                console_listen(&executor);
        listening = true;
        console_clear_interrupt();
        memset(&editor, 0, sizeof editor);
        editor.prompt = prompt;
        printed_length = 0;
        wanted[0] = '\0';
        past_count = back = escape = due_count = due_seen = 0;
        line = line_read(&editor);
        read_keys();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct fuzz_input input = { data, size };
        unsigned burst = 0;

        begin();
        while (input.size > 0) {
                uint8_t byte = (uint8_t)fuzz_take(&input, 1);

                if (byte == PRINT && burst == 0) {
                        read_keys();
                        print_beside((uint8_t)fuzz_take(&input, 1));
                } else if (byte == BURST && burst == 0) {
                        burst = 2 * (unsigned)fuzz_take(&input, 1);
                } else {
                        press(byte);
                        if (burst == 0 || --burst == 0)
                                read_keys();
                }
        }
        read_keys();
        print_beside(8);
        press('\n'); /* and leave nothing on the screen for the next input */
        press(CTRL_D);
        while (due_seen < due_count && line_poll(&line.future, &waker) == POLL_READY) {
                check_line();
                if (due_seen < due_count)
                        line = line_read(&editor);
        }
        fuzz_expect(due_seen == due_count, "a line is missing at the end");
        console_write("\n", 1);
        fuzz_taken();
        return 0;
}
