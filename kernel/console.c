/* SPDX-License-Identifier: MIT */
/* console.c - one character sink at a time. */
#include "console.h"

#include "arch.h"
#include "sbi.h"

static void (*put_character)(char character) = sbi_put_character;

void console_write(const char *text, size_t length)
{
        /* An interrupt that prints must not do so in the middle of a task's line. */
        bool enabled = interrupts_save();

        while (length-- > 0)
                put_character(*text++);
        interrupts_restore(enabled);
}

void console_attach(void (*put)(char character)) { put_character = put; }
