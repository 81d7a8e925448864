/* SPDX-License-Identifier: MIT */
/* console.c - one character sink at a time, a line at the bottom that is being typed, and what was typed. */
#include "console.h"

#include <errno.h>

#include "arch.h"
#include "channel.h"
#include "event.h"
#include "sbi.h"

enum { CTRL_C = 3, TYPED_MAX = 256 };

static const struct console_device firmware = { .put = sbi_put_character };
static const struct console_device *device = &firmware;

void console_attach(const struct console_device *new_device) { device = new_device; }

/* Output --------------------------------------------------------------------------------------- */

static const char *line;
static size_t line_length, shown;
static bool in_a_line; /* what was printed last did not end with a newline */

static void put(const char *text, size_t length)
{
        while (length-- > 0)
                device->put(*text++);
}

/* Without control sequences: whatever is at the other end knows carriage return and blanks. */
static void hide_line(void)
{
        if (shown == 0)
                return;
        device->put('\r');
        for (; shown > 0; shown--)
                device->put(' ');
        device->put('\r');
}

static void show_line(void)
{
        if (in_a_line)
                return;
        put(line + shown, line_length - shown);
        shown = line_length;
}

void console_write(const char *text, size_t length)
{
        /* An interrupt that prints must not do so in the middle of a task's line. */
        bool enabled = interrupts_save();

        if (length > 0) {
                hide_line();
                put(text, length);
                in_a_line = text[length - 1] != '\n';
                show_line();
        }
        interrupts_restore(enabled);
}

/* One more or one less character, as it is typed, is not worth a whole line. */
void console_show_line(const char *text, size_t length)
{
        bool enabled = interrupts_save();

        if (text == line && shown > 0 && length + 1 == shown) {
                put("\b \b", 3);
                shown = length;
        } else if (text != line || shown == 0 || length != shown + 1) {
                hide_line();
        }
        line = text;
        line_length = length;
        show_line();
        interrupts_restore(enabled);
}

void console_end_line(void)
{
        bool enabled = interrupts_save();

        if (shown > 0)
                device->put('\n');
        shown = line_length = 0;
        interrupts_restore(enabled);
}

/* Input ---------------------------------------------------------------------------------------- */

static char typed_storage[TYPED_MAX];
static struct channel typed;
static struct event interrupted;
static bool full; /* shared */

static bool may_wake(struct batch_hook *hook)
{
        (void)hook;
        return typed.receivers.first || interrupted.waiters.first;
}

int console_listen(struct executor *executor)
{
        static struct batch_hook hook = { .may_wake = may_wake };

        if (!device->listen)
                return -ENODEV;
        channel_init(&typed, typed_storage, sizeof typed_storage[0], TYPED_MAX);
        event_init(&interrupted);
        executor_add_hook(executor, &hook);
        return device->listen();
}

bool console_has_room(void)
{
        full = typed.count == typed.capacity;
        return !full;
}

void console_received(char character)
{
        if (character == CTRL_C)
                event_set(&interrupted);
        channel_try_send(&typed, &character);
}

struct wait_future console_read(char *character)
{
        if (shared_load(&full))
                device->go_on(); /* once this future has taken one; if it is not the last, it is full again at once */
        return channel_receive(&typed, character);
}

struct wait_future console_interrupted(void) { return event_wait(&interrupted); }

void console_clear_interrupt(void) { event_clear(&interrupted); }
