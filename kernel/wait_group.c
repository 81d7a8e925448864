/* SPDX-License-Identifier: MIT */
/* wait_group.c - a count that some wait for. */
#include "wait_group.h"

#include <errno.h>

#include "arch.h"
#include "util.h"

static bool available(struct wait_queue *queue)
{
        return container_of(queue, struct wait_group, waiters)->count == 0;
}

void wait_group_init(struct wait_group *group)
{
        *group = (struct wait_group){ .waiters = { .available = available } };
}

int wait_group_add(struct wait_group *group, uint32_t more)
{
        bool enabled = interrupts_save();
        uint32_t count;
        int error = __builtin_add_overflow(group->count, more, &count) ? -EOVERFLOW : 0;

        if (error == 0)
                group->count = count;
        interrupts_restore(enabled);
        return error;
}

int wait_group_done(struct wait_group *group)
{
        bool enabled = interrupts_save();
        uint32_t before = group->count;

        group->count -= before > 0;
        interrupts_restore(enabled);
        if (before == 1)
                wait_queue_release_all(&group->waiters);
        return before == 0 ? -EPERM : 0;
}
