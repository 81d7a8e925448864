/* SPDX-License-Identifier: MIT */
/*
 * answers.h - what a virtio-mmio block device says, by the bytes of an input: an honest device where they are 0 or have come
 * to an end. In front of it are the rules of tests/host/registers.c; answers.c.
 */
#pragma once

#include "block.h"
#include "fuzz.h"
#include "registers.h"

/* A new device, behind the host's MMIO; what it says comes from `input`, which stays. */
void answers_begin(struct fuzz_input *input, bool legacy);

/* It sets DEVICE_NEEDS_RESET, until it is reset. */
void answers_need_reset(void);

/* It has another configuration, or perhaps other features and queues for whoever resets it. */
void answers_change(void);

/* What was taken over from the device is what it said. */
void answers_check(const struct block_device *disk);
