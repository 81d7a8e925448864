/* SPDX-License-Identifier: MIT */
/*
 * A CORO_SUSPEND inside a 64-bit switch, which can hold its label: on resume coro_lost() panics.
 *
 * lint: CORO_SUSPEND inside a switch
 */
#include "../copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        switch (self->wide) {
        case 1:
                CORO_SUSPEND(); /* here */
                break;
        default:
                break;
        }
        CORO_END();
}
