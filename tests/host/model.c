/* SPDX-License-Identifier: MIT */
/* model.c - the device's end of a ring. It sees what the driver gave the device: addresses. */
#include "model.h"

#include <string.h>

#include "host.h"
#include "util.h"

enum { F_FLUSH = 1 << 9, T_IN = 0, T_OUT = 1, T_FLUSH = 4, SECTOR = 512 };

struct header {
        uint32_t type, reserved;
        uint64_t sector;
};

/* Three segments: header, data (none for a flush), status. */
struct request {
        const struct header *header;
        uint8_t *data, *status;
        uint32_t length;
        bool to_driver;
};

static uint16_t size_of(const struct model *model) { return model->queue->layout.size; }

static const struct virtq_avail *avail_of(const struct model *model) { return model->queue->driver_area; }

static struct virtq_used *used_of(const struct model *model) { return model->queue->device_area; }

static uint16_t used_event(const struct model *model) { return avail_of(model)->ring[size_of(model)]; }

static void set_avail_event(struct model *model, uint16_t index)
{
        uint16_t *place = (uint16_t *)(void *)&used_of(model)->ring[size_of(model)];

        *place = index;
}

static uint16_t published(const struct model *model) { return avail_of(model)->idx; }

void model_fill(uint8_t *buffer, uint64_t sector, unsigned version)
{
        memset(buffer, (int)(sector * 7 + version * 101 + 1) & 0xff, SECTOR);
}

bool model_holds(const uint8_t *buffer, uint64_t sector, unsigned version)
{
        uint8_t expected[SECTOR];

        model_fill(expected, sector, version);
        return memcmp(buffer, expected, SECTOR) == 0;
}

/* Follow the chain at `head`, through its indirect table if it is one (2.7.5.3). */
static unsigned walk(const struct model *model, uint16_t head, struct virtq_descriptor segments[3])
{
        const struct virtq_descriptor *table = model->queue->descriptors;
        unsigned count = 0, limit = size_of(model);

        if (head >= limit)
                host_fail("device: descriptor %u is beyond the ring", head);
        if (table[head].flags & VIRTQ_DESC_F_INDIRECT) {
                if (!model->options.indirect || table[head].flags != VIRTQ_DESC_F_INDIRECT)
                        host_fail("device: an indirect descriptor that must not be one");
                limit = table[head].length / sizeof *table;
                table = (const struct virtq_descriptor *)(uintptr_t)table[head].address;
                head = 0;
        }
        for (;; head = table[head].next) {
                if (count == 3 || head >= limit)
                        host_fail("device: a chain that does not end");
                segments[count++] = table[head];
                if (!(table[head].flags & VIRTQ_DESC_F_NEXT))
                        return count;
        }
}

static struct request parse(const struct model *model, uint16_t head)
{
        struct virtq_descriptor segments[3];
        unsigned count = walk(model, head, segments);
        struct request request = { .header = (const struct header *)(uintptr_t)segments[0].address,
                                   .status = (uint8_t *)(uintptr_t)segments[count - 1].address };

        if (count < 2 || segments[0].length != sizeof *request.header || (segments[0].flags & VIRTQ_DESC_F_WRITE))
                host_fail("device: no header");
        if (segments[count - 1].length != 1 || !(segments[count - 1].flags & VIRTQ_DESC_F_WRITE))
                host_fail("device: no status byte");
        if (count == 3) {
                request.data = (uint8_t *)(uintptr_t)segments[1].address;
                request.length = segments[1].length;
                request.to_driver = (segments[1].flags & VIRTQ_DESC_F_WRITE) != 0;
        }
        return request;
}

/* Do it; returns how many bytes were written. */
static uint32_t execute(struct model *model, const struct request *request)
{
        uint64_t sector = request->header->sector;

        /* After a lie about another's id, the driver may have made a new request of what we still have. */
        if (request->header->reserved != 0 || (*request->status != 0xff && model->options.lie != MODEL_OTHERS_ID))
                host_fail("device: a header or status byte that was not made ready");
        if (request->header->type == T_FLUSH) {
                if (!model->options.cache || request->length != 0 || sector != 0)
                        host_fail("device: a flush that must not be one");
                model->flushes++;
        } else {
                if (request->header->type > T_OUT || request->length != SECTOR || sector >= MODEL_SECTORS ||
                    request->to_driver != (request->header->type == T_IN))
                        host_fail("device: a request that nobody made");
                if (request->to_driver)
                        memcpy(request->data, model->data[sector], SECTOR);
                else
                        memcpy(model->data[sector], request->data, SECTOR);
        }
        *request->status = 0;
        return request->to_driver ? SECTOR + 1 : 1;
}

static void use(struct model *model, uint32_t id, uint32_t length)
{
        struct virtq_used *used = used_of(model);

        used->ring[model->used % size_of(model)] = (struct virtq_used_element){ .id = id, .len = length };
        used->idx = ++model->used;
}

static void lie(struct model *model, uint16_t head)
{
        struct request request = parse(model, head);

        if (model->options.lie != MODEL_NEEDS_RESET)
                execute(model, &request);
        switch (model->options.lie) {
        case MODEL_BAD_ID:
                use(model, size_of(model) + head, 1);
                break;
        case MODEL_OTHERS_ID:
                use(model, (head + 1u) % size_of(model), 1);
                break;
        case MODEL_DUPLICATE:
                use(model, head, 1);
                use(model, head, 1);
                break;
        case MODEL_INDEX_JUMP:
                use(model, head, 1);
                used_of(model)->idx = model->used += 5;
                break;
        case MODEL_LONG_LENGTH:
                use(model, head, UINT32_MAX);
                break;
        case MODEL_NEEDS_RESET:
                model->status |= VIRTIO_STATUS_NEEDS_RESET;
                model->reconfiguring = true;
                break;
        default:
                *request.status = model->options.lie == MODEL_NO_STATUS ? 0xff : 7;
                use(model, head, 1);
        }
}

static void complete(struct model *model, unsigned index)
{
        uint16_t head = model->hand[index];

        model->in_hand--;
        memmove(&model->hand[index], &model->hand[index + 1], (model->in_hand - index) * sizeof model->hand[0]);
        if (++model->completions == model->options.lie_at && model->options.lie != MODEL_HONEST) {
                lie(model, head);
        } else {
                struct request request = parse(model, head);

                use(model, head, execute(model, &request));
        }
}

/* 2.7.7: the driver's word about interrupts, as it stands now. */
void model_release(struct model *model)
{
        uint16_t old = model->signalled, new = model->used;

        model->hold_interrupts = false;
        model->signalled = new;
        if (!model->queue)
                return;
        if (old != new && (model->options.event_idx ? virtq_need_event(used_event(model), new, old)
                                                    : avail_of(model)->flags == 0))
                model->interrupting = true;
        if (model->interrupting || model->reconfiguring)
                host_raise();
}

static void take(struct model *model)
{
        if ((uint16_t)(published(model) - model->taken) > size_of(model))
                host_fail("device: avail.idx jumps from %u to %u", model->taken, published(model));
        while (model->taken != published(model))
                model->hand[model->in_hand++] = avail_of(model)->ring[model->taken++ % size_of(model)];
}

bool model_step(struct model *model, bool peek)
{
        if (!model->queue || !(model->status & VIRTIO_STATUS_DRIVER_OK) || (model->status & VIRTIO_STATUS_NEEDS_RESET))
                return false;
        if (!model->awake && !peek && model->in_hand == 0)
                return false;
        take(model);
        model->awake = model->in_hand > 0;
        used_of(model)->flags = model->awake && !model->options.event_idx; /* VIRTQ_USED_F_NO_NOTIFY */
        if (!model->awake) {
                set_avail_event(model, model->taken);
                return false;
        }
        do
                complete(model, model->options.newest_first ? model->in_hand - 1 : 0);
        while (model->in_hand > 0 && !model->options.one_at_a_time && !model->reconfiguring);
        if (!model->hold_interrupts)
                model_release(model);
        return true;
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
        const struct virtq *queue = model->queue;

        if (queue && (queue->added != (uint16_t)queue->published || queue->added != published(model)))
                host_fail("asleep with requests that were not published");
}

/* The transport. A notification and a look at the status are accesses of a device, and so points. */

static struct model *of(struct virtio_device *device) { return container_of(device, struct model, device); }

static uint32_t get_status(struct virtio_device *device)
{
        host_point();
        return of(device)->status;
}

static void set_status(struct virtio_device *device, uint32_t status)
{
        struct model *model = of(device);

        model->status = status;
        if (status == 0) {
                model->queue = NULL;
                model->awake = model->interrupting = model->reconfiguring = model->hold_interrupts = false;
                model->in_hand = 0;
                model->taken = model->used = model->signalled = 0;
        }
}

static uint64_t get_features(struct virtio_device *device)
{
        const struct model_options *options = &of(device)->options;

        return VIRTIO_F_VERSION_1 | (options->indirect ? VIRTIO_F_INDIRECT_DESC : 0) |
               (options->event_idx ? VIRTIO_F_EVENT_IDX : 0) | (options->cache ? F_FLUSH : 0);
}

static void set_features(struct virtio_device *device, uint64_t features)
{
        if (features != get_features(device))
                host_fail("device: features 0x%lx", (unsigned long)features);
}

static uint32_t queue_size_max(struct virtio_device *device, unsigned index)
{
        return index == 0 ? of(device)->options.queue_size : 0;
}

static int queue_setup(struct virtio_device *device, unsigned index, const struct virtq *queue)
{
        (void)index;
        of(device)->queue = queue;
        return 0;
}

static void notify(struct virtio_device *device, unsigned index)
{
        struct model *model = of(device);

        if (index != 0 || !model->queue)
                host_fail("device: a notification for a queue that is not there");
        model->notifications++;
        model->awake = true;
        host_point();
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
        (void)device;
        (void)width;
        return offset == 0 ? MODEL_SECTORS : 0; /* capacity */
}

static uint32_t config_generation(struct virtio_device *device)
{
        (void)device;
        return 0;
}

static const struct virtio_transport transport = {
        .get_status = get_status, .set_status = set_status, .get_features = get_features, .set_features = set_features,
        .queue_size_max = queue_size_max, .queue_setup = queue_setup, .notify = notify, .config_read = config_read,
        .config_generation = config_generation,
};

void model_make(struct model *model, const struct model_options *options, const char *node)
{
        memset(model, 0, sizeof *model);
        model->options = *options;
        model->device = (struct virtio_device){ .transport = &transport, .name = "model", .node = node, .type = 2 };
        for (unsigned sector = 0; sector < MODEL_SECTORS; sector++)
                model_fill(model->data[sector], sector, 0);
}
