/* SPDX-License-Identifier: MIT */
/* sources: kernel/devicetree.c kernel/machine.c kernel/printk.c tests/host/trees.c libfdt/fdt.c libfdt/fdt_ro.c */
/* test_devicetree.c - device trees that dtc and QEMU made, good and bad; what is read in each is in trees/. */
#include <errno.h>
#include <stdlib.h>

#include "testing.h"
#include "trees.h"
#include "util.h"

static struct machine machine;

/* The first line that differs says more than two long texts. */
static bool same_lines(const char *found, const char *expected)
{
        while (*found && *expected) {
                size_t one = strcspn(found, "\n"), other = strcspn(expected, "\n");

                if (one != other || memcmp(found, expected, one) != 0)
                        break;
                found += one + (found[one] == '\n');
                expected += other + (expected[other] == '\n');
        }
        if (*found || *expected)
                print_message("# \"%.*s\", not \"%.*s\"\n", (int)strcspn(found, "\n"), found,
                              (int)strcspn(expected, "\n"), expected);
        return !*found && !*expected;
}

static bool check(const struct tree *tree)
{
        static char text[TREE_REPORT_SIZE];
        void *copy = tree_copy(tree->blob, tree->size);
        int error;
        const char *problem = tree_read(&machine, copy, tree->hart, &error);

        if (!problem && (error == 0) != tree->good)
                problem = tree->good ? host.console : "it is taken";
        if (!problem && tree->good) {
                struct range *last = &machine.reserved[machine.reserved_count - 1];

                tree_report(&machine, text);
                if (!same_lines(text, tree->lines))
                        problem = "it is read in another way";
                else if (last->base != (uintptr_t)copy || last->size != tree->size ||
                         machine.tree_range.base != last->base || machine.tree_range.size != last->size)
                        problem = "the tree itself is not reserved";
        }
        free(copy);
        if (problem)
                print_message("# %s: %s\n", tree->name, problem);
        return !problem;
}

/* All trees of a kind; each that is wrong is named. */
static void check_all(bool good, unsigned at_least)
{
        unsigned count = 0, wrong = 0;

        for (unsigned i = 0; i < tree_count; i++)
                if (trees[i].good == good) {
                        wrong += !check(&trees[i]);
                        count++;
                }
        assert_int_equal(wrong, 0);
        assert_in_range(count, at_least, TREES_MAX);
}

static void good_trees(void **state)
{
        (void)state;
        check_all(true, 150);
}

static void bad_trees(void **state)
{
        (void)state;
        check_all(false, 40);
}

/* The generator says so when there is no QEMU; a test that nobody ran should not look like one that passed. */
static void trees_of_qemu(void **state)
{
        unsigned count = 0;

        (void)state;
        for (unsigned i = 0; i < tree_count; i++)
                count += strncmp(trees[i].name, "QEMU's", 6) == 0;
        if (count == 0)
                skip();
        assert_int_equal(count, 1 + 4 + 8 + 2);
}

/* Reading another tree forgets the one before. */
static void one_tree_at_a_time(void **state)
{
        const struct tree *large = tree_named("nodes by the hundred"), *small = tree_named("plain");
        unsigned nodes = 0;
        void *copy = tree_copy(large->blob, large->size);
        const struct dt_node *node = NULL;

        (void)state;
        assert_int_equal(dt_read(copy), 0);
        free(copy);
        copy = tree_copy(small->blob, small->size);
        assert_int_equal(dt_read(copy), 0);
        while ((node = dt_next(node)) != NULL) {
                assert_int_equal(strncmp(node->name, "n", 1) == 0, false);
                nodes++;
        }
        assert_in_range(nodes, 5, 12);
        free(copy);
}

/* Parents come before their children, and know how deep they are. */
static void nodes_know_their_place(void **state)
{
        (void)state;
        for (unsigned i = 0; i < tree_count; i++) {
                const struct dt_node *node = NULL, *former = NULL;
                void *copy;

                if (!trees[i].good)
                        continue;
                copy = tree_copy(trees[i].blob, trees[i].size);
                assert_int_equal(dt_read(copy), 0);
                while ((node = dt_next(node)) != NULL) {
                        assert_int_equal(node->depth, node->parent ? node->parent->depth + 1 : 0);
                        assert_int_equal(node->parent == NULL, former == NULL);
                        assert_true(!former || node->depth <= former->depth + 1);
                        assert_in_range((uintptr_t)node->name, (uintptr_t)copy, (uintptr_t)copy + trees[i].size);
                        former = node;
                }
                free(copy);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(good_trees),
                TEST(bad_trees),
                TEST(trees_of_qemu),
                TEST(one_tree_at_a_time),
                TEST(nodes_know_their_place),
        };

        return cmocka_run_group_tests(tests, trees_make, NULL);
}
