/* SPDX-License-Identifier: MIT */
/*
 * An AWAIT inside a switch on an enum, which gcc also finds no enumerator for.
 *
 * gcc: -Woverflow
 * gcc: -Wswitch
 * clang: -Wswitch
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        switch (self->direction) {
        case DIRECTION_IN:
                AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
                break;
        case DIRECTION_OUT:
                break;
        }
        CORO_END();
}
