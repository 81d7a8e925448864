/* SPDX-License-Identifier: MIT */
/* trees.h - the device trees that trees/generate makes, and what the kernel reads in one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devicetree.h"

enum { TREES_MAX = 400, TREE_REPORT_SIZE = 32768 };
enum { TREE_HEADER = 40, TREE_LIMIT = 1 << 20 /* the largest tree that the kernel reads */ };

struct tree {
        const char *name;
        uint64_t hart;
        bool good;
        const char *lines; /* of the report on a good one */
        const uint8_t *blob;
        size_t size;
};

extern struct tree trees[TREES_MAX];
extern unsigned tree_count;

/* Run the generator, once for the program; a group's setup. */
int trees_make(void **state);

/* The tree called `name`; the test fails where there is none. */
const struct tree *tree_named(const char *name);

/* A copy in a block of exactly `size` bytes, aligned to 8: the sanitizer sees any look beyond it. Free it. */
void *tree_copy(const void *blob, size_t size);

/*
 * The same in a block as large as its header says, which is in `blob` whole: at no more may the kernel look. What is
 * missing is no tree. Where the header says more than TREE_LIMIT, the block is as large as the blob. Free it.
 */
void *tree_whole(const uint8_t *blob, size_t size);

/*
 * Ask everything that can be asked about the machine and the tree read last, and write what the answers are into
 * `text`; devices that a driver of ours could take get a line each.
 */
void tree_report(const struct machine *machine, char text[TREE_REPORT_SIZE]);

/*
 * Read a tree as the boot does: `error` is 0, and the console silent, or -EBADF and there is one line that says
 * why. NULL, or what is wrong with that.
 */
const char *tree_read(struct machine *machine, const void *tree, uint64_t hart, int *error);
