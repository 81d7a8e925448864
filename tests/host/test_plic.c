/* SPDX-License-Identifier: MIT */
/* sources: drivers/plic.c kernel/printk.c tests/host/fake_plic.c tests/host/traced.c */
/* test_plic.c - the interrupt controller and the table behind it, against a PLIC that knows one context only. */
#include "testing.h"

/* Itself, so that every test begins with an empty table. */
#include "../../kernel/irq.c"

#include "driver.h"
#include "fake_plic.h"
#include "traced.h"
#include "util.h"

enum { PHANDLE = 9, NDEV = PLIC_SOURCES };

/* What the driver asks the device tree. */
static struct dt_node dt_node = { .name = "plic@c000000" };
static struct machine machine = { .boot_hart = 3 };
static struct device_node node;
static int context_found, ndev_error, phandle_error;
static uint64_t ndev;
static unsigned refusals;

int dt_hart_context(const struct dt_node *controller, uint64_t hart)
{
        assert_ptr_equal(controller, &dt_node);
        assert_int_equal(hart, machine.boot_hart);
        return context_found;
}

int dt_number(const struct dt_node *at, const char *name, uint64_t *value)
{
        bool is_ndev = strcmp(name, "riscv,ndev") == 0;

        assert_ptr_equal(at, &dt_node);
        assert_true(is_ndev || strcmp(name, "phandle") == 0);
        *value = is_ndev ? ndev : PHANDLE;
        return is_ndev ? ndev_error : phandle_error;
}

int dt_refuse(const struct dt_node *at, const char *why)
{
        assert_ptr_equal(at, &dt_node);
        assert_int_not_equal(strlen(why), 0);
        refusals++;
        return -EBADF;
}

static int setup(void **state)
{
        (void)state;
        host_reset();
        plic_reset();
        memset(lines, 0, sizeof lines);
        chip = (struct irq_chip){ 0 };
        spurious = 0;
        context_found = 1;
        ndev = NDEV;
        ndev_error = phandle_error = 0;
        refusals = 0;
        node = (struct device_node){ .at = &dt_node, .machine = &machine, .reg = { PLIC_BASE, 0x600000 } };
        return 0;
}

static int with_plic(void **state)
{
        setup(state);
        assert_int_equal(plic_driver.probe(&node), 0);
        assert_true(irq_available());
        plic.length = 0;
        return 0;
}

/* The PLIC fails the test when another context's register is touched. */
static void probe_keeps_to_its_own_context(void **state)
{
        static const unsigned contexts[] = { 0, 1, 2, 15, 1000 };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(contexts); i++) {
                setup(NULL);
                plic.threshold = 7;
                plic.context = contexts[i];
                context_found = (int)contexts[i];
                assert_int_equal(plic_driver.probe(&node), 0);
                assert_int_equal(plic.threshold, 0);
                assert_true(irq_available());
        }
}

static void probe_refuses(void (*spoil)(void))
{
        setup(NULL);
        spoil();
        assert_int_equal(plic_driver.probe(&node), -EBADF);
        assert_int_equal(refusals, 1);
        assert_false(irq_available());
        assert_int_equal(plic.length, 0);
}

static void no_context(void) { context_found = -ENOENT; }
static void bad_context(void) { context_found = -EBADF; }
static void no_ndev(void) { ndev_error = -ENOENT; }
static void bad_ndev(void) { ndev_error = -EBADF; }
static void large_ndev(void) { ndev = 1024; }
static void huge_ndev(void) { ndev = UINT64_MAX; }
static void no_phandle(void) { phandle_error = -ENOENT; }
static void small_reg(void) { node.reg.size = 0x200004 + 0x1000 + 3; }

static void probe_refuses_what_makes_no_sense(void **state)
{
        (void)state;
        probe_refuses(no_context);
        probe_refuses(bad_context);
        probe_refuses(no_ndev);
        probe_refuses(bad_ndev);
        probe_refuses(large_ndev);
        probe_refuses(huge_ndev);
        probe_refuses(no_phandle);
        probe_refuses(small_reg);
        setup(NULL);
        node.reg.size = 0x200004 + 0x1000 + 4; /* just enough */
        ndev = 1023;
        assert_int_equal(plic_driver.probe(&node), 0);
}

static void second_plic_is_left_alone(void **state)
{
        (void)state;
        host.mmio_write = NULL;
        assert_int_equal(plic_driver.probe(&node), 0);
}

/* A device: its handler notes that it was called, and takes its line down unless it is stuck. */
struct source {
        uint32_t number;
        bool result;
        bool stuck;
        unsigned calls;
        uint32_t raises; /* another source */
};

static bool handle(void *context)
{
        struct source *source = context;

        plic_note("handle", source->number, 0);
        source->calls++;
        if (!source->stuck)
                plic.high[source->number] = false;
        if (source->raises)
                plic.high[source->raises] = true;
        return source->result;
}

static int attach(struct source *source)
{
        return irq_attach(PHANDLE, source->number, handle, source, "a-device");
}

/* The hart takes the interrupt for as long as the PLIC has one for it. */
static void interrupt(void)
{
        while (plic_pending() != 0)
                irq_dispatch();
}

static void attaching_enables(void **state)
{
        struct source a = { .number = 33 }, b = { .number = 63 }, c = { .number = 1 };

        (void)state;
        assert_int_equal(attach(&a), 0);
        assert_int_equal(attach(&b), 0);
        assert_int_equal(attach(&c), 0);
        /* The priority first: with 0 it would not be forwarded, and some forward nothing that came before. */
        assert_string_equal(plic.trace,
                            "priority=21:1 enable=1:2 priority=3f:1 enable=1:80000002 priority=1:1 enable=0:2 ");
}

static void attach_errors(void **state)
{
        struct source source = { .number = 5 };
        static struct source many[64];

        (void)state;
        assert_int_equal(irq_attach(PHANDLE + 1, 5, handle, &source, "x"), -ENODEV);
        assert_int_equal(irq_attach(PHANDLE, 0, handle, &source, "x"), -ERANGE);
        assert_int_equal(irq_attach(PHANDLE, NDEV + 1, handle, &source, "x"), -ERANGE);
        assert_int_equal(irq_attach(PHANDLE, UINT32_MAX, handle, &source, "x"), -ERANGE);
        assert_int_equal(plic.length, 0);
        assert_int_equal(attach(&source), 0);
        plic.length = 0;
        assert_int_equal(attach(&source), -EBUSY);
        assert_int_equal(plic.length, 0);
        for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
                many[i].number = 10 + i;
                assert_int_equal(attach(&many[i]), 0);
        }
        chip = (struct irq_chip){ 0 };
        assert_false(irq_available());
        assert_int_equal(irq_attach(PHANDLE, 7, handle, &source, "x"), -ENODEV);
}

/* Claim, handle, complete; what came in the meantime brings an interrupt of its own. */
static void each_is_claimed_handled_and_completed(void **state)
{
        struct source a = { .number = 3, .result = true, .raises = 70 },
                      b = { .number = 70, .result = true };

        (void)state;
        attach(&a);
        attach(&b);
        plic.length = 0;
        plic.high[3] = true;
        interrupt();
        assert_string_equal(plic.trace,
                            "claim=3:0 handle=3:0 complete=3:0 claim=46:0 handle=46:0 complete=46:0 ");
        assert_int_equal(irq_spurious_count(), 0);

        plic.length = 0;
        irq_dispatch(); /* for nothing */
        assert_string_equal(plic.trace, "claim=0:0 ");
        assert_int_equal(irq_spurious_count(), 0);
        assert_int_equal(host.console_length, 0);
}

static void line_with_nothing_to_do_is_counted(void **state)
{
        struct source a = { .number = 3, .result = false };

        (void)state;
        attach(&a);
        plic.length = 0;
        plic.high[3] = true;
        interrupt();
        assert_string_equal(plic.trace, "claim=3:0 handle=3:0 complete=3:0 ");
        assert_int_equal(irq_spurious_count(), 1);
        assert_int_equal(host.console_length, 0);
}

/* A line that stays up is shut after a thousand calls, and completed all the same; the others live on. */
static void storm_is_ended_and_named(void **state)
{
        struct source a = { .number = 3, .result = false, .stuck = true },
                      b = { .number = 4, .result = true };

        (void)state;
        attach(&a);
        attach(&b);
        plic.quiet = true;
        plic.high[3] = true;
        plic.high[4] = true;
        interrupt();
        assert_int_equal(a.calls, 1000);
        assert_int_equal(b.calls, 1);
        assert_int_equal(irq_spurious_count(), 1000);
        assert_false(plic.served[3]);
        assert_console_has("warning: interrupt 3 (a-device)");
        plic.high[4] = true;
        interrupt();
        assert_int_equal(a.calls, 1000);
        assert_int_equal(b.calls, 2);
}

/* A thousand running: one that had something to do begins the count anew. */
static void one_that_is_handled_ends_the_count(void **state)
{
        struct source a = { .number = 3, .result = false };

        (void)state;
        attach(&a);
        plic.quiet = true;
        for (unsigned i = 0; i < 5000; i++) {
                a.result = i % 1000 == 999 ? true : false;
                plic.high[3] = true;
                interrupt();
        }
        assert_int_equal(a.calls, 5000);
        assert_int_equal(host.console_length, 0);
        for (unsigned i = 0; i < 1500; i++) {
                a.result = false;
                plic.high[3] = true;
                interrupt();
        }
        assert_int_equal(a.calls, 6000);
        assert_console_has("interrupt 3");
}

/* Somebody enabled a source that nobody attached, and its line is up: it is shut, and the others are served. */
static void source_that_nobody_attached(void **state)
{
        struct source a = { .number = 4, .result = true };

        (void)state;
        attach(&a);
        plic.quiet = true;
        for (uint32_t source = 5; source <= NDEV; source += 30) {
                plic.enabled[source / 32] |= UINT32_C(1) << source % 32;
                plic.priority[source] = 7;
                plic.high[source] = true;
        }
        plic.high[4] = true;
        interrupt();
        assert_int_equal(a.calls, 1);
        assert_in_range(irq_spurious_count(), 1, 4000);
        for (uint32_t source = 5; source <= NDEV; source += 30)
                assert_int_equal(plic.priority[source], 0);
        assert_console_has("interrupt 5 (");
        assert_console_has("interrupt 95 (");
}

/* A source that does not exist is nobody's, and no reason to write beyond the PLIC's registers. */
static void claim_that_lies(void **state)
{
        static const uint32_t lies[] = { NDEV + 1, 1023, 1024, 2048, 5000, 0x00ffffff, 0x80000000, 0xffffffff };

        (void)state;
        plic.quiet = true;
        for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
                plic.lie = lies[i];
                interrupt();
                assert_int_equal(irq_spurious_count(), i + 1);
        }
}

/* Whatever a chip says that it has: the table is as large as a PLIC can be. */
static void chip_with_more_than_a_plic(void **state)
{
        (void)state;
        irq_set_chip(&(struct irq_chip){ .phandle = PHANDLE, .sources = UINT32_MAX, .claim = PLIC_BASE });
        assert_int_equal(irq_attach(PHANDLE, LINES, handle, NULL, "beyond"), -ERANGE);
        assert_int_equal(irq_attach(PHANDLE, UINT32_MAX, handle, NULL, "far beyond"), -ERANGE);
}

/* Who is attached, or has come without being attached. */
static void printed(void **state)
{
        struct source a = { .number = 3, .result = true }, b = { .number = NDEV };

        (void)state;
        attach(&a);
        attach(&b);
        plic.quiet = true;
        plic.enabled[0] |= 1 << 7;
        plic.priority[7] = 7;
        plic.high[3] = plic.high[7] = true;
        interrupt();
        host.console_length = 0;
        irq_print();
        assert_string_equal(host.console, "   3  a-device                 1\n   7  nobody's                 1\n"
                                          "  95  a-device                 0\n1 of them found nothing to do\n");
}

/* Around the handler, which gets its own context; a source without one is not recorded. */
static void recorded(void **state)
{
        struct source a = { .number = 3, .result = true }, b = { .number = 70 };

        (void)state;
        traced_begin();
        attach(&a);
        attach(&b);
        plic.high[3] = true;
        interrupt();
        plic.high[70] = true;
        interrupt();
        irq_dispatch(); /* for nothing */
        assert_int_equal(a.calls, 1);
        assert_int_equal(b.calls, 1);
        assert_int_equal(irq_spurious_count(), 1);
        traced(TRACE_INTERRUPT_BEGIN, NULL, NULL, 3, 0);
        traced(TRACE_INTERRUPT_END, NULL, NULL, 3, 1);
        traced(TRACE_INTERRUPT_BEGIN, NULL, NULL, 70, 0);
        traced(TRACE_INTERRUPT_END, NULL, NULL, 70, 0);
        traced_all();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(probe_keeps_to_its_own_context, setup),
                cmocka_unit_test_setup(probe_refuses_what_makes_no_sense, setup),
                cmocka_unit_test_setup(second_plic_is_left_alone, with_plic),
                cmocka_unit_test_setup(attaching_enables, with_plic),
                cmocka_unit_test_setup(attach_errors, with_plic),
                cmocka_unit_test_setup(each_is_claimed_handled_and_completed, with_plic),
                cmocka_unit_test_setup(line_with_nothing_to_do_is_counted, with_plic),
                cmocka_unit_test_setup(storm_is_ended_and_named, with_plic),
                cmocka_unit_test_setup(one_that_is_handled_ends_the_count, with_plic),
                cmocka_unit_test_setup(source_that_nobody_attached, with_plic),
                cmocka_unit_test_setup(claim_that_lies, with_plic),
                cmocka_unit_test_setup(chip_with_more_than_a_plic, setup),
                cmocka_unit_test_setup(printed, with_plic),
                cmocka_unit_test_setup(recorded, with_plic),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
