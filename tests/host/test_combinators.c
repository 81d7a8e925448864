/* SPDX-License-Identifier: MIT */
/* sources: kernel/combinators.c kernel/timer.c kernel/executor.c kernel/future.c kernel/printk.c tests/host/leaf.c */
/* All of them, the first of them, one within a time: polled by hand, and by the executor. */
#include "testing.h"

#include <errno.h>

#include "combinators.h"
#include "coro.h"
#include "leaf.h"
#include "panic.h"
#include "util.h"

enum { LEAVES = 4, MANY = 100, FREQUENCY = 1000 };

static struct executor executor;
static struct leaf leaves[LEAVES];
static struct future *const futures[LEAVES] = { &leaves[0].future, &leaves[1].future, &leaves[2].future, &leaves[3].future };
static struct join_future join;
static struct select_future choice;
static struct timeout_future timeout;
static unsigned wakes;

static void count_wake(struct waker *self)
{
        (void)self;
        wakes++;
}

static struct waker waker = { .wake = count_wake };

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        timer_init(&executor, FREQUENCY, true);
        host.timer_interrupt = timer_interrupt;
        host.time = 100;
        for (unsigned i = 0; i < LEAVES; i++)
                leaves[i] = leaf((char)('a' + i));
        wakes = 0;
        log_reset();
        return 0;
}

static void expect_pending(struct future *future, const char *log)
{
        assert_int_equal(future_poll(future, &waker), POLL_PENDING);
        assert_true(future_pending(future));
        log_expect(log);
}

static void expect_ready(struct future *future, const char *log)
{
        assert_int_equal(future_poll(future, &waker), POLL_READY);
        assert_false(future_pending(future));
        log_expect(log);
        assert_int_equal(future_poll(future, &waker), POLL_READY); /* and stays so */
        assert_int_equal(future_poll(future, NULL), POLL_READY);
        log_expect("");
}

static void withdraw(struct future *future, enum poll poll, const char *log)
{
        assert_int_equal(future_poll(future, NULL), poll);
        log_expect(log);
}

static void expect_nothing_pending(void)
{
        for (unsigned i = 0; i < LEAVES; i++)
                assert_false(future_pending(&leaves[i].future));
}

static void make_stubborn(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                leaves[i].stubborn = true;
}

/* All of them ------------------------------------------------------------------------------------ */

static void test_join_polls_those_that_are_not_ready(void **state)
{
        (void)state;
        join = join_array(futures, 4);
        log_expect(""); /* lazy */
        expect_pending(&join.future, "abcd");
        leaf_complete(&leaves[1], 0);
        leaf_complete(&leaves[3], 0);
        assert_int_equal(wakes, 2);
        expect_pending(&join.future, "abcd"); /* the two find out */
        expect_pending(&join.future, "ac");
        leaf_complete(&leaves[0], 0);
        expect_pending(&join.future, "ac");
        leaf_complete(&leaves[2], 0);
        expect_ready(&join.future, "c");
}

static void test_join_of_two(void **state)
{
        (void)state;
        join = join2(futures[0], futures[1]);
        leaves[0].done = true;
        expect_pending(&join.future, "ab");
        leaf_complete(&leaves[1], 0);
        expect_ready(&join.future, "b");
}

static void test_join_of_what_is_ready(void **state)
{
        (void)state;
        leaves[0].done = leaves[1].done = true;
        join = join2(futures[0], futures[1]);
        expect_ready(&join.future, "ab");
        join = join2(futures[0], futures[1]); /* finished ones again */
        expect_ready(&join.future, "");
}

static void test_join_of_none_one_and_many(void **state)
{
        static struct leaf many[MANY];
        static struct future *all[MANY];

        (void)state;
        join = join_array(NULL, 0);
        expect_ready(&join.future, "");
        join = join_array(futures, 1);
        expect_pending(&join.future, "a");
        leaf_complete(&leaves[0], 0);
        expect_ready(&join.future, "a");
        for (unsigned i = 0; i < MANY; i++) {
                many[i] = leaf(0);
                all[i] = &many[i].future;
        }
        join = join_array(all, MANY);
        for (unsigned i = 0; i < MANY; i++) {
                expect_pending(&join.future, "");
                leaf_complete(&many[MANY - 1 - i], 0);
        }
        expect_ready(&join.future, "");
}

static void test_join_withdrawn_at_every_state(void **state)
{
        (void)state;
        join = join_array(futures, 4); /* before its first poll: then theirs has not come either */
        withdraw(&join.future, POLL_READY, "ABCD");
        setup(state);
        join = join_array(futures, 4);
        expect_pending(&join.future, "abcd");
        leaf_complete(&leaves[2], 0);
        expect_pending(&join.future, "abcd");
        withdraw(&join.future, POLL_READY, "ABD");
        expect_nothing_pending();
        expect_ready(&join.future, "");
}

static void test_join_withdrawn_waits_for_the_stubborn(void **state)
{
        (void)state;
        make_stubborn(2);
        join = join_array(futures, 3);
        expect_pending(&join.future, "abc");
        withdraw(&join.future, POLL_PENDING, "ABC");
        withdraw(&join.future, POLL_PENDING, "AB");
        leaf_complete(&leaves[1], 0);
        assert_int_equal(wakes, 1); /* by the waker that it has kept */
        withdraw(&join.future, POLL_PENDING, "AB");
        leaf_complete(&leaves[0], 0);
        withdraw(&join.future, POLL_READY, "A");
        expect_nothing_pending();
}

/* The first of them ------------------------------------------------------------------------------ */

/* Each wins in turn, whether ready in the first poll or later; the winner is not withdrawn, all others are. */
static void test_select_every_winner(void **state)
{
        static const char *const at_once[] = { "aBCD", "abACD", "abcABD", "abcdABC" };
        static const char *const later[] = { "aBCD", "abACD", "abcABD", "abcdABC" };

        for (unsigned winner = 0; winner < LEAVES; winner++) {
                setup(state);
                choice = select_array(futures, LEAVES);
                leaves[winner].done = true;
                expect_ready(&choice.future, at_once[winner]);
                assert_int_equal(choice.winner, winner);
                expect_nothing_pending();
                setup(state);
                choice = select_array(futures, LEAVES);
                log_expect(""); /* lazy */
                expect_pending(&choice.future, "abcd");
                leaf_complete(&leaves[winner], 0);
                expect_ready(&choice.future, later[winner]);
                assert_int_equal(choice.winner, winner);
                expect_nothing_pending();
                for (unsigned i = 0; i < LEAVES; i++)
                        assert_int_equal(leaves[i].withdrawals, i != winner);
        }
}

static void test_select_lowest_of_several_wins(void **state)
{
        for (unsigned ready = 1; ready < 16; ready++) {
                setup(state);
                choice = select_array(futures, LEAVES);
                expect_pending(&choice.future, "abcd");
                for (unsigned i = LEAVES; i-- > 0;)
                        if (ready >> i & 1)
                                leaf_complete(&leaves[i], 0);
                assert_int_equal(future_poll(&choice.future, &waker), POLL_READY);
                assert_int_equal(choice.winner, __builtin_ctz(ready));
                expect_nothing_pending();
        }
}

static void test_select_of_two(void **state)
{
        (void)state;
        choice = select2(futures[0], futures[1]);
        expect_pending(&choice.future, "ab");
        expect_pending(&choice.future, "ab"); /* a spurious poll */
        leaf_complete(&leaves[1], 0);
        expect_ready(&choice.future, "abA");
        assert_int_equal(choice.winner, 1);
}

static void test_select_of_none_one_and_many(void **state)
{
        static struct leaf many[MANY];
        static struct future *all[MANY];

        (void)state;
        choice = select_array(NULL, 0);
        expect_ready(&choice.future, "");
        assert_int_equal(choice.winner, -EINVAL);
        choice = select_array(futures, 1);
        expect_pending(&choice.future, "a");
        leaf_complete(&leaves[0], 0);
        expect_ready(&choice.future, "a");
        assert_int_equal(choice.winner, 0);
        for (unsigned i = 0; i < MANY; i++) {
                many[i] = leaf(0);
                all[i] = &many[i].future;
        }
        choice = select_array(all, MANY);
        expect_pending(&choice.future, "");
        leaf_complete(&many[MANY - 1], 0);
        expect_ready(&choice.future, "");
        assert_int_equal(choice.winner, MANY - 1);
        for (unsigned i = 0; i < MANY; i++)
                assert_int_equal(many[i].withdrawals, i < MANY - 1);
}

/* What a device owns is awaited, with the waker that it has; leaf.c fails where a loser is polled with one. */
static void test_select_awaits_a_stubborn_loser(void **state)
{
        (void)state;
        make_stubborn(2);
        choice = select_array(futures, 3);
        expect_pending(&choice.future, "abc");
        leaf_complete(&leaves[2], 0);
        expect_pending(&choice.future, "abcAB");
        assert_int_equal(choice.winner, 2);
        waker.registered = 0;
        expect_pending(&choice.future, "AB");
        assert_int_equal(waker.registered, 1); /* no lint: they still hold it */
        leaf_complete(&leaves[1], 5);
        assert_int_equal(wakes, 2);
        expect_pending(&choice.future, "AB");
        leaf_complete(&leaves[0], 6);
        assert_int_equal(wakes, 3);
        expect_ready(&choice.future, "A");
        assert_int_equal(choice.winner, 2); /* who came to his end while he was awaited wins nothing */
        expect_nothing_pending();
}

static void test_select_withdrawn_at_every_state(void **state)
{
        (void)state;
        choice = select2(futures[0], futures[1]);
        withdraw(&choice.future, POLL_READY, "AB");
        assert_int_equal(choice.winner, -ECANCELED);
        setup(state);
        choice = select2(futures[0], futures[1]);
        expect_pending(&choice.future, "ab");
        withdraw(&choice.future, POLL_READY, "AB");
        assert_int_equal(choice.winner, -ECANCELED);
        setup(state);
        make_stubborn(2);
        choice = select2(futures[0], futures[1]);
        expect_pending(&choice.future, "ab");
        withdraw(&choice.future, POLL_PENDING, "AB");
        leaf_complete(&leaves[0], 0);
        withdraw(&choice.future, POLL_PENDING, "AB");
        leaf_complete(&leaves[1], 0);
        withdraw(&choice.future, POLL_READY, "B");
        assert_int_equal(choice.winner, -ECANCELED);
        choice = select_array(NULL, 0);
        withdraw(&choice.future, POLL_READY, "");
        assert_int_equal(choice.winner, -ECANCELED);
}

/* While the losers are awaited the winner is known, and stays. */
static void test_select_withdrawn_after_the_race(void **state)
{
        (void)state;
        make_stubborn(1);
        choice = select2(futures[0], futures[1]);
        expect_pending(&choice.future, "ab");
        leaf_complete(&leaves[1], 0);
        expect_pending(&choice.future, "abA");
        withdraw(&choice.future, POLL_PENDING, "A");
        leaf_complete(&leaves[0], 0);
        withdraw(&choice.future, POLL_READY, "A");
        assert_int_equal(choice.winner, 1);
}

/* A coroutine that loses ------------------------------------------------------------------------ */

struct walker {
        struct future future;
        struct leaf leaf;
        bool stubborn;
        unsigned steps;
};

static struct leaf walker_leaf(bool stubborn)
{
        struct leaf made = leaf(0);

        made.stubborn = stubborn;
        return made;
}

static enum poll walker_poll(struct future *future, struct waker *wake_me)
{
        struct walker *self = container_of(future, struct walker, future);

        CORO_BEGIN(self, wake_me);
        self->steps = 1;
        AWAIT(self->leaf, walker_leaf(self->stubborn));
        self->steps = 2;
        AWAIT(self->leaf, walker_leaf(self->stubborn));
        self->steps = 3;
        CORO_END();
}

static void test_a_losing_coroutine_runs_no_line_more(void **state)
{
        for (unsigned stubborn = 0; stubborn < 2; stubborn++) {
                struct walker walker = { .future.poll = walker_poll, .stubborn = stubborn };

                setup(state);
                choice = select2(&walker.future, futures[0]);
                expect_pending(&choice.future, "a");
                leaf_complete(&walker.leaf, 0);
                expect_pending(&choice.future, "a");
                assert_int_equal(walker.steps, 2);
                leaf_complete(&leaves[0], 0);
                assert_int_equal(future_poll(&choice.future, &waker), stubborn ? POLL_PENDING : POLL_READY);
                leaf_complete(&walker.leaf, 0);
                assert_int_equal(future_poll(&choice.future, &waker), POLL_READY);
                assert_int_equal(walker.steps, 2);
                assert_int_equal(choice.winner, 1);
                assert_false(future_pending(&walker.future));
        }
}

/* One within a time ----------------------------------------------------------------------------- */

/* As the executor would after a batch in which somebody asked for it. */
static void run_hooks(void)
{
        struct yield_future one_batch = yield_now();

        assert_int_equal(executor_block_on(&executor, &one_batch.future), 0);
}

static void pass_time(uint64_t until)
{
        run_hooks();
        host.time = until;
        host_deliver();
        run_hooks();
}

static void test_in_time(void **state)
{
        (void)state;
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        leaf_complete(&leaves[0], 7);
        expect_ready(&timeout.future, "a");
        assert_int_equal(timeout.result, 0);
        assert_int_equal(leaves[0].result, 7);
        assert_false(future_pending(&timeout.timer.future));
        assert_int_equal(timeout.timer.result, -ECANCELED);
}

static void test_in_time_at_once(void **state)
{
        (void)state;
        leaves[0].done = true;
        timeout = with_timeout(futures[0], 50);
        expect_ready(&timeout.future, "a");
        assert_int_equal(timeout.result, 0);
        leaves[1].done = true;
        timeout = with_deadline(futures[1], 0); /* long past, but it is there */
        expect_ready(&timeout.future, "b");
        assert_int_equal(timeout.result, 0);
}

static void test_too_late(void **state)
{
        (void)state;
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        pass_time(149);
        assert_int_equal(wakes, 0);
        expect_pending(&timeout.future, "a");
        pass_time(150);
        assert_int_equal(wakes, 1);
        expect_ready(&timeout.future, "aA");
        assert_int_equal(timeout.result, -ETIMEDOUT);
        assert_int_equal(timeout.timer.result, 0);
}

/* The deadline has passed before the first poll: it begins, nevertheless, and is given up. */
static void test_deadline_in_the_past(void **state)
{
        (void)state;
        timeout = with_deadline(futures[0], 99);
        expect_ready(&timeout.future, "aA");
        assert_int_equal(timeout.result, -ETIMEDOUT);
}

/* Both between two polls: it has ended. */
static void test_in_time_and_too_late_at_once(void **state)
{
        (void)state;
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        pass_time(150);
        leaf_complete(&leaves[0], 0);
        expect_ready(&timeout.future, "a");
        assert_int_equal(timeout.result, 0);
        assert_int_equal(leaves[0].withdrawals, 0);
}

/* A disk request: awaited to its end, which is good, but too late. */
static void test_too_late_and_stubborn(void **state)
{
        (void)state;
        make_stubborn(1);
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        pass_time(200);
        expect_pending(&timeout.future, "aA");
        expect_pending(&timeout.future, "A");
        leaf_complete(&leaves[0], 0);
        assert_int_equal(wakes, 2);
        expect_ready(&timeout.future, "A");
        assert_int_equal(timeout.result, -ETIMEDOUT);
        assert_int_equal(leaves[0].result, 0);
}

static void test_timeout_withdrawn_at_every_state(void **state)
{
        (void)state;
        timeout = with_timeout(futures[0], 50);
        withdraw(&timeout.future, POLL_READY, "A");
        assert_int_equal(timeout.result, -ECANCELED);
        setup(state);
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        withdraw(&timeout.future, POLL_READY, "A");
        assert_int_equal(timeout.result, -ECANCELED);
        assert_int_equal(timeout.timer.result, -ECANCELED);
        setup(state);
        make_stubborn(1);
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        withdraw(&timeout.future, POLL_PENDING, "A");
        pass_time(500); /* no time runs out any more */
        withdraw(&timeout.future, POLL_PENDING, "A");
        leaf_complete(&leaves[0], 0);
        withdraw(&timeout.future, POLL_READY, "A");
        assert_int_equal(timeout.result, -ECANCELED);
}

static void test_timeout_withdrawn_after_it_ran_out(void **state)
{
        (void)state;
        make_stubborn(1);
        timeout = with_timeout(futures[0], 50);
        expect_pending(&timeout.future, "a");
        pass_time(150);
        expect_pending(&timeout.future, "aA");
        withdraw(&timeout.future, POLL_PENDING, "A");
        leaf_complete(&leaves[0], 0);
        withdraw(&timeout.future, POLL_READY, "A");
        assert_int_equal(timeout.result, -ETIMEDOUT);
        expect_nothing_pending();
}

/* The whole way: asleep until the deadline, and no longer. */
static void test_timeouts_under_the_executor(void **state)
{
        struct timeout_future inner = with_deadline(futures[0], 300), outer = with_deadline(&inner.future, 200);
        struct timer_future timer = sleep_until(250);

        (void)state;
        assert_int_equal(executor_block_on(&executor, &outer.future), 0);
        assert_int_equal(host.time, 200);
        assert_int_equal(outer.result, -ETIMEDOUT);
        assert_int_equal(inner.result, -ECANCELED);
        timeout = with_deadline(&timer.future, 400);
        assert_int_equal(executor_block_on(&executor, &timeout.future), 0);
        assert_int_equal(host.time, 250);
        assert_int_equal(timeout.result, 0);
        inner = with_deadline(futures[1], 300);
        outer = with_deadline(&inner.future, 400);
        assert_int_equal(executor_block_on(&executor, &outer.future), 0);
        assert_int_equal(host.time, 300);
        assert_int_equal(outer.result, 0); /* the inner one ended in time: it ran out */
        assert_int_equal(inner.result, -ETIMEDOUT);
}

/* What a panic prints: a way down to one that is waited for. */
static void test_await_chain(void **state)
{
        (void)state;
        join = join2(futures[0], futures[1]);
        timeout = with_timeout(&join.future, 50);
        leaves[0].done = true;
        expect_pending(&timeout.future, "ab");
        print_await_chain(&timeout.future);
        assert_string_equal(host.console, "  state 1\n    state 1\n      state 1\n        state 1\n");
}

/* Nested ---------------------------------------------------------------------------------------- */

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

        setup(state);
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
                cmocka_unit_test_setup(test_join_polls_those_that_are_not_ready, setup),
                cmocka_unit_test_setup(test_join_of_two, setup),
                cmocka_unit_test_setup(test_join_of_what_is_ready, setup),
                cmocka_unit_test_setup(test_join_of_none_one_and_many, setup),
                cmocka_unit_test_setup(test_join_withdrawn_at_every_state, setup),
                cmocka_unit_test_setup(test_join_withdrawn_waits_for_the_stubborn, setup),
                cmocka_unit_test_setup(test_select_every_winner, setup),
                cmocka_unit_test_setup(test_select_lowest_of_several_wins, setup),
                cmocka_unit_test_setup(test_select_of_two, setup),
                cmocka_unit_test_setup(test_select_of_none_one_and_many, setup),
                cmocka_unit_test_setup(test_select_awaits_a_stubborn_loser, setup),
                cmocka_unit_test_setup(test_select_withdrawn_at_every_state, setup),
                cmocka_unit_test_setup(test_select_withdrawn_after_the_race, setup),
                cmocka_unit_test_setup(test_a_losing_coroutine_runs_no_line_more, setup),
                cmocka_unit_test_setup(test_in_time, setup),
                cmocka_unit_test_setup(test_in_time_at_once, setup),
                cmocka_unit_test_setup(test_too_late, setup),
                cmocka_unit_test_setup(test_deadline_in_the_past, setup),
                cmocka_unit_test_setup(test_in_time_and_too_late_at_once, setup),
                cmocka_unit_test_setup(test_too_late_and_stubborn, setup),
                cmocka_unit_test_setup(test_timeout_withdrawn_at_every_state, setup),
                cmocka_unit_test_setup(test_timeout_withdrawn_after_it_ran_out, setup),
                cmocka_unit_test_setup(test_timeouts_under_the_executor, setup),
                cmocka_unit_test_setup(test_await_chain, setup),
                cmocka_unit_test_setup(test_nested_at_random, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
