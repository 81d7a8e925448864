/* SPDX-License-Identifier: MIT */
/* sources: drivers/virtio.c drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c kernel/printk.c */
/* test_virtio_config.c - reading a device's configuration while the device changes it. */
#include <errno.h>

#include "testing.h"
#include "util.h"
#include "virtio.h"

#define FEATURE(bit) (UINT64_C(1) << (bit))

static struct virtio_device device;

/* The made-up device: two configurations, of which it shows the second from the `change_at`th read on. */
static struct {
        uint8_t bytes[2][64];
        uint64_t readable; /* a bit for each byte that may be read */
        unsigned reads, generations, change_at;
        uint32_t status;
        bool restless; /* another generation at every look */
} fake;

static const uint8_t *shown(void) { return fake.bytes[fake.reads >= fake.change_at ? 1 : 0]; }

static uint32_t config_read(struct virtio_device *self, unsigned offset, unsigned width)
{
        uint32_t value = 0;

        assert_ptr_equal(self, &device);
        assert_true(width == 1 || width == 2 || width == 4);
        assert_int_equal(offset % width, 0);
        for (unsigned i = 0; i < width; i++) {
                if ((fake.readable >> (offset + i) & 1) == 0)
                        fail_msg("byte %u of the configuration is read", offset + i);
                value |= (uint32_t)shown()[offset + i] << 8 * i;
        }
        fake.reads++;
        return value;
}

static uint32_t config_generation(struct virtio_device *self)
{
        (void)self;
        if (device.legacy)
                fail_msg("a legacy device has no generation");
        fake.generations++;
        if (fake.restless)
                return fake.generations;
        return fake.reads >= fake.change_at ? 8 : 7;
}

static void set_status(struct virtio_device *self, uint32_t status)
{
        (void)self;
        fake.status = status;
}

/* Anything else would be a call through NULL. */
static const struct virtio_transport transport = { .config_read = config_read, .config_generation = config_generation,
                                                   .set_status = set_status };

static void make(bool legacy, uint64_t features)
{
        host_reset();
        memset(&fake, 0, sizeof fake);
        fake.readable = UINT64_MAX;
        fake.change_at = UINT32_MAX;
        for (unsigned i = 0; i < sizeof fake.bytes[0]; i++) {
                fake.bytes[0][i] = (uint8_t)(0x10 + i);
                fake.bytes[1][i] = (uint8_t)(0x90 + i);
        }
        device = (struct virtio_device){ .transport = &transport, .node = "a-node", .legacy = legacy,
                                         .features = features };
}

static void fields_of_every_width(void **state)
{
        (void)state;
        for (unsigned legacy = 0; legacy < 2; legacy++) {
                struct virtio_config_field fields[] = {
                        { 0, 3, 1, 0 }, { 0, 6, 2, 0 }, { 0, 8, 4, 0 }, { 0, 16, 8, 0 }
                };

                make(legacy != 0, 0);
                fake.readable = UINT64_C(0xff0fc8);
                assert_int_equal(virtio_config_read(&device, fields, ARRAY_SIZE(fields)), 0);
                assert_int_equal(fields[0].value, 0x13);
                assert_int_equal(fields[1].value, 0x1716);
                assert_int_equal(fields[2].value, 0x1b1a1918);
                assert_int_equal(fields[3].value, 0x2726252423222120);
                assert_int_equal(host.console_length, 0);
        }
}

/* A field exists where its feature was accepted; elsewhere its bytes are not touched, and the default stays (2.5.1). */
static void fields_that_are_not_there(void **state)
{
        (void)state;
        for (unsigned mask = 0; mask < 8; mask++)
                for (unsigned legacy = 0; legacy < 2; legacy++) {
                        struct virtio_config_field fields[] = { { 0, 0, 8, 1 },
                                                                { FEATURE(2), 12, 4, 2 },
                                                                { FEATURE(6), 20, 4, 512 },
                                                                { FEATURE(40), 32, 1, 4 } };

                        make(legacy != 0, (mask & 1 ? FEATURE(2) : 0) | (mask & 2 ? FEATURE(6) : 0) |
                                                  (mask & 4 ? FEATURE(40) : 0) | FEATURE(9));
                        fake.readable = UINT64_C(0xff) | (mask & 1 ? UINT64_C(0xf000) : 0) |
                                        (mask & 2 ? UINT64_C(0xf00000) : 0) | (mask & 4 ? FEATURE(32) : 0);
                        assert_int_equal(virtio_config_read(&device, fields, ARRAY_SIZE(fields)), 0);
                        assert_int_equal(fields[0].value, 0x1716151413121110);
                        assert_int_equal(fields[1].value, mask & 1 ? 0x1f1e1d1c : 2);
                        assert_int_equal(fields[2].value, mask & 2 ? 0x27262524 : 512);
                        assert_int_equal(fields[3].value, mask & 4 ? 0x30 : 4);
                }
}

/* Whenever the device changes it, what comes out is one of the two, whole. */
static void change_in_the_midst_of_a_reading(void **state)
{
        (void)state;
        for (unsigned legacy = 0; legacy < 2; legacy++)
                for (unsigned at = 0; at < 12; at++) {
                        struct virtio_config_field fields[] = { { 0, 0, 8, 0 }, { 0, 8, 4, 0 } };

                        make(legacy != 0, 0);
                        fake.change_at = at;
                        assert_int_equal(virtio_config_read(&device, fields, ARRAY_SIZE(fields)), 0);
                        if (fields[0].value == 0x1716151413121110)
                                assert_int_equal(fields[1].value, 0x1b1a1918);
                        else {
                                assert_int_equal(fields[0].value, 0x9796959493929190);
                                assert_int_equal(fields[1].value, 0x9b9a9998);
                        }
                        assert_in_range(fake.reads, legacy ? 6 : 3, legacy ? 12 : 6);
                }
}

static void quiet_modern_device_is_read_once(void **state)
{
        struct virtio_config_field field = { 0, 0, 8, 0 };

        (void)state;
        make(false, 0);
        assert_int_equal(virtio_config_read(&device, &field, 1), 0);
        assert_int_equal(fake.reads, 2);
        assert_int_equal(fake.generations, 2); /* before and after */
}

/* A legacy device has no generation: what is read must repeat itself, though it be what was there before (2.5.4). */
static void quiet_legacy_device_is_read_twice(void **state)
{
        struct virtio_config_field field = { 0, 0, 8, 0x1716151413121110 };

        (void)state;
        make(true, 0);
        assert_int_equal(virtio_config_read(&device, &field, 1), 0);
        assert_int_equal(fake.reads, 4);
}

static void restless_modern_device(void **state)
{
        struct virtio_config_field field = { 0, 0, 8, 0 };

        (void)state;
        make(false, 0);
        fake.restless = true;
        assert_int_equal(virtio_config_read(&device, &field, 1), -ENODEV);
        assert_in_range(fake.reads, 4, 10000);
        assert_int_equal(fake.status, VIRTIO_STATUS_FAILED);
        assert_console_has("error: a-node: ");
}

static uint32_t config_read_restless(struct virtio_device *self, unsigned offset, unsigned width)
{
        return config_read(self, offset, width) + fake.reads;
}

static void restless_legacy_device(void **state)
{
        static const struct virtio_transport restless = { .config_read = config_read_restless,
                                                         .set_status = set_status };
        struct virtio_config_field field = { 0, 0, 8, 0 };

        (void)state;
        make(true, 0);
        device.transport = &restless;
        assert_int_equal(virtio_config_read(&device, &field, 1), -ENODEV);
        assert_in_range(fake.reads, 4, 10000);
        assert_int_equal(fake.status, VIRTIO_STATUS_FAILED);
        assert_console_has("error: a-node: ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(fields_of_every_width),
                TEST(fields_that_are_not_there),
                TEST(change_in_the_midst_of_a_reading),
                TEST(quiet_modern_device_is_read_once),
                TEST(quiet_legacy_device_is_read_twice),
                TEST(restless_modern_device),
                TEST(restless_legacy_device),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
