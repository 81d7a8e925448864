/* SPDX-License-Identifier: MIT */
/* sources: kernel/driver.c kernel/devicetree.c kernel/printk.c tests/host/trees.c kernel/machine.c libfdt/fdt.c
 *          libfdt/fdt_ro.c */
/* test_driver.c - which driver is asked about which node, with what, and what its answer means. */
#include <errno.h>
#include <stdlib.h>

#include "driver.h"
#include "testing.h"
#include "trap.h"
#include "trees.h"
#include "virtio.h"
#include "vm.h"

static struct machine machine;
static void *copy;
static char asked[2048]; /* every probe, in order */
static int answer;       /* of the probes of the driver "picky" */
static int map_error;
static const struct dt_node *expecting; /* access faults of this node's registers */

int vm_map(struct range range, enum vm_flags flags)
{
        assert_int_equal(flags, VM_READ | VM_WRITE);
        assert_int_not_equal(range.size, 0);
        return map_error;
}

void trap_expect(const struct dt_node *node) { expecting = node; }

static void note(const char *driver, const struct device_node *node)
{
        size_t length = strlen(asked);

        assert_ptr_equal(node->machine, &machine);
        assert_ptr_equal(expecting, node->at);
        snprintf(asked + length, sizeof asked - length, "%s:%s %lx+%lx %u/%u\n", driver, node->at->name,
                 (unsigned long)node->reg.base, (unsigned long)node->reg.size, node->interrupt, node->controller);
}

static int probe_serial(const struct device_node *node)
{
        note("serial", node);
        return 0;
}

static int probe_picky(const struct device_node *node)
{
        note("picky", node);
        return answer;
}

static const char *const serial_compatible[] = { "ns16550a", "ns16550", NULL };
static const char *const picky_compatible[] = { "riscv,plic0", "sifive,plic-1.0.0", "virtio,mmio", NULL };
static const char *const nothing_compatible[] = { "no,such-thing", NULL };

static const struct driver serial = { "serial", serial_compatible, probe_serial };
static const struct driver picky = { "picky", picky_compatible, probe_picky };
static const struct driver nothing = { "nothing", nothing_compatible, probe_picky };

static const struct driver *const table[] = { &picky, &nothing, &serial, NULL };

static int teardown(void **state)
{
        (void)state;
        free(copy);
        copy = NULL;
        return 0;
}

static int probe_tree(const char *name)
{
        const struct tree *tree = tree_named(name);
        int error;

        teardown(NULL);
        host_reset();
        asked[0] = '\0';
        copy = tree_copy(tree->blob, tree->size);
        assert_int_equal(machine_read(&machine, copy, tree->hart), 0);
        assert_int_equal(host.console_length, 0);
        error = drivers_probe(&machine, table);
        assert_null(expecting); /* a fault from here on is our own again */
        return error;
}

static int setup(void **state)
{
        host_setup(state);
        answer = map_error = 0;
        return 0;
}

#define PLAIN "picky:plic@c000000 c000000+600000 11/16\npicky:device@10001000 10001000+1000 1/3\n"
#define SERIAL "serial:serial@10000000 10000000+100 10/3\n"

/* In the table's order, then the tree's; a node that is compatible twice is asked about once. */
static void in_the_order_of_the_table(void **state)
{
        (void)state;
        assert_int_equal(probe_tree("plain"), 0);
        assert_string_equal(asked, PLAIN SERIAL);
        assert_int_equal(host.console_length, 0);
}

static void disabled_nodes_are_not_asked_about(void **state)
{
        (void)state;
        assert_int_equal(probe_tree("a device of status \"disabled\""), 0);
        assert_string_equal(asked, "picky:plic@c000000 c000000+600000 11/16\n" SERIAL);
}

/* The driver has told, and the others go on; but a tree that cannot be ends it. */
static void answers(void **state)
{
        static const int harmless[] = { -ENODEV, -ENOMEM, -EBUSY, -ERANGE, -EIO, -1 };

        (void)state;
        for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++) {
                answer = harmless[i];
                assert_int_equal(probe_tree("plain"), 0);
                assert_string_equal(asked, PLAIN SERIAL);
        }
        answer = -EBADF;
        assert_int_equal(probe_tree("plain"), -EBADF);
        assert_string_equal(asked, "picky:plic@c000000 c000000+600000 11/16\n");
}

static void device_without_interrupt(void **state)
{
        (void)state;
        assert_int_equal(probe_tree("no interrupt"), 0);
        assert_non_null(strstr(asked, "picky:device@10001000 10001000+1000 0/0\n"));
}

static void refused(const char *name)
{
        assert_int_equal(probe_tree(name), -EBADF);
        assert_null(strstr(asked, "device@10001000"));
        assert_console_has("error: device tree: node device@10001000: ");
}

static void nodes_that_make_no_sense(void **state)
{
        (void)state;
        refused("no reg");
        refused("reg of nothing");
        refused("reg that is odd");
        refused("reg that wraps around");
        refused("ranges that end within the reg");
        refused("empty interrupts");
        refused("interrupt of nobody");
        refused("a controller of <0> interrupt cells");
        map_error = -ERANGE;
        assert_int_equal(probe_tree("plain"), -EBADF);
        assert_string_equal(asked, "");
        assert_console_has("error: device tree: node plic@c000000: ");
}

/* virtio's own drivers, by the type of the device. */
static unsigned probed;

static int probe_block(struct virtio_device *device)
{
        assert_int_equal(device->type, 2);
        probed++;
        return -EIO;
}

static const struct virtio_driver block = { .name = "block", .type = 2, .probe = probe_block };
const struct virtio_driver *const virtio_drivers[] = { &block, NULL };

static void virtio_devices_by_their_type(void **state)
{
        struct virtio_device device = { .node = "a-node", .type = 2 };

        (void)state;
        probed = 0;
        assert_int_equal(virtio_probe(&device), -EIO);
        assert_int_equal(probed, 1);
        assert_int_equal(host.console_length, 0);
}

/* One that nobody drives is no reason to complain, but is named. */
static void virtio_devices_without_a_driver(void **state)
{
        static const struct { uint32_t type; const char *words; } cases[] = {
                { 1, "a-node: device of type 1, network: no driver\n" },
                { 4, "a-node: device of type 4, entropy: no driver\n" },
                { 26, "a-node: device of type 26, file system: no driver\n" },
                { 6, "a-node: device of type 6, unknown: no driver\n" },
                { 27, "a-node: device of type 27, unknown: no driver\n" },
                { UINT32_MAX, "a-node: device of type 4294967295, unknown: no driver\n" },
        };

        for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct virtio_device device = { .node = "a-node", .type = cases[i].type };

                setup(state);
                assert_int_equal(virtio_probe(&device), 0);
                assert_string_equal(host.console, cases[i].words);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(in_the_order_of_the_table, setup, teardown),
                cmocka_unit_test_setup_teardown(disabled_nodes_are_not_asked_about, setup, teardown),
                cmocka_unit_test_setup_teardown(answers, setup, teardown),
                cmocka_unit_test_setup_teardown(device_without_interrupt, setup, teardown),
                cmocka_unit_test_setup_teardown(nodes_that_make_no_sense, setup, teardown),
                cmocka_unit_test_setup_teardown(virtio_devices_by_their_type, setup, teardown),
                cmocka_unit_test_setup_teardown(virtio_devices_without_a_driver, setup, teardown),
        };

        return cmocka_run_group_tests(tests, trees_make, NULL);
}
