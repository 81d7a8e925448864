/* SPDX-License-Identifier: MIT */
/* string.c - the memory and string functions of the C standard that the kernel and libfdt use. */
#include <stdint.h>
#include <string.h>

/* May alias anything, as the memory behind a void pointer does. */
typedef uint64_t __attribute__((may_alias)) word;

static int aligned(const void *a, const void *b)
{
        return (((uintptr_t)a | (uintptr_t)b) & (sizeof(word) - 1)) == 0;
}

void *memcpy(void *restrict destination, const void *restrict source, size_t length)
{
        unsigned char *to = destination;
        const unsigned char *from = source;

        if (aligned(to, from))
                for (; length >= sizeof(word); length -= sizeof(word), to += sizeof(word), from += sizeof(word))
                        *(word *)(void *)to = *(const word *)(const void *)from;
        for (; length > 0; length--)
                *to++ = *from++;
        return destination;
}

void *memmove(void *destination, const void *source, size_t length)
{
        unsigned char *to = destination;
        const unsigned char *from = source;

        if ((uintptr_t)to - (uintptr_t)from < length) /* not when `to` is below `from` */
                while (length-- > 0)
                        to[length] = from[length];
        else
                for (; length > 0; length--)
                        *to++ = *from++;
        return destination;
}

void *memset(void *destination, int byte, size_t length)
{
        unsigned char *to = destination;
        word pattern = (unsigned char)byte * UINT64_C(0x0101010101010101);

        if (aligned(to, to))
                for (; length >= sizeof(word); length -= sizeof(word), to += sizeof(word))
                        *(word *)(void *)to = pattern;
        while (length-- > 0)
                *to++ = (unsigned char)byte;
        return destination;
}

int memcmp(const void *left, const void *right, size_t length)
{
        const unsigned char *a = left, *b = right;

        for (; length > 0; length--, a++, b++)
                if (*a != *b)
                        return *a - *b;
        return 0;
}

void *memchr(const void *memory, int byte, size_t length)
{
        const unsigned char *at = memory;

        for (; length > 0; length--, at++)
                if (*at == (unsigned char)byte)
                        return (void *)(uintptr_t)at;
        return NULL;
}

size_t strlen(const char *text) { return strnlen(text, SIZE_MAX); }

size_t strnlen(const char *text, size_t limit)
{
        size_t length = 0;

        while (length < limit && text[length] != '\0')
                length++;
        return length;
}

int strcmp(const char *left, const char *right) { return strncmp(left, right, SIZE_MAX); }

int strncmp(const char *left, const char *right, size_t limit)
{
        for (; limit > 0; limit--, left++, right++) {
                if (*left != *right)
                        return (unsigned char)*left - (unsigned char)*right;
                if (*left == '\0')
                        break;
        }
        return 0;
}

size_t strcspn(const char *text, const char *reject)
{
        size_t length = 0;

        while (text[length] != '\0' && !strchr(reject, text[length]))
                length++;
        return length;
}

char *strchr(const char *text, int character) { return memchr(text, character, strlen(text) + 1); }

char *strrchr(const char *text, int character)
{
        for (size_t length = strlen(text) + 1; length > 0; length--)
                if (text[length - 1] == (char)character)
                        return (char *)(uintptr_t)&text[length - 1];
        return NULL;
}
