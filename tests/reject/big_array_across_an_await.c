/* SPDX-License-Identifier: MIT */
/*
 * A big array across an AWAIT: the stack that it lies on is gone when the device writes it.
 *
 * gcc: -Wframe-larger-than
 * clang: -Wframe-larger-than
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        {
                uint8_t sector[512];

                fill(sector, sizeof sector);
                AWAIT(self->io, block_write(self->disk, 0, sector, 1));
        }
        CORO_END();
}
