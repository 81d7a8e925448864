/* SPDX-License-Identifier: MIT */
/*
 * devicetree.h - questions to the flattened device tree, and the machine that it describes.
 *
 * libfdt does the parsing; what is asked here knows about cells, buses and interrupts
 * (Devicetree Specification 0.4). A tree is checked before it is believed: dt_check(), once.
 * "Says why" means one sentence on the console.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DT_DEPTH_MAX = 16, DT_SIZE_MAX = 1 << 20 };

struct range {
        uint64_t base, size;
};

/*
 * Whether all of the tree can be walked without leaving it: header, block bounds and alignment,
 * every tag, name and property, depth. `tree` is 8-byte aligned and readable up to its own totalsize.
 * 0, or -EBADF after saying why. Any context.
 */
int dt_check(const void *tree);

/* A place in a checked tree, and the nodes above it: path[0] is the root, path[depth] is `node`. */
struct dt_cursor {
        const void *tree;
        int node, depth;
        int path[DT_DEPTH_MAX];
};

/* A cursor before the root. Any context. */
static inline struct dt_cursor dt_start(const void *tree)
{
        return (struct dt_cursor){ .tree = tree, .node = -1, .depth = -1 };
}

/* Move to the next node, parents before their children; false after the last. Any context. */
bool dt_next(struct dt_cursor *at);

/* Whether the node is enabled and says that it is compatible with `compatible` (2.3.1). Any context. */
bool dt_compatible(const struct dt_cursor *at, const char *compatible);

/* The node's name with its unit address. Lives in the tree. Any context. */
const char *dt_name(const struct dt_cursor *at);

/* Whether the node's status lets it be used: missing, "okay" or "ok" (2.3.4). Any context. */
bool dt_enabled(const struct dt_cursor *at);

/*
 * `reg` entry `index` of the node as an address of the processor, through every bus above it (2.3.6,
 * 2.3.8). 0; -ENOENT when there is no such entry; -EBADF for one that makes no sense. Any context.
 */
int dt_reg(const struct dt_cursor *at, unsigned index, struct range *range);

/*
 * The first interrupt of the node, as its first cell: through interrupts-extended, or interrupts and
 * the nearest interrupt-parent (2.4). `controller` is the phandle of who takes it. 0; -ENOENT when the
 * node has none; -EBADF. Any context.
 */
int dt_interrupt(const struct dt_cursor *at, uint32_t *interrupt, uint32_t *controller);

/* A property of one cell: 0, -ENOENT, or -EBADF for another length. Any context. */
int dt_u32(const struct dt_cursor *at, const char *property, uint32_t *value);

/* A property of one or two cells. 0, -ENOENT, -EBADF. Any context. */
int dt_u64(const struct dt_cursor *at, const char *property, uint64_t *value);

/* A property that is a string with its NUL, else NULL. Lives in the tree. Any context. */
const char *dt_string(const struct dt_cursor *at, const char *property);

/*
 * The PLIC's context for interrupts of `hart` in S-mode: the index of that hart's interrupt 9 in the
 * controller's interrupts-extended (RISC-V PLIC and CPU interrupt controller bindings). -ENOENT when
 * it has none; -EBADF. Any context.
 */
int dt_hart_context(const struct dt_cursor *controller, uint64_t hart);

enum { MACHINE_MEMORY_MAX = 16, MACHINE_RESERVED_MAX = 64 };

/* What the kernel needs to know before any driver. Strings live in the tree. */
struct machine {
        const void *tree;
        struct range tree_range; /* where the tree itself lies */
        uint64_t boot_hart;
        uint32_t harts;      /* that may be used */
        uint32_t timebase;   /* Hz */
        const char *bootargs; /* "" when there are none */
        int stdout_node;     /* -1: not named */
        uint32_t memories, reserveds;
        struct range memory[MACHINE_MEMORY_MAX];
        struct range reserved[MACHINE_RESERVED_MAX]; /* reserved-memory, memreserve, initrd, the tree itself */
};

/*
 * Check `tree` and read it. `hart` is the hart that booted. 0, or -EBADF after saying why. At boot.
 */
int machine_read(struct machine *machine, const void *tree, uint64_t hart);
