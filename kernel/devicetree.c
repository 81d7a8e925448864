/* SPDX-License-Identifier: MIT */
/*
 * devicetree.c - the device tree, checked once, and questions to it.
 *
 * libfdt walks the flattened tree a single time, looking at every tag, name and length. What it finds
 * is kept in two tables, so a question costs no second walk and meets nothing unchecked. Sections are
 * those of the Devicetree Specification 0.4.
 */
#include "devicetree.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "printk.h"

enum { NODES_MAX = 1024, PROPERTIES_MAX = 4096, DEPTH_MAX = 16, SIZE_MAX_TREE = 1 << 20 };
enum { CELL = 4, CELLS_MAX = 2, SUPERVISOR_EXTERNAL = 9 };

struct property {
        const char *name;
        const void *value;
        int length;
};

static struct dt_node nodes[NODES_MAX];
static struct property properties[PROPERTIES_MAX];
static int node_count, property_count;

static int refuse(const char *what, uint64_t where)
{
        log_error("device tree: %s (at %lu): the boot cannot go on", what, where);
        return -EBADF;
}

static int check_header(const void *tree)
{
        if (tree == NULL || ((uintptr_t)tree & 7) != 0)
                return refuse("no tree at an 8-byte aligned address", (uintptr_t)tree);
        if (fdt_magic(tree) != FDT_MAGIC)
                return refuse("the magic number is missing", fdt_magic(tree));
        if (fdt_version(tree) < 17 || fdt_last_comp_version(tree) > 17)
                return refuse("a version other than 17", fdt_version(tree));
        if (fdt_totalsize(tree) > SIZE_MAX_TREE)
                return refuse("an absurd total size", fdt_totalsize(tree));
        if (fdt_check_header(tree) != 0)
                return refuse("a block lies outside of the tree", fdt_totalsize(tree));
        if ((fdt_off_dt_struct(tree) & 3) != 0 || (fdt_off_mem_rsvmap(tree) & 7) != 0)
                return refuse("a block is misaligned", fdt_off_dt_struct(tree));
        if (fdt_num_mem_rsv(tree) < 0)
                return refuse("the memory reservations have no end", fdt_off_mem_rsvmap(tree));
        return 0;
}

/* The node that begins at `offset`, below `parent`; NULL where it cannot. */
static const struct dt_node *add_node(const void *tree, int offset, const struct dt_node *parent)
{
        struct dt_node *node = &nodes[node_count];

        if (node_count == NODES_MAX || (parent ? parent->depth + 1 == DEPTH_MAX : node_count > 0))
                return NULL;
        *node = (struct dt_node){ .name = fdt_get_name(tree, offset, NULL), .parent = parent,
                                  .depth = parent ? parent->depth + 1 : 0, .first_property = property_count };
        node_count++;
        return node;
}

/* libfdt adds a property's length to an int before it looks at the bounds: look at it before libfdt does. */
static bool length_is_sound(const void *tree, int offset)
{
        const fdt32_t *cells = fdt_offset_ptr(tree, offset, 2 * CELL); /* tag, length */

        return !cells || fdt32_ld(&cells[0]) != FDT_PROP || fdt32_ld(&cells[1]) <= fdt_size_dt_struct(tree);
}

static bool add_property(const void *tree, int offset, const struct dt_node *node)
{
        struct property *property = &properties[property_count];

        /* A node's properties come before its children (5.4.1), so they stand side by side in the table. */
        if (property_count == PROPERTIES_MAX || node != &nodes[node_count - 1])
                return false;
        property->value = fdt_getprop_by_offset(tree, offset, &property->name, &property->length);
        if (!property->value)
                return false;
        property_count++;
        nodes[node_count - 1].properties++;
        return true;
}

int dt_read(const void *tree)
{
        int next = 0, error = check_header(tree);
        const struct dt_node *node = NULL;

        node_count = property_count = 0;
        for (int offset = 0; error == 0; offset = next) {
                uint32_t tag = length_is_sound(tree, offset) ? fdt_next_tag(tree, offset, &next) : FDT_END;

                if (next <= offset)
                        return refuse("the structure is broken or cut short", (unsigned)offset);
                if (tag == FDT_END)
                        return node || node_count == 0 ? refuse("the tree ends before its nodes do", (unsigned)offset) : 0;
                if (tag == FDT_BEGIN_NODE && (node = add_node(tree, offset, node)) == NULL)
                        return refuse("a second root, or nodes too deep or too many", (unsigned)offset);
                if (tag == FDT_PROP && (!node || !add_property(tree, offset, node)))
                        return refuse("a property in the wrong place, without a name or an end", (unsigned)offset);
                if (tag == FDT_END_NODE && !node)
                        return refuse("a node ends that never began", (unsigned)offset);
                if (tag == FDT_END_NODE)
                        node = node->parent;
        }
        return error;
}

int dt_refuse(const struct dt_node *node, const char *why)
{
        log_error("device tree: node %s: %s", *node->name ? node->name : "/", why);
        return -EBADF;
}

const struct dt_node *dt_next(const struct dt_node *node)
{
        const struct dt_node *next = node ? node + 1 : nodes;

        return next < &nodes[node_count] ? next : NULL;
}

const void *dt_property(const struct dt_node *node, const char *name, int *length)
{
        const struct property *property = &properties[node->first_property];

        for (int i = 0; i < node->properties; i++, property++) {
                if (strcmp(property->name, name) == 0) {
                        *length = property->length;
                        return property->value;
                }
        }
        return NULL;
}

const char *dt_string(const struct dt_node *node, const char *name)
{
        int length;
        const char *text = dt_property(node, name, &length);

        return text && strnlen(text, (size_t)length) + 1 == (size_t)length ? text : NULL;
}

bool dt_enabled(const struct dt_node *node)
{
        int length;
        const char *status = dt_string(node, "status");

        if (!dt_property(node, "status", &length))
                return true;
        return status && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

/* In a list without its last NUL libfdt would look one byte too far. */
static bool list_has(const char *list, int length, const char *text)
{
        return length > 0 && list[length - 1] == '\0' && fdt_stringlist_contains(list, length, text);
}

bool dt_compatible(const struct dt_node *node, const char *compatible)
{
        int length;
        const char *list = dt_property(node, "compatible", &length);

        return list && list_has(list, length, compatible) && dt_enabled(node);
}

bool dt_isa_has(const struct dt_node *cpu, const char *extension)
{
        int length;
        const char *list = dt_property(cpu, "riscv,isa-extensions", &length), *isa = dt_string(cpu, "riscv,isa");
        size_t wanted = strlen(extension);

        if (list)
                return list_has(list, length, extension);
        while (isa && (isa = strchr(isa, '_')) != NULL)
                if (strcspn(++isa, "_") == wanted && memcmp(isa, extension, wanted) == 0)
                        return true;
        return false;
}

bool dt_has_path(const struct dt_node *node, const char *path)
{
        size_t length = strcspn(path, ":"), name;

        for (; node->parent; node = node->parent, length -= name + 1) {
                name = strlen(node->name);
                if (length <= name || path[length - name - 1] != '/' ||
                    memcmp(path + length - name, node->name, name) != 0)
                        return false;
        }
        return length == 0;
}

/* A value is text where all of it is printable strings, else cells. */
static bool is_text(const struct property *property)
{
        const char *text = property->value;

        if (property->length < 2 || text[0] == '\0' || text[property->length - 1] != '\0')
                return false;
        for (int i = 0; i < property->length - 1; i++)
                if (text[i] != '\0' ? text[i] < ' ' || text[i] > '~' : text[i + 1] == '\0')
                        return false;
        return true;
}

static void print_property(const struct property *property)
{
        const char *value = property->value;
        bool text = is_text(property);

        printk("  %s", property->name);
        for (int i = 0; i < property->length; i += text ? (int)strlen(value + i) + 1 : i + CELL <= property->length ? CELL : 1)
                if (text)
                        printk("%s\"%s\"", i == 0 ? " = " : ", ", value + i);
                else if (i + CELL <= property->length)
                        printk("%s0x%x", i == 0 ? " = " : " ", fdt32_ld((const fdt32_t *)(const void *)(value + i)));
                else
                        printk(" %02x", (unsigned char)value[i]);
        printk("\n");
}

int dt_print(const char *path)
{
        const struct dt_node *node = NULL, *child = NULL;

        if (strcmp(path, "/") == 0)
                path = "";
        while ((node = dt_next(node)) != NULL && !dt_has_path(node, path))
                ;
        if (!node)
                return -ENOENT;
        for (int i = 0; i < node->properties; i++)
                print_property(&properties[node->first_property + i]);
        while ((child = dt_next(child)) != NULL)
                if (child->parent == node)
                        printk("  %s/\n", child->name);
        return 0;
}

static uint64_t read_cells(const fdt32_t *cells, int count)
{
        uint64_t value = 0;

        for (int i = 0; i < count; i++)
                value = value << 32 | fdt32_ld(&cells[i]);
        return value;
}

int dt_number(const struct dt_node *node, const char *name, uint64_t *value)
{
        int length;
        const fdt32_t *cells = dt_property(node, name, &length);

        if (!cells)
                return -ENOENT;
        if (length != CELL && length != 2 * CELL)
                return -EBADF;
        *value = read_cells(cells, length / CELL);
        return 0;
}

/* How many cells an address or a size has below `bus`; 0 for a number that cannot be. */
static int cells_below(const struct dt_node *bus, const char *name, uint64_t missing)
{
        uint64_t count = missing;

        return dt_number(bus, name, &count) == -EBADF || count > CELLS_MAX ? 0 : (int)count;
}

static int address_cells(const struct dt_node *bus) { return cells_below(bus, "#address-cells", 2); }
static int size_cells(const struct dt_node *bus) { return cells_below(bus, "#size-cells", 1); }

/* An address below `bus` becomes one above it, by an entry of the bus's ranges (2.3.8). */
static int translate(const struct dt_node *bus, struct range *range)
{
        int length, child = address_cells(bus), parent = address_cells(bus->parent), size = size_cells(bus);
        int entry = child + parent + size;
        const fdt32_t *cells = dt_property(bus, "ranges", &length);

        if (!cells || (length > 0 && (child == 0 || parent == 0 || length % (entry * CELL) != 0)))
                return -EBADF;
        if (length == 0)
                return 0;
        for (; length > 0; length -= entry * CELL, cells += entry) {
                uint64_t from = read_cells(cells, child), to = read_cells(cells + child, parent);
                uint64_t extent = read_cells(cells + child + parent, size), at = range->base - from;

                if (range->base >= from && at < extent && range->size <= extent - at) {
                        range->base = to + at;
                        return range->base < to ? -EBADF : 0;
                }
        }
        return -EBADF;
}

int dt_reg(const struct dt_node *node, unsigned index, struct range *range)
{
        int length;
        const fdt32_t *cells = dt_property(node, "reg", &length);

        if (!cells)
                return -ENOENT;
        if (!node->parent)
                return -EBADF;

        int address = address_cells(node->parent), size = size_cells(node->parent), entry = (address + size) * CELL;

        if (address == 0 || length == 0 || length % entry != 0)
                return -EBADF;
        if (index >= (unsigned)(length / entry))
                return -ENOENT;
        cells += index * (unsigned)(address + size);
        range->base = read_cells(cells, address);
        range->size = read_cells(cells + address, size);
        for (const struct dt_node *bus = node->parent; bus->parent && size > 0; bus = bus->parent)
                if (translate(bus, range) != 0)
                        return -EBADF;
        return range->base + range->size < range->base ? -EBADF : 0;
}

static const struct dt_node *find_phandle(uint32_t phandle)
{
        const struct dt_node *node = NULL;
        uint64_t value;

        while ((node = dt_next(node)) != NULL)
                if (dt_number(node, "phandle", &value) == 0 && value == phandle)
                        return node;
        return NULL;
}

int dt_interrupt(const struct dt_node *node, uint32_t *interrupt, uint32_t *controller)
{
        int length;
        const fdt32_t *cells = dt_property(node, "interrupts-extended", &length);
        uint64_t phandle = 0, count;

        if (cells && length >= CELL) {
                phandle = fdt32_ld(cells++);
                length -= CELL;
        } else if (!cells) {
                cells = dt_property(node, "interrupts", &length);
                if (!cells)
                        return -ENOENT;
                /* The nearest interrupt-parent at or above the node (2.4.1). */
                for (; node && dt_number(node, "interrupt-parent", &phandle) == -ENOENT; node = node->parent)
                        ;
        }

        const struct dt_node *parent = find_phandle((uint32_t)phandle);

        if (!parent || dt_number(parent, "#interrupt-cells", &count) != 0 || count < 1 || count > (unsigned)length / CELL)
                return -EBADF;
        *interrupt = fdt32_ld(cells);
        *controller = (uint32_t)phandle;
        return 0;
}

/* The phandle of the interrupt controller inside the cpu node of `hart`; 0: none. */
static uint64_t hart_controller(uint64_t hart)
{
        const struct dt_node *node = NULL;
        struct range reg;
        uint64_t phandle;

        while ((node = dt_next(node)) != NULL)
                if (dt_compatible(node, "riscv,cpu-intc") && node->parent && dt_reg(node->parent, 0, &reg) == 0 &&
                    reg.base == hart && dt_number(node, "phandle", &phandle) == 0)
                        return phandle;
        return 0;
}

int dt_hart_context(const struct dt_node *controller, uint64_t hart)
{
        uint64_t phandle = hart_controller(hart);
        int length;
        const fdt32_t *cells = dt_property(controller, "interrupts-extended", &length);

        /* An interrupt of a hart is one cell (CPU interrupt controller binding), so an entry is two. */
        if (!cells || length % (2 * CELL) != 0 || phandle == 0)
                return -EBADF;
        for (int context = 0; context < length / (2 * CELL); context++, cells += 2)
                if (fdt32_ld(&cells[0]) == phandle && fdt32_ld(&cells[1]) == SUPERVISOR_EXTERNAL)
                        return context;
        return -ENOENT;
}
