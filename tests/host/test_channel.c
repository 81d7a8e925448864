/* SPDX-License-Identifier: MIT */
/* sources: kernel/channel.c kernel/wait_queue.c tests/host/waiter.c */
/* A bounded queue: nothing is lost, doubled or out of order, whoever waits and whoever goes. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "channel.h"
#include "waiter.h"

enum { WAITERS = 3, SIZE_MAX_TRIED = 64, CAPACITY_MAX_TRIED = 5 };

static struct channel channel;
static uint32_t storage[CAPACITY_MAX_TRIED];
static struct waiter senders[WAITERS], receivers[WAITERS];
static uint32_t sent[WAITERS] = { 100, 101, 102 }, received[WAITERS];

static int setup(void **state)
{
        host_setup(state);
        memset(received, 0, sizeof received);
        channel_init(&channel, storage, sizeof storage[0], 1);
        return 0;
}

static int try_send(uint32_t item) { return channel_try_send(&channel, &item); }

static int try_receive(uint32_t *item) { return channel_try_receive(&channel, item); }

static void expect_item(uint32_t expected)
{
        uint32_t item = 0;

        assert_int_equal(try_receive(&item), 0);
        assert_int_equal(item, expected);
}

static void expect_empty(void)
{
        uint32_t item = 42;

        assert_int_equal(try_receive(&item), -EAGAIN);
        assert_int_equal(item, 42);
}

static bool send(unsigned i) { return waiter_start(&senders[i], channel_send(&channel, &sent[i])); }

static bool receive(unsigned i) { return waiter_start(&receivers[i], channel_receive(&channel, &received[i])); }

static void line_up_senders(void)
{
        assert_int_equal(try_send(1), 0);
        for (unsigned i = 0; i < WAITERS; i++)
                assert_false(send(i));
}

static void line_up_receivers(void)
{
        for (unsigned i = 0; i < WAITERS; i++)
                assert_false(receive(i));
}

/* Round and round a ring of each size, with items of each size, in blocks that end where they end. */
static void go_round(size_t item_size, size_t capacity)
{
        unsigned char *ring = malloc(item_size * capacity), *item = malloc(item_size);
        unsigned in = 0, out = 0;

        channel_init(&channel, ring, item_size, capacity);
        for (unsigned round = 0; round < 4 * capacity; round++) {
                for (unsigned i = 0; i <= capacity && in < out + 1 + round % capacity; i++, in++) {
                        memset(item, (int)in, item_size);
                        assert_int_equal(channel_try_send(&channel, item), in - out < capacity ? 0 : -EAGAIN);
                }
                assert_int_equal(channel_try_receive(&channel, item), 0);
                for (size_t i = 0; i < item_size; i++)
                        assert_int_equal(item[i], (unsigned char)out);
                out++;
        }
        while (out < in) {
                assert_int_equal(channel_try_receive(&channel, item), 0);
                assert_int_equal(item[0], (unsigned char)out++);
        }
        assert_int_equal(channel_try_receive(&channel, item), -EAGAIN);
        free(item);
        free(ring);
}

static void test_sizes_and_capacities(void **state)
{
        (void)state;
        for (size_t size = 1; size <= SIZE_MAX_TRIED; size++)
                for (size_t capacity = 1; capacity <= CAPACITY_MAX_TRIED; capacity++) {
                        host.points = 0;
                        go_round(size, capacity);
                }
}

static void test_full_and_empty(void **state)
{
        (void)state;
        for (unsigned capacity = 1; capacity <= CAPACITY_MAX_TRIED; capacity++) {
                channel_init(&channel, storage, sizeof storage[0], capacity);
                expect_empty();
                for (unsigned i = 0; i < capacity; i++)
                        assert_int_equal(try_send(i), 0);
                assert_int_equal(try_send(99), -EAGAIN);
                for (unsigned i = 0; i < capacity; i++)
                        expect_item(i);
                expect_empty();
        }
}

static void test_receivers_in_turn(void **state)
{
        (void)state;
        line_up_receivers();
        for (unsigned i = 0; i < WAITERS; i++) {
                assert_int_equal(try_send(10 + i), 0);
                waiter_expect_wakes(&receivers[i], 1);
                for (unsigned j = i + 1; j < WAITERS; j++) {
                        waiter_expect_wakes(&receivers[j], 0);
                        waiter_expect_pending(&receivers[j]);
                }
                waiter_expect(&receivers[i], 0);
                assert_int_equal(received[i], 10 + i);
        }
        expect_no_line(&channel.receivers);
}

static void test_senders_in_turn(void **state)
{
        (void)state;
        line_up_senders();
        expect_item(1);
        for (unsigned i = 0; i < WAITERS; i++) {
                waiter_expect_wakes(&senders[i], 1);
                for (unsigned j = i + 1; j < WAITERS; j++)
                        waiter_expect_pending(&senders[j]);
                waiter_expect(&senders[i], 0);
                expect_item(sent[i]);
        }
        expect_no_line(&channel.senders);
        expect_empty();
}

/* Several items, or several rooms, before anybody looks: each that leaves wakes the next. */
static void test_wakes_go_down_both_lines(void **state)
{
        (void)state;
        channel_init(&channel, storage, sizeof storage[0], WAITERS);
        line_up_receivers();
        for (unsigned i = 0; i < WAITERS; i++)
                assert_int_equal(try_send(i), 0);
        for (unsigned i = 0; i < WAITERS; i++) {
                assert_true(receivers[i].wakes > 0);
                waiter_expect(&receivers[i], 0);
                assert_int_equal(received[i], i);
        }
        for (unsigned i = 0; i < WAITERS; i++)
                assert_int_equal(try_send(i), 0);
        for (unsigned i = 0; i < WAITERS; i++)
                assert_false(send(i));
        for (unsigned i = 0; i < WAITERS; i++)
                expect_item(i);
        for (unsigned i = 0; i < WAITERS; i++) {
                assert_true(senders[i].wakes > 0);
                waiter_expect(&senders[i], 0);
        }
        for (unsigned i = 0; i < WAITERS; i++)
                expect_item(sent[i]);
}

/* What is there, or the room for it, belongs to the one who was woken. */
static void test_nobody_overtakes(void **state)
{
        (void)state;
        assert_false(receive(0));
        assert_int_equal(try_send(7), 0);
        expect_empty();
        assert_false(receive(1));
        waiter_expect(&receivers[0], 0);
        assert_int_equal(received[0], 7);
        waiter_withdraw(&receivers[1]);
        assert_int_equal(try_send(8), 0);
        assert_false(send(0));
        expect_item(8);
        assert_int_equal(try_send(9), -EAGAIN);
        assert_false(send(1));
        waiter_expect(&senders[0], 0);
        waiter_expect_pending(&senders[1]);
        expect_item(sent[0]);
        waiter_expect(&senders[1], 0);
        expect_item(sent[1]);
}

/* A withdrawn sender has sent nothing. */
static void test_withdrawal_of_senders(void **state)
{
        for (unsigned gone = 0; gone < 1 << WAITERS; gone++) {
                for (unsigned woken = 0; woken < 2; woken++) {
                        setup(state);
                        line_up_senders();
                        if (woken)
                                expect_item(1);
                        for (unsigned i = 0; i < WAITERS; i++)
                                if (gone >> i & 1)
                                        waiter_withdraw(&senders[i]);
                        if (!woken)
                                expect_item(1);
                        for (unsigned i = 0; i < WAITERS; i++) {
                                if (gone >> i & 1)
                                        continue;
                                assert_true(senders[i].wakes > 0);
                                waiter_expect(&senders[i], 0);
                                expect_item(sent[i]);
                        }
                        expect_empty();
                        expect_no_line(&channel.senders);
                }
        }
}

/* A withdrawn receiver has taken nothing: the item is the next one's. */
static void test_withdrawal_of_receivers(void **state)
{
        for (unsigned gone = 0; gone < 1 << WAITERS; gone++) {
                for (unsigned woken = 0; woken < 2; woken++) {
                        uint32_t item = 10;

                        setup(state);
                        line_up_receivers();
                        if (woken)
                                assert_int_equal(try_send(item), 0);
                        for (unsigned i = 0; i < WAITERS; i++)
                                if (gone >> i & 1)
                                        waiter_withdraw(&receivers[i]);
                        for (unsigned i = 0; i < WAITERS; i++) {
                                if (gone >> i & 1) {
                                        assert_int_equal(received[i], 0);
                                        continue;
                                }
                                if (!woken || item > 10)
                                        assert_int_equal(try_send(item), 0);
                                assert_true(receivers[i].wakes > 0);
                                waiter_expect(&receivers[i], 0);
                                assert_int_equal(received[i], item++);
                        }
                        expect_no_line(&channel.receivers);
                }
        }
}

static void test_close_with_items_in_it(void **state)
{
        uint32_t item = 0;

        (void)state;
        channel_init(&channel, storage, sizeof storage[0], 2);
        assert_int_equal(try_send(1), 0);
        assert_int_equal(try_send(2), 0);
        channel_close(&channel);
        channel_close(&channel);
        assert_int_equal(try_send(3), -EPIPE);
        assert_true(send(0));
        assert_int_equal(senders[0].wait.result, -EPIPE);
        expect_item(1);
        assert_true(receive(0));
        assert_int_equal(receivers[0].wait.result, 0);
        assert_int_equal(received[0], 2);
        assert_int_equal(try_receive(&item), -EPIPE);
        assert_true(receive(1));
        assert_int_equal(receivers[1].wait.result, -EPIPE);
        assert_int_equal(received[1], 0);
        assert_true(host.enabled);
}

static void test_close_ends_all_who_wait(void **state)
{
        (void)state;
        line_up_receivers();
        channel_close(&channel);
        for (unsigned i = 0; i < WAITERS; i++) {
                assert_true(receivers[i].wakes > 0);
                waiter_expect(&receivers[i], -EPIPE);
                assert_int_equal(received[i], 0);
        }
        setup(state);
        line_up_senders();
        channel_close(&channel);
        for (unsigned i = 0; i < WAITERS; i++) {
                assert_true(senders[i].wakes > 0);
                waiter_expect(&senders[i], -EPIPE);
        }
        expect_item(1); /* what was sent before stays */
}

/* One is woken by the close, and withdrawn: the next hears of it. */
static void test_close_and_withdrawal(void **state)
{
        (void)state;
        line_up_receivers();
        channel_close(&channel);
        waiter_withdraw(&receivers[0]);
        assert_true(receivers[1].wakes > 0);
        waiter_withdraw(&receivers[1]);
        assert_true(receivers[2].wakes > 0);
        waiter_expect(&receivers[2], -EPIPE);
}

/* Woken for an item, and closed before he looks: he gets it. The one behind him does not wait for ever. */
static void test_close_while_one_is_woken(void **state)
{
        (void)state;
        line_up_receivers();
        assert_int_equal(try_send(5), 0);
        channel_close(&channel);
        waiter_expect(&receivers[0], 0);
        assert_int_equal(received[0], 5);
        for (unsigned i = 1; i < WAITERS; i++) {
                assert_true(receivers[i].wakes > 0);
                waiter_expect(&receivers[i], -EPIPE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_sizes_and_capacities, setup),
                cmocka_unit_test_setup(test_full_and_empty, setup),
                cmocka_unit_test_setup(test_receivers_in_turn, setup),
                cmocka_unit_test_setup(test_senders_in_turn, setup),
                cmocka_unit_test_setup(test_wakes_go_down_both_lines, setup),
                cmocka_unit_test_setup(test_nobody_overtakes, setup),
                cmocka_unit_test_setup(test_withdrawal_of_senders, setup),
                cmocka_unit_test_setup(test_withdrawal_of_receivers, setup),
                cmocka_unit_test_setup(test_close_with_items_in_it, setup),
                cmocka_unit_test_setup(test_close_ends_all_who_wait, setup),
                cmocka_unit_test_setup(test_close_and_withdrawal, setup),
                cmocka_unit_test_setup(test_close_while_one_is_woken, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
