/* SPDX-License-Identifier: MIT */
/* queue.c - a device at work: it takes what was published, answers in any order, interrupts, and sleeps. */
#include <string.h>

#include "choice.h"
#include "fate.h"
#include "ring.h"
#include "trace.h"
#include "virtio.h"

void queue_reset(struct queue *queue)
{
        struct device *device = queue->device;

        memset(queue, 0, sizeof *queue);
        queue->device = device;
}

void queue_forget(struct queue *queue, unsigned index)
{
        queue->in_hand--;
        memmove(&queue->hand[index], &queue->hand[index + 1], (queue->in_hand - index) * sizeof queue->hand[0]);
}

/* Taking ------------------------------------------------------------------------------------------ */

static uint64_t due(const struct device *device)
{
        if (world_is_liar(device) && world_has(SIM_SLOW) && world.live && chance(64)) {
                world.counters->late++;
                return host.time + choose((uint32_t)(3 * world.timeout * TICKS_PER_MS));
        }
        return chance(8) ? host.time + choose(2 * TICKS_PER_MS) : 0;
}

static bool take(struct queue *queue)
{
        struct request request;

        if (queue->in_hand == HAND_MAX || device_goes_on(queue->device) || !queue->format->take(queue, &request))
                return false;
        for (unsigned i = 0; i < queue->in_hand; i++)
                if (queue->hand[i].id == request.id)
                        host_fail("disk %u: request %u is published, and it is in hand already", queue->device->number, request.id);
        queue->format->walk(queue, &request);
        request_check(queue->device, &request);
        if (!fate_may_send(request.owner))
                host_fail("disk %u: request %u is sent once more, after two resets", queue->device->number, request.id);
        request.taken = host.time;
        request.due = due(queue->device);
        trace("take", (uint64_t)queue->device->number << 16 | request.id, request.type);
        queue->hand[queue->in_hand++] = request;
        return true;
}

void queue_take_all(struct queue *queue)
{
        ram_drain();
        while (take(queue))
                ;
}

/* Look, and look again after the wish that somebody wake us: then all that comes later does (2.7.10.1). */
static bool look(struct queue *queue)
{
        bool any = false;

        if (queue->attention == ASLEEP)
                return false;
        for (unsigned most = 1 + choose(4); most > 0 && take(queue); most--)
                any = true;
        if (any) {
                if (queue->attention == DROWSY || chance(4))
                        queue->format->wish(queue, choose(2) ? WISH_NONE : WISH_ALL);
                queue->attention = AWAKE;
        } else if (queue->in_hand == HAND_MAX) {
                return false;
        } else if (queue->attention == AWAKE) {
                queue->format->wish(queue, chance(8) ? WISH_ALL : WISH_NEXT);
                queue->attention = DROWSY;
        } else {
                queue->attention = ASLEEP;
        }
        return true;
}

/* Giving back ------------------------------------------------------------------------------------- */

/* What the driver has given away it must have left alone. */
static void check_untouched(struct queue *queue, const struct request *request)
{
        struct request again = { .id = request->id, .place = request->place, .places = request->places };

        if (queue->format == &packed_ring && request->table == 0)
                return; /* used descriptors may lie over it */
        if (queue->format == &packed_ring) {
                again.table = request->table;
                again.entries = request->entries;
        }
        queue->format->walk(queue, &again);
        for (unsigned i = 0; i < request->count; i++)
                if (again.count != request->count || again.segments[i].address != request->segments[i].address ||
                    again.segments[i].length != request->segments[i].length)
                        host_fail("disk %u: the descriptors of request %u were changed while it had them", queue->device->number,
                                  request->id);
}

static bool is_due(const struct request *request) { return request->due <= host.time; }

static bool complete(struct queue *queue)
{
        unsigned first = queue->in_hand ? choose(queue->in_hand) : 0;
        struct device *device = queue->device;

        for (unsigned i = 0; i < queue->in_hand; i++) {
                unsigned index = (first + i) % queue->in_hand;
                struct request request = queue->hand[index];
                uint8_t status;

                if (!is_due(&request))
                        continue;
                check_untouched(queue, &request);

                uint32_t length = request_execute(device, &request, &status);

                trace("complete", (uint64_t)device->number << 16 | request.id, status);
                queue_forget(queue, index);
                if (fault_status(device, &status))
                        fate_met(request.owner, MET_ERROR);
                else
                        ram_store((void *)(uintptr_t)request.segments[request.count - 1].address, status, 1, true);
                if (status != 0)
                        fate_met(request.owner, status == 2 ? MET_UNSUPPORTED : MET_ERROR);
                queue->last_id = request.id;
                queue->format->use(queue, request.id, fault_length(device, length), request.places);
                queue->undecided = true;
                world.counters->completions++;
                return true;
        }
        return false;
}

static bool decide(struct queue *queue)
{
        struct device *device = queue->device;
        bool wanted;

        if (!queue->undecided)
                return false;
        queue->undecided = false;
        wanted = queue->format->wants_interrupt(queue);
        trace("decide", device->number, wanted);
        if (wanted && world_has(SIM_LOSS) && world.live && chance(8))
                world.counters->lost++;
        else if (wanted)
                device_interrupt(device, 1);
        return true;
}

/* The device -------------------------------------------------------------------------------------- */

static bool is_up(const struct device *device)
{
        if (device_goes_on(device))
                return true;
        return (device->status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED)) ==
                       VIRTIO_STATUS_DRIVER_OK && !device->deaf;
}

static bool busy(const struct queue *queue)
{
        if (!queue->ready)
                return false;
        for (unsigned i = 0; i < queue->in_hand; i++)
                if (is_due(&queue->hand[i]))
                        return true;
        return queue->undecided || (queue->attention != ASLEEP && queue->in_hand < HAND_MAX);
}

bool device_busy(struct device *device)
{
        for (unsigned i = 0; is_up(device) && i < device->config.queues; i++)
                if (busy(&device->queues[i]))
                        return true;
        return false;
}

uint64_t device_due(const struct device *device)
{
        uint64_t first = UINT64_MAX;

        for (unsigned i = 0; is_up(device) && i < device->config.queues; i++)
                for (unsigned k = 0; k < device->queues[i].in_hand; k++)
                        if (device->queues[i].hand[k].due < first)
                                first = device->queues[i].hand[k].due;
        return first;
}

bool device_step(struct device *device)
{
        static bool (*const parts[])(struct queue *) = { complete, look, decide };
        unsigned queues = device->config.queues, first = choose(queues), part = choose(3);

        if (!is_up(device))
                return false;
        ram_settle();
        for (unsigned i = 0; i < queues; i++) {
                struct queue *queue = &device->queues[(first + i) % queues];

                for (unsigned k = 0; queue->ready && k < 3; k++)
                        if (parts[(part + k) % 3](queue))
                                return true;
        }
        return false;
}

/* Grace is half a deadline, and what a storm or a reset may take. */
void device_check_overdue(const struct device *device)
{
        uint64_t limit = (world.timeout + world.timeout / 2 + 100) * TICKS_PER_MS;

        for (unsigned i = 0; world.timeout != 0 && !device->resetting && i < device->config.queues; i++)
                for (unsigned k = 0; k < device->queues[i].in_hand; k++)
                        if (host.time - device->queues[i].hand[k].taken > limit)
                                host_fail("disk %u: request %u is overdue, and nobody sees to it", device->number,
                                          device->queues[i].hand[k].id);
}

void device_check_loan(struct device *device, uint64_t loan)
{
        if (device->refuses_reset)
                return; /* it keeps what it had, and the kernel says so */
        for (unsigned i = 0; i < device->config.queues; i++)
                for (unsigned k = 0; k < device->queues[i].in_hand; k++)
                        for (unsigned s = 0; s < device->queues[i].hand[k].count; s++)
                                if (device->queues[i].hand[k].segments[s].loan == loan)
                                        host_fail("disk %u has request %u in hand, whose buffer was given back", device->number,
                                                  device->queues[i].hand[k].id);
}
