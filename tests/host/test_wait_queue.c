/* SPDX-License-Identifier: MIT */
/* sources: kernel/wait_queue.c tests/host/waiter.c */
/* A line, whatever for: first come first served, and who leaves it passes the wake on. */
#include "testing.h"

#include <errno.h>

#include "util.h"
#include "waiter.h"

enum { WAITERS = 4, CROWD = 12 };

/* A primitive of our own: so many things, each taken by one. */
struct store {
        struct wait_queue queue;
        unsigned things, taken;
        const struct wait_future *last_taker;
};

static struct store store;
static struct waiter waiters[WAITERS];

static bool available(struct wait_queue *queue)
{
        assert_false(host.enabled);
        return container_of(queue, struct store, queue)->things > 0;
}

static int take(struct wait_queue *queue, struct wait_future *wait)
{
        struct store *self = container_of(queue, struct store, queue);

        assert_false(host.enabled);
        assert_true(self->things > 0);
        self->things--;
        self->last_taker = wait;
        return (int)++self->taken;
}

static int setup(void **state)
{
        host_setup(state);
        store = (struct store){ .queue = { .available = available, .take = take } };
        return 0;
}

static void put(unsigned things)
{
        for (; things > 0; things--) {
                store.things++;
                wait_queue_serve(&store.queue);
        }
}

static struct wait_future get(void) { return wait_in(&store.queue, NULL); }

static void line_up(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                assert_false(waiter_start(&waiters[i], get()));
}

static void test_ready_at_once(void **state)
{
        (void)state;
        put(1);
        assert_true(waiter_start(&waiters[0], get()));
        waiter_expect(&waiters[0], 1);
        expect_no_line(&store.queue);
        assert_int_equal(store.taken, 1); /* once, though polled again */
}

/* The line may be gone by the time that interrupts are masked. */
static void test_nobody_to_wake(void **state)
{
        (void)state;
        store.things = 1;
        wait_queue_wake_first(&store.queue);
        expect_no_line(&store.queue);
        assert_true(host.enabled);
}

static void test_first_come_first_served(void **state)
{
        (void)state;
        line_up(WAITERS);
        put(1);
        for (unsigned i = 0; i < WAITERS; i++) {
                for (unsigned j = i + 1; j < WAITERS; j++) {
                        waiter_expect_wakes(&waiters[j], 0);
                        waiter_expect_pending(&waiters[j]); /* not even one that is polled first */
                }
                waiter_expect_wakes(&waiters[i], 1);
                waiter_expect(&waiters[i], (int)i + 1);
                put(1);
        }
        expect_no_line(&store.queue);
        assert_int_equal(store.things, 1);
}

/* There is enough for all: each that leaves wakes the next. */
static void test_wakes_go_down_the_line(void **state)
{
        (void)state;
        line_up(WAITERS);
        put(WAITERS);
        for (unsigned i = 0; i < WAITERS; i++) {
                assert_true(waiters[i].wakes > 0);
                if (i + 1 < WAITERS)
                        waiter_expect_wakes(&waiters[i + 1], 0);
                waiter_expect(&waiters[i], (int)i + 1);
        }
        expect_no_line(&store.queue);
}

/* The first has been woken, and not been polled yet: what is there is his. */
static void test_newcomers_never_overtake(void **state)
{
        (void)state;
        line_up(1);
        put(2);
        assert_false(waiter_start(&waiters[1], get()));
        assert_false(waiter_start(&waiters[2], get()));
        waiter_expect(&waiters[0], 1);
        waiter_expect_wakes(&waiters[1], 1);
        waiter_expect_pending(&waiters[2]);
        waiter_expect(&waiters[1], 2);
        waiter_expect_pending(&waiters[2]);
        put(1);
        waiter_expect(&waiters[2], 3);
}

static void test_spurious_polls(void **state)
{
        (void)state;
        line_up(2);
        for (unsigned i = 0; i < 3; i++) {
                waiter_expect_pending(&waiters[i & 1]);
                wait_queue_serve(&store.queue); /* with nothing there */
                waiter_expect_wakes(&waiters[0], 0);
        }
        put(1);
        waiter_expect_pending(&waiters[1]);
        waiter_expect(&waiters[0], 1);
        put(1);
        waiter_expect(&waiters[1], 2);
}

static void test_latest_waker_is_woken(void **state)
{
        struct waiter other = { .wakes = 0 };

        (void)state;
        line_up(1);
        other.waker = waiters[0].waker;
        assert_int_equal(future_poll(&waiters[0].wait.future, &other.waker), POLL_PENDING);
        assert_int_equal(other.waker.registered, 1);
        put(1);
        waiter_expect_wakes(&waiters[0], 0);
        waiter_expect_wakes(&other, 1);
}

static void test_withdrawal_before_the_first_poll(void **state)
{
        (void)state;
        for (unsigned others = 0; others < 2; others++) {
                setup(state);
                line_up(others);
                waiters[3] = (struct waiter){ .wait = get() };
                assert_int_equal(future_poll(&waiters[3].wait.future, NULL), POLL_READY);
                assert_int_equal(waiters[3].wait.result, -ECANCELED);
                put(1);
                if (others)
                        waiter_expect(&waiters[0], 1);
                expect_no_line(&store.queue);
        }
}

/* Any of them go, before anything is there or when it is: those who stay have it in their order. */
static void test_withdrawal_from_any_place(void **state)
{
        (void)state;
        for (unsigned gone = 0; gone < 1 << WAITERS; gone++) {
                for (unsigned woken = 0; woken < 2; woken++) {
                        int turn = 0;

                        setup(state);
                        line_up(WAITERS);
                        put(woken);
                        for (unsigned i = 0; i < WAITERS; i++)
                                if (gone >> i & 1)
                                        waiter_withdraw(&waiters[i]);
                        put(WAITERS - woken);
                        for (unsigned i = 0; i < WAITERS; i++) {
                                if (gone >> i & 1)
                                        continue;
                                assert_true(waiters[i].wakes > 0);
                                waiter_expect(&waiters[i], ++turn);
                        }
                        expect_no_line(&store.queue);
                        assert_int_equal(store.things, WAITERS - turn);
                }
        }
}

/* The one that was woken goes: the next is woken in his place, at once, and only he. */
static void test_withdrawal_of_the_woken_passes_it_on(void **state)
{
        (void)state;
        line_up(3);
        put(1);
        waiter_expect_wakes(&waiters[0], 1);
        waiter_withdraw(&waiters[0]);
        waiter_expect_wakes(&waiters[1], 1);
        waiter_expect_wakes(&waiters[2], 0);
        waiter_withdraw(&waiters[1]);
        waiter_expect_wakes(&waiters[2], 1);
        waiter_withdraw(&waiters[2]);
        expect_no_line(&store.queue);
        assert_true(waiter_start(&waiters[3], get()));
}

static void test_withdrawal_of_the_last_leaves_a_whole_line(void **state)
{
        (void)state;
        line_up(2);
        waiter_withdraw(&waiters[1]);
        assert_false(waiter_start(&waiters[2], get()));
        put(2);
        waiter_expect(&waiters[0], 1);
        waiter_expect_wakes(&waiters[2], 1);
        waiter_expect(&waiters[2], 2);
}

static void test_a_finished_wait_is_not_withdrawn(void **state)
{
        (void)state;
        put(1);
        assert_true(waiter_start(&waiters[0], get()));
        assert_int_equal(future_poll(&waiters[0].wait.future, NULL), POLL_READY);
        assert_int_equal(waiters[0].wait.result, 1);
        assert_int_equal(store.things, 0);
}

static void test_release_all(void **state)
{
        (void)state;
        wait_queue_release_all(&store.queue); /* nobody */
        line_up(WAITERS);
        waiter_withdraw(&waiters[1]);
        wait_queue_release_all(&store.queue);
        expect_no_line(&store.queue);
        for (unsigned i = 0; i < WAITERS; i++) {
                waiter_expect_wakes(&waiters[i], i != 1);
                assert_false(future_pending(&waiters[i].wait.future));
                waiter_expect(&waiters[i], i == 1 ? -ECANCELED : 0);
        }
        assert_int_equal(store.taken, 0);
        line_up(2); /* the line is whole */
        put(1);
        waiter_expect(&waiters[0], 1);
        waiter_expect_pending(&waiters[1]);
}

/* Interrupts are as they were, wherever it is called from. */
static void test_masked_callers_stay_masked(void **state)
{
        (void)state;
        line_up(2);
        host_interrupts_disable();
        put(1);
        assert_false(host.enabled);
        wait_queue_release_all(&store.queue);
        assert_false(host.enabled);
        assert_int_equal(future_poll(&waiters[0].wait.future, &waiters[0].waker), POLL_READY);
        assert_false(host.enabled);
}

/* At random, against a line of our own ---------------------------------------------------------- */

static struct waiter crowd[CROWD];
static unsigned line[CROWD], line_length, expected_taken;
static uint32_t seed;

static unsigned any(unsigned below)
{
        seed = seed * 1664525 + 1013904223;
        return (seed >> 16) % below;
}

static bool in_line(unsigned who, unsigned *place)
{
        for (*place = 0; *place < line_length; ++*place)
                if (line[*place] == who)
                        return true;
        return false;
}

static void leave(unsigned place)
{
        line_length--;
        for (; place < line_length; place++)
                line[place] = line[place + 1];
}

static void poll_one(unsigned who)
{
        unsigned place, things = store.things;
        bool waits = in_line(who, &place), its_turn = place == 0; /* place is the length, where it does not wait */
        bool ready = waits ? waiter_poll(&crowd[who]) : waiter_start(&crowd[who], get());

        assert_int_equal(ready, its_turn && things > 0);
        if (ready) {
                assert_int_equal(crowd[who].wait.result, ++expected_taken);
                assert_ptr_equal(store.last_taker, &crowd[who].wait);
                if (waits)
                        leave(0);
        } else if (!waits) {
                line[line_length++] = who;
        }
}

static void step(void)
{
        unsigned who = any(CROWD), place;

        switch (any(5)) {
        case 0: put(any(3)); break;
        case 1:
                if (in_line(who, &place)) {
                        waiter_withdraw(&crowd[who]);
                        leave(place);
                }
                break;
        default: poll_one(who);
        }
        /* If there is anything, the first has been told, and has not looked since. */
        if (store.things > 0 && line_length > 0)
                assert_true(crowd[line[0]].wakes > 0);
        assert_ptr_equal(store.queue.first, line_length > 0 ? &crowd[line[0]].wait : NULL);
}

static void test_at_random_against_a_model(void **state)
{
        for (uint32_t number = 1; number <= 200; number++) {
                setup(state);
                seed = number;
                line_length = expected_taken = 0;
                for (unsigned i = 0; i < 500; i++) {
                        host.points = 0;
                        step();
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_ready_at_once, setup),
                cmocka_unit_test_setup(test_nobody_to_wake, setup),
                cmocka_unit_test_setup(test_first_come_first_served, setup),
                cmocka_unit_test_setup(test_wakes_go_down_the_line, setup),
                cmocka_unit_test_setup(test_newcomers_never_overtake, setup),
                cmocka_unit_test_setup(test_spurious_polls, setup),
                cmocka_unit_test_setup(test_latest_waker_is_woken, setup),
                cmocka_unit_test_setup(test_withdrawal_before_the_first_poll, setup),
                cmocka_unit_test_setup(test_withdrawal_from_any_place, setup),
                cmocka_unit_test_setup(test_withdrawal_of_the_woken_passes_it_on, setup),
                cmocka_unit_test_setup(test_withdrawal_of_the_last_leaves_a_whole_line, setup),
                cmocka_unit_test_setup(test_a_finished_wait_is_not_withdrawn, setup),
                cmocka_unit_test_setup(test_release_all, setup),
                cmocka_unit_test_setup(test_masked_callers_stay_masked, setup),
                cmocka_unit_test_setup(test_at_random_against_a_model, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
