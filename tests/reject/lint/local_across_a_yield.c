/* SPDX-License-Identifier: MIT */
/*
 * A local that spans a CORO_YIELD, and that both compilers take to be set: its address was taken.
 *
 * lint: a local beside CORO_YIELD does not survive it
 */
#include "../copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        {
                uint64_t number[2]; /* here */

                fill(number, sizeof number);
                CORO_YIELD();
                self->count = number_from(number);
        }
        CORO_END();
}
