/* SPDX-License-Identifier: MIT */
/* fake_rng.c - the device's end of an entropy device's ring. It follows only the addresses that it was given. */
#include "fake_rng.h"

#include "testing.h"
#include "util.h"

static struct fake_rng *of(struct virtio_device *device) { return container_of(device, struct fake_rng, device); }

static uint32_t get_status(struct virtio_device *device) { return of(device)->status; }

static void set_status(struct virtio_device *device, uint32_t status)
{
        struct fake_rng *rng = of(device);

        if (status == 0) {
                rng->resets++;
                if (rng->never_resets)
                        return;
                rng->queue = NULL;
                rng->taken = rng->used = 0;
                rng->buffer = NULL;
        }
        rng->status = status;
}

static uint64_t get_features(struct virtio_device *device) { return of(device)->offered; }

/* It has none of its own (5.4.3), and of the others the driver has no need. */
static void set_features(struct virtio_device *device, uint64_t features)
{
        assert_int_equal(features & ~of(device)->offered, 0);
        assert_int_equal(features & ~VIRTIO_F_VERSION_1, 0);
}

static uint32_t queue_size_max(struct virtio_device *device, unsigned index)
{
        assert_int_equal(index, 0);
        return of(device)->queue_max;
}

static int queue_setup(struct virtio_device *device, unsigned index, const struct virtq *queue)
{
        assert_int_equal(index, 0);
        of(device)->queue = queue;
        return 0;
}

static void notify(struct virtio_device *device, unsigned index)
{
        assert_int_equal(index, 0);
        assert_int_equal(of(device)->status & VIRTIO_STATUS_DRIVER_OK, VIRTIO_STATUS_DRIVER_OK);
        of(device)->notifications++;
        host_point();
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
        (void)device;
        fail_msg("it has no configuration: %u bytes at %u", width, offset);
        return 0;
}

static uint32_t config_generation(struct virtio_device *device) { return config_read(device, 0, 0); }

static const struct virtio_transport transport = {
        .get_status = get_status, .set_status = set_status, .get_features = get_features, .set_features = set_features,
        .queue_size_max = queue_size_max, .queue_setup = queue_setup, .notify = notify, .config_read = config_read,
        .config_generation = config_generation,
};

void fake_rng_make(struct fake_rng *rng, const char *node)
{
        *rng = (struct fake_rng){ .device = { .transport = &transport, .name = "fake", .node = node, .type = 4 },
                                  .queue_max = 1024, .offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX };
}

bool fake_rng_take(struct fake_rng *rng)
{
        const struct virtq_avail *avail = rng->queue ? rng->queue->driver_area : NULL;
        const struct virtq_descriptor *descriptor;
        uint16_t size;

        if (!avail || rng->buffer || avail->idx == rng->taken)
                return false;
        size = rng->queue->layout.size;
        rng->head = avail->ring[rng->taken++ % size];
        assert_in_range(rng->head, 0, size - 1);
        descriptor = &rng->queue->descriptors[rng->head];
        assert_int_equal(descriptor->flags, VIRTQ_DESC_F_WRITE);
        assert_int_not_equal(descriptor->length, 0);
        rng->buffer = (uint8_t *)(uintptr_t)descriptor->address;
        rng->length = descriptor->length;
        return true;
}

void fake_rng_fill(struct fake_rng *rng, uint8_t value, uint32_t bytes)
{
        assert_non_null(rng->buffer);
        assert_in_range(bytes, 0, rng->length);
        memset(rng->buffer, value, bytes);
}

void fake_rng_use(struct fake_rng *rng, uint32_t id, uint32_t length)
{
        struct virtq_used *used = rng->queue->device_area;

        used->ring[rng->used % rng->queue->layout.size] = (struct virtq_used_element){ .id = id, .len = length };
        used->idx = ++rng->used;
        rng->buffer = NULL;
}

void fake_rng_answer(struct fake_rng *rng, uint8_t value, uint32_t bytes)
{
        if (!rng->buffer)
                assert_true(fake_rng_take(rng));
        fake_rng_fill(rng, value, bytes);
        fake_rng_use(rng, rng->head, bytes);
}

bool fake_rng_interrupt(struct fake_rng *rng) { return rng->device.used_buffers(&rng->device); }

void fake_rng_configuration_interrupt(struct fake_rng *rng) { rng->device.config_changed(&rng->device); }
