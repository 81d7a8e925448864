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

static int add_reserved(struct machine *machine, uint64_t base, uint64_t size)
{
        if (size == 0)
                return 0;
        if (base + size < base || machine->reserveds == MACHINE_RESERVED_MAX) {
                log_error("device tree: reserved memory at 0x%lx: %s", base,
                          base + size < base ? "it wraps around" : "one range too many");
                return -EBADF;
        }
        machine->reserved[machine->reserveds++] = (struct range){ base, size };
        return 0;
}

static int add_memory(struct machine *machine, const struct dt_cursor *at)
{
        struct range range;
        int error;

        for (unsigned index = 0; (error = dt_reg(at, index, &range)) == 0; index++) {
                if (range.size == 0)
                        continue;
                for (unsigned i = 0; i < machine->memories; i++)
                        if (overlap(range, machine->memory[i]))
                                return refuse(at, "it overlaps other memory");
                if (machine->memories == MACHINE_MEMORY_MAX)
                        return refuse(at, "one piece of memory too many");
                machine->memory[machine->memories++] = range;
        }
        return error == -ENOENT ? 0 : refuse(at, "reg makes no sense");
}

/* A child of /reserved-memory; one without reg may lie where the system likes, and is never made (3.5). */
static int read_reserved(struct machine *machine, const struct dt_cursor *at)
{
        struct range range;
        int error;

        for (unsigned index = 0; (error = dt_reg(at, index, &range)) == 0; index++)
                if (add_reserved(machine, range.base, range.size) != 0)
                        return -EBADF;
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
        return machine->timebase ? 0 : dt_u32(at, "timebase-frequency", &machine->timebase) == -EBADF
                ? refuse(at, "timebase-frequency is not one cell") : 0;
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
        return add_reserved(machine, start, end - start);
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
                return dt_enabled(at) ? add_memory(machine, at) : 0;
        if (at->depth == 2 && strcmp(parent, "cpus") == 0 && type && strcmp(type, "cpu") == 0)
                return read_cpu(machine, at, found);
        if (at->depth == 2 && strcmp(parent, "reserved-memory") == 0)
                return read_reserved(machine, at);
        return 0;
}

static int read_memreserve(struct machine *machine)
{
        int count = fdt_num_mem_rsv(machine->tree), error = 0;

        for (int i = 0; i < count && error == 0; i++) {
                uint64_t base, size;

                if (fdt_get_mem_rsv(machine->tree, i, &base, &size) != 0)
                        return -EBADF;
                error = add_reserved(machine, base, size);
        }
        return error;
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
        if (error == 0)
                error = read_memreserve(machine);
        if (error == 0)
                error = add_reserved(machine, machine->tree_range.base, machine->tree_range.size);
        if (!machine->bootargs)
                machine->bootargs = "";
        return error ? error : check_machine(machine, boot_hart_found);
}
