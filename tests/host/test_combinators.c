/* SPDX-License-Identifier: MIT */
/* sources: kernel/combinators.c kernel/timer.c kernel/executor.c kernel/future.c kernel/printk.c tests/host/leaf.c
 * tests/host/combined.c */
/* All of them, and the first of them: polled by hand. */
#include "combined.h"

#include <errno.h>

#include "util.h"

enum { MANY = 100 };

static struct join_future join;
static struct select_future choice;

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
        combined_setup(state);
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
                combined_setup(state);
                choice = select_array(futures, LEAVES);
                leaves[winner].done = true;
                expect_ready(&choice.future, at_once[winner]);
                assert_int_equal(choice.winner, winner);
                expect_nothing_pending();
                combined_setup(state);
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
                combined_setup(state);
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
        combined_setup(state);
        choice = select2(futures[0], futures[1]);
        expect_pending(&choice.future, "ab");
        withdraw(&choice.future, POLL_READY, "AB");
        assert_int_equal(choice.winner, -ECANCELED);
        combined_setup(state);
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

                combined_setup(state);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_join_polls_those_that_are_not_ready, combined_setup),
                cmocka_unit_test_setup(test_join_of_two, combined_setup),
                cmocka_unit_test_setup(test_join_of_what_is_ready, combined_setup),
                cmocka_unit_test_setup(test_join_of_none_one_and_many, combined_setup),
                cmocka_unit_test_setup(test_join_withdrawn_at_every_state, combined_setup),
                cmocka_unit_test_setup(test_join_withdrawn_waits_for_the_stubborn, combined_setup),
                cmocka_unit_test_setup(test_select_every_winner, combined_setup),
                cmocka_unit_test_setup(test_select_lowest_of_several_wins, combined_setup),
                cmocka_unit_test_setup(test_select_of_two, combined_setup),
                cmocka_unit_test_setup(test_select_of_none_one_and_many, combined_setup),
                cmocka_unit_test_setup(test_select_awaits_a_stubborn_loser, combined_setup),
                cmocka_unit_test_setup(test_select_withdrawn_at_every_state, combined_setup),
                cmocka_unit_test_setup(test_select_withdrawn_after_the_race, combined_setup),
                cmocka_unit_test_setup(test_a_losing_coroutine_runs_no_line_more, combined_setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
