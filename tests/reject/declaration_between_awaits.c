/* SPDX-License-Identifier: MIT */
/*
 * A declaration at body level, between two AWAITs: the second one jumps over it.
 *
 * gcc: -Wdeclaration-after-statement
 * gcc: -Wjump-misses-init
 * clang: -Wdeclaration-after-statement
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
        int result = self->io.result;
        self->count = result;
        AWAIT(self->yield, yield_now());
        CORO_END();
}
