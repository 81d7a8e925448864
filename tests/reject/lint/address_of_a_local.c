/* SPDX-License-Identifier: MIT */
/*
 * A local whose address was taken: whoever has it may have set it, for all that a compiler knows.
 *
 * lint: a local beside AWAIT does not survive it
 */
#include "../copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        {
                uint64_t number[2]; /* here */

                fill(number, sizeof number);
                AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
                self->count = number_from(number);
        }
        CORO_END();
}
