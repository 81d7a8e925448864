/* SPDX-License-Identifier: MIT */
/* machine.c - what the device tree says of the machine: memory, harts, the clock, what the user chose. */
#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "devicetree.h"
#include "printk.h"

static int refuse(const struct dt_cursor *at, const char *what)
{
        log_error("device tree: node %s: %s", dt_name(at), what);
        return -EBADF;
}

static bool overlap(struct range a, struct range b)
{
        return a.base < b.base + b.size && b.base < a.base + a.size;
}

static int add_memory(struct machine *machine, struct range range)
{
        for (unsigned i = 0; i < machine->memories; i++)
                if (overlap(range, machine->memory[i]))
                        return -EBADF;
        if (machine->memories == MACHINE_MEMORY_MAX)
                return -EBADF;
        machine->memory[machine->memories++] = range;
        return 0;
}

static int add_reserved(struct machine *machine, struct range range)
{
        if (machine->reserveds == MACHINE_RESERVED_MAX)
                return -EBADF;
        machine->reserved[machine->reserveds++] = range;
        return 0;
}

/* Every reg of a node; a reserved-memory node without one lies where the system likes, and is never made (3.5). */
static int add_regs(struct machine *machine, const struct dt_cursor *at, int (*add)(struct machine *, struct range))
{
        struct range range;
        int error;

        for (unsigned index = 0; (error = dt_reg(at, index, &range)) == 0; index++)
                if (range.size > 0 && add(machine, range) != 0)
                        return refuse(at, "it overlaps other memory, or is one piece too many");
        return error == -ENOENT ? 0 : refuse(at, "reg makes no sense");
}

static int read_cpu(struct machine *machine, const struct dt_cursor *at, bool *found)
{
        struct range reg;

        if (dt_reg(at, 0, &reg) != 0)
                return refuse(at, "reg does not say which hart it is");
        if (!dt_enabled(at))
                return 0;
        machine->harts++;
        *found |= reg.base == machine->boot_hart;
        return 0;
}

static int stdout_node(const struct dt_cursor *at)
{
        const char *path = dt_string(at, "stdout-path");
        const char *options = path ? strchr(path, ':') : NULL;

        return path ? fdt_path_offset_namelen(at->tree, path, (int)(options ? (size_t)(options - path) : strlen(path))) : -1;
}

static int read_chosen(struct machine *machine, const struct dt_cursor *at)
{
        uint64_t start = 0, end = 0;
        int error_start = dt_u64(at, "linux,initrd-start", &start), error_end = dt_u64(at, "linux,initrd-end", &end);

        machine->bootargs = dt_string(at, "bootargs");
        if (!machine->bootargs && fdt_getprop(at->tree, at->node, "bootargs", NULL))
                return refuse(at, "bootargs is not a string");
        machine->stdout_node = stdout_node(at);
        if (error_start == -EBADF || error_end == -EBADF || error_start != error_end || end < start)
                return refuse(at, "linux,initrd-start and -end make no sense");
        return end > start ? add_reserved(machine, (struct range){ start, end - start }) : 0;
}

static int read_node(struct machine *machine, const struct dt_cursor *at, const char *parent, bool *found)
{
        const char *type = dt_string(at, "device_type"), *name = dt_name(at);

        if (at->depth == 1 && strcmp(name, "cpus") == 0)
                return dt_u32(at, "timebase-frequency", &machine->timebase) == -EBADF
                        ? refuse(at, "timebase-frequency is not one cell") : 0;
        if (at->depth == 1 && strcmp(name, "chosen") == 0)
                return read_chosen(machine, at);
        if (at->depth == 1 && type && strcmp(type, "memory") == 0)
                return dt_enabled(at) ? add_regs(machine, at, add_memory) : 0;
        if (at->depth == 2 && strcmp(parent, "cpus") == 0 && type && strcmp(type, "cpu") == 0)
                return read_cpu(machine, at, found);
        if (at->depth == 2 && strcmp(parent, "reserved-memory") == 0)
                return add_regs(machine, at, add_reserved);
        return 0;
}

static int read_memreserve(struct machine *machine)
{
        struct range range;

        for (int i = 0; i < fdt_num_mem_rsv(machine->tree); i++) {
                if (fdt_get_mem_rsv(machine->tree, i, &range.base, &range.size) != 0 ||
                    range.base + range.size < range.base || add_reserved(machine, range) != 0) {
                        log_error("device tree: memory reservation %d makes no sense", i);
                        return -EBADF;
                }
        }
        return 0;
}

static int check_machine(const struct machine *machine, bool boot_hart_found)
{
        const char *missing = machine->memories == 0 ? "memory"
                              : machine->timebase == 0 ? "timebase-frequency"
                              : !boot_hart_found ? "enabled cpu node for the hart that booted"
                              : NULL;

        if (missing)
                log_error("device tree: there is no %s", missing);
        return missing ? -EBADF : 0;
}

int machine_read(struct machine *machine, const void *tree, uint64_t hart)
{
        struct dt_cursor at = dt_start(tree);
        bool boot_hart_found = false;
        int error = dt_check(tree);

        if (error != 0)
                return error;
        *machine = (struct machine){ .tree = tree, .boot_hart = hart, .stdout_node = -1 };
        machine->tree_range = (struct range){ (uintptr_t)tree, fdt_totalsize(tree) };
        while (error == 0 && dt_next(&at)) {
                const char *parent = at.depth == 2 ? fdt_get_name(tree, at.path[1], NULL) : "";

                error = read_node(machine, &at, parent ? parent : "", &boot_hart_found);
        }
        if (!machine->bootargs)
                machine->bootargs = "";
        return error ?: read_memreserve(machine) ?: add_reserved(machine, machine->tree_range)
               ?: check_machine(machine, boot_hart_found);
}
