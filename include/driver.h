/* SPDX-License-Identifier: MIT */
/* driver.h - drivers for nodes of the device tree, by `compatible`. */
#pragma once

#include <stdint.h>

#include "devicetree.h"

/* A node that a driver is asked to take: its first reg, mapped, and its first interrupt. */
struct device_node {
        const struct dt_node *at; /* for further questions */
        const struct machine *machine;
        struct range reg;
        uint32_t interrupt;  /* 0: it has none */
        uint32_t controller; /* phandle of who takes it */
};

/*
 * `probe` returns 0 when the device is up or absent, or a negative errno after saying why. -EBADF, from
 * dt_refuse(), stands for a device tree that cannot be, and ends the boot.
 */
struct driver {
        const char *name;
        const char *const *compatible; /* ends with NULL */
        int (*probe)(const struct device_node *node);
};

extern const struct driver sifive_test_driver, uart16550_driver, plic_driver, virtio_mmio_driver;

/* The tables, in order of probing; each ends with NULL. kernel/drivers.c. */
extern const struct driver *const platform_drivers[]; /* the finisher, the UART, the PLIC: before the boot arguments are read */
extern const struct driver *const device_drivers[];

/*
 * Ask each driver of `table`, in the table's order, to take each node of the tree that is compatible
 * with it and not disabled. 0, or -EBADF for a node that makes no sense, named on the console.
 * At boot.
 */
int drivers_probe(const struct machine *machine, const struct driver *const *table);