/* SPDX-License-Identifier: MIT */
/*
 * A local whose type is declared on the spot is a local all the same.
 *
 * lint: a local beside AWAIT does not survive it
 */
#include "../copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        {
                struct pair { /* here */
                        int first, second;
                } pair;

                fill(&pair, sizeof pair);
                AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
                self->count = pair.first + pair.second;
        }
        CORO_END();
}
