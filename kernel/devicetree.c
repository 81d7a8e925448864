/* SPDX-License-Identifier: MIT */
/*
 * devicetree.c - questions to the flattened device tree.
 *
 * libfdt keeps no state, so asking it for a node's parent walks the tree from its start. The cursor
 * remembers the way down instead. Sections are those of the Devicetree Specification 0.4.
 */
#include "devicetree.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "printk.h"

enum { CELL = 4, CELLS_MAX = 2, SUPERVISOR_EXTERNAL = 9 };

static int refuse(const char *what, int64_t where)
{
        log_error("device tree: %s (at %ld): the boot cannot go on", what, where);
        return -EBADF;
}

static int check_header(const void *tree)
{
        if (tree == NULL || ((uintptr_t)tree & 7) != 0)
                return refuse("no tree at an 8-byte aligned address", (int64_t)(uintptr_t)tree);
        if (fdt_magic(tree) != FDT_MAGIC)
                return refuse("the magic number is missing", fdt_magic(tree));
        if (fdt_version(tree) < 17 || fdt_last_comp_version(tree) > 17)
                return refuse("a version other than 17", fdt_version(tree));
        if (fdt_totalsize(tree) > DT_SIZE_MAX)
                return refuse("an absurd total size", fdt_totalsize(tree));
        if (fdt_check_header(tree) != 0)
                return refuse("a block lies outside of the tree", fdt_totalsize(tree));
        if ((fdt_off_dt_struct(tree) & 3) != 0 || (fdt_off_mem_rsvmap(tree) & 7) != 0)
                return refuse("a block is misaligned", fdt_off_dt_struct(tree));
        if (fdt_num_mem_rsv(tree) < 0)
                return refuse("the memory reservations have no end", fdt_off_mem_rsvmap(tree));
        return 0;
}

/* A length that libfdt's arithmetic on ints would wrap around is refused here, before anyone computes with it. */
static bool property_is_sound(const void *tree, int offset)
{
        const char *name;
        int length;

        return fdt_getprop_by_offset(tree, offset, &name, &length) && length >= 0 &&
               (unsigned)length <= fdt_size_dt_struct(tree);
}

int dt_check(const void *tree)
{
        int depth = 0, roots = 0, next = 0, error = check_header(tree);

        for (int offset = 0; error == 0; offset = next) {
                uint32_t tag = fdt_next_tag(tree, offset, &next);

                if (next <= offset)
                        return refuse("the structure is broken or cut short", offset);
                switch (tag) {
                case FDT_BEGIN_NODE:
                        if (depth == 0 && roots++ > 0)
                                return refuse("there are two roots", offset);
                        if (depth++ == DT_DEPTH_MAX)
                                return refuse("nodes are nested too deep", offset);
                        break;
                case FDT_END_NODE:
                        if (--depth < 0)
                                return refuse("a node ends that never began", offset);
                        break;
                case FDT_PROP:
                        if (depth == 0 || !property_is_sound(tree, offset))
                                return refuse("a property has no name, no node or no end", offset);
                        break;
                case FDT_END:
                        return depth == 0 && roots == 1 ? 0 : refuse("the tree ends before its nodes do", offset);
                default:
                        break;
                }
        }
        return error;
}

bool dt_next(struct dt_cursor *at)
{
        at->node = fdt_next_node(at->tree, at->node, &at->depth);
        if (at->node < 0 || at->depth < 0 || at->depth >= DT_DEPTH_MAX)
                return false;
        at->path[at->depth] = at->node;
        return true;
}

bool dt_compatible(const struct dt_cursor *at, const char *compatible)
{
        return fdt_node_check_compatible(at->tree, at->node, compatible) == 0 && dt_enabled(at);
}

const char *dt_name(const struct dt_cursor *at)
{
        const char *name = fdt_get_name(at->tree, at->node, NULL);

        return name && *name ? name : "/";
}

bool dt_enabled(const struct dt_cursor *at)
{
        const char *status = dt_string(at, "status");

        if (!fdt_getprop(at->tree, at->node, "status", NULL))
                return true;
        return status && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

int dt_u32(const struct dt_cursor *at, const char *property, uint32_t *value)
{
        uint64_t wide;
        int error = dt_u64(at, property, &wide);

        if (error == 0 && wide > UINT32_MAX)
                return -EBADF;
        if (error == 0)
                *value = (uint32_t)wide;
        return error;
}

static uint64_t read_cells(const fdt32_t *cells, int count)
{
        uint64_t value = 0;

        for (int i = 0; i < count; i++)
                value = value << 32 | fdt32_ld(&cells[i]);
        return value;
}

int dt_u64(const struct dt_cursor *at, const char *property, uint64_t *value)
{
        int length;
        const fdt32_t *cells = fdt_getprop(at->tree, at->node, property, &length);

        if (!cells)
                return -ENOENT;
        if (length != CELL && length != 2 * CELL)
                return -EBADF;
        *value = read_cells(cells, length / CELL);
        return 0;
}

const char *dt_string(const struct dt_cursor *at, const char *property)
{
        int length;
        const char *text = fdt_getprop(at->tree, at->node, property, &length);

        return text && length > 0 && text[length - 1] == '\0' ? text : NULL;
}

/* One entry of a bus's ranges: an address below the bus becomes one above it (2.3.8). */
static int translate(const struct dt_cursor *at, int depth, struct range *range)
{
        int bus = at->path[depth], length;
        int child = fdt_address_cells(at->tree, bus), size = fdt_size_cells(at->tree, bus);
        int parent = fdt_address_cells(at->tree, at->path[depth - 1]);
        const fdt32_t *cells = fdt_getprop(at->tree, bus, "ranges", &length);

        if (!cells)
                return -EBADF;
        if (length == 0)
                return 0;
        if (child < 1 || child > CELLS_MAX || parent < 1 || parent > CELLS_MAX || size < 1 || size > CELLS_MAX)
                return -EBADF;
        for (int entry = child + parent + size; length >= entry * CELL; length -= entry * CELL, cells += entry) {
                uint64_t from = read_cells(cells, child), to = read_cells(cells + child, parent);
                uint64_t extent = read_cells(cells + child + parent, size);

                if (range->base < from || range->base - from >= extent)
                        continue;
                if (range->size > extent - (range->base - from))
                        return -EBADF;
                range->base = range->base - from + to;
                return 0;
        }
        return -EBADF;
}

int dt_reg(const struct dt_cursor *at, unsigned index, struct range *range)
{
        int length;
        const fdt32_t *cells = fdt_getprop(at->tree, at->node, "reg", &length);

        if (!cells)
                return -ENOENT;
        if (at->depth < 1)
                return -EBADF;

        int address = fdt_address_cells(at->tree, at->path[at->depth - 1]);
        int size = fdt_size_cells(at->tree, at->path[at->depth - 1]);

        if (address < 1 || address > CELLS_MAX || size < 0 || size > CELLS_MAX)
                return -EBADF;
        if (length == 0 || length % ((address + size) * CELL) != 0)
                return -EBADF;
        if (index >= (unsigned)(length / ((address + size) * CELL)))
                return -ENOENT;
        cells += index * (unsigned)(address + size);
        range->base = read_cells(cells, address);
        range->size = read_cells(cells + address, size);
        for (int depth = at->depth - 1; depth > 0 && size > 0; depth--)
                if (translate(at, depth, range) != 0)
                        return -EBADF;
        return range->base + range->size < range->base ? -EBADF : 0;
}

/* The nearest interrupt-parent at or above the node (2.4.1). */
static int interrupt_parent(const struct dt_cursor *at, uint32_t *phandle)
{
        for (int depth = at->depth; depth >= 0; depth--) {
                int length;
                const fdt32_t *cell = fdt_getprop(at->tree, at->path[depth], "interrupt-parent", &length);

                if (cell && length != CELL)
                        return -EBADF;
                if (cell) {
                        *phandle = fdt32_ld(cell);
                        return 0;
                }
        }
        return -EBADF;
}

int dt_interrupt(const struct dt_cursor *at, uint32_t *interrupt, uint32_t *controller)
{
        int length, count_length = 0;
        const fdt32_t *cells = fdt_getprop(at->tree, at->node, "interrupts-extended", &length);

        if (cells) {
                if (length < 2 * CELL)
                        return -EBADF;
                *controller = fdt32_ld(cells++);
                length -= CELL;
        } else {
                cells = fdt_getprop(at->tree, at->node, "interrupts", &length);
                if (!cells)
                        return -ENOENT;
                if (interrupt_parent(at, controller) != 0)
                        return -EBADF;
        }

        int node = fdt_node_offset_by_phandle(at->tree, *controller);
        const fdt32_t *count = node < 0 ? NULL : fdt_getprop(at->tree, node, "#interrupt-cells", &count_length);

        if (!count || count_length != CELL || fdt32_ld(count) < 1 || fdt32_ld(count) > (uint32_t)length / CELL)
                return -EBADF;
        *interrupt = fdt32_ld(cells);
        return 0;
}

/* The phandle of the interrupt controller inside the cpu node of `hart`; 0: none. */
static uint32_t hart_controller(const void *tree, uint64_t hart)
{
        struct dt_cursor at = dt_start(tree);
        struct range reg;
        int cpu = -1;

        while (dt_next(&at)) {
                const char *type = dt_string(&at, "device_type");

                if (type && strcmp(type, "cpu") == 0 && dt_reg(&at, 0, &reg) == 0 && reg.base == hart)
                        cpu = at.node;
                if (at.depth > 0 && at.path[at.depth - 1] == cpu && dt_compatible(&at, "riscv,cpu-intc"))
                        return fdt_get_phandle(tree, at.node);
        }
        return 0;
}

int dt_hart_context(const struct dt_cursor *controller, uint64_t hart)
{
        uint32_t phandle = hart_controller(controller->tree, hart);
        int length;
        const fdt32_t *cells = fdt_getprop(controller->tree, controller->node, "interrupts-extended", &length);

        /* An interrupt of a hart is one cell (CPU interrupt controller binding), so an entry is two. */
        if (!cells || length % (2 * CELL) != 0 || phandle == 0)
                return -EBADF;
        for (int context = 0; context < length / (2 * CELL); context++)
                if (fdt32_ld(&cells[2 * context]) == phandle && fdt32_ld(&cells[2 * context + 1]) == SUPERVISOR_EXTERNAL)
                        return context;
        return -ENOENT;
}
