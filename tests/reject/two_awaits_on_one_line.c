/* SPDX-License-Identifier: MIT */
/*
 * Two AWAITs on one line: a label is a line, so there would be two of one name.
 *
 * gcc: duplicate case value
 * gcc also: attribute 'fallthrough' not preceding
 * clang: duplicate case value
 */
#include "copy.h"

enum poll copy_poll(struct future *future, struct waker *waker)
{
        struct copy *self = container_of(future, struct copy, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->yield, yield_now()); AWAIT(self->yield, yield_now());
        CORO_END();
}
