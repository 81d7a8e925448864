/* SPDX-License-Identifier: MIT */
/* args.h - the boot arguments, key=value words; docs/contract.md has their meaning. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "printk.h"

enum ring_format { RING_SPLIT, RING_PACKED };
enum workload { RW_READ, RW_WRITE, RW_RANDREAD, RW_RANDWRITE, RW_RANDRW };

#define SIZE_WHOLE_DISK UINT64_MAX

struct arguments {
        char job[24];
        uint64_t disk;
        uint64_t rw;       /* enum workload */
        uint64_t bs;       /* bytes */
        uint64_t iodepth;
        uint64_t number_ios;
        uint64_t offset;   /* bytes */
        uint64_t size;     /* bytes, or SIZE_WHOLE_DISK: up to its end */
        uint64_t seed;
        uint64_t fsync;
        uint64_t timeout_ms;
        uint64_t queue_size;
        uint64_t ramdisk;  /* bytes; 0: none */
        uint64_t ring;     /* enum ring_format */
        uint64_t trace;
        uint64_t bins;
        uint64_t log;      /* enum log_level */
};

/* What the kernel was told; set once, by args_parse(). */
extern struct arguments arguments;

/* Read `text` into `arguments`, over the defaults. 0, or -EINVAL after saying which word is wrong, and why. At boot. */
int args_parse(const char *text);

/* A number as in a boot argument, decimal or 0x and hexadecimal: false for anything else. Any context. */
bool number_parse(const char *text, uint64_t *number);
