/* SPDX-License-Identifier: MIT */
/*
 * block.c - requests between tasks and block drivers.
 *
 *      NEW --poll: refused----------------------------------------------> DONE
 *       +----poll: no seat, or others wait--> QUEUED --hook: a seat--+     ^
 *       +----poll: a seat---------------------------> SUBMITTED <----+     |
 *                                                       +--block_complete--+
 *
 * Withdrawn before SUBMITTED, a request is DONE with -ECANCELED.
 *
 * The FIFO and the states up to SUBMITTED belong to the tasks. The last step may come in an interrupt.
 */
#include "block.h"

#include <errno.h>
#include <stddef.h>

#include "printk.h"
#include "util.h"

enum block_state { BLOCK_QUEUED = 1, BLOCK_SUBMITTED };

static void run_hook(struct batch_hook *self);
static bool may_wake(struct batch_hook *self);

static struct batch_hook hook = { .run = run_hook, .may_wake = may_wake };
static struct executor *served;
static struct block_device *devices;
static unsigned device_count;

void block_init(struct executor *executor)
{
        served = executor;
        devices = NULL;
        device_count = 0;
        executor_add_hook(executor, &hook);
}

void block_register(struct block_device *device)
{
        struct block_device **link = &devices;

        while (*link)
                link = &(*link)->next;
        *link = device;
        device->next = NULL;
        device->number = device_count++;
        device->waiting = NULL;
        device->waiting_tail = &device->waiting;
}

struct block_device *block_device(unsigned number)
{
        struct block_device *device = devices;

        while (device && device->number != number)
                device = device->next;
        return device;
}

unsigned block_device_count(void) { return device_count; }

unsigned block_device_resets(void)
{
        unsigned resets = 0;

        for (const struct block_device *device = devices; device; device = device->next)
                resets += device->resets;
        return resets;
}

void block_print(void)
{
        for (const struct block_device *device = devices; device; device = device->next)
                printk("disk %u node=%s transport=%s capacity=%lu block=%u ro=%u features=0x%016lx offered=0x%016lx "
                       "queues=%u depth=%u\n", device->number, device->node, device->transport, device->capacity,
                       device->block_size, device->read_only, device->features, device->offered, device->queues, device->depth);
}

void block_request_batch(void) { executor_request_batch(served); }

/* What the device must never be asked (virtio 1.2, 5.2.6.1), refused with an errno of its own. */
static int check(const struct block_future *request)
{
        const struct block_device *device = request->device;

        if (device == NULL) /* a job that has not said needs_disk */
                return -EFAULT;
        if (request->operation == BLOCK_FLUSH)
                return 0;

        uint64_t block_mask = device->block_size / SECTOR_SIZE - 1;

        if (request->sectors == 0 || ((request->sector | request->sectors) & block_mask) != 0)
                return -EINVAL;
        if (request->sectors > device->max_sectors)
                return -E2BIG;
        if (request->sector > device->capacity || request->sectors > device->capacity - request->sector)
                return -ERANGE;
        if (request->buffer == NULL)
                return -EFAULT;
        return request->operation == BLOCK_WRITE && device->read_only ? -EROFS : 0;
}

static void enqueue(struct block_device *device, struct block_future *request)
{
        request->future.state = BLOCK_QUEUED;
        request->next = NULL;
        *device->waiting_tail = request;
        device->waiting_tail = &request->next;
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

/* Hand a request to the driver, which may complete it before it returns; false when there is no seat. */
static bool submit(struct block_device *device, struct block_future *request)
{
        uint32_t former = request->future.state;

        request->future.state = BLOCK_SUBMITTED;

        int error = device->operations->submit(device, request);

        if (error == -EAGAIN) {
                request->future.state = former;
                return false;
        }
        if (error != 0)
                block_complete(request, error);
        return true;
}

static enum poll start(struct block_future *request)
{
        struct block_device *device = request->device;

        request->result = check(request);
        if (request->result != 0)
                return future_ready(&request->future);
        if (device->waiting || !submit(device, request))
                enqueue(device, request);
        executor_request_batch(served);
        return shared_load(&request->future.state) == FUTURE_DONE ? POLL_READY : POLL_PENDING;
}

/* What the device never got is over; what it has is awaited, with the waker that it came with. */
static enum poll withdraw(struct block_future *request)
{
        uint32_t state = shared_load(&request->future.state);

        if (state == BLOCK_SUBMITTED)
                return POLL_PENDING;
        if (state == BLOCK_QUEUED)
                leave_queue(request->device, request);
        if (state != FUTURE_DONE)
                request->result = -ECANCELED;
        return future_ready(&request->future);
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

void block_complete(struct block_future *request, int result)
{
        struct waker *waker = shared_load(&request->waker);

        request->result = result;
        future_ready(&request->future);
        /* Its seat may be what the FIFO waits for, and its task may be nobody's: the hook must run. */
        executor_request_batch(served);
        if (waker)
                waker->wake(waker);
}

/* Out of line, or a batch in which nobody waits for a seat would save all the registers that this needs. */
__attribute__((noinline))
static void seat_waiting(struct block_device *device)
{
        while (device->waiting) {
                struct block_future *request = device->waiting, *next = request->next;

                if (!submit(device, request))
                        return;
                device->waiting = next;
                if (!next)
                        device->waiting_tail = &device->waiting;
        }
}

static void run_hook(struct batch_hook *self)
{
        (void)self;
        for (struct block_device *device = devices; device; device = device->next) {
                if (device->waiting)
                        seat_waiting(device);
                device->operations->publish(device);
        }
}

static bool in_flight;

static void note_in_flight(const struct block_future *request)
{
        (void)request;
        in_flight = true;
}

static bool may_wake(struct batch_hook *self)
{
        (void)self;
        in_flight = false;
        for (struct block_device *device = devices; device; device = device->next)
                device->operations->for_each_in_flight(device, note_in_flight);
        return in_flight;
}

static void report_request(const struct block_future *request)
{
        static const char *const names[] = { "read", "write", "flush" };

        printk("in flight on disk %u: %s of sector %lu, %u sectors\n", request->device->number,
               names[request->operation], request->sector, request->sectors);
}

void block_report(void)
{
        for (struct block_device *device = devices; device; device = device->next)
                device->operations->for_each_in_flight(device, report_request);
}

static int wait_for(struct block_future *request)
{
        return executor_block_on(served, &request->future) ?: request->result;
}

int block_read_sync(struct block_device *device, uint64_t sector, void *buffer, uint32_t sectors)
{
        struct block_future request = block_read(device, sector, buffer, sectors);

        return wait_for(&request);
}

int block_write_sync(struct block_device *device, uint64_t sector, const void *buffer, uint32_t sectors)
{
        struct block_future request = block_write(device, sector, buffer, sectors);

        return wait_for(&request);
}

int block_flush_sync(struct block_device *device)
{
        struct block_future request = block_flush(device);

        return wait_for(&request);
}
