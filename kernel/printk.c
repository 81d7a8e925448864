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
        bool left, zero, plus, space, alternate;
        int width, precision; /* precision -1: none */
};

static void put(struct output *output, char character)
{
        if (output->length + 1 < output->size)
                output->buffer[output->length] = character;
        output->length++;
}

static void put_repeated(struct output *output, char character, int count)
{
        while (count-- > 0)
                put(output, character);
}

static void put_text(struct output *output, const char *text, int length, const struct spec *spec)
{
        if (!spec->left)
                put_repeated(output, ' ', spec->width - length);
        for (int i = 0; i < length; i++)
                put(output, text[i]);
        if (spec->left)
                put_repeated(output, ' ', spec->width - length);
}

static void put_string(struct output *output, const char *text, const struct spec *spec)
{
        if (!text)
                text = "(null)";
        put_text(output, text, (int)(spec->precision < 0 ? strlen(text) : strnlen(text, (size_t)spec->precision)),
                 spec);
}

static void put_number(struct output *output, uint64_t value, unsigned base, const char *prefix, bool capital,
                       const struct spec *spec)
{
        const char *digits = capital ? "0123456789ABCDEF" : "0123456789abcdef";
        char reversed[20];
        int length = 0, prefix_length = (int)strlen(prefix);

        for (; value != 0; value /= base)
                reversed[length++] = digits[value % base];
        if (length == 0 && spec->precision != 0)
                reversed[length++] = '0';

        int zeros = spec->precision > length ? spec->precision - length : 0;
        int padding = spec->width - prefix_length - zeros - length;

        if (spec->zero && !spec->left && spec->precision < 0 && padding > 0) {
                zeros = padding;
                padding = 0;
        }
        if (!spec->left)
                put_repeated(output, ' ', padding);
        for (int i = 0; i < prefix_length; i++)
                put(output, prefix[i]);
        put_repeated(output, '0', zeros);
        while (length > 0)
                put(output, reversed[--length]);
        if (spec->left)
                put_repeated(output, ' ', padding);
}

static const char *parse_flags(const char *format, struct spec *spec)
{
        for (;; format++) {
                switch (*format) {
                case '-': spec->left = true; break;
                case '0': spec->zero = true; break;
                case '+': spec->plus = true; break;
                case ' ': spec->space = true; break;
                case '#': spec->alternate = true; break;
                default: return format;
                }
        }
}

static const char *parse_count(const char *format, int *count, va_list *arguments)
{
        if (*format == '*') {
                *count = va_arg(*arguments, int);
                return format + 1;
        }
        for (*count = 0; *format >= '0' && *format <= '9'; format++)
                *count = *count * 10 + (*format - '0');
        return format;
}

static const char *parse_spec(const char *format, struct spec *spec, va_list *arguments)
{
        *spec = (struct spec){ .precision = -1 };
        format = parse_flags(format, spec);
        format = parse_count(format, &spec->width, arguments);
        if (spec->width < 0) {
                spec->left = true;
                spec->width = -spec->width;
        }
        if (*format == '.')
                format = parse_count(format + 1, &spec->precision, arguments);
        return format;
}

/* An argument of the size that the h, l and z before its conversion say. */
static uint64_t take_argument(const char *size, bool is_signed, va_list *arguments)
{
        bool wide = *size == 'l' || *size == 'z';

        if (is_signed) {
                int64_t value = wide ? va_arg(*arguments, long) : va_arg(*arguments, int);

                if (*size == 'h')
                        value = size[1] == 'h' ? (signed char)value : (short)value;
                return (uint64_t)value;
        }

        uint64_t value = wide ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned);

        if (*size == 'h')
                value = size[1] == 'h' ? (unsigned char)value : (unsigned short)value;
        return value;
}

static void put_signed(struct output *output, int64_t value, const struct spec *spec)
{
        const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

        put_number(output, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, sign, false, spec);
}

static void put_conversion(struct output *output, const char *size, char conversion, struct spec *spec,
                           va_list *arguments)
{
        uint64_t value;
        char character;

        switch (conversion) {
        case 'c':
                character = (char)va_arg(*arguments, int);
                put_text(output, &character, 1, spec);
                break;
        case 's':
                put_string(output, va_arg(*arguments, const char *), spec);
                break;
        case 'd':
        case 'i':
                put_signed(output, (int64_t)take_argument(size, true, arguments), spec);
                break;
        case 'u':
                put_number(output, take_argument(size, false, arguments), 10, "", false, spec);
                break;
        case 'x':
        case 'X':
                value = take_argument(size, false, arguments);
                put_number(output, value, 16, !spec->alternate || value == 0 ? "" : conversion == 'x' ? "0x" : "0X",
                           conversion == 'X', spec);
                break;
        case 'p':
                put_number(output, (uintptr_t)va_arg(*arguments, void *), 16, "0x", false, spec);
                break;
        default:
                put(output, conversion);
        }
}

size_t format_text_va(char *buffer, size_t size, const char *format, va_list original)
{
        struct output output = { .buffer = buffer, .size = size };
        va_list arguments;

        va_copy(arguments, original);
        for (; *format != '\0'; format++) {
                struct spec spec;

                if (*format != '%') {
                        put(&output, *format);
                        continue;
                }
                format = parse_spec(format + 1, &spec, &arguments);

                const char *length = format;

                while (*format == 'h' || *format == 'l' || *format == 'z')
                        format++;
                if (*format == '\0')
                        break;
                put_conversion(&output, length, *format, &spec, &arguments);
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

static void print(const char *prefix, const char *format, va_list arguments, const char *end)
{
        static char line[256];
        /* The buffer is shared with interrupts, which may print as well. */
        uintptr_t saved = interrupts_save();
        size_t start = format_text(line, sizeof line, "%s", prefix);
        size_t length = start + format_text_va(line + start, sizeof line - start, format, arguments);

        console_write(line, length < sizeof line ? length : sizeof line - 1);
        console_write(length < sizeof line ? end : "...\n", strlen(length < sizeof line ? end : "...\n"));
        interrupts_restore(saved);
}

void printk(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        print("", format, arguments, "");
        va_end(arguments);
}

static enum log_level limit = LOG_INFO;

void log_limit(enum log_level level)
{
        limit = level;
}

void log_line(enum log_level level, const char *format, ...)
{
        static const char *const prefixes[] = { "error: ", "warning: ", "", "debug: " };
        va_list arguments;

        if (level > limit)
                return;
        va_start(arguments, format);
        print(prefixes[level], format, arguments, "\n");
        va_end(arguments);
}
