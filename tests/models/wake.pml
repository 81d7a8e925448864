/* SPDX-License-Identifier: MIT */
/*
 * wake.pml - no wake-up is lost: the ready queue, batches, hooks and sleep of kernel/executor.c.
 *
 * One hart runs tasks; each makes ROUNDS requests to a device that has a single seat. The device ends a
 * request whenever it likes; the interrupt is taken at any POINT at which interrupts are enabled, and
 * runs to its end, as it does on one hart. A POINT stands between any two shared accesses.
 *
 * Left out: what a poll does beside, several hooks, withdrawal, daemons. Each -D mutant below breaks one
 * rule of design.md 3, and spin must find what comes of it.
 *
 * kernel/executor.c: task_wake
 *      interrupt       if (shared_swap(&task->queued, 1) == 0)
 * kernel/executor.c: enqueue
 *      enqueue         shared_store(&task->next, (struct task *)NULL);
 *      enqueue         former = shared_swap(&executor->tail, task);
 *      enqueue         shared_store(&former->next, task);
 * kernel/executor.c: run_batch
 *      hart            struct task *task = shared_load(&executor->marker.next), *next;
 *      enqueue         enqueue(executor, &executor->marker);
 *      hart            next = shared_load(&task->next);
 *      hart            } while (task != &executor->marker);
 *      hart            if (shared_load(&executor->batch_wanted))
 * kernel/executor.c: run_task
 *      hart            shared_store(&task->queued, 0);
 *      poll            future_poll(task->root, &task->waker);
 *      retire          if (poll != POLL_PENDING && shared_swap(&task->queued, 1) == 0)
 * kernel/executor.c: run_hooks
 *      hooks           shared_store(&executor->batch_wanted, 0);
 *      hooks           run(hook);
 * kernel/executor.c: executor_run_until_idle
 *      hart            interrupts_disable();
 *      hart            if (executor->tasks && idle(executor)) {
 *      hart            wait_for_interrupt();
 *      hart            interrupts_enable();
 * kernel/block.c: block_poll
 *      poll            waker_register(&self->waker, waker);
 *      poll            return shared_load(&future->state) == FUTURE_DONE ? POLL_READY : POLL_PENDING;
 * kernel/block.c: block_complete
 *      interrupt       future_ready(&request->future);
 *      interrupt       waker->wake(waker);
 */
#define TASKS 2                 /* nightly: 3 */
#define ROUNDS 2                /* nightly: 3 */
#define MARKER TASKS
#define NONE 255

byte next[TASKS + 1];           /* of the queue's nodes */
byte tail = MARKER;
bool linked[TASKS + 1];         /* to check only */
bool queued[TASKS];
bool batch_wanted;

bool unmasked = true;            /* interrupts */
bool pending;                   /* one is asked for: the device has ended the request on its seat */

byte rounds[TASKS];
bool asked[TASKS];              /* the future is not new */
bool done[TASKS];
bool waker[TASKS];
bool finished[TASKS], freed[TASKS];
byte seat = NONE;               /* whose request the device has */
bool waiting[TASKS];            /* for the seat */
byte alive = TASKS;

byte former, popped, following, i;      /* locals of the hart */
byte irq_former, irq_task;              /* of its interrupt */
bool was_queued, irq_was_queued, look;

inline interrupt()
{
        d_step {
                pending = false;
                irq_task = seat;
                seat = NONE;
                done[irq_task] = true;
                batch_wanted = true;
                if
                :: waker[irq_task] ->
                        irq_was_queued = queued[irq_task];
                        queued[irq_task] = true;
                        if
                        :: !irq_was_queued ->
                                assert(!linked[irq_task]);      /* at most once in the queue */
                                linked[irq_task] = true;
                                next[irq_task] = NONE;
                                irq_former = tail;
                                tail = irq_task;
                                next[irq_former] = irq_task;
                        :: else
                        fi
                :: else
                fi
        }
}

#define POINT if :: unmasked && pending -> interrupt() :: else fi

inline enqueue(node)
{
        next[node] = NONE;
        POINT;
        d_step { former = tail; tail = node; linked[node] = true }
        POINT;
        next[former] = node;
        POINT
}

inline retire(task)
{
        finished[task] = true;
        d_step { was_queued = queued[task]; queued[task] = true }
        if
        :: !was_queued -> freed[task] = true; alive--
        :: else         /* linked once more: lives until it is popped */
        fi
}

/* A coroutine that awaits one request after the other, and yields in between. */
inline poll(task)
{
        assert(!freed[task]);
        if
        :: finished[task] -> retire(task)
        :: else ->
                if
                :: !asked[task] ->
                        asked[task] = true;
                        done[task] = false;
                        waker[task] = false;
                        if
                        :: seat == NONE -> seat = task  /* from here on the device may be done at any time */
                        :: else -> waiting[task] = true
                        fi;
                        batch_wanted = true
                :: else
                fi;
                POINT;
#ifndef LOOK_BEFORE_STORE
                waker[task] = true;
                POINT;
#endif
                look = done[task];
                POINT;
#ifdef LOOK_BEFORE_STORE
                waker[task] = true;
                POINT;
#endif
                if
                :: look ->
                        asked[task] = false;
                        rounds[task]++;
                        if
                        :: rounds[task] == ROUNDS -> retire(task)
                        :: else ->
                                d_step { was_queued = queued[task]; queued[task] = true }
                                if
                                :: !was_queued -> assert(!linked[task]); enqueue(task)
                                :: else
                                fi
                        fi
                :: else
                fi
        fi
}

inline hooks()
{
#ifndef FLAG_AFTER_HOOKS
        batch_wanted = false;
        POINT;
#endif
        if
        :: seat == NONE ->
                i = 0;
                do
                :: i < TASKS && !waiting[i] -> i++
                :: else -> break
                od;
                if
                :: i < TASKS -> waiting[i] = false; seat = i
                :: else
                fi
        :: else
        fi;
        POINT;
#ifdef FLAG_AFTER_HOOKS
        batch_wanted = false;
        POINT
#endif
}

active proctype hart()
{
        byte task;

        next[MARKER] = NONE;
        task = 0;
        do
        :: task < TASKS -> queued[task] = true; enqueue(task); task++
        :: else -> break
        od;

        do
        :: alive == 0 -> break
        :: else ->
                popped = next[MARKER];
                POINT;
                if
                :: popped != NONE ->
                        linked[MARKER] = false;
                        enqueue(MARKER);
                        do
                        :: popped == MARKER -> break
                        :: else ->
                                following = next[popped];
                                linked[popped] = false;
                                POINT;
#ifndef CLEAR_AFTER_POLL
                                queued[popped] = false;
                                POINT;
#endif
                                poll(popped);
#ifdef CLEAR_AFTER_POLL
                                if
                                :: !finished[popped] -> queued[popped] = false
                                :: else
                                fi;
                                POINT;
#endif
                                popped = following
                        od
                :: else
                fi;
                if
                :: batch_wanted -> hooks()
                :: else
                fi;
#ifndef LOOK_UNMASKED
                unmasked = false;
#endif
                if
                :: alive > 0 && tail == MARKER && !batch_wanted ->
#ifdef LOOK_UNMASKED
                        POINT;
                        unmasked = false;
#endif
                        pending         /* wfi: on a pending interrupt it goes on, masked or not */
                :: else
                fi;
                unmasked = true;
                POINT
        od;
        assert(tail == MARKER)
}

/* Ends the request on its seat whenever it likes, but it does: that it may take for ever is no lost wake-up. */
active proctype device()
{
end:    do
        :: seat != NONE && !pending -> pending = true
        od
}
