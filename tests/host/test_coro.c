/* SPDX-License-Identifier: MIT */
/* sources: kernel/future.c tests/host/leaf.c */
/* The coroutine macros: resumption, children, and what mistakes lead to. */
#include "testing.h"

#include "coro.h"
#include "leaf.h"

#include "mistakes.c"

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
        log_reset();
        wakes = 0;
        return 0;
}

static void expect_pending(struct future *future) { assert_int_equal(future_poll(future, &waker), POLL_PENDING); }

static void expect_ready(struct future *future) { assert_int_equal(future_poll(future, &waker), POLL_READY); }

/* Two futures, one after the other, and an event before, between and behind. */
struct two {
        struct future future;
        struct leaf first, second;
        int result;
};

static enum poll two_poll(struct future *future, struct waker *wake_me)
{
        struct two *self = container_of(future, struct two, future);

        CORO_BEGIN(self, wake_me);
        log_event('(');
        AWAIT(self->first, leaf('a'));
        self->result = self->first.result;
        log_event('|');
        if (self->result < 0)
                CORO_RETURN();
        AWAIT(self->second, leaf('b'));
        self->result += self->second.result;
        log_event(')');
        CORO_END();
}

static struct two two(void) { return (struct two){ .future.poll = two_poll }; }

static void test_resumes_behind_each_await(void **state)
{
        struct two coroutine = two();

        (void)state;
        log_expect("");
        expect_pending(&coroutine.future);
        log_expect("(a");
        leaf_complete(&coroutine.first, 3);
        assert_int_equal(wakes, 1);
        expect_pending(&coroutine.future);
        log_expect("a|b");
        leaf_complete(&coroutine.second, 4);
        assert_int_equal(wakes, 2);
        expect_ready(&coroutine.future);
        log_expect("b)");
        assert_int_equal(coroutine.result, 7);
}

static void test_return_ends_it_early(void **state)
{
        struct two coroutine = two();

        (void)state;
        expect_pending(&coroutine.future);
        leaf_complete(&coroutine.first, -5);
        expect_ready(&coroutine.future);
        log_expect("(aa|");
        assert_int_equal(coroutine.result, -5);
        assert_int_equal(coroutine.future.state, FUTURE_DONE);
}

static void test_done_stays_done(void **state)
{
        struct two coroutine = two();

        (void)state;
        expect_pending(&coroutine.future);
        leaf_complete(&coroutine.first, -5);
        for (unsigned i = 0; i < 3; i++)
                expect_ready(&coroutine.future);
        assert_int_equal(future_poll(&coroutine.future, NULL), POLL_READY);
        log_expect("(aa|");
}

static void test_spurious_polls_run_nothing(void **state)
{
        struct two coroutine = two();

        (void)state;
        for (unsigned i = 0; i < 4; i++)
                expect_pending(&coroutine.future);
        log_expect("(aaaa"); /* the leaf is asked, the coroutine stays where it is */
}

static void test_two_of_a_kind(void **state)
{
        struct two one = two(), other = two();

        (void)state;
        expect_pending(&one.future);
        expect_pending(&other.future);
        leaf_complete(&one.first, 1);
        expect_pending(&one.future);
        expect_pending(&other.future);
        log_expect("(a(aa|ba");
        assert_int_not_equal(one.future.state, other.future.state);
}

/* AWAITs in loops, branches and blocks; the places are elements of an array. */
struct loop {
        struct future future;
        struct leaf leaves[2];
        unsigned i, sum, odd;
};

static enum poll loop_poll(struct future *future, struct waker *wake_me)
{
        struct loop *self = container_of(future, struct loop, future);

        CORO_BEGIN(self, wake_me);
        for (self->i = 0; self->i < 6; self->i++) {
                if (self->i % 2 != 0) {
                        AWAIT(self->leaves[1], leaf('o'));
                        self->odd++;
                } else {
                        AWAIT(self->leaves[0], leaf('e'));
                }
                {
                        unsigned scratch = self->i * self->i;

                        self->sum += scratch;
                }
        }
        while (self->i-- > 4)
                AWAIT(self->leaves[0], leaf('w'));
        CORO_END();
}

static void test_awaits_in_loops_and_branches(void **state)
{
        struct loop coroutine = { .future.poll = loop_poll };
        unsigned polls = 0;

        (void)state;
        while (future_poll(&coroutine.future, &waker) == POLL_PENDING) {
                struct leaf *leaf = (struct leaf *)(void *)((char *)&coroutine + coroutine.future.child);

                polls++;
                leaf->done = true;
        }
        assert_int_equal(polls, 8);
        assert_int_equal(coroutine.sum, 0 + 1 + 4 + 9 + 16 + 25);
        assert_int_equal(coroutine.odd, 3);
        log_expect("eeooeeooeeoowwww");
}

static struct leaf ready_leaf(void)
{
        struct leaf made = leaf('r');

        made.done = true;
        return made;
}

struct eager {
        struct future future;
        struct leaf leaf;
        unsigned i;
};

static enum poll eager_poll(struct future *future, struct waker *wake_me)
{
        struct eager *self = container_of(future, struct eager, future);

        CORO_BEGIN(self, wake_me);
        for (self->i = 0; self->i < 3; self->i++)
                AWAIT(self->leaf, ready_leaf());
        CORO_END();
}

static void test_goes_on_where_nothing_is_to_wait_for(void **state)
{
        struct eager coroutine = { .future.poll = eager_poll };

        (void)state;
        expect_ready(&coroutine.future);
        log_expect("rrr");
}

/* A coroutine that awaits another, twice. */
struct parent {
        struct future future;
        struct two child;
        int results[2];
};

static enum poll parent_poll(struct future *future, struct waker *wake_me)
{
        struct parent *self = container_of(future, struct parent, future);

        CORO_BEGIN(self, wake_me);
        AWAIT(self->child, two());
        self->results[0] = self->child.result;
        AWAIT(self->child, two());
        self->results[1] = self->child.result;
        CORO_END();
}

static void test_child_and_its_results(void **state)
{
        struct parent parent = { .future.poll = parent_poll };

        (void)state;
        expect_pending(&parent.future);
        leaf_complete(&parent.child.first, 10);
        expect_pending(&parent.future);
        leaf_complete(&parent.child.second, 5);
        expect_pending(&parent.future); /* the second child, from its beginning */
        assert_int_equal(parent.results[0], 15);
        leaf_complete(&parent.child.first, -1);
        expect_ready(&parent.future);
        assert_int_equal(parent.results[1], -1);
        log_expect("(aa|bb)(aa|");
}

static const struct future *leaf_of(const struct future *future)
{
        while (future->child != 0)
                future = (const struct future *)(const void *)((const char *)future + future->child);
        return future;
}

static void test_child_leads_to_the_leaf(void **state)
{
        struct parent parent = { .future.poll = parent_poll };

        (void)state;
        expect_pending(&parent.future);
        assert_ptr_equal(leaf_of(&parent.future), &parent.child.first.future);
        leaf_complete(&parent.child.first, 0);
        expect_pending(&parent.future);
        assert_ptr_equal(leaf_of(&parent.future), &parent.child.second.future);
}

static void test_yield_is_woken_and_ready_next_time(void **state)
{
        struct yield_future yield = yield_now();

        (void)state;
        expect_pending(&yield.future);
        assert_int_equal(wakes, 1);
        expect_ready(&yield.future);
        expect_ready(&yield.future);
        assert_int_equal(wakes, 1);
        yield = yield_now();
        assert_int_equal(future_poll(&yield.future, NULL), POLL_READY);
        assert_int_equal(wakes, 1);
}

/* Mistakes that end in a panic. */

struct overwriter {
        struct future future;
        struct leaf io;
};

static enum poll overwriter_poll(struct future *future, struct waker *wake_me)
{
        struct overwriter *self = container_of(future, struct overwriter, future);

        CORO_BEGIN(self, wake_me);
        self->io = leaf(0);
        assert_int_equal(future_poll(&self->io.future, wake_me), POLL_PENDING);
        AWAIT(self->io, leaf(0));
        CORO_END();
}

static void poll(void *future) { (void)future_poll(future, &waker); }

static void test_place_still_pending_panics(void **state)
{
        struct overwriter coroutine = { .future.poll = overwriter_poll };

        (void)state;
        assert_stops("awaits in a place that is still pending", poll, &coroutine.future);
        assert_true(future_pending(&coroutine.io.future));
}

static void test_corrupt_state_panics(void **state)
{
        static const uint32_t corrupt[] = { 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xaaaaaaaa };

        (void)state;
        for (unsigned i = 0; i < sizeof corrupt / sizeof corrupt[0]; i++) {
                struct two coroutine = two();

                coroutine.future.state = corrupt[i];
                assert_stops("panic: a coroutine resumes at ", poll, &coroutine.future);
        }
        log_expect("");
}

static void test_await_in_a_wide_switch_panics_on_resume(void **state)
{
        struct mistake coroutine = { .future.poll = wide_switch_poll, .seen = 1 };

        (void)state;
        expect_pending(&coroutine.future);
        assert_stops("which is no AWAIT of its own", poll, &coroutine.future);
}

static unsigned seen_after_await(enum poll (*poll_function)(struct future *future, struct waker *waker))
{
        struct mistake coroutine = { .future.poll = poll_function };

        expect_pending(&coroutine.future);
        coroutine.io.done = true;
        expect_ready(&coroutine.future);
        return coroutine.seen;
}

/* What such locals hold is not what was put there: the test builds' pattern, or what the new poll puts there. */
static void test_locals_are_lost(void **state)
{
        unsigned seen;

        (void)state;
        assert_int_equal(seen_after_await(early_local_poll), 20);
        seen = seen_after_await(address_taken_poll);
        assert_int_not_equal(seen, 2);
        assert_int_equal(seen >> 24, seen & 0xff); /* of one byte: 0xaa with clang, 0xfe with gcc */
}

/* So a lint finds them: each line that says MISTAKE, and no other. */
static void test_lint_finds_what_no_compiler_sees(void **state)
{
        FILE *lint = popen("scripts/check_coro tests/host/mistakes.c 2>&1", "r");
        FILE *source = fopen("tests/host/mistakes.c", "r");
        char line[256], told[4096] = "", place[64];
        unsigned number = 0, mistakes = 0;

        (void)state;
        assert_true(lint && source);
        while (fgets(line, sizeof line, lint))
                strncat(told, line, sizeof told - strlen(told) - 1);
        assert_int_not_equal(pclose(lint), 0);
        while (fgets(line, sizeof line, source)) {
                bool mistake = strstr(line, "/* MISTAKE") != NULL;

                snprintf(place, sizeof place, "mistakes.c:%u: ", ++number);
                if (mistake != (strstr(told, place) != NULL))
                        fail_msg("line %u is %sa mistake, and the lint says:\n%s", number, mistake ? "" : "not ", told);
                mistakes += mistake;
        }
        fclose(source);
        assert_int_equal(mistakes, 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_resumes_behind_each_await, setup),
                cmocka_unit_test_setup(test_return_ends_it_early, setup),
                cmocka_unit_test_setup(test_done_stays_done, setup),
                cmocka_unit_test_setup(test_spurious_polls_run_nothing, setup),
                cmocka_unit_test_setup(test_two_of_a_kind, setup),
                cmocka_unit_test_setup(test_awaits_in_loops_and_branches, setup),
                cmocka_unit_test_setup(test_goes_on_where_nothing_is_to_wait_for, setup),
                cmocka_unit_test_setup(test_child_and_its_results, setup),
                cmocka_unit_test_setup(test_child_leads_to_the_leaf, setup),
                cmocka_unit_test_setup(test_yield_is_woken_and_ready_next_time, setup),
                cmocka_unit_test_setup(test_place_still_pending_panics, setup),
                cmocka_unit_test_setup(test_corrupt_state_panics, setup),
                cmocka_unit_test_setup(test_await_in_a_wide_switch_panics_on_resume, setup),
                cmocka_unit_test_setup(test_locals_are_lost, setup),
                cmocka_unit_test_setup(test_lint_finds_what_no_compiler_sees, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
