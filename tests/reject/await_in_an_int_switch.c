/* SPDX-License-Identifier: MIT */
/*
 * An AWAIT inside a switch on an int: the resuming switch would not find its label.
 *
 * gcc: -Woverflow
 * clang: -Wswitch
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        switch (self->count) {
        case 1:
                AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
                break;
        default:
                self->count = 0;
        }
        CORO_END();
}
