/* SPDX-License-Identifier: MIT */
/* sources: kernel/combinators.c kernel/timer.c kernel/executor.c kernel/future.c kernel/printk.c tests/host/leaf.c
 * tests/host/combined.c */
/* Combinators of combinators, at random. */
#include "combined.h"

#include <errno.h>

enum { NODES = 12, CHILDREN = 3 };

/* A random tree: a node is a leaf, or combines nodes that come after it. */
struct node {
        enum { LEAF, JOIN, SELECT, TIMEOUT } kind;
        struct leaf leaf;
        struct join_future join;
        struct select_future select;
        struct timeout_future timeout;
        struct future *future, *futures[CHILDREN];
        unsigned children[CHILDREN], count;
};

static struct node nodes[NODES];
static unsigned node_count;
static uint32_t seed;

static unsigned any(unsigned below)
{
        seed = seed * 1664525 + 1013904223;
        return (seed >> 16) % below;
}

static unsigned grow(unsigned depth)
{
        unsigned index = node_count++;
        struct node *node = &nodes[index];

        memset(node, 0, sizeof *node);
        node->kind = depth == 0 || node_count + CHILDREN > NODES ? LEAF : any(4);
        node->count = node->kind == LEAF ? 0 : node->kind == TIMEOUT ? 1 : 1 + any(CHILDREN);
        for (unsigned i = 0; i < node->count; i++) {
                if (node_count == NODES) {
                        node->count = i;
                        break;
                }
                node->children[i] = grow(depth - 1);
                node->futures[i] = nodes[node->children[i]].future;
        }
        node->leaf = leaf(0);
        node->leaf.stubborn = any(2);
        node->join = join_array(node->futures, node->count);
        node->select = select_array(node->futures, node->count);
        node->timeout = with_deadline(node->futures[0], 200 + any(4));
        if (node->kind == TIMEOUT && node->count == 0)
                node->kind = LEAF;
        node->future = node->kind == LEAF ? &node->leaf.future : node->kind == JOIN ? &node->join.future
                       : node->kind == SELECT ? &node->select.future : &node->timeout.future;
        return index;
}

/* Whether it came to its end by itself, which all above it that are not withdrawn go by. */
static bool ended(const struct node *node)
{
        bool all = true;

        for (unsigned i = 0; i < node->count; i++)
                all = ended(&nodes[node->children[i]]) && all;
        switch (node->kind) {
        case LEAF: return node->leaf.done;
        case JOIN: return all;
        case SELECT:
                return node->select.winner == -EINVAL ? node->count == 0
                       : node->select.winner >= 0 && ended(&nodes[node->children[node->select.winner]]);
        default: return node->timeout.result == -ETIMEDOUT || (node->timeout.result == 0 && all);
        }
}

static void expect_none_pending(void)
{
        for (unsigned i = 0; i < node_count; i++)
                assert_false(future_pending(nodes[i].future));
}

static unsigned complete_any(void)
{
        unsigned left = 0;

        for (unsigned i = 0; i < node_count; i++)
                if (nodes[i].kind == LEAF && !nodes[i].leaf.done && future_pending(&nodes[i].leaf.future)) {
                        left++;
                        if (any(3) == 0)
                                leaf_complete(&nodes[i].leaf, 0);
                }
        return left;
}

static void try_tree(void **state, uint32_t number)
{
        bool withdrawn = false;

        combined_setup(state);
        seed = number;
        node_count = 0;

        struct future *root = nodes[grow(4)].future;

        while (future_poll(root, withdrawn ? NULL : &waker) == POLL_PENDING) {
                unsigned before = wakes, left = complete_any();

                if (left == 0 && wakes == before && host.time > 210)
                        fail_msg("tree %u: pending, and waits for nothing", number);
                if (any(4) == 0)
                        pass_time(host.time < 199 ? 199 : host.time + 1);
                withdrawn = withdrawn || any(40) == 0;
        }
        expect_none_pending();
        if (!withdrawn && !ended(&nodes[0]))
                fail_msg("tree %u is ready before its time", number);
        assert_int_equal(future_poll(root, &waker), POLL_READY);
}

static void test_nested_at_random(void **state)
{
        for (uint32_t number = 1; number <= 5000; number++)
                try_tree(state, number);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_nested_at_random, combined_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
