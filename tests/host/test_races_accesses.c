/* SPDX-License-Identifier: MIT */
/*
 * build: accesses
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/combinators.c kernel/wait_queue.c kernel/mutex.c
 * kernel/semaphore.c kernel/event.c kernel/wait_group.c kernel/channel.c kernel/printk.c tests/host/leaf.c
 * tests/host/race.c tests/host/races_permits.c tests/host/races_events.c tests/host/races_channels.c
 * tests/host/races_mixed.c tests/host/accesses.c
 */
/* As test_races.c, with a point at each access of the kernel to memory, shared or not. */
#include "races.h"

int main(void)
{
        const struct CMUnitTest tests[] = {
                EACH_TWO_CLOSE(permits),
                EACH_TWO_CLOSE(permits_in_order),
                EACH_TWO_CLOSE(choice_of_permits),
                EACH_TWO_CLOSE(permit_withdrawn),
                EACH_TWO_CLOSE(permit_with_deadline),
                EACH_TWO_CLOSE(event_for_all),
                EACH_TWO_CLOSE(pulse_for_all),
                EACH_TWO_CLOSE(group_of_three),
                EACH_TWO_CLOSE(items_to_a_task),
                EACH_TWO_CLOSE(items_to_two_and_close),
                EACH_TWO_CLOSE(items_from_tasks),
                EACH_TWO_CLOSE(items_or_permits),
                EACH_TWO_CLOSE(items_with_deadline),
                EACH_TWO_CLOSE(mutex_and_spurious_wakes),
                EACH_TWO_CLOSE(permit_or_disk),
                EACH_TWO_CLOSE(disk_with_deadline),
                EACH_TWO_CLOSE(all_an_executor_does),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
