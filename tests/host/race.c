/* SPDX-License-Identifier: MIT */
/* race.c - one run of a race, and all runs of it. */
#include "race.h"

#include "timer.h"

enum { CLOSE = 24 };

struct executor executor;
struct actor actors[ACTORS];
unsigned actor_count, ended[ACTORS];
struct semaphore semaphore, other_semaphore;
struct event event;
struct wait_group group;
struct mutex mutex;
struct channel channel;
unsigned event_count;
uint32_t next_item, items_seen;

static uint32_t storage[2];
static unsigned ended_count;
static const struct race *current;
static uint64_t first_at, second_at;
static unsigned pending;
static bool more, running;

static void come(void)
{
        if (!more)
                return;
        pending++;
        host_raise();
}

static void interrupt(void)
{
        host_lower();
        for (; pending > 0 && more; pending--) {
                event_count++;
                more = current->event();
        }
        pending = 0;
}

static bool world(void)
{
        bool acts = more;

        come();
        return acts;
}

void race_expect(bool condition, const char *what)
{
        if (!condition)
                host_fail("%s", what);
}

static void check_end(void)
{
        race_expect(ended_count == actor_count, "not every task came to its end");
        for (unsigned i = 0; i < actor_count; i++) {
                race_expect(actors[i].ends == 1, "a task ended twice");
                race_expect(task_finished(&actors[i].task), "a task is not finished");
        }
        race_expect(!semaphore.waiters.first && !other_semaphore.waiters.first && !event.waiters.first && !group.waiters.first &&
               !mutex.waiters.first && !channel.senders.first && !channel.receivers.first, "somebody is left in a line");
        race_expect(executor.tail == &executor.marker, "a task is left in the ready queue");
        race_expect(host.enabled, "interrupts are masked");
        current->check();
}

static uint64_t run(const struct race *race, uint64_t first, uint64_t second)
{
        uint64_t points;

        current = race;
        first_at = first;
        second_at = second;
        running = true;
        host_reset();
        memset(actors, 0, sizeof actors);
        actor_count = ended_count = event_count = pending = 0;
        next_item = items_seen = 0;
        more = true;
        executor_init(&executor);
        timer_init(&executor, 1000, true);
        semaphore_init(&semaphore, 0);
        semaphore_init(&other_semaphore, 0);
        event_init(&event);
        wait_group_init(&group);
        mutex_init(&mutex);
        channel_init(&channel, storage, sizeof storage[0], 2);
        host.interrupt = interrupt;
        host.timer_interrupt = timer_interrupt;
        host.world = world;
        host.points_max = 20000;
        host_plan(come, first, second);
        race->start();
        race_expect(executor_run_until_idle(&executor) == 0, "a deadlock is seen");
        points = host.points;
        while (world()) /* what comes too late is harmless */
                host_deliver();
        check_end();
        running = false;
        return points;
}

static void report(const char *how, uint64_t points, uint64_t runs)
{
        printf("# %s, %s: %lu points, %lu runs\n", current->name, how, (unsigned long)points, (unsigned long)runs);
        assert_in_range(points, current->points_min, UINT64_MAX);
}

static void at_points(const struct race *race, uint64_t close, const char *how)
{
        uint64_t runs = 0, points_max = 0, points = 1;

        for (uint64_t first = 1; points >= first; first++) {
                points = run(race, first, 0);
                runs++;
                if (points > points_max)
                        points_max = points;
                for (uint64_t second = first; second <= points && second - first <= close; second++, runs++)
                        points = run(race, first, second);
        }
        report(how, points_max, runs);
}

void race_at_each_two_points(void **state) { at_points(*state, UINT64_MAX, "every two points"); }

void race_at_each_two_close_points(void **state) { at_points(*state, CLOSE, "two points close to each other"); }

int race_explain(void **state)
{
        (void)state;
        if (running)
                printf("%s, interrupts at %lu and %lu (now %lu)\n", current->name, (unsigned long)first_at,
                       (unsigned long)second_at, (unsigned long)host.points);
        running = false;
        return 0;
}

/* Tasks ----------------------------------------------------------------------------------------- */

void actor_spawn(enum poll (*poll)(struct future *future, struct waker *waker))
{
        struct actor *actor = &actors[actor_count++];

        actor->future.poll = poll;
        executor_spawn(&executor, &actor->task, &actor->future, "actor");
}

void actor_end(struct actor *self)
{
        self->ends++;
        ended[ended_count++] = (unsigned)(self - actors);
}

/* A task that is just being spawned has no waker yet. */
void wake_everybody(void)
{
        for (unsigned i = 0; i < actor_count; i++)
                if (actors[i].task.waker.wake)
                        actors[i].task.waker.wake(&actors[i].task.waker);
}

void check_nothing(void) {}
