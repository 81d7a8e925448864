/* SPDX-License-Identifier: MIT */
/*
 * cancel.pml - a request ends once, and not before its buffer is its owner's: completing, cancelling, time-outs, resets.
 *
 * Each request is awaited by one task and perhaps cancelled by another, at any time, also before it has started. The device has
 * one seat. It may use a request, with an interrupt or without; or it hangs, and only a reset mends that: but not where
 * requests have no deadlines. A reset may not end, and the device may not be of use after one. Whether a request is overdue
 * when its timer fires is left to chance, and so is which of the ready tasks is polled, and whether that or the hook comes
 * next: more than the executor does.
 *
 * One hart: interrupts are taken at any POINT at which they are enabled, and run to their end.
 *
 * It holds that no future resolves twice; that none does while the device may write to its buffer, but for a device whose
 * reset does not end, which is told; that what is cancelled is not sent any more; and that all tasks come to their end.
 * Left out: requests in pieces; how a deadline is calculated.
 *
 * kernel/block.c: end
 *      ended           future_ready(&request->future);
 * kernel/block.c: block_complete
 *      complete        if (request->cancelled || !waker) {
 * kernel/block.c: start
 *      start           executor_request_batch(block_executor);
 *      start           block_start_clock(device);
 *      start           error = submit_whole(request->device, request);
 * kernel/block.c: withdraw
 *      withdraw        uint32_t state = shared_load(&request->future.state);
 *      withdraw        shared_store(&request->cancelled, true);
 *      withdraw        return future_done(&request->future) ? POLL_READY : POLL_PENDING;
 *      withdraw        leave_queue(request->device, request);
 *      withdraw        return abandon(request, -ECANCELED) ? future_ready(&request->future) : POLL_PENDING;
 * kernel/block.c: block_cancel_poll
 *      poll_canceller  struct waker *awaiting = shared_load(&request->waker);
 *      poll_canceller  if (shared_load(&request->future.state) == FUTURE_DONE
 *      poll_canceller  waker_register(&request->canceller, waker);
 *      poll_canceller  if (withdraw(request) == POLL_PENDING)
 *      poll_canceller  awaiting->wake(awaiting);
 * kernel/block.c: run_hook
 *      hook            seat_waiting(device);
 *      hook            device->operations->publish(device);
 *      hook            if (shared_load(&device->attention))
 * kernel/block_recovery.c: block_attend
 *      attend          check_deadlines(device);
 *      attend          recover(device);
 *      attend          executor_request_batch(block_executor);
 * kernel/block_recovery.c: check_deadlines
 *      check_deadlines device->deadline.future.state = FUTURE_NEW;
 *      check_deadlines device->operations->look(device);
 *      check_deadlines block_broken(device, "a request is overdue");
 *      check_deadlines watch(device, oldest + block_timeout);
 * kernel/block_recovery.c: take_back
 *      take_back       if (request->cancelled
 *      take_back       else if (request->retried)
 *      take_back       block_requeue(request);
 * kernel/block_recovery.c: recover
 *      recover         stopped = operations->stop(device, !hopeful) == 0;
 *      recover         operations->for_each_in_flight(device, take_back);
 *      recover         retire(device);
 * drivers/virtio_blk.c: drain
 *      drain           virtq_release(&queue->ring, (size_t)number);
 *      drain           block_complete(request, 0);
 *      interrupt       block_broken(&disk->block, queue->ring.broken);
 */
#define REQUESTS 2              /* task i awaits request i, and task REQUESTS + i cancels it */
#define TASKS 4
#define NONE 255

#define NEW 0
#define QUEUED 1
#define SUBMITTED 2
#define DONE 3

byte state[REQUESTS];
bool cancelled[REQUESTS], retried[REQUESTS], waker[REQUESTS], canceller[REQUESTS];

byte line[REQUESTS] = NONE, length;             /* the FIFO */
byte seat = NONE;                               /* whose request the driver has in the ring, */
bool published;                                 /* and has shown to the device */
bool ring_broken, broken, gone;                 /* `gone`: the device is retired */
bool attention, batch_wanted;

bool timeouts;                                  /* requests have deadlines */
byte deadline;                                  /* the future of the timer: */
#define ARMED 1

byte device = NONE;                             /* whose buffer the device may write to */
byte used = NONE;                               /* what is in the used ring and has not been popped */
bool hangs, stuck;                              /* `stuck`: its reset does not end */

bool raised, unmasked = true;                   /* its interrupt; the hart's */

bool woken[TASKS] = true, finished[TASKS];
byte over;                                      /* tasks */

/* Its end ----------------------------------------------------------------------------------------- */

inline resolve(r)
{
        assert(state[r] != DONE);
        assert(device != r || stuck);
        state[r] = DONE
}

inline ended(r)
{
        resolve(r);
        woken[REQUESTS + r] = woken[REQUESTS + r] || canceller[r];
        woken[r] = woken[r] || waker[r]
}

inline complete(r)
{
        if
        :: cancelled[r] || !waker[r] -> ended(r)
        :: else -> resolve(r); woken[r] = true
        fi
}

inline drain()
{
        if
        :: used != NONE ->
                popped = used;
                used = NONE;
                seat = NONE;
                complete(popped);
                popped = NONE;
#ifndef NO_BATCH_BEHIND_A_COMPLETION
                batch_wanted = true
#endif
        :: else
        fi
}

inline interrupt()
{
        d_step {
                raised = false;
                if
                :: !ring_broken -> drain()
                :: ring_broken -> broken = true; attention = true; batch_wanted = true
                fi
        }
}

inline timer()
{
        d_step { deadline = DONE; attention = true; batch_wanted = true }
}

#define POINT                                   \
        if                                      \
        :: unmasked && raised -> interrupt()    \
        :: unmasked && deadline == ARMED -> timer() \
        :: true                                 \
        fi

/* Its beginning ----------------------------------------------------------------------------------- */

inline start_clock()
{
        deadline = (deadline == NEW && timeouts -> ARMED : deadline)
}

inline submit(r)
{
        assert(seat == NONE && !cancelled[r]);
        state[r] = SUBMITTED;
        seat = r;
        published = false
}

inline start(r)
{
        batch_wanted = true;
        if :: length == 0 -> start_clock() :: else fi;
        if
        :: length == 0 && gone -> resolve(r)
        :: length == 0 && !gone && seat == NONE -> submit(r)
        :: length > 0 || (!gone && seat != NONE) ->
                state[r] = QUEUED;
                line[length] = r;
                length++
        fi
}

inline leave_line(r)
{
        line[0] = (line[0] == r -> line[1] : line[0]);
        line[1] = NONE;
        length--
}

inline finish(task)
{
        over = (finished[task] -> over : over + 1);
        finished[task] = true
}

inline poll_awaiter(r)
{
        if
        :: state[r] != DONE ->
                waker[r] = true;
                POINT;
                if :: state[r] == NEW -> start(r) :: else fi
        :: else
        fi;
        if :: state[r] == DONE -> finish(r) :: else fi
}

/* `is_ready` then. */
inline withdraw(r)
{
        was = state[r];
        POINT;
        if
        :: was == DONE -> is_ready = true
        :: was == NEW -> resolve(r); is_ready = true
        :: was == SUBMITTED ->
                cancelled[r] = true;
                POINT;
#ifdef READY_BEFORE_THE_DEVICE_IS
                if :: state[r] != DONE -> resolve(r) :: else fi;
                is_ready = true
#else
#ifdef NO_SECOND_LOOK
                is_ready = false
#else
                is_ready = state[r] == DONE
#endif
#endif
        :: was == QUEUED ->
                cancelled[r] = true;
#ifndef STAYS_IN_THE_LINE
                leave_line(r);
#endif
                resolve(r);
                is_ready = true
        fi
}

inline poll_canceller(r)
{
        awaiting = waker[r];
        POINT;
        if
        :: state[r] == DONE || !canceller[r] -> finish(REQUESTS + r)    /* without having cancelled anything, perhaps */
        :: state[r] != DONE ->
#ifndef CANCELLER_IS_STORED_LATE
                canceller[r] = true;
                POINT;
#endif
                withdraw(r);
                POINT;
#ifdef CANCELLER_IS_STORED_LATE
                canceller[r] = true;
#endif
                if
                :: is_ready ->
#ifndef AWAITER_IS_NOT_WOKEN
                        woken[r] = woken[r] || awaiting;
#endif
                        finish(REQUESTS + r)
                :: else
                fi
        fi
}

/* Recovery ---------------------------------------------------------------------------------------- */

inline check_deadlines()
{
        unmasked = false;
        deadline = NEW;
        if
        :: seat != NONE ->      /* it is overdue */
                drain();
                broken = broken || seat != NONE;
                attention = attention || broken;
                batch_wanted = batch_wanted || broken
        :: true
        fi;
        was = seat;
        unmasked = true;
        POINT;
#ifndef DEADLINE_IS_NOT_WATCHED_ON
        deadline = (was != NONE && !broken -> ARMED : deadline)
#endif
}

inline take_back(r)
{
        if
#ifndef CANCELLED_AND_SENT_AGAIN
        :: cancelled[r] -> ended(r)
        :: !cancelled[r] && retried[r] -> ended(r)
        :: !cancelled[r] && !retried[r] ->
#else
        :: retried[r] -> ended(r)
        :: !retried[r] ->
#endif
                retried[r] = true;
                state[r] = QUEUED;
                line[1] = line[0];
                line[0] = r;
                length++
        fi
}

/* In one step, for interrupts are masked, and the device does nothing that is not allowed to it before or after. */
inline recover()
{
        atomic {
                ring_broken = true;
                if
#ifndef TAKEN_BACK_WITHOUT_A_RESET
                :: device = NONE; used = NONE; hangs = false
                :: stuck = true
#else
                :: true
#endif
                fi;
                if :: seat != NONE -> take_back(seat) :: else fi;
                seat = NONE;
                if
                :: !stuck -> ring_broken = false
                :: gone = true
                fi;
                broken = false
        }
}

inline attend()
{
        attention = false;
        POINT;
        if :: deadline == DONE -> check_deadlines() :: else fi;
        POINT;
        if :: broken && !gone -> recover() :: else fi;
        batch_wanted = true
}

inline hook()
{
        do
        :: length > 0 && seat == NONE ->
                popped = line[0];
                leave_line(popped);
                if
                :: gone -> resolve(popped); woken[popped] = true        /* what waits is not being cancelled */
                :: else -> start_clock(); submit(popped)
                fi;
                popped = NONE
        :: else -> break
        od;
        POINT;
        if :: seat != NONE && !published -> d_step { published = true; device = seat } :: else fi;
        POINT;
        if :: attention -> attend() :: else fi
}

active proctype hart()
{
        bool is_ready, awaiting;
        byte was, popped = NONE;

        if
        :: timeouts = true
        :: timeouts = false
        fi;
        do
        :: woken[0] -> woken[0] = false; poll_awaiter(0)
        :: woken[1] -> woken[1] = false; poll_awaiter(1)
        :: woken[2] -> woken[2] = false; poll_canceller(0)
        :: woken[3] -> woken[3] = false; poll_canceller(1)
        :: batch_wanted -> batch_wanted = false; hook()
        :: raised -> interrupt()
        :: deadline == ARMED -> timer()
        :: over == TASKS -> break
        od;
        assert(state[0] == DONE && state[1] == DONE && length == 0)
}

active proctype model_device()
{
end:    do
        :: atomic {
                device != NONE && !hangs ->
                if
                :: used = device; device = NONE; raised = true
                :: timeouts -> used = device; device = NONE     /* an interrupt is lost */
                :: timeouts -> hangs = true
                fi
           }
        od
}
