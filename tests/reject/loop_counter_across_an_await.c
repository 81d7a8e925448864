/* SPDX-License-Identifier: MIT */
/*
 * A loop's own counter: it is a local that spans the AWAIT as well.
 *
 * gcc: -Wjump-misses-init
 * gcc: -Wmaybe-uninitialized
 * clang: -Wconditional-uninitialized
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        for (unsigned sector = 0; sector < 4; sector++)
                AWAIT(self->io, block_read(self->disk, sector, self->buffer, 1));
        CORO_END();
}
