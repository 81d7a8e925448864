/* SPDX-License-Identifier: MIT */
/* sources: kernel/timer.c kernel/executor.c kernel/future.c kernel/printk.c */
/* The timers' heap, against a sorted list, and with very many of them. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "hooks.h"
#include "timer.h"
#include "util.h"

enum { TIMERS = 64, ROUNDS = 40, STEPS = 300, MANY = 100000 };

/* A timer that says when it was woken. */
struct entry {
        struct waker waker;
        struct timer_future timer;
        uint64_t armed_as; /* the how-manieth */
        bool armed;
};

static struct executor executor;
static struct entry entries[TIMERS];
static struct entry *woken[MANY];
static unsigned woken_count;
static uint64_t armed_count;
static uint32_t seed;

static unsigned any(unsigned below)
{
        seed = seed * 1664525 + 1013904223;
        return (seed >> 8) % below;
}

static void note_wake(struct waker *waker)
{
        struct entry *entry = container_of(waker, struct entry, waker);

        assert_true(entry->armed);
        entry->armed = false;
        woken[woken_count++] = entry;
}

static int setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        timer_init(&executor, 10000000, true);
        host.timer_interrupt = timer_interrupt;
        host.points_max = UINT64_MAX;
        memset(entries, 0, sizeof entries);
        woken_count = 0;
        armed_count = 0;
        return 0;
}

static void arm(struct entry *entry, uint64_t deadline)
{
        *entry = (struct entry){ .waker.wake = note_wake, .timer = sleep_until(deadline), .armed_as = armed_count++ };
        entry->armed = future_poll(&entry->timer.future, &entry->waker) == POLL_PENDING;
        assert_int_equal(entry->armed, deadline > host.time);
}

static void withdraw(struct entry *entry)
{
        assert_int_equal(future_poll(&entry->timer.future, NULL), POLL_READY);
        assert_int_equal(entry->timer.result, entry->armed ? -ECANCELED : 0);
        entry->armed = false;
}

/* The sorted list: whether `a` is due before `b`. */
static bool before(const struct entry *a, const struct entry *b)
{
        if (a->timer.deadline != b->timer.deadline)
                return a->timer.deadline < b->timer.deadline;
        return a->armed_as < b->armed_as;
}

static struct entry *first_armed(void)
{
        struct entry *first = NULL;

        for (unsigned i = 0; i < TIMERS; i++)
                if (entries[i].armed && (!first || before(&entries[i], first)))
                        first = &entries[i];
        return first;
}

static struct entry *entry_of(struct timer_future *timer) { return container_of(timer, struct entry, timer); }

/* A parent is due before its children, siblings know each other, nobody is missing, and nobody stays who has gone. */
static unsigned check_heap(struct timer_future *heap)
{
        struct timer_future *previous = heap;
        unsigned count = 1;

        assert_true(entry_of(heap)->armed);
        for (struct timer_future *child = heap->child; child; previous = child, child = child->next) {
                assert_ptr_equal(child->previous, previous);
                assert_true(before(entry_of(heap), entry_of(child)));
                assert_in_range(count, 1, TIMERS);
                count += check_heap(child);
        }
        return count;
}

static void check_all(void)
{
        struct entry *first = first_armed();
        unsigned armed = 0;

        for (unsigned i = 0; i < TIMERS; i++)
                armed += entries[i].armed;
        assert_int_equal(first ? check_heap(&first->timer) : 0, armed); /* the first is the root */
}

/* Time goes on: those who are due are woken, and in the list's order. */
static void expire(uint64_t time)
{
        struct entry *due[TIMERS], *first;
        unsigned count = 0;

        host.time = time;
        while ((first = first_armed()) != NULL && first->timer.deadline <= time) {
                due[count++] = first;
                first->armed = false;
        }
        for (unsigned i = 0; i < count; i++)
                due[i]->armed = true;
        woken_count = 0;
        timer_interrupt();
        run_hooks(&executor);
        assert_int_equal(woken_count, count);
        for (unsigned i = 0; i < count; i++) {
                assert_ptr_equal(woken[i], due[i]);
                assert_int_equal(due[i]->timer.result, 0);
                assert_false(future_pending(&due[i]->timer.future));
        }
}

/* Few deadlines for many timers, so that most of them are equal to some; or as far away as 64 bits go. */
static uint64_t any_deadline(void)
{
        return any(10) == 0 ? UINT64_MAX - any(3) : host.time + any(40);
}

static void step(void)
{
        struct entry *entry = &entries[any(TIMERS)];
        unsigned kind = any(20);

        if (kind == 0)
                expire(host.time + any(20));
        else if (!entry->armed)
                arm(entry, any_deadline());
        else if (kind < 10)
                withdraw(entry);
}

static void test_at_random_against_a_sorted_list(void **state)
{
        for (uint32_t round = 1; round <= ROUNDS; round++) {
                setup(state);
                seed = round;
                for (unsigned i = 0; i < STEPS; i++) {
                        step();
                        check_all();
                }
                expire(host.time + 100);
                expire(UINT64_MAX - 1);
        }
}

/* Of one deadline, some go: those who stay are woken in the order in which they came. */
static void test_equal_deadlines_with_gaps(void **state)
{
        for (uint32_t round = 1; round <= ROUNDS; round++) {
                setup(state);
                seed = round;
                for (unsigned i = 0; i < TIMERS; i++)
                        arm(&entries[i], 1000);
                for (unsigned i = 0; i < TIMERS / 2; i++) {
                        struct entry *entry = &entries[any(TIMERS)];

                        if (entry->armed)
                                withdraw(entry);
                        if (any(4) == 0)
                                arm(entry, 1000); /* once more, behind all others */
                        check_all();
                }
                expire(999);
                expire(1000);
                assert_null(first_armed());
        }
}

/*
 * A hundred thousand: were it O(n) for each, the tests below would take minutes; were it recursive, their
 * stack would not do. --------------------------------------------------------------------------------
 */

static struct entry *many;

static int setup_many(void **state)
{
        setup(state);
        many = calloc(MANY, sizeof *many);
        return many ? 0 : -1;
}

static int free_many(void **state)
{
        (void)state;
        free(many);
        return 0;
}

static uint64_t ascending(unsigned i) { return 1 + i; }
static uint64_t descending(unsigned i) { return MANY - i; }
static uint64_t equal(unsigned i)
{
        (void)i;
        return 5;
}

static uint64_t from_outside_in(unsigned i) { return 1 + (i % 2 ? MANY - i : i); }
static uint64_t scattered(unsigned i) { return 1 + (uint64_t)i * 7919 % MANY; }

static uint64_t (*const orders[])(unsigned) = { ascending, descending, equal, from_outside_in, scattered };

static void arm_many(uint64_t (*order)(unsigned))
{
        setup(NULL);
        for (unsigned i = 0; i < MANY; i++)
                arm(&many[i], order(i));
}

static void test_many_expire(void **state)
{
        (void)state;
        for (unsigned order = 0; order < ARRAY_SIZE(orders); order++) {
                arm_many(orders[order]);
                host.time = MANY;
                timer_interrupt();
                run_hooks(&executor);
                assert_int_equal(woken_count, MANY);
                for (unsigned i = 1; i < MANY; i++)
                        assert_true(before(woken[i - 1], woken[i]));
        }
}

/* Some have expired, so that the rest has been in order once; each in turn, the oldest, the newest, or anyone. */
static void test_many_are_withdrawn(void **state)
{
        (void)state;
        for (unsigned order = 0; order < ARRAY_SIZE(orders); order++) {
                for (unsigned way = 0; way < 3; way++) {
                        arm_many(orders[order]);
                        host.time = 1;
                        timer_interrupt();
                        run_hooks(&executor);
                        for (unsigned i = 0; i < MANY; i++)
                                withdraw(&many[way == 0 ? i : way == 1 ? MANY - 1 - i : (uint64_t)i * 7907 % MANY]);
                        woken_count = 0;
                        host.time = MANY;
                        timer_interrupt();
                        run_hooks(&executor);
                        assert_int_equal(woken_count, 0);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_at_random_against_a_sorted_list, setup),
                cmocka_unit_test_setup(test_equal_deadlines_with_gaps, setup),
                cmocka_unit_test_setup_teardown(test_many_expire, setup_many, free_many),
                cmocka_unit_test_setup_teardown(test_many_are_withdrawn, setup_many, free_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
