/* SPDX-License-Identifier: MIT */
/* printk.c - printf for a kernel: no allocation, no locale, no floating point. */
#include "printk.h"

#include <stdbool.h>
#include <string.h>

#include "arch.h"
#include "console.h"

struct output {
        char *buffer;
        size_t size, length; /* length: of all that was put, also of what no longer fitted */
};

struct spec {
        bool left, zero, wide; /* flags - and 0; l or z before the conversion */
        int width, precision;  /* precision -1: none */
};

static void put(struct output *output, char character, int count)
{
        for (; count > 0; count--, output->length++)
                if (output->length + 1 < output->size)
                        output->buffer[output->length] = character;
}

/* `zeros` zeros between `prefix` and `text`, and blanks around all of it up to the width. */
static void put_field(struct output *output, const struct spec *spec, const char *prefix, int zeros,
                      const char *text, int length)
{
        int blanks = spec->width - (int)strlen(prefix) - zeros - length;

        if (!spec->left)
                put(output, ' ', blanks);
        while (*prefix)
                put(output, *prefix++, 1);
        put(output, '0', zeros);
        for (; length-- > 0; text++) /* no text of a tree's or a user's makes a line of its own */
                put(output, (unsigned char)*text < ' ' ? '?' : *text, 1);
        if (spec->left)
                put(output, ' ', blanks);
}

static void put_string(struct output *output, const struct spec *spec, const char *text)
{
        int length = 0;

        if (!text)
                text = "(null)";
        while (length != spec->precision && text[length] != '\0')
                length++;
        put_field(output, spec, "", 0, text, length);
}

static void put_number(struct output *output, const struct spec *spec, uint64_t value, unsigned base,
                       const char *prefix, const char *digits)
{
        char text[20];
        int start = sizeof text, zeros = 0;

        for (; value != 0; value /= base)
                text[--start] = digits[value % base];

        int length = (int)sizeof text - start, least = spec->precision < 0 ? 1 : spec->precision;

        if (spec->zero && !spec->left && spec->precision < 0 && spec->width - (int)strlen(prefix) > least)
                least = spec->width - (int)strlen(prefix);
        if (least > length)
                zeros = least - length;
        put_field(output, spec, prefix, zeros, text + start, length);
}

static int parse_count(const char **format, va_list *arguments)
{
        int count = 0;

        if (**format == '*') {
                (*format)++;
                return va_arg(*arguments, int);
        }
        for (; **format >= '0' && **format <= '9'; (*format)++)
                count = count * 10 + (**format - '0');
        return count;
}

/* What stands between a % and its conversion; returns the conversion's place. */
static const char *parse_spec(const char *format, struct spec *spec, va_list *arguments)
{
        *spec = (struct spec){ .precision = -1 };
        for (; *format == '-' || *format == '0'; format++) {
                spec->left |= *format == '-';
                spec->zero |= *format == '0';
        }
        spec->width = parse_count(&format, arguments);
        if (spec->width < 0) { /* from a *: it means the flag */
                spec->left = true;
                spec->width = -spec->width;
        }
        if (*format == '.') {
                format++;
                spec->precision = parse_count(&format, arguments);
        }
        for (; *format == 'l' || *format == 'z'; format++)
                spec->wide = true;
        return format;
}

static void put_conversion(struct output *output, const struct spec *spec, char conversion, va_list *arguments)
{
        static const char small[] = "0123456789abcdef", capital[] = "0123456789ABCDEF";
        int64_t number;
        char character;

        switch (conversion) {
        case 'c':
                character = (char)va_arg(*arguments, int);
                put_field(output, spec, "", 0, &character, 1);
                break;
        case 's':
                put_string(output, spec, va_arg(*arguments, const char *));
                break;
        case 'd': case 'i':
                number = spec->wide ? va_arg(*arguments, long) : va_arg(*arguments, int);
                put_number(output, spec, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0 ? "-" : "", small);
                break;
        case 'p':
                put_number(output, spec, (uintptr_t)va_arg(*arguments, void *), 16, "0x", small);
                break;
        case 'u': case 'x': case 'X':
                put_number(output, spec, spec->wide ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned),
                           conversion == 'u' ? 10 : 16, "", conversion == 'X' ? capital : small);
                break;
        default:
                put(output, conversion, 1);
        }
}

size_t format_text_va(char *buffer, size_t size, const char *format, va_list original)
{
        struct output output = { .buffer = buffer, .size = size };
        struct spec spec;
        va_list arguments;

        va_copy(arguments, original);
        for (; *format != '\0'; format++) {
                if (*format != '%') {
                        put(&output, *format, 1);
                        continue;
                }
                format = parse_spec(format + 1, &spec, &arguments);
                if (*format == '\0')
                        break;
                put_conversion(&output, &spec, *format, &arguments);
        }
        va_end(arguments);
        if (size > 0)
                buffer[output.length < size ? output.length : size - 1] = '\0';
        return output.length;
}

size_t format_text(char *buffer, size_t size, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        size = format_text_va(buffer, size, format, arguments);
        va_end(arguments);
        return size;
}

__attribute__((format(printf, 2, 0)))
static void print(const char *prefix, const char *format, va_list arguments, const char *end)
{
        static char line[256];
        /* The buffer is shared with interrupts, which may print as well. */
        bool enabled = interrupts_save();
        size_t start = format_text(line, sizeof line, "%s", prefix);
        size_t length = start + format_text_va(line + start, sizeof line - start, format, arguments);

        console_write(line, length < sizeof line ? length : sizeof line - 1);
        console_write(length < sizeof line ? end : "...\n", strlen(length < sizeof line ? end : "...\n"));
        interrupts_restore(enabled);
}

void printk(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        print("", format, arguments, "");
        va_end(arguments);
}

static enum log_level limit = LOG_INFO;

void log_limit(enum log_level level) { limit = level; }

bool log_shows(enum log_level level) { return level <= limit; }

void log_line(enum log_level level, const char *format, ...)
{
        static const char *const prefixes[] = { "error: ", "warning: ", "", "debug: " };
        va_list arguments;

        if (!log_shows(level))
                return;
        va_start(arguments, format);
        print(prefixes[level], format, arguments, "\n");
        va_end(arguments);
}
