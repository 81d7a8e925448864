/* SPDX-License-Identifier: MIT */
/* faults.c - how a device errs, breaks and lies, where the world's faults let it. */
#include "choice.h"
#include "ring.h"
#include "trace.h"
#include "virtio.h"
#include "virtio_blk.h"
#include "world.h"

static bool may(const struct device *device, enum sim_fault fault)
{
        return world.live && world_has(fault) && world_is_liar(device) && !choice_exhausted();
}

static bool lie(struct device *device, const char *what, uint64_t value)
{
        trace(what, device->number, value);
        world.counters->lies++;
        device->has_lied = true;
        return true;
}

/* In an answer ------------------------------------------------------------------------------------ */

bool fault_fails(struct device *device) { return may(device, SIM_ERRORS) && chance(16); }

/* Never that something was done which was not: that would be a lie about the data itself. */
bool fault_status(struct device *device, uint8_t *status)
{
        if (!may(device, SIM_LIE_STATUS) || !chance(16))
                return false;
        lie(device, "lie: status", 0);
        *status = (uint8_t)(2 + choose(253));
        return chance(2);
}

uint32_t fault_length(struct device *device, uint32_t length)
{
        if (!may(device, SIM_LIE_USED) || !chance(8))
                return length;
        lie(device, "lie: length", length);
        return chance(2) ? choose(UINT32_MAX) : choose(1024);
}

/* Out of nothing ---------------------------------------------------------------------------------- */

static struct queue *any_queue(struct device *device)
{
        struct queue *queue = &device->queues[choose(device->config.queues)];

        return queue->ready && !device->deaf && (device->status & VIRTIO_STATUS_DRIVER_OK) ? queue : NULL;
}

/* A request that it was never told of, and that it was well: its seat and the place of its status byte are known from before. */
static bool name_untold(struct queue *queue, uint32_t *id)
{
        struct device *device = queue->device;
        struct virtio_blk_queue *own = &virtio_blk_of(block_device(device->number))->queues[queue - device->queues];

        for (unsigned i = 0; i < own->ring.seats && queue->in_hand > 0; i++) {
                if (!own->ring.taken[i] || virtq_is_before(&own->ring, own->seats[i].place, own->ring.published))
                        continue;
                ram_store_now(&own->seats[i].status, 0, sizeof own->seats[i].status);
                *id = i;
                return true;
        }
        return false;
}

/*
 * An id that was not to be answered, or not yet, or not again. It is answered then: the device lets go of it. The driver
 * hears of it at once, before it can publish anything: else what is an answer to nothing now would be one then.
 */
static bool lie_used(struct device *device)
{
        struct queue *queue = any_queue(device);
        uint16_t places;
        uint32_t id;

        if (!queue || !(world.asleep || (host.enabled && !host.in_handler)))
                return false;
        device_interrupt(device, 1);
        device->urgent = true;
        if (!host.raised)
                return false;
        queue_take_all(queue);
        if (chance(4)) {
                queue->format->jump(queue, 1 + choose(chance(4) ? UINT16_MAX : queue->size + 2u));
                return lie(device, "lie: index", queue->used);
        }
        if (chance(2) && name_untold(queue, &id))
                trace("lie: status of one untold", device->number, id);
        else
                id = chance(2) ? queue->last_id : chance(4) ? choose(UINT32_MAX) : choose(queue->size + 1u);
        if (queue->format == &packed_ring)
                id = (uint16_t)id;
        places = ring_forget(queue, id);
        queue->format->use(queue, id, choose(1024), places);
        return lie(device, "lie: id", id);
}

static bool lie_wish(struct device *device)
{
        struct queue *queue = any_queue(device);

        if (!queue)
                return false;
        if (chance(2))
                queue->format->scribble(queue);
        else
                queue->format->lie_wish(queue, choose(UINT32_MAX));
        return lie(device, "lie: wish", 0);
}

static bool lie_register(struct device *device)
{
        device->lies_left = 1 + choose(chance(4) ? 1000 : 4);
        device_interrupt(device, 2);
        return lie(device, "lie: config", device->lies_left);
}

static bool resize(struct device *device)
{
        device->capacity = chance(2) ? DISK_SECTORS : 8 + choose(DISK_SECTORS - 8);
        device->generation++;
        device_interrupt(device, 2);
        world.counters->resizes++;
        trace("resize", device->number, device->capacity);
        return true;
}

static bool go_deaf(struct device *device)
{
        device->deaf = true;
        device->deaf_for_ever = chance(8);
        world.counters->breaks++;
        trace("deaf", device->number, 0);
        return true;
}

/* 2.1.1. What it had is neither done nor undone. */
static bool need_reset(struct device *device)
{
        if ((device->status & VIRTIO_STATUS_DRIVER_OK) == 0)
                return false;
        device->status |= VIRTIO_STATUS_NEEDS_RESET;
        if (!chance(4))
                device_interrupt(device, 2);
        world.counters->breaks++;
        trace("needs reset", device->number, 0);
        return true;
}

static bool spoil_reset(struct device *device)
{
        if (device->resetting)
                return false;
        switch (choose(8)) {
        case 7:
                device->refuses_reset = device->refuses_reset || chance(4);
                device->refusal = choose(REFUSALS);
                break;
        case 6:
                device->refusal = choose(REFUSALS);
                break;
        default:
                device->reset_reads = choose(100);
        }
        trace("spoilt reset", device->refusal, device->reset_reads);
        return need_reset(device);
}

static bool interrupt_for_nothing(struct device *device)
{
        if (chance(64)) {
                world.storm = 1 + choose(1500);
                world.storm_source = device->source;
        } else if (chance(2)) {
                device_interrupt(device, 1);
        }
        plic_line(device->source, true, true);
        plic_line(device->source, device->interrupt_status != 0, false);
        world.counters->spurious++;
        trace("spurious", device->number, world.storm);
        return true;
}

void device_misbehave(struct device *device)
{
        static bool (*const acts[SIM_FAULTS])(struct device *) = {
                [SIM_RESIZE] = resize, [SIM_DEAF] = go_deaf, [SIM_BREAK] = need_reset, [SIM_RESET] = spoil_reset,
                [SIM_LIE_USED] = lie_used, [SIM_LIE_WISH] = lie_wish, [SIM_LIE_REGISTER] = lie_register,
        };
        unsigned fault;

        if (!world.live || !chance(64))
                return;
        fault = choose(SIM_FAULTS);
        if (fault == SIM_SPURIOUS && world_has(SIM_SPURIOUS))
                interrupt_for_nothing(device);
        else if (acts[fault] && may(device, fault))
                acts[fault](device);
}
