/* SPDX-License-Identifier: MIT */
/* probe.c - job=probe: the devices are up and printed; that was it. */
#include "irq.h"
#include "jobs/jobs.h"
#include "printk.h"

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        (void)executor;
        (void)disk;
        block_print_limits();
        if (irq_available())
                return EXIT_PASS;
        log_error("the device tree has no interrupt controller that we drive (a PLIC)");
        return EXIT_DEVICE;
}

const struct job probe_job = { .name = "probe", .run = run };
