/* SPDX-License-Identifier: MIT */
/* model.c - the device's end of its rings. It sees what the driver gave the device: addresses. */
#include "model.h"

#include <string.h>

#include "host.h"
#include "util.h"

static uint16_t size_of(const struct model_queue *queue) { return queue->ring->layout.size; }

static const struct virtq_avail *avail_of(const struct model_queue *queue) { return queue->ring->driver_area; }

static struct virtq_used *used_of(const struct model_queue *queue) { return queue->ring->device_area; }

static uint16_t used_event(const struct model_queue *queue) { return avail_of(queue)->ring[size_of(queue)]; }

static void set_avail_event(struct model_queue *queue, uint16_t index)
{
        uint16_t *place = (uint16_t *)(void *)&used_of(queue)->ring[size_of(queue)];

        *place = index;
}

static uint16_t published(const struct model_queue *queue) { return avail_of(queue)->idx; }

static void use(struct model_queue *queue, uint32_t id, uint32_t length)
{
        struct virtq_used *used = used_of(queue);

        used->ring[queue->used % size_of(queue)] = (struct virtq_used_element){ .id = id, .len = length };
        used->idx = ++queue->used;
}

static void lie(struct model *model, unsigned number, uint16_t head)
{
        struct model_queue *queue = &model->queues[number];

        if (model->options.lie != MODEL_NEEDS_RESET)
                model_execute(model, number, head);
        switch (model->options.lie) {
        case MODEL_BAD_ID:
                use(queue, size_of(queue) + head, 1);
                break;
        case MODEL_OTHERS_ID:
                use(queue, (head + 1u) % size_of(queue), 1);
                break;
        case MODEL_DUPLICATE:
                use(queue, head, 1);
                use(queue, head, 1);
                break;
        case MODEL_INDEX_JUMP:
                use(queue, head, 1);
                used_of(queue)->idx = queue->used += 5;
                break;
        case MODEL_LONG_LENGTH:
                use(queue, head, UINT32_MAX);
                break;
        case MODEL_NEEDS_RESET:
                model->status |= VIRTIO_STATUS_NEEDS_RESET;
                model->reconfiguring = true;
                break;
        default:
                *model_status_of(model, number, head) = model->options.lie == MODEL_NO_STATUS ? 0xff : 7;
                use(queue, head, 1);
        }
}

static bool is_lie(const struct model *model, unsigned completion)
{
        const struct model_options *options = &model->options;

        return options->lie != MODEL_HONEST &&
               (options->lies_on ? completion >= options->lie_at : completion == options->lie_at);
}

static void complete(struct model *model, unsigned number)
{
        struct model_queue *queue = &model->queues[number];
        unsigned index = model->options.newest_first ? queue->in_hand - 1 : 0;
        uint16_t head = queue->hand[index];

        queue->in_hand--;
        memmove(&queue->hand[index], &queue->hand[index + 1], (queue->in_hand - index) * sizeof queue->hand[0]);
        if (is_lie(model, ++model->completions))
                lie(model, number, head);
        else
                use(queue, head, model_execute(model, number, head));
}

/* 2.7.7: the driver's word about interrupts, as it stands now. */
static bool wants_interrupt(const struct model *model, struct model_queue *queue)
{
        uint16_t old = queue->signalled, new = queue->used;

        queue->signalled = new;
        if (old == new)
                return false;
        return model->options.event_idx ? virtq_need_event(used_event(queue), new, old) : avail_of(queue)->flags == 0;
}

void model_release(struct model *model)
{
        bool wanted = false;

        model->hold_interrupts = false;
        for (unsigned i = 0; i < MODEL_QUEUES_MAX; i++)
                if (model->queues[i].ring)
                        wanted |= wants_interrupt(model, &model->queues[i]);
        if (wanted && model->losses > 0)
                model->losses--;
        else
                model->interrupting |= wanted;
        if (model->interrupting || model->reconfiguring)
                host_raise();
}

void model_reconfigure(struct model *model)
{
        model->reconfiguring = true;
        host_raise();
}

static void take(struct model_queue *queue)
{
        if ((uint16_t)(published(queue) - queue->taken) > size_of(queue))
                host_fail("device: avail.idx jumps from %u to %u", queue->taken, published(queue));
        while (queue->taken != published(queue)) {
                if (queue->in_hand == MODEL_HAND_MAX)
                        host_fail("device: its hand is full");
                queue->hand[queue->in_hand++] = avail_of(queue)->ring[queue->taken++ % size_of(queue)];
        }
}

/* Whether it has something to do in a queue. */
static bool look(struct model *model, struct model_queue *queue, bool peek)
{
        if (!queue->ring || (!queue->awake && !peek && queue->in_hand == 0))
                return false;
        take(queue);
        queue->awake = queue->in_hand > 0;
        used_of(queue)->flags = queue->awake && !model->options.event_idx; /* VIRTQ_USED_F_NO_NOTIFY */
        if (!queue->awake)
                set_avail_event(queue, queue->taken);
        return queue->awake;
}

bool model_step(struct model *model, bool peek)
{
        bool any = false, enough = false;

        if (!(model->status & VIRTIO_STATUS_DRIVER_OK) || (model->status & VIRTIO_STATUS_NEEDS_RESET) || model->deaf)
                return false;
        for (unsigned i = 0; i < MODEL_QUEUES_MAX && !enough; i++) {
                if (!look(model, &model->queues[i], peek))
                        continue;
                any = true;
                do {
                        complete(model, i);
                        enough = model->options.one_at_a_time || model->reconfiguring;
                } while (model->queues[i].in_hand > 0 && !enough);
        }
        if (any && !model->hold_interrupts)
                model_release(model);
        return any;
}

bool model_interrupt(struct model *model)
{
        bool used = model->interrupting, reconfigured = model->reconfiguring;

        model->interrupting = model->reconfiguring = false;
        if (used)
                model->device.used_buffers(&model->device);
        if (reconfigured)
                model->device.config_changed(&model->device);
        return used || reconfigured;
}

void model_check_sleep(const struct model *model)
{
        for (unsigned i = 0; i < MODEL_QUEUES_MAX; i++) {
                const struct model_queue *queue = &model->queues[i];
                const struct virtq *ring = queue->ring;

                if (ring && (ring->added != (uint16_t)ring->published || ring->added != published(queue)))
                        host_fail("asleep with requests that were not published");
        }
}

void model_reset(struct model *model)
{
        memset(model->queues, 0, sizeof model->queues);
        model->interrupting = model->reconfiguring = model->hold_interrupts = false;
        model->writeback = model->options.cache;
        model->resets++;
        if (model->on_reset)
                model->on_reset(model);
}

void model_make(struct model *model, const struct model_options *options, const char *node)
{
        memset(model, 0, sizeof *model);
        model->options = *options;
        model->device = (struct virtio_device){ .transport = &model_transport, .name = "model", .node = node,
                                                 .legacy = options->legacy, .type = 2 };
        for (unsigned sector = 0; sector < MODEL_SECTORS; sector++)
                model_fill(model->data[sector], sector, 0);
        memcpy(model->stable, model->data, sizeof model->stable);
}
