/* SPDX-License-Identifier: MIT */
/*
 * build: accesses
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/combinators.c kernel/wait_queue.c kernel/mutex.c
 * kernel/semaphore.c kernel/event.c kernel/wait_group.c kernel/channel.c kernel/printk.c tests/host/leaf.c
 * tests/host/races.c tests/host/accesses.c
 */
/* As test_races.c, with a point at each access of the kernel to memory, shared or not. */
#include "races.h"

int main(void)
{
        const struct CMUnitTest tests[] = {
                ALL_RACES(race_at_each_two_close_points),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
