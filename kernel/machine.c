/* SPDX-License-Identifier: MIT */
/* machine.c - what the device tree says of the machine: memory, harts, the clock, what the user chose. */
#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "devicetree.h"
#include "printk.h"

/* Above any clock, and below where a second of ticks in nanoseconds would overflow 64 bits (timer_nanoseconds()). */
#define TIMEBASE_MAX UINT64_C(10000000000)

static bool overlap(struct range a, struct range b)
{
        return a.base < b.base + b.size && b.base < a.base + a.size;
}

static int add_memory(struct machine *machine, struct range range)
{
        for (unsigned i = 0; i < machine->memory_count; i++)
                if (overlap(range, machine->memory[i]))
                        return -EBADF;
        if (machine->memory_count == MACHINE_MEMORY_MAX)
                return -EBADF;
        machine->memory[machine->memory_count++] = range;
        return 0;
}

static int add_reserved(struct machine *machine, struct range range)
{
        if (machine->reserved_count == MACHINE_RESERVED_MAX)
                return -EBADF;
        machine->reserved[machine->reserved_count++] = range;
        return 0;
}

/* Every reg of a node; a reserved-memory node without one lies where the system likes, and is never made (3.5). */
static int add_regs(struct machine *machine, const struct dt_node *node, int (*add)(struct machine *, struct range))
{
        struct range range;
        int error;

        for (unsigned index = 0; (error = dt_reg(node, index, &range)) == 0; index++)
                if (range.size > 0 && add(machine, range) != 0)
                        return dt_refuse(node, "it overlaps other memory, or is one piece too many");
        return error == -ENOENT ? 0 : dt_refuse(node, "reg makes no sense");
}

static int read_cpu(struct machine *machine, const struct dt_node *node, bool *is_boot_hart)
{
        struct range reg;

        if (dt_reg(node, 0, &reg) != 0)
                return dt_refuse(node, "reg does not say which hart it is");
        if (!dt_enabled(node))
                return 0;
        if (machine->harts < MACHINE_HARTS_MAX)
                machine->hart_ids[machine->harts] = reg.base;
        machine->harts++;
        if (reg.base == machine->boot_hart) {
                *is_boot_hart = true;
                machine->sstc = dt_isa_has(node, "sstc");
        }
        return 0;
}

static int read_chosen(struct machine *machine, const struct dt_node *node)
{
        uint64_t start = 0, end = 0;
        int length, error_start = dt_number(node, "linux,initrd-start", &start);
        int error_end = dt_number(node, "linux,initrd-end", &end);

        machine->stdout_path = dt_string(node, "stdout-path") ?: "";
        if (dt_property(node, "bootargs", &length) && (machine->bootargs = dt_string(node, "bootargs")) == NULL)
                return dt_refuse(node, "bootargs is not a string");
        if (error_start == -EBADF || error_end == -EBADF || error_start != error_end || end < start)
                return dt_refuse(node, "linux,initrd-start and -end make no sense");
        if (end > start && add_reserved(machine, (struct range){ start, end - start }) != 0)
                return dt_refuse(node, "one piece of reserved memory too many");
        return 0;
}

/* A stdout-path that is no path is the name of one in /aliases (3.3, 3.6). */
static void resolve_stdout(struct machine *machine)
{
        char alias[32] = "";
        size_t length = strcspn(machine->stdout_path, ":");
        const struct dt_node *node = NULL;

        if (machine->stdout_path[0] == '/' || length >= sizeof alias)
                return;
        memcpy(alias, machine->stdout_path, length);
        machine->stdout_path = "";
        while ((node = dt_next(node)) != NULL)
                if (dt_has_path(node, "/aliases"))
                        machine->stdout_path = dt_string(node, alias) ?: "";
}

/* These nodes have their meaning from their names (chapter 3); all others are found by compatible. */
static int read_node(struct machine *machine, const struct dt_node *node, bool *boot_hart_found)
{
        const char *parent = node->depth == 2 ? node->parent->name : "", *type = dt_string(node, "device_type");

        if (node->depth == 1 && strcmp(node->name, "cpus") == 0)
                return dt_number(node, "timebase-frequency", &machine->timebase) == -EBADF
                               ? dt_refuse(node, "timebase-frequency is not a number") : 0;
        if (node->depth == 1 && strcmp(node->name, "chosen") == 0)
                return read_chosen(machine, node);
        if (node->depth == 1 && type && strcmp(type, "memory") == 0)
                return dt_enabled(node) ? add_regs(machine, node, add_memory) : 0;
        if (strcmp(parent, "cpus") == 0 && type && strcmp(type, "cpu") == 0)
                return read_cpu(machine, node, boot_hart_found);
        if (strcmp(parent, "reserved-memory") == 0)
                return add_regs(machine, node, add_reserved);
        return 0;
}

/* The reservations of the tree's own block (5.3), and the tree itself. */
static int read_memreserve(struct machine *machine)
{
        int count = fdt_num_mem_rsv(machine->tree);

        for (int i = 0; i <= count; i++) {
                struct range range = machine->tree_range;

                if (i < count)
                        fdt_get_mem_rsv(machine->tree, i, &range.base, &range.size);
                if (range.base + range.size < range.base || add_reserved(machine, range) != 0) {
                        log_error("device tree: memory reservation %d wraps around, or is one too many", i);
                        return -EBADF;
                }
        }
        return 0;
}

static int check_machine(const struct machine *machine, bool boot_hart_found)
{
        const char *missing = machine->memory_count == 0 ? "memory"
                              : machine->timebase == 0 || machine->timebase > TIMEBASE_MAX ? "sensible timebase-frequency"
                              : !boot_hart_found ? "enabled cpu node for the hart that booted"
                              : NULL;

        if (missing)
                log_error("device tree: there is no %s", missing);
        return missing ? -EBADF : 0;
}

int machine_read(struct machine *machine, const void *tree, uint64_t hart)
{
        const struct dt_node *node = NULL;
        bool boot_hart_found = false;
        int error = dt_read(tree);

        if (error != 0)
                return error;
        *machine = (struct machine){ .tree = tree, .boot_hart = hart, .bootargs = "", .stdout_path = "" };
        machine->tree_range = (struct range){ (uintptr_t)tree, fdt_totalsize(tree) };
        while (error == 0 && (node = dt_next(node)) != NULL)
                error = read_node(machine, node, &boot_hart_found);
        resolve_stdout(machine);
        return error ?: read_memreserve(machine) ?: check_machine(machine, boot_hart_found);
}
