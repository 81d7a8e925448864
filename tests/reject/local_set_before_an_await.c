/* SPDX-License-Identifier: MIT */
/*
 * The same without an initialisation to jump over.
 *
 * gcc: -Wmaybe-uninitialized
 * clang: -Wconditional-uninitialized
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        {
                int before;

                before = number_from(self);
                AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
                self->count = before;
        }
        CORO_END();
}
