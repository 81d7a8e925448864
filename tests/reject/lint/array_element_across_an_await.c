/* SPDX-License-Identifier: MIT */
/*
 * An array of which one element spans an AWAIT: gcc 12 and clang 14 say nothing.
 *
 * lint: a local beside AWAIT does not survive it
 */
#include "../copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        {
                uint8_t sector[512]; /* here */

                sector[0] = (uint8_t)self->count;
                AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
                self->count = sector[0];
        }
        CORO_END();
}
