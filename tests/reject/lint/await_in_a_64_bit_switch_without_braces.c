/* SPDX-License-Identifier: MIT */
/*
 * A switch needs no braces to swallow the jump.
 *
 * lint: AWAIT inside a switch
 */
#include "../copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        switch (self->wide)
        case 1:
                AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1)); /* here */
        CORO_END();
}
