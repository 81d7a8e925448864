/* SPDX-License-Identifier: MIT */
/*
 * coro.h - a coroutine is a future whose poll function is a switch on the source line.
 *
 *      static enum poll copy_poll(struct future *future, struct waker *waker)
 *      {
 *              struct copy *self = container_of(future, struct copy, future);
 *
 *              CORO_BEGIN(self, waker);
 *              AWAIT(self->io, block_read(self->disk, 0, self->buffer, 1));
 *              self->result = self->io.result;
 *              CORO_END();
 *      }
 *
 * The function returns at an AWAIT that has to wait, and the next poll jumps back to it: nothing of
 * its stack survives. So everything that must last is a member of `self`; scratch variables live in
 * an inner block with no AWAIT in it. What a compiler can see of a mistake is an error:
 *
 *  - a label is (1 << 32) + __LINE__, which no int or enum `switch` of yours can hold;
 *  - two AWAITs on one line are a duplicate label;
 *  - a declaration at body level is refused up to CORO_END;
 *  - a local that spans an AWAIT is jumped over, uninitialised, or too big for the frame;
 *  - a place of the wrong type does not take the assignment.
 *
 * scripts/check_coro finds the rest, and a coroutine whose state is not a label of its own panics.
 * tests/reject/ holds one file for each mistake.
 */
#pragma once

#include "future.h"
#include "util.h"

#define CORO_LABEL(line) ((UINT64_C(1) << 32) + (line))

/* Body of a coroutine: `me` is a pointer to a structure with a `future`, `wake_me` poll's second argument. */
#define CORO_BEGIN(me, wake_me)                                                                    \
        struct future *const coro_future = &(me)->future;                                          \
        struct waker *const coro_waker = (wake_me);                                                \
        if (coro_waker == NULL)                                                                    \
                return coro_withdraw(coro_future);                                                 \
        _Pragma("GCC diagnostic error \"-Wdeclaration-after-statement\"")                          \
        switch (CORO_LABEL(coro_future->state)) {                                                  \
        default:                                                                                   \
                coro_lost(coro_future);                                                            \
        case CORO_LABEL(FUTURE_NEW):

/*
 * Put the future that `expression` makes into `place`, a member of `self` that stays where it is, and
 * go on when it is ready; its result is then in `place`, which is evaluated several times. A place whose
 * last future is still pending must not be overwritten (the device would write on): that is a bug, and panics.
 */
#define AWAIT(place, expression)                                                                   \
        do {                                                                                       \
                if (future_pending(&(place).future))                                               \
                        coro_overwrites(&(place).future, __LINE__);                                \
                (place) = (expression);                                                            \
                coro_future->child = (int32_t)((char *)&(place).future - (char *)coro_future);     \
                coro_future->state = __LINE__;                                                     \
                if ((place).future.poll(&(place).future, coro_waker) == POLL_PENDING)              \
                        return POLL_PENDING;                                                       \
                if (coro_waker == NULL) { /* never: only a jump comes here (clang prunes 0, and what it guards) */ \
                        __attribute__((fallthrough));                                              \
        case CORO_LABEL(__LINE__):                                                                 \
                        if (future_poll(&(place).future, coro_waker) == POLL_PENDING)              \
                                return POLL_PENDING;                                               \
                }                                                                                  \
        } while (0)

/*
 * Go on when somebody wakes the task, whoever it is and whatever for: the caller has seen to it that
 * somebody will, and looks for himself what has happened.
 */
#define CORO_SUSPEND() CORO_LEAVE_AFTER(coro_waker->registered = 1)

/* Let every other ready task run once: cheaper than to await yield_now(), and needs no place. */
#define CORO_YIELD() CORO_LEAVE_AFTER(coro_waker->wake(coro_waker))

#define CORO_LEAVE_AFTER(statement)                                                                \
        do {                                                                                       \
                coro_future->child = 0;                                                            \
                coro_future->state = __LINE__;                                                     \
                statement;                                                                         \
                return POLL_PENDING;                                                               \
        case CORO_LABEL(__LINE__):;                                                                \
        } while (0)

/* End the coroutine here; its results are in its structure. */
#define CORO_RETURN() return future_ready(coro_future)

/* Not a pop: gcc 12 leaves the warning on after one. */
#define CORO_END()                                                                                 \
        }                                                                                          \
        _Pragma("GCC diagnostic ignored \"-Wdeclaration-after-statement\"")                        \
        return future_ready(coro_future)

/* The three below are called by the macros, in task context. */

/* Withdraw a coroutine: pass it on to the child; once that is ready, done without running another line. */
enum poll coro_withdraw(struct future *future);

/* Panic: the coroutine's state is not one of its labels (corrupt memory, or an AWAIT inside a 64-bit switch). */
_Noreturn void coro_lost(const struct future *future);

/* Panic: the AWAIT at `line` would overwrite a future that is not finished. */
_Noreturn void coro_overwrites(const struct future *place, unsigned line);
