/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/combinators.c kernel/wait_queue.c kernel/mutex.c
 * kernel/semaphore.c kernel/event.c kernel/wait_group.c kernel/channel.c kernel/printk.c tests/host/leaf.c
 * tests/host/race.c tests/host/races_permits.c tests/host/races_events.c tests/host/races_channels.c
 * tests/host/races_mixed.c
 */
/* What tasks wait for comes in an interrupt, at every two points: no wake is lost, nothing else, and nothing is twice. */
#include "races.h"

int main(void)
{
        const struct CMUnitTest tests[] = {
                EACH_TWO(permits),
                EACH_TWO(permits_in_order),
                EACH_TWO(choice_of_permits),
                EACH_TWO(permit_withdrawn),
                EACH_TWO(permit_with_deadline),
                EACH_TWO(event_for_all),
                EACH_TWO(pulse_for_all),
                EACH_TWO(group_of_three),
                EACH_TWO(items_to_a_task),
                EACH_TWO(items_to_two_and_close),
                EACH_TWO(items_from_tasks),
                EACH_TWO(items_or_permits),
                EACH_TWO(items_with_deadline),
                EACH_TWO(mutex_and_spurious_wakes),
                EACH_TWO(permit_or_disk),
                EACH_TWO(disk_with_deadline),
                EACH_TWO(all_an_executor_does),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
