/* SPDX-License-Identifier: MIT */
/* sources: drivers/virtio.c drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c kernel/printk.c */
/* test_virtio.c - bringing up a device that a test has made up: what is done, in which order, and when not. */
#include <errno.h>

#include "args.h"
#include "testing.h"
#include "util.h"
#include "virtio.h"

enum { FAILED = VIRTIO_STATUS_FAILED, FEATURES_OK = VIRTIO_STATUS_FEATURES_OK };

static struct virtio_device device;

/* The made-up device. */
static struct {
        uint32_t status, queue_max;
        unsigned reset_reads; /* reads of status until a reset is done */
        uint64_t offered, accepted;
        bool refuses;     /* to keep FEATURES_OK */
        int setup_error;
        char log[512]; /* every call, in order */
        size_t length;
        unsigned reads; /* of status */
} fake;

static struct virtq queue;

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
        va_list values;
        int length;

        va_start(values, format);
        length = vsnprintf(fake.log + fake.length, sizeof fake.log - fake.length, format, values);
        va_end(values);
        assert_in_range(length, 1, sizeof fake.log - fake.length - 1);
        fake.length += (size_t)length;
}

static uint32_t get_status(struct virtio_device *self)
{
        assert_ptr_equal(self, &device);
        fake.reads++;
        if (fake.reset_reads > 0) {
                fake.reset_reads--;
                return 0xf;
        }
        note("status? ");
        return fake.status;
}

static void set_status(struct virtio_device *self, uint32_t status)
{
        (void)self;
        note("status=%u ", status);
        /* Bits are only added (2.1.1), and no device is spoken to after it was given up. */
        assert_int_equal(status == 0 ? 0 : fake.status & ~status, 0);
        assert_true(status == 0 || (fake.status & FAILED) == 0);
        fake.status = fake.refuses ? status & ~(uint32_t)FEATURES_OK : status;
}

static uint64_t get_features(struct virtio_device *self)
{
        (void)self;
        assert_int_equal(fake.status, 3);
        note("features? ");
        return fake.offered;
}

static void set_features(struct virtio_device *self, uint64_t features)
{
        (void)self;
        assert_int_equal(fake.status, 3);
        note("features= ");
        fake.accepted = features;
}

static uint32_t queue_size_max(struct virtio_device *self, unsigned index)
{
        (void)self;
        note("max%u? ", index);
        return fake.queue_max;
}

static int queue_setup(struct virtio_device *self, unsigned index, const struct virtq *from)
{
        (void)self;
        assert_ptr_equal(from, &queue);
        note("queue%u=%u ", index, from->layout.size);
        return fake.setup_error;
}

/* These belong to a device that is up, or to test_virtio_config.c. */
static void notify(struct virtio_device *self, unsigned index)
{
        (void)self;
        assert_int_equal(fake.status & VIRTIO_STATUS_DRIVER_OK, VIRTIO_STATUS_DRIVER_OK);
        note("notify%u ", index);
}

static uint32_t config_read(struct virtio_device *self, unsigned offset, unsigned width)
{
        (void)self;
        fail_msg("the configuration is read: %u bytes at %u", width, offset);
        return 0;
}

static uint32_t config_generation(struct virtio_device *self) { return config_read(self, 0, 0); }

static const struct virtio_transport transport = {
        .get_status = get_status, .set_status = set_status, .get_features = get_features, .set_features = set_features,
        .queue_size_max = queue_size_max, .queue_setup = queue_setup, .notify = notify, .config_read = config_read,
        .config_generation = config_generation,
};

static void make(bool legacy, uint64_t offered)
{
        host_reset();
        host.points_max = UINT64_MAX; /* a large ring is filled in */
        memset(&fake, 0, sizeof fake);
        fake.offered = offered;
        fake.status = 0x4f; /* whatever was before */
        fake.queue_max = 1024;
        device = (struct virtio_device){ .transport = &transport, .node = "a-node", .legacy = legacy, .status = 0x4f };
}

static void modern_device_in_order(void **state)
{
        (void)state;
        make(false, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC);
        assert_int_equal(virtio_negotiate(&device, VIRTIO_F_INDIRECT_DESC), 0);
        assert_string_equal(fake.log, "status=0 status? status=1 status=3 features? features= status=11 status? ");
        fake.length = 0;
        assert_int_equal(virtio_queue_setup(&device, 1, &queue, 128, 3), 0);
        virtio_ready(&device);
        virtio_notify(&device, 1);
        assert_string_equal(fake.log, "max1? queue1=128 status=15 notify1 ");
        assert_int_equal(device.status, 15);
        assert_int_equal(host.console_length, 0);
}

/* Has no FEATURES_OK (3.1.2), so it is neither written nor looked for. */
static void legacy_device_in_order(void **state)
{
        (void)state;
        make(true, 1u << 5);
        assert_int_equal(virtio_negotiate(&device, 1u << 5), 0);
        assert_int_equal(virtio_queue_setup(&device, 0, &queue, 64, 3), 0);
        virtio_ready(&device);
        assert_string_equal(fake.log,
                            "status=0 status? status=1 status=3 features? features= max0? queue0=64 status=7 ");
}

static void reset_that_takes_its_time(void **state)
{
        (void)state;
        make(false, VIRTIO_F_VERSION_1);
        fake.reset_reads = 1000;
        assert_int_equal(virtio_negotiate(&device, 0), 0);
        assert_string_equal(fake.log, "status=0 status? status=1 status=3 features? features= status=11 status? ");
}

static void reset_that_never_ends(void **state)
{
        (void)state;
        for (unsigned legacy = 0; legacy < 2; legacy++) {
                make(legacy != 0, VIRTIO_F_VERSION_1);
                fake.reset_reads = UINT32_MAX;
                assert_in_range(-virtio_negotiate(&device, 0), 1, 200);
                assert_in_range(fake.reads, 1000, 10 * 1000 * 1000);
                assert_string_equal(fake.log, "status=0 status=128 ");
                assert_console_has("error: a-node: ");

                make(legacy != 0, 0);
                fake.reset_reads = UINT32_MAX;
                assert_int_equal(virtio_reset(&device), -ETIMEDOUT);
        }
}

/* Bits of every kind: the device's own, of transports that we are not, reserved ones, and bit 63. */
static const unsigned bits[] = { 0, 5, 6, 28, 29, 30, 33, 40, 63 };

static uint64_t subset_of(unsigned mask)
{
        uint64_t features = 0;

        for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
                if ((mask >> i & 1) != 0)
                        features |= UINT64_C(1) << bits[i];
        return features;
}

static void only_what_is_offered_and_supported_is_accepted(void **state)
{
        const unsigned all = 1u << ARRAY_SIZE(bits);

        (void)state;
        for (unsigned supported = 0; supported < all; supported += 37)
                for (unsigned offered = 0; offered < all; offered++)
                        for (unsigned legacy = 0; legacy < 2; legacy++) {
                                uint64_t version_1 = legacy ? 0 : VIRTIO_F_VERSION_1;

                                make(legacy != 0, subset_of(offered) | VIRTIO_F_VERSION_1);
                                assert_int_equal(virtio_negotiate(&device, subset_of(supported)), 0);
                                assert_int_equal(fake.accepted, subset_of(offered & supported) | version_1);
                                assert_int_equal(device.features, fake.accepted);
                                assert_int_equal(device.offered, fake.offered);
                        }
}

/* It takes the boot argument, the offer and a modern device; where one is missing the ring is split, and that is told. */
static void packed_ring_where_asked_for_and_offered(void **state)
{
        (void)state;
        for (unsigned kind = 0; kind < 8; kind++) {
                bool asked = kind & 1, offered = kind & 2, legacy = kind & 4, packed = kind == 3;

                make(legacy, VIRTIO_F_VERSION_1 | (offered ? VIRTIO_F_RING_PACKED : 0));
                arguments.ring = asked ? RING_PACKED : RING_SPLIT;
                assert_int_equal(virtio_negotiate(&device, 0), 0);
                assert_int_equal((fake.accepted & VIRTIO_F_RING_PACKED) != 0, packed);
                assert_int_equal(virtio_queue_setup(&device, 0, &queue, 8, 3), 0);
                assert_int_equal(queue.layout.packed, packed);
                if (asked && !packed)
                        assert_console_has("warning: a-node: ring=packed: ");
                else
                        assert_int_equal(host.console_length, 0);
        }
}

static void version_1_is_insisted_on(void **state)
{
        (void)state;
        make(false, ~VIRTIO_F_VERSION_1);
        assert_int_equal(virtio_negotiate(&device, ~UINT64_C(0)), -ENODEV);
        assert_string_equal(fake.log, "status=0 status? status=1 status=3 features? status=131 ");
        assert_console_has("error: a-node: ");
        assert_console_has("VIRTIO_F_VERSION_1");
}

static void refused_features_end_it(void **state)
{
        (void)state;
        make(false, VIRTIO_F_VERSION_1);
        fake.refuses = true;
        assert_int_equal(virtio_negotiate(&device, 0), -ENODEV);
        assert_string_equal(fake.log,
                            "status=0 status? status=1 status=3 features? features= status=11 status? status=139 ");
        assert_console_has("error: a-node: ");

        /* A second try begins with a reset (3.1.1). */
        fake.refuses = false;
        fake.length = 0;
        assert_int_equal(virtio_negotiate(&device, 0), 0);
        assert_string_equal(fake.log, "status=0 status? status=1 status=3 features? features= status=11 status? ");
}

/* The size that a request of three segments gets, with a table or without; 0: none. */
static void queue_sizes(void **state)
{
        static const struct {
                uint32_t maximum, wanted, expected;
        } table[] = {
                { 0, 128, 0 },           { 1, 128, 0 },           { 2, 128, 0 },
                { 3, 128, 0 },           { 4, 128, 4 },           { 7, 128, 4 },
                { 127, 128, 64 },        { 128, 128, 128 },       { 129, 128, 128 },
                { 1024, 128, 128 },      { 32768, 128, 128 },     { 65535, 128, 128 },
                { 65535, 32768, 32768 }, { 32767, 32768, 16384 }, { 0xffffffff, 32768, 32768 },
                { 0xffffffff, 1, 0 },
        };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
                for (unsigned direct = 0; direct < 2; direct++) {
                        uint32_t expected = table[i].expected;

                        make(false, VIRTIO_F_VERSION_1 | (direct ? 0 : VIRTIO_F_INDIRECT_DESC) | VIRTIO_F_EVENT_IDX);
                        virtio_negotiate(&device, VIRTIO_F_INDIRECT_DESC | (direct ? VIRTIO_F_EVENT_IDX : 0));
                        fake.queue_max = table[i].maximum;
                        queue = (struct virtq){ 0 };
                        assert_int_equal(virtio_queue_setup(&device, 0, &queue, table[i].wanted, 3),
                                         expected ? 0 : -ENODEV);
                        assert_int_equal(queue.layout.size, expected);
                        assert_int_equal(fake.status, expected ? 11 : 139);
                        assert_int_equal(host.console_length == 0, expected != 0);
                        if (table[i].maximum == 0)
                                assert_console_has("missing, or in use");
                        if (expected == 0)
                                continue;
                        assert_int_equal(queue.layout.indirect, !direct);
                        assert_int_equal(queue.layout.event_idx, direct);
                        assert_int_equal((uintptr_t)queue.descriptors % VIRTQ_RING_ALIGN, 0);
                }
}

static void queue_size_of_the_boot_arguments(void **state)
{
        static const struct {
                uint32_t asked, maximum;
                bool direct;
                const char *error;
        } table[] = {
                { 256, 256, false, NULL },
                { 256, 1024, true, NULL },
                { 4, 1024, false, NULL },
                { 32768, 65535, true, NULL },
                { 256, 255, false, "queue_size=256" },
                { 2, 1, true, "queue_size=2" },
                { 2, 1024, true, "queue of 2" },
                { 2, 1024, false, "queue of 2" },
        };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
                make(false, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC);
                virtio_negotiate(&device, table[i].direct ? 0 : VIRTIO_F_INDIRECT_DESC);
                fake.queue_max = table[i].maximum;
                arguments.queue_size = table[i].asked;
                assert_int_equal(virtio_queue_setup(&device, 0, &queue, 128, 3), table[i].error ? -ENODEV : 0);
                assert_int_equal((fake.status & FAILED) != 0, table[i].error != NULL);
                if (table[i].error)
                        assert_console_has(table[i].error);
                else
                        assert_int_equal(queue.layout.size, table[i].asked);
        }
}

static void no_memory_for_the_queue(void **state)
{
        (void)state;
        for (long left = 0; left <= 2; left++) {
                make(false, VIRTIO_F_VERSION_1);
                virtio_negotiate(&device, 0);
                fake.length = 0;
                host.allocations_left = left;
                assert_int_equal(virtio_queue_setup(&device, 0, &queue, 128, 3), left < 2 ? -ENODEV : 0);
                assert_string_equal(fake.log, left < 2 ? "max0? status=139 " : "max0? queue0=128 ");
        }
}

static void transport_that_cannot_take_the_queue(void **state)
{
        (void)state;
        make(true, 0);
        virtio_negotiate(&device, 0);
        fake.setup_error = -ERANGE;
        assert_int_equal(virtio_queue_setup(&device, 0, &queue, 128, 3), -ENODEV);
        assert_int_equal(fake.status, 131);
        assert_console_has("error: a-node: ");
}

static void needs_reset(void **state)
{
        (void)state;
        make(false, 0);
        fake.status = 0x4f;
        assert_true(virtio_needs_reset(&device));
        fake.status = 0xbf;
        assert_false(virtio_needs_reset(&device));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(modern_device_in_order),
                TEST(legacy_device_in_order),
                TEST(reset_that_takes_its_time),
                TEST(reset_that_never_ends),
                TEST(only_what_is_offered_and_supported_is_accepted),
                TEST(packed_ring_where_asked_for_and_offered),
                TEST(version_1_is_insisted_on),
                TEST(refused_features_end_it),
                TEST(queue_sizes),
                TEST(queue_size_of_the_boot_arguments),
                TEST(no_memory_for_the_queue),
                TEST(transport_that_cannot_take_the_queue),
                TEST(needs_reset),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
