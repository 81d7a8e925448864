/* SPDX-License-Identifier: MIT */
/* leaf.c - a future that a test completes by hand. */
#include "leaf.h"

#include "testing.h"
#include "util.h"

void (*leaf_polled)(void);

static char events[256];
static size_t event_count;

void log_reset(void)
{
        event_count = 0;
        events[0] = '\0';
}

void log_event(char name)
{
        if (event_count + 1 >= sizeof events)
                fail_msg("too many events: %s", events);
        events[event_count++] = name;
        events[event_count] = '\0';
}

void log_expect(const char *expected)
{
        assert_string_equal(events, expected);
        log_reset();
}

struct leaf leaf(char name) { return (struct leaf){ .future.poll = leaf_poll, .name = name }; }

enum poll leaf_poll(struct future *future, struct waker *waker)
{
        struct leaf *self = container_of(future, struct leaf, future);

        if (waker == NULL) {
                self->withdrawals++;
                if (self->name)
                        log_event((char)(self->name - 'a' + 'A'));
                if (self->stubborn && !self->done && future->state != FUTURE_NEW)
                        return POLL_PENDING;
                return future_ready(future);
        }
        if (self->withdrawals)
                fail_msg("leaf '%c' is polled with a waker after its withdrawal", self->name);
        if (!self->forgets)
                waker_register(&self->waker, waker);
        self->polls++;
        if (leaf_polled)
                leaf_polled();
        if (self->name)
                log_event(self->name);
        if (self->in_poll)
                self->in_poll(self, waker);
        if (self->done)
                return future_ready(future);
        future->state = 1;
        return POLL_PENDING;
}

void leaf_complete(struct leaf *leaf, int result)
{
        leaf->result = result;
        leaf->done = true;
        if (leaf->waker)
                leaf->waker->wake(leaf->waker);
}
