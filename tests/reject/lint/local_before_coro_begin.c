/* SPDX-License-Identifier: MIT */
/*
 * A local before CORO_BEGIN: every poll works it out anew, after an AWAIT as well.
 *
 * lint: may stand before CORO_BEGIN
 */
#include "../copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);
        int before = number_from(self); /* here */

        CORO_BEGIN(self, waker);
        AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
        self->count = before;
        CORO_END();
}
