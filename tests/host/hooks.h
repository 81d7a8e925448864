/* SPDX-License-Identifier: MIT */
/* hooks.h - what the executor does after a batch. */
#pragma once

#include "testing.h"

#include "executor.h"

/* Run the hooks, as after a batch in which somebody asked for it. */
static inline void run_hooks(struct executor *on)
{
        struct yield_future one_batch = yield_now();

        assert_int_equal(executor_block_on(on, &one_batch.future), 0);
}
