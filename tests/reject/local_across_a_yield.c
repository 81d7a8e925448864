/* SPDX-License-Identifier: MIT */
/*
 * A local that spans a CORO_YIELD: the next poll jumps over its initialisation.
 *
 * gcc: -Wjump-misses-init
 * gcc: -Wmaybe-uninitialized
 * clang: -Wuninitialized
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        if (self->count > 0) {
                int before = self->count;

                CORO_YIELD();
                self->count = before + 1;
        }
        CORO_END();
}
