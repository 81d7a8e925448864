/* SPDX-License-Identifier: MIT */
/* event.c - set, and everybody goes on. */
#include "event.h"

#include "util.h"

static bool available(struct wait_queue *queue) { return container_of(queue, struct event, waiters)->set; }

void event_init(struct event *event)
{
        *event = (struct event){ .waiters = { .available = available } };
}

void event_set(struct event *event)
{
        event->set = true;
        wait_queue_release_all(&event->waiters);
}

void event_clear(struct event *event) { event->set = false; }
