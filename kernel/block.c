/* SPDX-License-Identifier: MIT */
/*
 * block.c - requests between tasks and block drivers.
 *
 *      NEW --poll: refused---------------------------------> DONE
 *       +----poll: a seat--------------------> SUBMITTED --------^
 *       +----poll: none, or others wait--> QUEUED --hook--^  block_complete
 *                                             ^----reset-----+
 *
 * The FIFO belongs to the tasks; only the last step comes in an interrupt. Most requests go to the device whole. One
 * in pieces (block_pieces.c) stays at the head of the FIFO until the last of them has a seat.
 */
#include "block.h"

#include <errno.h>
#include <stddef.h>

#include "block_driver.h"
#include "trace.h"
#include "util.h"

enum block_state { BLOCK_QUEUED = 1, BLOCK_SUBMITTED, BLOCK_CANCELLING };

struct block_device *block_devices;
struct executor *block_executor;
uint64_t block_timeout;

/* Its end --------------------------------------------------------------------------------------- */

/* Whoever cancels it is told as well. */
__attribute__((noinline))
static void end(struct block_future *request)
{
        struct waker *waker = shared_load(&request->waker), *canceller = shared_load(&request->canceller);

        future_ready(&request->future);
        if (canceller)
                canceller->wake(canceller);
        if (waker)
                waker->wake(waker);
}

__attribute__((noinline))
static void complete_piece(struct block_future *request, int result)
{
        if (block_piece_ended(request, result))
                end(request);
}

void block_complete(struct block_future *request, int result)
{
        struct waker *waker = shared_load(&request->waker);

        if (request->in_pieces) {
                complete_piece(request, result);
                return;
        }
        request->result = result;
        if (request->cancelled || !waker) {
                end(request);
                return;
        }
        future_ready(&request->future);
        waker->wake(waker);
}

/* Of one that no used entry ends. */
static void record_end(const struct block_future *request)
{
        if (trace_on())
                trace_record(TRACE_COMPLETE, NULL, request, (uint32_t)-request->result, 1);
}

void block_fail(struct block_future *request, int error)
{
        if (!request->in_pieces || request->result == 0)
                request->result = error;
        request->issued = request->ended = 0;
        if (request->future.state == BLOCK_QUEUED) /* its turn in the FIFO is its end */
                return;
        record_end(request);
        end(request);
}

/* Its beginning --------------------------------------------------------------------------------- */

static void enqueue(struct block_device *device, struct block_future *request)
{
        if (trace_on())
                trace_record(TRACE_QUEUE, block_executor->current, request, (uint32_t)request->sector, request->operation);
        request->future.state = BLOCK_QUEUED;
        if (!request->in_pieces)
                request->seated = 0;
        request->next = NULL;
        *device->waiting_tail = request;
        device->waiting_tail = &request->next;
        device->clock = 0;
}

/* O(n), for the rare one that is withdrawn. */
static void leave_queue(struct block_device *device, struct block_future *request)
{
        struct block_future **link = &device->waiting;

        while (*link != request)
                link = &(*link)->next;
        *link = request->next;
        if (*link == NULL)
                device->waiting_tail = link;
}

/* Its place among those that wait is that of its seat. It may be there still, with some of its pieces taken back. */
void block_requeue(struct block_future *request)
{
        struct block_device *device = request->device;
        struct block_future **link = &device->waiting;

        request->retried = true;
        request->issued = request->ended = 0;
        request->cut = 0;
        if (request->future.state == BLOCK_QUEUED)
                return;
        while (*link && (*link)->seated != 0 && (*link)->seated < request->seated)
                link = &(*link)->next;
        request->future.state = BLOCK_QUEUED;
        request->next = *link;
        *link = request;
        if (request->next == NULL)
                device->waiting_tail = &request->next;
}

static inline int submit_whole(struct block_device *device, struct block_future *request)
{
        request->future.state = BLOCK_SUBMITTED;
        request->seated = device->clock++;
        return device->operations->submit(device, request);
}

/* Hand a request to the driver: 0, -EAGAIN when it finds no seat, or too few; another error is its end. */
static int submit(struct block_device *device, struct block_future *request)
{
        if (!request->in_pieces)
                return submit_whole(device, request);
        request->future.state = BLOCK_SUBMITTED;
        return block_submit_pieces(device, request);
}

/* It cannot go on, and waits for nothing but the end of those of its pieces that are under way. Whether that is now. */
static bool abandon(struct block_future *request, int error)
{
        request->future.state = BLOCK_SUBMITTED;
        if (!request->in_pieces || request->result == 0)
                request->result = error;
        return !request->in_pieces || block_drop_pieces(request);
}

__attribute__((noinline))
static enum poll not_submitted(struct block_future *request, int error)
{
        if (error == -EAGAIN)
                enqueue(request->device, request);
        else if (abandon(request, error))
                return future_ready(&request->future);
        return POLL_PENDING;
}

/* The time of a batch is read once. */
static inline void block_start_clock(struct block_device *device)
{
        device->clock = device->batch = timer_now();
        if (device->deadline.future.state == FUTURE_NEW)
                block_watch(device);
}

/*
 * The first of a batch starts the clock, and asks for the hook that stops it. The clock stands while others wait:
 * so where it goes, nobody does.
 */
__attribute__((noinline))
static enum poll start_slowly(struct block_future *request)
{
        struct block_device *device = request->device;
        int error = -EAGAIN;

        executor_request_batch(block_executor);
        request->result = 0; /* of its pieces, so far */
        if (!device->waiting) {
                if (device->clock == 0)
                        block_start_clock(device);
                error = submit(device, request);
        }
        return error == 0 ? POLL_PENDING : not_submitted(request, error);
}

__attribute__((noinline))
static enum poll refuse(struct block_future *request, int error)
{
        request->result = error;
        return future_ready(&request->future);
}

__attribute__((noinline))
static enum poll start_other(struct block_future *request)
{
        int error = block_check_other(request);

        if (error != 0)
                return refuse(request, error);
        if (request->operation == BLOCK_FLUSH && !request->device->has_flush)
                return refuse(request, 0); /* without VIRTIO_BLK_F_FLUSH there is no volatile cache (5.2.5.1) */
        return start_slowly(request);
}

/* What is out of the ordinary is left to a function that it ends with: so few registers are saved, 12 instructions a request. */
__attribute__((noinline))
static enum poll start(struct block_future *request)
{
        struct block_device *device = request->device;
        uint64_t sectors = request->sectors;

        if (device == NULL) /* a job that has not said needs_disk */
                return refuse(request, -EFAULT);
        if (request->shape > BLOCK_WRITE || sectors - 1 >= device->max_segment_sectors)
                return start_other(request);

        int error = block_misplaced(request->buffer) ? -EFAULT
                                               : block_check_range(device, request->sector, sectors, request->shape != BLOCK_READ);

        if (error != 0)
                return refuse(request, error);
        if (device->clock == 0) {
                if (device->waiting)
                        return start_slowly(request);
                executor_request_batch(block_executor);
                block_start_clock(device);
        }
        error = submit_whole(request->device, request);
        return error == 0 ? POLL_PENDING : not_submitted(request, error);
}

/* What the device never got is over; what it has is awaited, with the waker that it came with. */
static enum poll withdraw(struct block_future *request)
{
        uint32_t state = shared_load(&request->future.state);

        if (state == FUTURE_DONE)
                return POLL_READY;
        if (state == FUTURE_NEW)
                return refuse(request, -ECANCELED);
        shared_store(&request->cancelled, true);
        if (state == BLOCK_SUBMITTED) /* or was: an interrupt that came before the store has told no canceller */
                return future_done(&request->future) ? POLL_READY : POLL_PENDING;
        leave_queue(request->device, request);
        return abandon(request, -ECANCELED) ? future_ready(&request->future) : POLL_PENDING;
}

enum poll block_poll(struct future *future, struct waker *waker)
{
        struct block_future *self = container_of(future, struct block_future, future);

        if (waker == NULL)
                return withdraw(self);
        waker_register(&self->waker, waker);
        if (shared_load(&future->state) == FUTURE_NEW)
                return start(self);
        return shared_load(&future->state) == FUTURE_DONE ? POLL_READY : POLL_PENDING;
}

enum poll block_cancel_poll(struct future *future, struct waker *waker)
{
        struct block_future *request = container_of(future, struct block_cancel_future, future)->request;
        struct waker *awaiting = shared_load(&request->waker);

        if (shared_load(&request->future.state) == FUTURE_DONE || (waker == NULL && future->state == FUTURE_NEW) ||
            (future->state == BLOCK_CANCELLING && !request->canceller)) /* it has ended, and its place has a new one */
                return future_ready(future);
        future->state = BLOCK_CANCELLING;
        if (waker) /* before the look: it may end now */
                waker_register(&request->canceller, waker);
        if (withdraw(request) == POLL_PENDING)
                return POLL_PENDING;
        if (awaiting)
                awaiting->wake(awaiting);
        return future_ready(future);
}

/* Batches --------------------------------------------------------------------------------------- */

/* Out of line, or a batch in which nobody waits for a seat would save all the registers that this needs. */
__attribute__((noinline))
static void seat_waiting(struct block_device *device)
{
        struct block_future *request;
        uint64_t batch = device->batch;

        block_start_clock(device); /* perhaps again: the batch began before somebody had to wait */
        device->batch = batch ?: device->batch;
        while ((request = device->waiting) != NULL) { /* checked again: the disk may have become smaller, or less able in a reset */
                struct block_future *next = request->next;
                int error = request->in_pieces ? request->result ?: block_check_other(request)
                            : block_check_range(device, request->sector, request->sectors, request->operation == BLOCK_WRITE);

                if (error == 0)
                        error = submit(device, request);
                if (error == -EAGAIN) {
                        request->future.state = BLOCK_QUEUED;
                        return;
                }
                device->waiting = next;
                if (!next)
                        device->waiting_tail = &device->waiting;
                if (error != 0 && abandon(request, error)) {
                        record_end(request);
                        end(request);
                }
        }
}

static void run_hook(struct batch_hook *self)
{
        (void)self;
        for (struct block_device *device = block_devices; device; device = device->next) {
                if (device->waiting)
                        seat_waiting(device);
                device->operations->publish(device);
                if (shared_load(&device->attention))
                        block_attend(device);
                device->clock = device->batch = 0;
        }
}

static bool in_flight;

static void note_in_flight(struct block_future *request)
{
        (void)request;
        in_flight = true;
}

static bool may_wake(struct batch_hook *self)
{
        (void)self;
        in_flight = false;
        for (struct block_device *device = block_devices; device; device = device->next)
                device->operations->for_each_in_flight(device, note_in_flight);
        return in_flight;
}

void block_init(struct executor *executor, uint64_t timeout)
{
        static struct batch_hook hook = { .run = run_hook, .may_wake = may_wake };

        block_devices = NULL;
        block_executor = executor;
        block_timeout = timeout < INT64_MAX ? timeout : 0; /* added to a time it would wrap */
        executor_add_hook(executor, &hook);
}

int block_wait(struct block_future *request)
{
        return executor_block_on(block_executor, &request->future) ?: request->result;
}
