/* SPDX-License-Identifier: MIT */
/*
 * A local behind parentheses, whose address is taken.
 *
 * lint: a local beside AWAIT does not survive it
 */
#include "../copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        {
                uint8_t (*row)[16]; /* here */

                fill(&row, sizeof row);
                AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
                self->count = (*row)[3];
        }
        CORO_END();
}
