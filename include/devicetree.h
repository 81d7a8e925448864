/* SPDX-License-Identifier: MIT */
/*
 * devicetree.h - the device tree, and the machine that it describes.
 *
 * dt_read() checks the flattened tree before anything in it is believed, and takes it apart with
 * libfdt; the questions after it know about cells, buses and interrupts (Devicetree Specification 0.4).
 * Names and values lie in the tree itself, which must stay. "Says why" means one sentence on the console.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
        uint64_t base, size;
};

struct dt_node {
        const char *name; /* with its unit address; "" for the root */
        const struct dt_node *parent;
        int depth; /* of the root: 0 */
        int first_property, properties;
};

/*
 * Check all of `tree`: header, bounds and alignment of its blocks, every tag, name and length, depth.
 * It is aligned to 8 bytes and readable up to its own total size. There is one tree at a time: nodes of
 * an earlier one are void. 0, or -EBADF after saying why. At boot.
 */
int dt_read(const void *tree);

/* Say why `node` cannot be what it claims to be; returns -EBADF. Any context. */
int dt_refuse(const struct dt_node *node, const char *why);

/* The node after `node`, parents before their children; the root for NULL, NULL after the last. Any context. */
const struct dt_node *dt_next(const struct dt_node *node);

/* A property's value and its length in bytes, NULL when there is none. Any context. */
const void *dt_property(const struct dt_node *node, const char *name, int *length);

/* A property that is one string with its NUL, else NULL. Any context. */
const char *dt_string(const struct dt_node *node, const char *name);

/* A property that is a number of one or two cells: 0, -ENOENT, or -EBADF for another length. Any context. */
int dt_number(const struct dt_node *node, const char *name, uint64_t *value);

/* Whether `path`, "/soc/serial@10000000" perhaps with options after a colon, leads to the node. Any context. */
bool dt_has_path(const struct dt_node *node, const char *path);

/* Print the properties and the children of the node at `path`: 0, or -ENOENT. Any context. */
int dt_print(const char *path);

/* Whether the node's status lets it be used: missing, "okay" or "ok" (2.3.4). Any context. */
bool dt_enabled(const struct dt_node *node);

/* Whether the node is enabled and says that it is compatible with `compatible` (2.3.1). Any context. */
bool dt_compatible(const struct dt_node *node, const char *compatible);

/*
 * `reg` entry `index` of the node as an address of the processor, through every bus above it (2.3.6,
 * 2.3.8). 0; -ENOENT when there is no such entry; -EBADF for one that makes no sense. Any context.
 */
int dt_reg(const struct dt_node *node, unsigned index, struct range *range);

/*
 * The first interrupt of the node, as its first cell: through interrupts-extended, or interrupts and
 * the nearest interrupt-parent (2.4). `controller` is the phandle of who takes it. 0; -ENOENT when the
 * node has none; -EBADF. Any context.
 */
int dt_interrupt(const struct dt_node *node, uint32_t *interrupt, uint32_t *controller);

/*
 * The PLIC's context for interrupts of `hart` in S-mode: the index of that hart's interrupt 9 in the
 * controller's interrupts-extended (RISC-V PLIC and CPU interrupt controller bindings). -ENOENT when
 * it has none; -EBADF. Any context.
 */
int dt_hart_context(const struct dt_node *controller, uint64_t hart);

enum { MACHINE_HARTS_MAX = 64, MACHINE_MEMORY_MAX = 16, MACHINE_RESERVED_MAX = 64 };

/* What the kernel needs to know before any driver. Strings live in the tree. */
struct machine {
        const void *tree;
        struct range tree_range; /* where the tree itself lies */
        uint64_t boot_hart;
        uint32_t harts;          /* that may be used */
        uint64_t hart_ids[MACHINE_HARTS_MAX]; /* of the first of them */
        uint64_t timebase;       /* Hz */
        bool sstc;               /* the boot hart has a timer of its own */
        const char *bootargs;    /* "" when there are none */
        const char *stdout_path; /* perhaps with options after a colon; "" when there is none */
        uint32_t memory_count, reserved_count;
        struct range memory[MACHINE_MEMORY_MAX];
        struct range reserved[MACHINE_RESERVED_MAX]; /* reserved-memory, memreserve, initrd, the tree itself */
};

/*
 * Whether the cpu node says that its hart has an ISA extension, in lower case: in riscv,isa-extensions, or where
 * that is missing in riscv,isa (RISC-V CPU bindings). Any context.
 */
bool dt_isa_has(const struct dt_node *cpu, const char *extension);

/*
 * Check `tree` and read it. `hart` is the hart that booted. 0, or -EBADF after saying why. At boot.
 */
int machine_read(struct machine *machine, const void *tree, uint64_t hart);
