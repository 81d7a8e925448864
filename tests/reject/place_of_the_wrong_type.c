/* SPDX-License-Identifier: MIT */
/*
 * A place of the wrong type: what block_read() makes is no yield_future.
 *
 * gcc: incompatible types when assigning to type 'struct yield_future'
 * clang: assigning to 'struct yield_future' from incompatible type
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->yield, block_read(self->disk, 0, self->buffer, 1));
        CORO_END();
}
