/* SPDX-License-Identifier: MIT */
/*
 * No mistake: every compiler takes it without a warning, and scripts/check_coro without a word.
 *
 * lint: nothing
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        if (self->count > 0) {
                int before = number_from(self);

                self->count += before;
        }
        for (int i = 0; i < 4; i++)
                self->wide += (uint64_t)number_from(&i);
        switch (self->direction) {
        case DIRECTION_IN:
                self->wide = 0;
                break;
        case DIRECTION_OUT:
                self->wide = 1;
                break;
        }
        for (self->count = 0; self->count < 4; self->count++) {
                static const uint64_t always_the_same = 8;

                AWAIT(self->io, block_read(self->disk, self->wide + always_the_same, self->buffer, 1));
                if (self->io.result != 0)
                        CORO_RETURN();
        }
        if (self->wide != 0)
                AWAIT(self->yield, yield_now());
        else
                AWAIT(self->io, block_flush(self->disk));
        CORO_END();
}
