/* SPDX-License-Identifier: MIT */
/*
 * executor.c - the ready queue, batches of polls, and sleep.
 *
 *              spawn                 popped: flag cleared          POLL_READY, flag was clear
 *      (free) ------> READY (queued) --------------------> POLLED -------------------------> (free)
 *                      ^      ^                            |  | |
 *                      |      +------ wake meanwhile ------+  | +-- POLL_READY, flag was set: still
 *                      +---- wake ---- WAITING <--------------+     linked, so READY; it stays ready
 *
 * The queue is a linked list with many producers, tasks and interrupts, and one consumer. A producer
 * swaps itself in as the tail, then links the former tail to itself; on one hart the consumer never
 * runs between the two. The marker is always in the list, and everything before it is one batch: what
 * a batch wakes lands after the marker, so hooks run and interrupts are looked at however busy the
 * tasks keep each other.
 */
#include "executor.h"

#include <errno.h>
#include <stddef.h>

#include "arch.h"
#include "panic.h"
#include "util.h"

static void enqueue(struct executor *executor, struct task *task)
{
        struct task *former;

        shared_store(&task->next, (struct task *)NULL);
        former = shared_swap(&executor->tail, task);
        shared_store(&former->next, task);
}

/* Only the wake that finds the flag clear links the task: it is in the list at most once. */
static void task_wake(struct waker *waker)
{
        struct task *task = container_of(waker, struct task, waker);

        if (shared_swap(&task->queued, 1) == 0)
                enqueue(task->executor, task);
}

void executor_init(struct executor *executor)
{
        *executor = (struct executor){ .tail = &executor->marker };
}

void executor_add_hook(struct executor *executor, struct batch_hook *hook)
{
        struct batch_hook **link = &executor->hooks;

        while (*link)
                link = &(*link)->next;
        hook->next = NULL;
        *link = hook;
}

void executor_spawn(struct executor *executor, struct task *task, struct future *root, const char *name)
{
        if (!task_finished(task))
                panic("task %s is spawned again before it has finished", task->name);
        /* First, and member by member: a waker left over from the task's last life must still link nothing. */
        shared_store(&task->queued, 1);
        task->waker.wake = task_wake;
        task->root = root;
        task->executor = executor;
        task->name = name;
        task->all_next = executor->all;
        task->all_link = &executor->all;
        if (executor->all)
                executor->all->all_link = &task->all_next;
        executor->all = task;
        enqueue(executor, task);
}

/* The task's memory is its owner's again. `queued` stays set, so a waker that comes too late links nothing. */
static void retire(struct task *task)
{
        *task->all_link = task->all_next;
        if (task->all_next)
                task->all_next->all_link = task->all_link;
        task->executor = NULL;
}

static void run_task(struct executor *executor, struct task *task)
{
        /* Before the poll: a wake that comes during it must link the task again. */
        shared_store(&task->queued, 0);
        executor->current = task;

        enum poll poll = future_poll(task->root, &task->waker);

        executor->current = NULL;
        /* Woken in its last poll, it is linked once more and lives until it is popped: it is ready then as well. */
        if (poll == POLL_READY && shared_swap(&task->queued, 1) == 0)
                retire(task);
}

static void run_hooks(struct executor *executor)
{
        /* Before the hooks: what an interrupt asks for while they run is not lost. */
        shared_store(&executor->batch_wanted, 0);
        for (struct batch_hook *hook = executor->hooks; hook; hook = hook->next)
                hook->run(hook);
}

static void run_batch(struct executor *executor)
{
        struct task *task = shared_load(&executor->marker.next), *next;

        if (task) {
                enqueue(executor, &executor->marker);
                for (; task != &executor->marker; task = next) {
                        next = shared_load(&task->next); /* a wake may change it once the flag is clear */
                        run_task(executor, task);
                }
        }
        run_hooks(executor);
}

static bool idle(const struct executor *executor)
{
        return shared_load(&executor->tail) == &executor->marker && !shared_load(&executor->batch_wanted);
}

void executor_run_until_idle(struct executor *executor)
{
        while (executor->all) {
                run_batch(executor);
                /*
                 * Masked from the last look until after wfi: an interrupt that comes between the two stays
                 * pending, and wfi returns at once.
                 */
                interrupts_disable();
                if (executor->all && idle(executor))
                        wait_for_interrupt();
                interrupts_enable();
        }
}

struct block_on_waker {
        struct waker waker;
        uint32_t woken; /* shared */
};

static void block_on_wake(struct waker *waker)
{
        shared_store(&container_of(waker, struct block_on_waker, waker)->woken, 1);
}

int executor_block_on(struct executor *executor, struct future *future)
{
        struct block_on_waker waker = { .waker.wake = block_on_wake };

        if (!interrupts_enabled())
                return -EDEADLK;
        while (future_poll(future, &waker.waker) == POLL_PENDING) {
                run_hooks(executor);
                interrupts_disable();
                if (!shared_load(&waker.woken) && !shared_load(&executor->batch_wanted))
                        wait_for_interrupt();
                interrupts_enable();
                shared_store(&waker.woken, 0);
        }
        run_hooks(executor);
        return 0;
}
