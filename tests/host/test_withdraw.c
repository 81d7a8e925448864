/* SPDX-License-Identifier: MIT */
/* sources: kernel/future.c tests/host/leaf.c */
/* A poll with a NULL waker, at every state of a coroutine and of those above it. */
#include "testing.h"

#include "coro.h"
#include "leaf.h"

enum { WAITS = 3 };

static void ignore_wake(struct waker *self) { (void)self; }

static struct waker waker = { .wake = ignore_wake };

/* WAITS leaves, one after the other; how far it came is in `steps`. */
struct inner {
        struct future future;
        struct leaf leaf;
        bool stubborn;
        unsigned i, steps;
};

static struct leaf leaf_of_kind(bool stubborn)
{
        struct leaf made = leaf(0);

        made.stubborn = stubborn;
        return made;
}

static enum poll inner_poll(struct future *future, struct waker *wake_me)
{
        struct inner *self = container_of(future, struct inner, future);

        CORO_BEGIN(self, wake_me);
        for (self->i = 0; self->i < WAITS; self->i++) {
                self->steps++;
                AWAIT(self->leaf, leaf_of_kind(self->stubborn));
        }
        self->steps++;
        CORO_END();
}

static struct inner inner(bool stubborn) { return (struct inner){ .future.poll = inner_poll, .stubborn = stubborn }; }

struct middle {
        struct future future;
        struct inner inner;
        bool stubborn, went_on;
};

static enum poll middle_poll(struct future *future, struct waker *wake_me)
{
        struct middle *self = container_of(future, struct middle, future);

        CORO_BEGIN(self, wake_me);
        AWAIT(self->inner, inner(self->stubborn));
        self->went_on = true;
        CORO_END();
}

static struct middle middle(bool stubborn) { return (struct middle){ .future.poll = middle_poll, .stubborn = stubborn }; }

struct outer {
        struct future future;
        struct middle middle;
        bool stubborn, went_on;
};

static enum poll outer_poll(struct future *future, struct waker *wake_me)
{
        struct outer *self = container_of(future, struct outer, future);

        CORO_BEGIN(self, wake_me);
        AWAIT(self->middle, middle(self->stubborn));
        self->went_on = true;
        CORO_END();
}

/* Poll it until its innermost part awaits leaf `at`. */
static void advance(struct outer *outer, unsigned at)
{
        assert_int_equal(future_poll(&outer->future, &waker), POLL_PENDING);
        for (unsigned i = 0; i < at; i++) {
                leaf_complete(&outer->middle.inner.leaf, 0);
                assert_int_equal(future_poll(&outer->future, &waker), POLL_PENDING);
        }
        assert_int_equal(outer->middle.inner.steps, at + 1);
}

static void expect_no_step_more(const struct outer *outer, unsigned at)
{
        assert_int_equal(outer->middle.inner.steps, at + 1);
        assert_false(outer->middle.went_on || outer->went_on);
}

static enum poll withdraw(struct outer *outer) { return future_poll(&outer->future, NULL); }

static void test_before_the_first_poll(void **state)
{
        struct outer outer = { .future.poll = outer_poll };

        (void)state;
        assert_int_equal(withdraw(&outer), POLL_READY);
        assert_int_equal(outer.middle.inner.steps, 0);
        assert_int_equal(future_poll(&outer.future, &waker), POLL_READY); /* and stays so */
        assert_int_equal(outer.middle.inner.steps, 0);
}

static void test_at_each_await(void **state)
{
        (void)state;
        for (unsigned at = 0; at < WAITS; at++) {
                struct outer outer = { .future.poll = outer_poll };

                advance(&outer, at);
                assert_int_equal(withdraw(&outer), POLL_READY);
                assert_int_equal(outer.middle.inner.leaf.withdrawals, 1);
                expect_no_step_more(&outer, at);
                assert_int_equal(outer.future.state, FUTURE_DONE);
                assert_int_equal(outer.middle.future.state, FUTURE_DONE);
                assert_int_equal(outer.middle.inner.future.state, FUTURE_DONE);
                assert_int_equal(withdraw(&outer), POLL_READY);
                assert_int_equal(future_poll(&outer.future, &waker), POLL_READY);
                expect_no_step_more(&outer, at);
        }
}

/* What a device owns is waited for; when it is over, no line more is run. */
static void test_at_each_await_of_what_cannot_be_given_up(void **state)
{
        (void)state;
        for (unsigned at = 0; at < WAITS; at++) {
                struct outer outer = { .future.poll = outer_poll, .stubborn = true };

                advance(&outer, at);
                for (unsigned i = 0; i < 3; i++)
                        assert_int_equal(withdraw(&outer), POLL_PENDING);
                assert_true(future_pending(&outer.future));
                assert_true(future_pending(&outer.middle.inner.leaf.future));
                assert_ptr_equal(outer.middle.inner.leaf.waker, &waker);
                leaf_complete(&outer.middle.inner.leaf, 0);
                assert_int_equal(withdraw(&outer), POLL_READY);
                expect_no_step_more(&outer, at);
        }
}

/* The leaf became ready between the last poll and the withdrawal: still no line more. */
static void test_when_the_leaf_is_ready_already(void **state)
{
        struct outer outer = { .future.poll = outer_poll, .stubborn = true };

        (void)state;
        advance(&outer, 1);
        leaf_complete(&outer.middle.inner.leaf, 0);
        assert_int_equal(withdraw(&outer), POLL_READY);
        expect_no_step_more(&outer, 1);
}

static void test_after_the_end(void **state)
{
        struct outer outer = { .future.poll = outer_poll };

        (void)state;
        advance(&outer, WAITS - 1);
        leaf_complete(&outer.middle.inner.leaf, 0);
        assert_int_equal(future_poll(&outer.future, &waker), POLL_READY);
        assert_int_equal(withdraw(&outer), POLL_READY);
        assert_true(outer.went_on);
        assert_int_equal(outer.middle.inner.leaf.withdrawals, 0);
}

/* One that has yielded awaits no future, though it has awaited one before. */
struct yielding {
        struct future future;
        struct leaf leaf;
        bool went_on;
};

static enum poll yielding_poll(struct future *future, struct waker *wake_me)
{
        struct yielding *self = container_of(future, struct yielding, future);

        CORO_BEGIN(self, wake_me);
        AWAIT(self->leaf, leaf(0));
        CORO_YIELD();
        self->went_on = true;
        CORO_END();
}

static void test_at_a_yield(void **state)
{
        struct yielding yielding = { .future.poll = yielding_poll };

        (void)state;
        assert_int_equal(future_poll(&yielding.future, &waker), POLL_PENDING);
        leaf_complete(&yielding.leaf, 0);
        assert_int_equal(future_poll(&yielding.future, &waker), POLL_PENDING);
        assert_int_equal(future_poll(&yielding.future, NULL), POLL_READY);
        assert_int_equal(future_poll(&yielding.future, &waker), POLL_READY);
        assert_false(yielding.went_on);
        assert_int_equal(yielding.leaf.withdrawals, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_before_the_first_poll),
                TEST(test_at_each_await),
                TEST(test_at_each_await_of_what_cannot_be_given_up),
                TEST(test_when_the_leaf_is_ready_already),
                TEST(test_after_the_end),
                TEST(test_at_a_yield),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
