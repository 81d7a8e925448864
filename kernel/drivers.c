/* SPDX-License-Identifier: MIT */
/* drivers.c - every driver there is, in the order of probing. */
#include <stddef.h>

#include "driver.h"
#include "virtio.h"

const struct driver *const platform_drivers[] = {
        &sifive_test_driver,
        &uart16550_driver,
        &plic_driver,
        NULL,
};

const struct driver *const device_drivers[] = {
        &virtio_mmio_driver,
        NULL,
};

const struct virtio_driver *const virtio_drivers[] = {
        &virtio_blk_driver,
        &virtio_rng_driver,
        NULL,
};
