/* SPDX-License-Identifier: MIT */
/* model_transport.c - how the driver reaches the device. A notification and a look at the status are points. */
#include "host.h"
#include "model.h"
#include "util.h"

#define F(bit) (UINT64_C(1) << (bit))

enum {
        F_SIZE_MAX = 1, F_SEG_MAX = 2, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_CONFIG_WCE = 11, F_MQ = 12, F_DISCARD = 13,
        F_WRITE_ZEROES = 14, F_LIFETIME = 15,
};

static struct model *of(struct virtio_device *device) { return container_of(device, struct model, device); }

static uint32_t get_status(struct virtio_device *device)
{
        host_point();
        return of(device)->status;
}

static void set_status(struct virtio_device *device, uint32_t status)
{
        struct model *model = of(device);

        if (status == 0 && model->ignores_reset)
                return;
        model->status = status;
        if (status == 0)
                model_reset(model);
}

static uint64_t sane_features(const struct model_options *options)
{
        return (options->legacy ? 0 : VIRTIO_F_VERSION_1) | (options->indirect ? VIRTIO_F_INDIRECT_DESC : 0) |
               (options->event_idx ? VIRTIO_F_EVENT_IDX : 0) | (options->cache ? F(F_FLUSH) : 0) |
               (options->size_max ? F(F_SIZE_MAX) : 0) | (options->seg_max ? F(F_SEG_MAX) : 0) |
               (options->read_only ? F(F_RO) : 0) | (options->block_size ? F(F_BLK_SIZE) : 0) |
               (options->switchable ? F(F_CONFIG_WCE) : 0) | (options->num_queues ? F(F_MQ) : 0) |
               (options->max_discard ? F(F_DISCARD) : 0) | (options->max_write_zeroes ? F(F_WRITE_ZEROES) : 0) |
               (options->lifetime ? F(F_LIFETIME) : 0);
}

static uint64_t get_features(struct virtio_device *device)
{
        const struct model_options *options = &of(device)->options;

        return options->strange | sane_features(options);
}

static void set_features(struct virtio_device *device, uint64_t features)
{
        if (features != sane_features(&of(device)->options))
                host_fail("device: features 0x%lx", (unsigned long)features);
}

static uint32_t queue_size_max(struct virtio_device *device, unsigned index)
{
        const struct model *model = of(device);
        unsigned queues = model->options.num_queues ? model->options.num_queues : 1;

        return index < queues && index < MODEL_QUEUES_MAX && !model->queues[index].ring ? model->options.queue_size : 0;
}

static int queue_setup(struct virtio_device *device, unsigned index, const struct virtq *queue)
{
        of(device)->queues[index].ring = queue;
        return 0;
}

static void notify(struct virtio_device *device, unsigned index)
{
        struct model *model = of(device);

        if (index >= MODEL_QUEUES_MAX || !model->queues[index].ring || !(model->status & VIRTIO_STATUS_DRIVER_OK))
                host_fail("device: a notification for a queue that is not there");
        model->queues[index].notifications++;
        model->queues[index].awake = true;
        host_point();
}

/* A field that was not offered does not exist (2.5.1). */
static uint32_t field(bool exists, uint32_t value)
{
        if (!exists)
                host_fail("device: a field is read that is not there");
        return value;
}

/* A legacy device has no FEATURES_OK (3.1.2). */
static bool features_settled(const struct model *model)
{
        return (model->status & (model->device.legacy ? VIRTIO_STATUS_DRIVER : VIRTIO_STATUS_FEATURES_OK)) != 0;
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
        const struct model *model = of(device);
        const struct model_options *options = &model->options;
        uint64_t capacity = options->capacity ? options->capacity : MODEL_SECTORS;

        if (width != (offset == 32 ? 1 : offset == 34 ? 2 : 4) || !features_settled(model))
                host_fail("device: %u bytes at %u", width, offset);
        switch (offset) {
        case 0: return (uint32_t)capacity;
        case 4: return (uint32_t)(capacity >> 32);
        case 8: return field(options->size_max, options->size_max);
        case 12: return field(options->seg_max, options->seg_max);
        case 20: return field(options->block_size, options->block_size);
        case 32: return field(options->switchable, model->writeback);
        case 34: return field(options->num_queues, options->num_queues);
        case 36: return field(options->max_discard, options->max_discard);
        case 40: return field(options->max_discard, options->discard_segments);
        case 44: return field(options->max_discard, options->discard_alignment);
        case 48: return field(options->max_write_zeroes, options->max_write_zeroes);
        case 52: return field(options->max_write_zeroes, options->write_zeroes_segments);
        default: return field(false, 0);
        }
}

static void config_write8(struct virtio_device *device, unsigned offset, uint8_t value)
{
        struct model *model = of(device);

        if (offset != 32 || value > 1 || !model->options.switchable || !features_settled(model))
                host_fail("device: %u is written at %u", value, offset);
        if (!model->refuses_writeback)
                model->writeback = value;
}

static uint32_t config_generation(struct virtio_device *device)
{
        (void)device;
        return 0;
}

const struct virtio_transport model_transport = {
        .get_status = get_status, .set_status = set_status, .get_features = get_features, .set_features = set_features,
        .queue_size_max = queue_size_max, .queue_setup = queue_setup, .notify = notify, .config_read = config_read,
        .config_write8 = config_write8, .config_generation = config_generation,
};
