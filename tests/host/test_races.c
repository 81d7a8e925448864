/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/combinators.c kernel/wait_queue.c kernel/mutex.c
 * kernel/semaphore.c kernel/event.c kernel/wait_group.c kernel/channel.c kernel/printk.c tests/host/leaf.c
 * tests/host/races.c
 */
/* What tasks wait for comes in an interrupt, at every two points: no wake is lost, nothing else, and nothing is twice. */
#include "races.h"

int main(void)
{
        const struct CMUnitTest tests[] = {
                ALL_RACES(race_at_each_two_points),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
