/* SPDX-License-Identifier: MIT */
/* modelled.h - one model disk with its real driver, for requests that are waited for. */
#pragma once

#include "block_driver.h"
#include "model.h"

extern struct executor executor;
extern struct model model;
extern struct waker waker;         /* of nobody */
extern struct block_device *disk;  /* NULL: the driver has refused it */

/*
 * A machine with this disk alone. While the hart sleeps the device goes on, and where it has nothing to do time passes;
 * a request is overdue after `timeout` ticks. Two steps: what is to be different when the driver comes is set between.
 */
void modelled_prepare(const struct model_options *options, uint64_t timeout);
int modelled_probe(void);
void modelled_setup(const struct model_options *options, uint64_t timeout);

/* What batches without tasks do, until no more is wanted. */
void run_hooks(void);

/* The device says that its configuration has changed, and the driver looks. */
void reconfigure(void);
