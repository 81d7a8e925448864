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
#include "printk.h"
#include "trace.h"
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

static void task_wake_traced(struct waker *waker)
{
        trace_record(TRACE_WAKE, waker, NULL, 0, 0);
        task_wake(waker);
}

void executor_init(struct executor *executor)
{
        *executor = (struct executor){ .tail = &executor->marker, .watched = 1, .longest_poll = UINT64_MAX };
}

void executor_account(struct executor *executor, bool on)
{
        executor->accounting = (on ? EXECUTOR_ACCOUNTS : 0) | (trace_on() ? EXECUTOR_TRACES : 0);
        shared_store(&executor->stalled, trace_on() ? EXECUTOR_TRACED : 0);
}

void executor_add_hook(struct executor *executor, struct batch_hook *hook)
{
        struct batch_hook **link = &executor->hooks;

        while (*link)
                link = &(*link)->next;
        hook->next = NULL;
        *link = hook;
}

static void spawn(struct task **list, struct executor *executor, struct task *task, struct future *root, const char *name)
{
        if (!task_finished(task))
                panic("task %s is spawned again before it has finished", task->name);
        /* First, and member by member: a waker left over from the task's last life must still link nothing. */
        shared_store(&task->queued, 1);
        task->waker.wake = trace_on() ? task_wake_traced : task_wake;
        task->root = root;
        task->executor = executor;
        task->name = name;
        task->polls = 0;
        task->ticks = 0;
        task->all_next = *list;
        task->all_link = list;
        if (*list)
                (*list)->all_link = &task->all_next;
        *list = task;
        if (trace_on())
                trace_record(TRACE_SPAWN, task, name, 0, 0);
        enqueue(executor, task);
}

void executor_spawn(struct executor *executor, struct task *task, struct future *root, const char *name)
{
        spawn(&executor->tasks, executor, task, root, name);
}

void executor_spawn_daemon(struct executor *executor, struct task *task, struct future *root, const char *name)
{
        spawn(&executor->daemons, executor, task, root, name);
}

/* The task's memory is its owner's again. `queued` stays set, so a waker that comes too late links nothing. */
static void retire(struct task *task)
{
        *task->all_link = task->all_next;
        if (task->all_next)
                task->all_next->all_link = task->all_link;
        task->executor = NULL;
}

/* A poll's beginning and end, and between them where each coroutine of the task resumes, or awaits which leaf. */
enum { TRACED_DEPTH = 8 };

static void trace_chain(enum trace_kind kind, const struct task *task)
{
        const struct future *future = task->root;

        for (int depth = 0; depth < TRACED_DEPTH && future && future_pending(future); depth++, future = future_child(future))
                trace_record(kind, task, (const void *)(uintptr_t)future->poll, future->state, 0);
}

__attribute__((noinline))
static enum poll poll_traced(struct task *task)
{
        trace_record(TRACE_POLL_BEGIN, task, NULL, 0, 0);
        trace_chain(TRACE_RESUME, task);

        enum poll poll = future_poll(task->root, &task->waker);

        trace_chain(TRACE_AWAIT, task);
        trace_record(TRACE_POLL_END, task, NULL, poll, 0);
        return poll;
}

/* The poll, its account, and two lints; what they cost is paid where somebody looks (log=debug, the monitor). */
__attribute__((noinline))
static enum poll poll_accounted(struct executor *executor, struct task *task)
{
        uint64_t start = read_time();

        task->waker.registered = 0;
        task->polls++;

        enum poll poll = trace_on() ? poll_traced(task) : future_poll(task->root, &task->waker);
        uint64_t ticks = read_time() - start;

        task->ticks += ticks;
        if (ticks > executor->longest_poll) {
                executor->longest_poll = ticks;
                log_debug("task %s has kept all others waiting for %lu ticks, up to here:", task->name, ticks);
                if (log_shows(LOG_DEBUG))
                        print_await_chain(task->root);
        }
        if (poll == POLL_PENDING && !task->waker.registered && !shared_load(&task->queued)) {
                log_warn("task %s: a poll has returned pending, and nobody holds its waker:", task->name);
                print_await_chain(task->root);
        }
        return poll;
}

__attribute__((noinline))
static enum poll poll_observed(struct executor *executor, struct task *task)
{
        return executor->accounting & EXECUTOR_ACCOUNTS ? poll_accounted(executor, task) : poll_traced(task);
}

static void run_task(struct executor *executor, struct task *task)
{
        /* Before the poll: a wake that comes during it must link the task again. */
        shared_store(&task->queued, 0);
        shared_store(&executor->current, task);

        enum poll poll = executor->accounting ? poll_observed(executor, task) : future_poll(task->root, &task->waker);

        /* Woken in its last poll, it is linked once more and lives until it is popped: it is ready then as well. */
        if (poll != POLL_PENDING && shared_swap(&task->queued, 1) == 0)
                retire(task);
}

static void run_hooks(struct executor *executor)
{
        /* Before the hooks: what an interrupt asks for while they run is not lost. */
        shared_store(&executor->batch_wanted, 0);
        for (struct batch_hook *hook = executor->hooks; hook; hook = hook->next) {
                void (*run)(struct batch_hook *) = shared_load(&hook->run);

                if (run)
                        run(hook);
        }
}

static void arm_watchdog(struct executor *executor)
{
        if (!shared_load(&executor->watched))
                executor->watch();
}

static void run_batch(struct executor *executor)
{
        struct task *task = shared_load(&executor->marker.next), *next;

        if (task) {
                arm_watchdog(executor);
                enqueue(executor, &executor->marker);
                do {
                        next = shared_load(&task->next); /* a wake may change it once the flag is clear */
                        run_task(executor, task);
                        task = next;
                } while (task != &executor->marker);
                shared_store(&executor->current, (struct task *)NULL);
        }
        if (shared_load(&executor->batch_wanted))
                run_hooks(executor);
}

static bool idle(const struct executor *executor)
{
        return shared_load(&executor->tail) == &executor->marker && !shared_load(&executor->batch_wanted);
}

/*
 * Whether those who wait wait in vain. Looked into when the watchdog says so, for what it costs must not
 * be paid each time the hart goes to sleep; and with interrupts masked, or the last one that anybody
 * waits for could come between the look for it and the look for those it has woken.
 */
static bool look_for_deadlock(struct executor *executor)
{
        shared_store(&executor->stalled, trace_on() ? EXECUTOR_TRACED : 0);
        for (struct batch_hook *hook = executor->hooks; hook; hook = hook->next)
                if (hook->may_wake && hook->may_wake(hook))
                        return false;
        return true;
}

/* With trace=1 each sleep comes by here, and this is the sleep: what ends it ends the one that follows at once. */
__attribute__((noinline)) /* 3 instructions for each sleep */
static bool look_before_sleep(struct executor *executor)
{
        if (shared_load(&executor->stalled) == EXECUTOR_STALLED && look_for_deadlock(executor))
                return true;
        if (!trace_on())
                return false;
        trace_record(TRACE_SLEEP_BEGIN, NULL, NULL, 0, 0);
        wait_for_interrupt();
        trace_record(TRACE_SLEEP_END, NULL, NULL, 0, 0);
        return false;
}

static bool waits_in_vain(struct executor *executor)
{
        return shared_load(&executor->stalled) && look_before_sleep(executor);
}

static void print_tasks(const struct task *task)
{
        for (; task; task = task->all_next) {
                printk("task %s:\n", task->name);
                print_await_chain(task->root);
        }
}

static int deadlock(const struct executor *executor)
{
        log_error("deadlock: nothing can ever wake one of these tasks");
        print_tasks(executor->tasks);
        print_tasks(executor->daemons);
        return -EDEADLK;
}

int executor_run_until_idle(struct executor *executor)
{
        if (executor->current)
                panic("task %s runs the executor that runs it: it is to await what it waits for", executor->current->name);
        while (executor->tasks) {
                run_batch(executor);
                if (!idle(executor))
                        continue;
                /*
                 * Masked from the last look until after wfi: an interrupt that comes between the two stays
                 * pending, and wfi returns at once.
                 */
                interrupts_disable();
                if (executor->tasks && idle(executor)) {
                        if (waits_in_vain(executor)) {
                                interrupts_enable();
                                return deadlock(executor);
                        }
                        wait_for_interrupt();
                }
                interrupts_enable();
        }
        return 0;
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
        bool in_vain = false;

        if (!interrupts_enabled())
                return -EDEADLK;
        while (!in_vain && future_poll(future, &waker.waker) == POLL_PENDING) {
                run_hooks(executor);
                if (!executor->current)
                        arm_watchdog(executor); /* in a task, it is already looking at that */
                interrupts_disable();
                if (!shared_load(&waker.woken) && !shared_load(&executor->batch_wanted)) {
                        in_vain = waits_in_vain(executor);
                        if (!in_vain)
                                wait_for_interrupt();
                }
                interrupts_enable();
                shared_store(&waker.woken, 0);
        }
        run_hooks(executor);
        if (!in_vain)
                return 0;
        future_poll(future, NULL);
        return deadlock(executor);
}
