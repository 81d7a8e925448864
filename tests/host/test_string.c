/* SPDX-License-Identifier: MIT */
/* sources: */
/* test_string.c - the kernel's string functions, under other names, against the host's. */
#include <stdlib.h>

#include "testing.h"

#include "util.h"

/* What the host declares is not what we define, so its own names are only put aside. */
#define memcpy our_memcpy
#define memmove our_memmove
#define memset our_memset
#define memcmp our_memcmp
#define memchr our_memchr
#define strlen our_strlen
#define strnlen our_strnlen
#define strcmp our_strcmp
#define strncmp our_strncmp
#define strcspn our_strcspn
#define strchr our_strchr
#define strrchr our_strrchr
#include "../../include/libc/string.h"

#include "../../kernel/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strcspn
#undef strchr
#undef strrchr

enum { AREA = 160, GUARD = 32 };

static uint8_t ours[AREA] __attribute__((aligned(16))), theirs[AREA] __attribute__((aligned(16)));

static uint32_t next_random(void)
{
        static uint64_t state = 1;

        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(state >> 33);
}

static void fill_both(void)
{
        for (unsigned i = 0; i < AREA; i++)
                ours[i] = theirs[i] = (uint8_t)next_random();
}

static void assert_same_area(const char *what, unsigned a, unsigned b, unsigned length)
{
        for (unsigned i = 0; i < AREA; i++)
                if (ours[i] != theirs[i])
                        fail_msg("%s(%u, %u, %u): byte %u is %02x, not %02x", what, a, b, length, i, ours[i],
                                 theirs[i]);
}

/* Every alignment of both, every length up to some words, and nothing beyond. */
static void copying(void **state)
{
        uint8_t source[AREA] __attribute__((aligned(16)));

        (void)state;
        for (unsigned i = 0; i < AREA; i++)
                source[i] = (uint8_t)next_random();
        for (unsigned to = 0; to < 17; to++)
                for (unsigned from = 0; from < 17; from++)
                        for (unsigned length = 0; length < 70; length++) {
                                fill_both();
                                assert_ptr_equal(our_memcpy(ours + GUARD + to, source + from, length),
                                                 ours + GUARD + to);
                                memcpy(theirs + GUARD + to, source + from, length);
                                assert_same_area("memcpy", to, from, length);
                        }
}

/* Overlaps of every kind, upwards and downwards, with words and without. */
static void moving(void **state)
{
        (void)state;
        for (unsigned to = 0; to < 40; to++)
                for (unsigned from = 0; from < 40; from++)
                        for (unsigned length = 0; length < 60; length++) {
                                fill_both();
                                assert_ptr_equal(our_memmove(ours + GUARD + to, ours + GUARD + from, length),
                                                 ours + GUARD + to);
                                memmove(theirs + GUARD + to, theirs + GUARD + from, length);
                                assert_same_area("memmove", to, from, length);
                        }
}

static void setting(void **state)
{
        static const int bytes[] = { 0, 1, 0x7f, 0x80, 0xa5, 0xff, -1, 0x1ff, 256 };

        (void)state;
        for (unsigned b = 0; b < ARRAY_SIZE(bytes); b++)
                for (unsigned to = 0; to < 17; to++)
                        for (unsigned length = 0; length < 70; length++) {
                                fill_both();
                                assert_ptr_equal(our_memset(ours + GUARD + to, bytes[b], length), ours + GUARD + to);
                                memset(theirs + GUARD + to, bytes[b], length);
                                assert_same_area("memset", to, b, length);
                        }
}

static int sign(int value) { return (value > 0) - (value < 0); }

/* Each in a block of its own length, so that the sanitizer sees a look beyond it. */
static void comparing_memory(void **state)
{
        (void)state;
        for (unsigned length = 0; length < 40; length++)
                for (unsigned differs = 0; differs <= length; differs++)
                        for (unsigned round = 0; round < 4; round++) {
                                uint8_t *a = malloc(length + 1), *b = malloc(length + 1);

                                for (unsigned i = 0; i < length; i++)
                                        a[i + 1] = b[i + 1] = (uint8_t)next_random();
                                if (differs < length)
                                        b[differs + 1] = (uint8_t)next_random();
                                assert_int_equal(sign(our_memcmp(a + 1, b + 1, length)),
                                                 sign(memcmp(a + 1, b + 1, length)));
                                free(a);
                                free(b);
                        }
}

static void finding_a_byte(void **state)
{
        static const int wanted[] = { 0, 'a', 0xff, -1, 0x80, 256 + 'a' };

        (void)state;
        for (unsigned length = 0; length < 20; length++)
                for (unsigned round = 0; round < 300; round++) {
                        uint8_t *memory = malloc(length + 1);
                        int byte = wanted[round % ARRAY_SIZE(wanted)];

                        memory[0] = (uint8_t)byte;
                        for (unsigned i = 0; i < length; i++)
                                memory[i + 1] = (uint8_t)wanted[next_random() % ARRAY_SIZE(wanted)];
                        assert_ptr_equal(our_memchr(memory + 1, byte, length), memchr(memory + 1, byte, length));
                        free(memory);
                }
}

/* A string of few different characters, in a block of exactly its size. */
static char *random_string(unsigned length)
{
        static const char characters[] = { 'a', 'b', 'c', (char)0x80, (char)0xff, 1 };
        char *text = malloc(length + 1);

        for (unsigned i = 0; i < length; i++)
                text[i] = characters[next_random() % sizeof characters];
        text[length] = '\0';
        return text;
}

static void strings_alone(void **state)
{
        static const int wanted[] = { 'a', 'b', 0, 0x80, 0xff, -1, 1, 'z', 256 + 'a' };

        (void)state;
        for (unsigned round = 0; round < 4000; round++) {
                unsigned length = next_random() % 24;
                char *text = random_string(length), *reject = random_string(next_random() % 4);

                assert_int_equal(our_strlen(text), length);
                for (unsigned limit = 0; limit < 30; limit++)
                        assert_int_equal(our_strnlen(text, limit), strnlen(text, limit));
                assert_int_equal(our_strnlen(text, SIZE_MAX), length);
                for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
                        assert_ptr_equal(our_strchr(text, wanted[i]), strchr(text, wanted[i]));
                        assert_ptr_equal(our_strrchr(text, wanted[i]), strrchr(text, wanted[i]));
                }
                assert_int_equal(our_strcspn(text, reject), strcspn(text, reject));
                free(text);
                free(reject);
        }
}

static void strings_compared(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 40000; round++) {
                char *a = random_string(next_random() % 7), *b = random_string(next_random() % 7);
                size_t limit = next_random() % 8;

                assert_int_equal(sign(our_strcmp(a, b)), sign(strcmp(a, b)));
                assert_int_equal(our_strcmp(a, a), 0);
                assert_int_equal(sign(our_strncmp(a, b, limit)), sign(strncmp(a, b, limit)));
                assert_int_equal(sign(our_strncmp(a, b, SIZE_MAX)), sign(strcmp(a, b)));
                free(a);
                free(b);
        }
}

/* Not ended by NUL: the limit alone must stop it. */
static void limits_stop_before_the_end(void **state)
{
        (void)state;
        for (unsigned length = 0; length < 20; length++) {
                char *text = malloc(length + 1), *end = text + 1;

                memset(text, 'x', length + 1);
                assert_int_equal(our_strnlen(end, length), length);
                assert_int_equal(our_strncmp(end, end, length), 0);
                assert_null(our_memchr(end, 'y', length));
                free(text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(copying),        TEST(moving),        TEST(setting),          TEST(comparing_memory),
                TEST(finding_a_byte), TEST(strings_alone), TEST(strings_compared), TEST(limits_stop_before_the_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
