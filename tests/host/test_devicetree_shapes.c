/* SPDX-License-Identifier: MIT */
/* sources: kernel/devicetree.c kernel/printk.c libfdt/fdt.c libfdt/fdt_ro.c */
/*
 * test_devicetree_shapes.c - trees that no compiler of trees would make, token by token: a letter each,
 * `(` and `)` around a node, `p` a property, `n` a NOP, `e` the end. The rest is as it should be.
 */
#include <errno.h>
#include <stdlib.h>

#include "devicetree.h"
#include "testing.h"
#include "util.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9, STRUCT_AT = 56, ROOM = 1 << 18 };

static uint8_t blob[ROOM];
static size_t length;

static void put(uint32_t word)
{
        assert_in_range(length, 0, ROOM - 4);
        for (unsigned shift = 32; shift > 0; shift -= 8)
                blob[length++] = (uint8_t)(word >> (shift - 8));
}

static void put_token(char letter)
{
        switch (letter) {
        case '(':
                put(BEGIN_NODE);
                put(0x6e000000); /* "n" */
                break;
        case ')': put(END_NODE); break;
        case 'p':
                put(PROP);
                put(4);
                put(0); /* the first of the strings */
                put(0x12345678);
                break;
        case 'n': put(NOP); break;
        case 'e': put(END); break;
        case 'x': put(0x77); break; /* no token */
        default: fail_msg("no token: %c", letter);
        }
}

/* The tree of `letters`, each `times` times, in front of `end`; read from a block of its own size. */
static int read_shape(const char *letters, unsigned times, const char *end)
{
        static const char strings[] = "some-property";
        size_t structure;
        uint8_t *copy = NULL;
        int error;

        memset(blob, 0, STRUCT_AT);
        length = STRUCT_AT;
        for (; *letters; letters++)
                for (unsigned i = 0; i < times; i++)
                        put_token(*letters);
        for (; *end; end++)
                put_token(*end);
        structure = length - STRUCT_AT;
        memcpy(blob + length, strings, sizeof strings);

        const uint32_t total = (uint32_t)(length + sizeof strings);
        const uint32_t header[] = { 0xd00dfeed, total, STRUCT_AT, (uint32_t)length, 40, 17, 16, 0, sizeof strings,
                                    (uint32_t)structure };

        length = 0;
        for (unsigned i = 0; i < ARRAY_SIZE(header); i++)
                put(header[i]);
        assert_int_equal(posix_memalign((void **)&copy, 8, total), 0);
        memcpy(copy, blob, total);
        host_reset();
        error = dt_read(copy);
        if (error == 0) { /* all of it can be looked at */
                const struct dt_node *node = NULL;
                int value_length;

                while ((node = dt_next(node)) != NULL)
                        assert_true(!dt_property(node, "some-property", &value_length) || value_length == 4);
        }
        free(copy);
        return error;
}

static void good_shapes(void **state)
{
        static const char *const shapes[] = { "()e",  "(p)e",   "(pp()())e", "(p(p(p)))e", "n(npn(n)n)ne",
                                              "()ee", "()exxx", "()e(",      "()enn" };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
                if (read_shape("", 0, shapes[i]) != 0)
                        fail_msg("%s is refused: %s", shapes[i], host.console);
                assert_int_equal(host.console_length, 0);
        }
}

static void bad_shapes(void **state)
{
        static const char *const shapes[] = {
                "", "e", "n", "ne",                         /* nothing */
                "(", "()", "(p", "(p)", "(())",             /* no end */
                "(e", "((e", "(()e", "(pe",                 /* the end before a node's */
                ")e", ")(e", "())e", "(p))e", "n)e",        /* a node that never began */
                "()()e", "(p)(p)e", "()n()e", "(())(())e",  /* two roots */
                "pe", "p()e", "()pe", "np()e",              /* a property of no node */
                "(()p)e", "(p()p)e", "((())p)e", "(()n(p)p)e", /* behind the node's children */
                "x", "xe", "(x)e", "(p)x", "()xe",          /* no token */
        };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
                const char *newline;

                if (read_shape("", 0, shapes[i]) != -EBADF)
                        fail_msg("%s is taken", shapes[i]);
                newline = strchr(host.console, '\n');
                assert_int_equal(strncmp(host.console, "error: device tree: ", 20), 0);
                assert_true(newline && newline[1] == '\0');
        }
}

/* However much there is of it: the tables are bounded, and so is the work. */
static void endless_shapes(void **state)
{
        (void)state;
        assert_int_equal(read_shape("n", 60000, "()e"), 0);
        assert_int_equal(read_shape("n", 60000, ""), -EBADF);
        assert_int_equal(read_shape("()", 16, "e"), 0);
        assert_int_equal(read_shape("()", 17, "e"), -EBADF);
        assert_int_equal(read_shape("()", 10000, "e"), -EBADF);
        assert_int_equal(read_shape("(", 30000, ""), -EBADF);
        assert_int_equal(read_shape("(p", 1, "p)e"), 0);
        assert_int_equal(read_shape(")", 30000, ""), -EBADF);
        assert_int_equal(read_shape("p", 10000, ")e"), -EBADF);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(good_shapes),
                TEST(bad_shapes),
                TEST(endless_shapes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
