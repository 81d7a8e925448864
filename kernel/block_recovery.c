/* SPDX-License-Identifier: MIT */
/*
 * block_recovery.c - requests that are overdue, and devices that have gone wrong.
 *
 *      overdue --look at the ring--> it was there: the interrupt was lost, a warning
 *         +--it is not--> broken --stop, take back, start--> re-issued, in the order of their seats
 *                                    +--it does not stop, or start, or is never of use again--> retired
 *
 * A broken ring and a device that asks for a reset take the same road. What is taken back is sent once
 * more; taken back a second time it fails. Until the reset is complete, every buffer stays the device's (3.3.1).
 *
 * All this happens in the hook after a batch, with interrupts masked: it alone touches both sides of a ring.
 */
#include <errno.h>
#include <stddef.h>

#include "block.h"
#include "block_driver.h"
#include "printk.h"
#include "trace.h"
#include "util.h"

enum { VAIN_RESETS_MAX = 3 };

/* Deadlines -------------------------------------------------------------------------------------- */

static void alarm_wake(struct waker *alarm) { block_request_attention(container_of(alarm, struct block_device, alarm)); }

/* Have block_attend() called at `deadline`. */
static void watch(struct block_device *device, uint64_t deadline)
{
        device->alarm.wake = alarm_wake;
        device->deadline = sleep_until(deadline);
        if (future_poll(&device->deadline.future, &device->alarm) == POLL_READY)
                block_request_attention(device);
}

void block_watch(struct block_device *device)
{
        if (block_timeout != 0)
                watch(device, device->clock + block_timeout);
}

static uint64_t oldest; /* UINT64_MAX: nothing is in flight */

static void note_seated(struct block_future *request)
{
        if (request->seated < oldest)
                oldest = request->seated;
}

static uint64_t batch;

static void note_published(struct block_future *request)
{
        if (request->seated >= batch)
                request->seated = timer_now();
}

/* The device has only now heard of what was seated in this batch, whose tasks may have taken longer than a deadline. */
static void start_deadlines(struct block_device *device)
{
        batch = device->batch;
        device->operations->for_each_in_flight(device, note_published);
}

/* A clock that was counted up may be ahead. */
static bool is_overdue(uint64_t seated, uint64_t now)
{
        return block_timeout != 0 && seated < now && now - seated >= block_timeout;
}

static bool overdue(struct block_device *device, uint64_t now)
{
        oldest = UINT64_MAX;
        device->operations->for_each_in_flight(device, note_seated);
        return is_overdue(oldest, now);
}

/* One timer for a disk: it is set to the oldest deadline of a moment, so that requests which end in time cost nothing. */
static void check_deadlines(struct block_device *device)
{
        uint64_t now = timer_now();
        bool enabled = interrupts_save();

        device->deadline.future.state = FUTURE_NEW;
        if (device->batch != 0)
                start_deadlines(device);
        if (overdue(device, now)) {
                device->operations->look(device);
                if (overdue(device, now)) {
                        block_broken(device, "a request is overdue");
                        if (trace_on())
                                trace_record(TRACE_TIMEOUT, NULL, device, device->number, 0);
                } else {
                        log_warn("disk %u (%s): an interrupt was lost: what it had to say is seen to", device->number,
                                 device->node);
                }
        }
        interrupts_restore(enabled);
        if (oldest != UINT64_MAX && !device->broken)
                watch(device, oldest + block_timeout);
        else
                executor_look_for_deadlock(block_executor); /* we were what could still have woken somebody */
}

/* Reset ------------------------------------------------------------------------------------------ */

static int gone_submit(struct block_device *device, struct block_future *request)
{
        (void)device;
        (void)request;
        return -ENODEV;
}

static void gone(struct block_device *device) { (void)device; }

static void gone_in_flight(struct block_device *device, void (*visit)(struct block_future *))
{
        (void)device;
        (void)visit;
}

static void gone_print(struct block_device *device) { printk("no ring: disk %u is not used any more\n", device->number); }

static const struct block_operations gone_operations = {
        .submit = gone_submit, .publish = gone, .for_each_in_flight = gone_in_flight, .print = gone_print,
};

/* Whether the device has it still: these are called for each piece, and so several times for some requests. */
static bool is_taken(const struct block_future *request)
{
        return request->future.state != FUTURE_DONE && (!request->in_pieces || request->issued != request->ended);
}

static void take_back(struct block_future *request)
{
        if (!is_taken(request))
                return;
        if (request->cancelled || (request->in_pieces && request->result != 0))
                block_fail(request, -ECANCELED);
        else if (request->retried)
                block_fail(request, is_overdue(request->seated, timer_now()) ? -ETIMEDOUT : -ECANCELED);
        else
                block_requeue(request);
}

/* What still waits for a seat finds out from submit(). */
static void retire(struct block_device *device)
{
        log_error("disk %u (%s): it is not used any more", device->number, device->node);
        device->operations = &gone_operations;
}

/* Whether it is worth another reset: not if it has ended nothing since the last ones. */
static bool of_use(struct block_device *device)
{
        if (device->irqs != device->irqs_at_reset)
                device->vain_resets = 0;
        device->irqs_at_reset = device->irqs;
        return device->vain_resets++ < VAIN_RESETS_MAX;
}

static void recover(struct block_device *device)
{
        const struct block_operations *operations = device->operations;
        bool enabled = interrupts_save(), hopeful = of_use(device), stopped;

        log_warn("disk %u (%s): %s: it is reset", device->number, device->node, device->broken);
        device->resets++;
        if (trace_on())
                trace_record(TRACE_RESET, NULL, device, device->number, 0);
        stopped = operations->stop(device, !hopeful) == 0;
        if (!stopped)
                log_error("disk %u: its reset does not end: what it had for a buffer may yet be written", device->number);
        operations->for_each_in_flight(device, take_back); /* of a disk that is retired they soon end with -ENODEV */
        if (!stopped || !hopeful || operations->start(device) != 0)
                retire(device);
        shared_store(&device->broken, (const char *)NULL);
        interrupts_restore(enabled);
}

/* What there is to see to ------------------------------------------------------------------------ */

void block_request_attention(struct block_device *device)
{
        shared_store(&device->attention, 1);
        executor_request_batch(block_executor);
}

void block_broken(struct block_device *device, const char *why)
{
        if (!shared_load(&device->broken))
                shared_store(&device->broken, why);
        block_request_attention(device);
}

void block_attend(struct block_device *device)
{
        shared_store(&device->attention, 0);
        if (device->operations->attend)
                device->operations->attend(device);
        if (shared_load(&device->deadline.future.state) == FUTURE_DONE)
                check_deadlines(device);
        if (shared_load(&device->broken) && device->operations != &gone_operations)
                recover(device);
        executor_request_batch(block_executor);
}
