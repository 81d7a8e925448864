/* SPDX-License-Identifier: MIT */
/* sources: kernel/devicetree.c kernel/machine.c kernel/printk.c tests/host/trees.c libfdt/fdt.c libfdt/fdt_ro.c */
/* test_devicetree_questions.c - questions about single nodes, and what is printed of one. */
#include <errno.h>
#include <stdlib.h>

#include "testing.h"
#include "trees.h"

static void *copy;
static struct machine machine;

static void read_tree(const char *name)
{
        const struct tree *tree = tree_named(name);
        int error;

        free(copy);
        copy = tree_copy(tree->blob, tree->size);
        assert_null(tree_read(&machine, copy, 0, &error));
        assert_int_equal(error, 0);
}

static int forget_tree(void **state)
{
        (void)state;
        free(copy);
        copy = NULL;
        return 0;
}

static const struct dt_node *node_at(const char *path)
{
        const struct dt_node *node = NULL;

        while ((node = dt_next(node)) != NULL && !dt_has_path(node, path))
                ;
        assert_non_null(node);
        return node;
}

/* Its reg is an address of no bus, and it is inside of no hart. */
static void root(void **state)
{
        const struct dt_node *node;
        struct range range;

        (void)state;
        read_tree("a root that says more");
        node = dt_next(NULL);
        assert_null(node->parent);
        assert_true(dt_compatible(node, "riscv,cpu-intc"));
        assert_int_equal(dt_reg(node, 0, &range), -EBADF);
        assert_int_equal(dt_hart_context(node_at("/soc/plic@c000000"), 0), 1);
        assert_int_equal(dt_refuse(node, "it will not do"), -EBADF);
        assert_string_equal(host.console, "error: device tree: node /: it will not do\n");
}

/* Its parent has a number, but in no address space of the processor's. */
static void controller_of_no_hart(void **state)
{
        (void)state;
        read_tree("a controller of no hart");
        assert_int_equal(dt_hart_context(node_at("/soc/plic@c000000"), 0), 1);
        assert_int_equal(dt_hart_context(node_at("/soc/plic@c000000"), 0x99), -EBADF);
}

/* There would be one too many later as well; it is told where it is. */
static void initrd_without_a_place(void **state)
{
        const struct tree *tree = tree_named("reserved memory in sixty-four pieces, and an initrd");
        int error;

        (void)state;
        copy = tree_copy(tree->blob, tree->size);
        assert_null(tree_read(&machine, copy, 0, &error));
        assert_int_equal(error, -EBADF);
        assert_string_equal(host.console, "error: device tree: node chosen: one piece of reserved memory too many\n");
}

static void printed(void **state)
{
        (void)state;
        read_tree("something of each kind");
        assert_int_equal(dt_print("/thing"), 0);
        assert_string_equal(host.console,
                            "  text = \"a word\"\n  list = \"one\", \"two\"\n  cells = 0x1 0xffffffff\n"
                            "  bytes = 0x1020304 05\n  nothing\n  zero 00\n  hole = 0x61000062 00\n  high 61 80 00\n"
                            "  low 61 1f 00\n  delete 61 7f 00\n  endless 61 62\n  child/\n  sub@1/\n");
        host.console_length = 0;
        assert_int_equal(dt_print("/thing/sub@1"), 0);
        assert_string_equal(host.console, "  deep/\n");
        host.console_length = 0;
        assert_int_equal(dt_print("/"), 0);
        assert_string_equal(host.console, "  #address-cells = 0x2\n  #size-cells = 0x2\n  chosen/\n  memory@80000000/\n"
                                          "  cpus/\n  soc/\n  thing/\n");
        host.console_length = 0;
        host.console[0] = '\0';
        assert_int_equal(dt_print("/things"), -ENOENT);
        assert_int_equal(dt_print("thing"), -ENOENT);
        assert_string_equal(host.console, "");
}

#define QUESTION(function) cmocka_unit_test_setup_teardown(function, host_setup, forget_tree)

int main(void)
{
        const struct CMUnitTest tests[] = {
                QUESTION(root),
                QUESTION(controller_of_no_hart),
                QUESTION(initrd_without_a_place),
                QUESTION(printed),
        };

        return cmocka_run_group_tests(tests, trees_make, NULL);
}
