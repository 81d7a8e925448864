/* SPDX-License-Identifier: MIT */
/* sources: */
/* The machine that the other tests run on: that it delivers what is pending, when it may, and notices what is wrong. */
#include "testing.h"

#include "arch.h"
#include "memory.h"
#include "panic.h"
#include "sbi.h"

static uint32_t word;
static unsigned handled;

static void handler(void)
{
        handled++;
        host_lower();
}

static int setup(void **state)
{
        host_setup(state);
        host.interrupt = handler;
        handled = 0;
        return 0;
}

static void test_interrupt_at_the_planned_points(void **state)
{
        (void)state;
        shared_store(&word, 1);
        host_plan(host_raise, 2, 3);
        shared_load(&word); /* two points */
        assert_int_equal(handled, 1);
        shared_load(&word);
        assert_int_equal(handled, 2);
        shared_load(&word);
        assert_int_equal(handled, 2);
}

static void test_masked_interrupt_waits(void **state)
{
        bool enabled;

        (void)state;
        host_plan(host_raise, 1, 0);
        enabled = interrupts_save();
        assert_true(enabled);
        shared_load(&word);
        assert_int_equal(handled, 0);
        wait_for_interrupt(); /* returns, for it is pending */
        assert_int_equal(handled, 0);
        interrupts_restore(enabled);
        assert_int_equal(handled, 1);
}

static void raise_and_count(void)
{
        host_raise();
        assert_false(interrupts_enabled());
        shared_load(&word); /* does not nest */
        handler();
}

static void test_handlers_do_not_nest(void **state)
{
        (void)state;
        host.interrupt = raise_and_count;
        host_raise();
        shared_load(&word);
        assert_int_equal(handled, 1);
        assert_true(interrupts_enabled());
}

static void timer_handler(void)
{
        handled++;
        interrupts_mask_timer();
}

static void test_sleep_lasts_until_the_timer(void **state)
{
        (void)state;
        host.timer_interrupt = timer_handler;
        sbi_set_timer(1000);
        interrupts_unmask_timer();
        wait_for_interrupt();
        assert_int_equal(handled, 1);
        assert_int_equal(read_time(), 1000);
}

static void sleep_for_ever(void *argument)
{
        (void)argument;
        wait_for_interrupt();
}

static void touch_for_ever(void *argument)
{
        (void)argument;
        for (;;)
                shared_load(&word);
}

static bool something(void) { return true; }

static void enable_interrupts(void)
{
        host_lower();
        interrupts_enable();
}

static void touch(void *argument)
{
        (void)argument;
        shared_load(&word);
}

static void panic_with_a_number(void *argument)
{
        (void)argument;
        panic("number %d", 42);
}

static void test_notices_what_is_wrong(void **state)
{
        (void)state;
        assert_stops("asleep for ever", sleep_for_ever, NULL);
        sbi_set_timer(1000); /* but masked */
        assert_stops("asleep for ever", sleep_for_ever, NULL);
        assert_stops("panic: number 42", panic_with_a_number, NULL);
        host.points_max = 1000;
        assert_stops("endless: 1000 points", touch_for_ever, NULL);
        host_reset();
        host.world = something;
        assert_stops("endless: the world goes on", sleep_for_ever, NULL);
        host_reset();
        host_raise();
        assert_stops("an external interrupt that nobody handles", touch, NULL);
        host.interrupt = enable_interrupts;
        assert_stops("interrupt has enabled interrupts", touch, NULL);
        host_reset();
        host.interrupt = host_wait_for_interrupt;
        host_raise();
        assert_stops("wfi in an interrupt handler", touch, NULL);
}

static void test_memory(void **state)
{
        char *memory;

        (void)state;
        memory = memory_allocate(100, 4096);
        assert_int_equal((uintptr_t)memory % 4096, 0);
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(memory[i], 0);
        host.allocations_left = 1;
        assert_non_null(memory_allocate(1, 1));
        assert_null(memory_allocate(1, 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_interrupt_at_the_planned_points, setup),
                cmocka_unit_test_setup(test_masked_interrupt_waits, setup),
                cmocka_unit_test_setup(test_handlers_do_not_nest, setup),
                cmocka_unit_test_setup(test_sleep_lasts_until_the_timer, setup),
                cmocka_unit_test_setup(test_notices_what_is_wrong, setup),
                cmocka_unit_test_setup(test_memory, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
