/* SPDX-License-Identifier: MIT */
/* sources: kernel/printk.c */
/* test_printk.c - formats, against the host's printf, and lines on the console. */
#include <limits.h>
#include <stdlib.h>

#include "console.h"
#include "printk.h"
#include "testing.h"
#include "util.h"

/* Formats are made here; that both sides get the same arguments is what the test sees to. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

enum { TEXT_MAX = 400 };

static void check_truncated(const char *format, const char *expected, size_t length, size_t size, va_list values)
{
        char buffer[TEXT_MAX + 1];
        size_t kept = size == 0 ? 0 : length < size ? length : size - 1;
        va_list copy;

        memset(buffer, '#', sizeof buffer);
        va_copy(copy, values);
        if (format_text_va(size ? buffer : NULL, size, format, copy) != length)
                fail_msg("\"%s\": the length with room for %zu is not %zu", format, size, length);
        va_end(copy);
        if (memcmp(buffer, expected, kept) != 0)
                fail_msg("\"%s\" is \"%.*s\", not \"%s\"", format, (int)kept, buffer, expected);
        if (size > 0 && buffer[kept] != '\0')
                fail_msg("\"%s\": no NUL behind %zu", format, kept);
        for (size_t i = kept + (size > 0); i < sizeof buffer; i++)
                if (buffer[i] != '#')
                        fail_msg("\"%s\" with room for %zu: byte %zu was written", format, size, i);
}

/* Whatever room there is, the text and its length are the host's; every few formats, with every room. */
static void compare(const char *format, ...)
{
        static unsigned count;
        char expected[TEXT_MAX];
        va_list values, copy;
        int length;

        va_start(values, format);
        va_copy(copy, values);
        length = vsnprintf(expected, sizeof expected, format, copy);
        va_end(copy);
        assert_in_range(length, 0, sizeof expected - 1);
        check_truncated(format, expected, (size_t)length, sizeof expected, values);
        for (size_t size = 0; count % 37 == 0 && size <= (size_t)length + 2; size++)
                check_truncated(format, expected, (size_t)length, size, values);
        count++;
        va_end(values);
}

static const char *const flags[] = { "", "-", "0", "-0", "0-" }, *const widths[] = { "", "1", "7", "12", "64" },
                         *const precisions[] = { "", ".", ".0", ".1", ".9", ".40" };

static const int64_t numbers[] = { 0, 1, -1, 7, 9, 10, 11, 99, 100, -100, 255, 256, 4096, 65535, 12345678, -12345678,
                                   INT_MAX, INT_MIN, UINT_MAX, INT64_C(1) << 32, LONG_MAX, LONG_MIN, LONG_MIN + 1,
                                   0x0123456789abcdef, -0x0123456789abcdef };

static void every_number(const char *conversions, const char *size)
{
        for (const char *c = conversions; *c; c++)
                for (unsigned f = 0; f < ARRAY_SIZE(flags); f++)
                        for (unsigned w = 0; w < ARRAY_SIZE(widths); w++)
                                for (unsigned p = 0; p < ARRAY_SIZE(precisions); p++)
                                        for (unsigned n = 0; n < ARRAY_SIZE(numbers); n++) {
                                                char format[32];

                                                snprintf(format, sizeof format, "<%%%s%s%s%s%c>", flags[f], widths[w],
                                                         precisions[p], size, *c);
                                                if (*size)
                                                        compare(format, numbers[n]);
                                                else
                                                        compare(format, (int)numbers[n]);
                                        }
}

static void integers(void **state)
{
        (void)state;
        every_number("diuxX", "");
}

static void long_integers(void **state)
{
        (void)state;
        every_number("diuxX", "l");
}

static void sizes(void **state)
{
        (void)state;
        every_number("ux", "z");
}

static void widths_and_precisions_from_arguments(void **state)
{
        static const int counts[] = { 0, 1, 2, 9, 30, -1, -2, -9, -30 };

        (void)state;
        for (unsigned w = 0; w < ARRAY_SIZE(counts); w++)
                for (unsigned n = 0; n < ARRAY_SIZE(numbers); n++) {
                        compare("%*d", counts[w], (int)numbers[n]);
                        compare("%-*lx|", counts[w], numbers[n]);
                        compare("%0*u", counts[w], (unsigned)numbers[n]);
                        compare("%.*i", counts[w], (int)numbers[n]);
                        compare("%*.*lu|", counts[w], counts[n % ARRAY_SIZE(counts)], numbers[n]);
                        compare("%5.*X|%.*s|", counts[w], (unsigned)numbers[n], counts[w], "a string of some length");
                        compare("%*s|%*c", counts[w], "text", counts[w], 'c');
                }
}

/* A name in a device tree must not be able to print an exit line. */
static void control_characters_are_told_as_such(void **state)
{
        char text[64];

        (void)state;
        assert_int_equal(format_text(text, sizeof text, "%s|%c|\n", "a\nexit 0\n\x01\x1b", '\n'), 15);
        assert_string_equal(text, "a?exit 0???|?|\n");
}

static void strings_and_characters(void **state)
{
        static const char *const texts[] = { "", "a", "text", "a rather long string, with % and \\ in it",
                                             "\x80\xff\x7f" };
        static const char *const sides[] = { "", "-" };

        (void)state;
        for (unsigned f = 0; f < ARRAY_SIZE(sides); f++)
                for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
                        char format[32];

                        for (unsigned p = 0; p < ARRAY_SIZE(precisions); p++)
                                for (unsigned t = 0; t < ARRAY_SIZE(texts); t++) {
                                        snprintf(format, sizeof format, "[%%%s%s%ss]", sides[f], widths[w],
                                                 precisions[p]);
                                        compare(format, texts[t]);
                                }
                        snprintf(format, sizeof format, "[%%%s%sc]", sides[f], widths[w]);
                        for (int c = ' '; c < 256; c++)
                                compare(format, c);
                }
        compare("%s", (char *)NULL);
        compare("100%%, %d%%", 7);
        compare("%d %s %c %lx %zu %i %X %%", 1, "two", '3', 4L, (size_t)5, 6, 7u);
        compare("nothing to do");
        compare("");
}

/* A precision bounds what is looked at: the string needs no NUL within it. */
static void precision_bounds_the_look(void **state)
{
        (void)state;
        for (int length = 1; length < 30; length++) {
                char *text = malloc((size_t)length);

                memset(text, 'x', (size_t)length);
                compare("%.*s", length, text);
                compare("%40.*s", length, text);
                free(text);
        }
}

/* The kernel's own: 0x and hex, also for NULL. */
static void pointers(void **state)
{
        char text[64];

        (void)state;
        format_text(text, sizeof text, "%p", NULL);
        assert_string_equal(text, "0x0");
        format_text(text, sizeof text, "%p", (void *)0x80200000);
        assert_string_equal(text, "0x80200000");
        format_text(text, sizeof text, "%p", (void *)UINTPTR_MAX);
        assert_string_equal(text, "0xffffffffffffffff");
        format_text(text, sizeof text, "%12p|", (void *)0xabc);
        assert_string_equal(text, "       0xabc|");
        format_text(text, sizeof text, "%-12p|", (void *)0xabc);
        assert_string_equal(text, "0xabc       |");
}

/* A line comes whole: while it is written no interrupt may come, for that could print as well. */
static bool enabled_while_writing;

void console_write(const char *text, size_t length)
{
        enabled_while_writing = enabled_while_writing || host.enabled;
        assert_in_range(host.console_length + length, 0, sizeof host.console - 1);
        memcpy(host.console + host.console_length, text, length);
        host.console_length += length;
        host.console[host.console_length] = '\0';
}

static void clear(void)
{
        host.console_length = 0;
        host.console[0] = '\0';
}

static void calls_are_cut_behind_255_characters(void **state)
{
        char text[600], expected[600];

        (void)state;
        for (size_t length = 0; length < 520; length++) {
                memset(text, 'x', length);
                text[length] = '\0';
                clear();
                printk("%s", text);
                snprintf(expected, sizeof expected, "%.255s%s", text, length > 255 ? "...\n" : "");
                assert_string_equal(host.console, expected);

                clear();
                log_error("%s", text);
                snprintf(expected, sizeof expected, "error: %.248s%s\n", text, length > 248 ? "..." : "");
                assert_string_equal(host.console, expected);
        }
}

/* A compiler refuses such a format; what is not known at compile time ends the text there. */
static void conversion_that_is_none(void **state)
{
        static const char *const cut[] = { "to here%", "to here%-08", "to here%.3", "to here%l" };
        char text[32];

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(cut); i++) {
                assert_int_equal(format_text(text, sizeof text, cut[i], 1), 7);
                assert_string_equal(text, "to here");
        }
}

static void levels(void **state)
{
        static const char *const all[] = { "error: e\n", "warning: w\n", "i\n", "debug: d\n" };

        (void)state;
        for (int limit = LOG_ERROR; limit <= LOG_DEBUG; limit++) {
                char expected[64] = "";

                log_limit((enum log_level)limit);
                clear();
                log_error("e");
                log_warn("%c", 'w');
                log_info("%s", "i");
                log_debug("d");
                for (int level = LOG_ERROR; level <= limit; level++)
                        strcat(expected, all[level]);
                assert_string_equal(host.console, expected);
        }
        log_limit(LOG_INFO);
}

static void calls_are_whole(void **state)
{
        (void)state;
        enabled_while_writing = false;
        printk("one %d\n", 1);
        log_info("two");
        assert_false(enabled_while_writing);
        assert_true(host.enabled);
        host_interrupts_disable();
        printk("three\n");
        assert_false(host.enabled); /* in a handler they stay masked */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(integers),
                TEST(long_integers),
                TEST(sizes),
                TEST(widths_and_precisions_from_arguments),
                TEST(strings_and_characters),
                TEST(control_characters_are_told_as_such),
                TEST(precision_bounds_the_look),
                TEST(pointers),
                TEST(calls_are_cut_behind_255_characters),
                TEST(conversion_that_is_none),
                TEST(levels),
                TEST(calls_are_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
