/* SPDX-License-Identifier: MIT */
/* sources: drivers/virtio_mmio.c drivers/virtio.c drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c kernel/printk.c tests/host/registers.c tests/host/traced.c */
/* test_virtio_mmio.c - the real transport, before registers that forbid what the specification forbids. */
#include <errno.h>

#include "devicetree.h"
#include "driver.h"
#include "virtio.h"
#include "irq.h"
#include "registers.h"
#include "testing.h"
#include "traced.h"
#include "util.h"

enum { PHANDLE = 5, SOURCE = 7 };

static struct dt_node dt_node = { .name = "virtio_mmio@10001000" };
static struct device_node node;

/* What the transport asks of others. */
static int attach_error;
static irq_handler *handler;
static void *handler_context;
static struct virtio_device *probed;
static unsigned refusals;

int irq_attach(uint32_t controller, uint32_t source, irq_handler *function, void *context, const char *name)
{
        assert_int_equal(controller, PHANDLE);
        assert_int_equal(source, SOURCE);
        assert_string_equal(name, dt_node.name);
        handler = function;
        handler_context = context;
        return attach_error;
}

int virtio_probe(struct virtio_device *device)
{
        assert_non_null(handler); /* or an early interrupt would be nobody's */
        probed = device;
        return 0;
}

int dt_refuse(const struct dt_node *at, const char *why)
{
        assert_ptr_equal(at, &dt_node);
        assert_int_not_equal(strlen(why), 0);
        refusals++;
        return -EBADF;
}

static int setup(void **state)
{
        (void)state;
        host_reset();
        registers_reset();
        node = (struct device_node){ .at = &dt_node, .reg = { REGISTERS_BASE, 0x1000 }, .interrupt = SOURCE,
                                     .controller = PHANDLE };
        attach_error = 0;
        handler = NULL;
        probed = NULL;
        refusals = 0;
        return 0;
}

static int probe(uint32_t version)
{
        int error;

        registers.version = version;
        error = virtio_mmio_driver.probe(&node);
        return error;
}

static void empty_slot(void **state)
{
        (void)state;
        for (uint32_t version = 1; version <= 2; version++) {
                setup(NULL);
                registers.device_id = 0;
                assert_int_equal(probe(version), 0);
                assert_string_equal(registers.trace, "R000 R004 R008 ");
                assert_null(probed);
                assert_null(handler);
                assert_int_equal(host.console_length, 0);
        }
}

static void unknown_versions_are_ignored(void **state)
{
        static const uint32_t versions[] = { 0, 3, 4, 0x01000000, 0x02000000, 0xffffffff };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
                setup(NULL);
                assert_int_equal(probe(versions[i]), 0);
                assert_string_equal(registers.trace, "R000 R004 ");
                assert_null(probed);
                assert_null(handler);
        }
}

static void what_is_no_virtio_device_is_refused(void **state)
{
        static const uint32_t magics[] = { 0, 0x76697274, 0x74726975, 0xffffffff };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(magics); i++) {
                setup(NULL);
                registers.magic = magics[i];
                assert_int_equal(probe(2), 0); /* ignored, and told (4.2.2.2) */
                assert_int_equal(refusals, 0);
                assert_console_has("there is no virtio device");
                assert_string_equal(registers.trace, "R000 ");
        }
        for (uint64_t size = 0; size < 0x100; size += 0xff) {
                setup(NULL);
                node.reg.size = size;
                assert_int_equal(probe(2), -EBADF);
                assert_int_equal(refusals, 1);
                assert_string_equal(registers.trace, "");
        }
        setup(NULL);
        node.interrupt = 0;
        assert_int_equal(probe(2), -EBADF);
        assert_int_equal(refusals, 1);
        assert_null(probed);
}

static void interrupt_that_cannot_be_had(void **state)
{
        static const int errors[] = { -ENODEV, -ERANGE, -EBUSY, -ENOSPC };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
                setup(NULL);
                attach_error = errors[i];
                assert_true(probe(2) < 0);
                assert_null(probed);
                assert_int_equal(refusals + (host.console_length > 0), 1); /* in words, either way */
        }
}

/* driver.h: a negative errno after saying why. */
static void no_memory_for_the_device(void **state)
{
        (void)state;
        host.allocations_left = 0;
        assert_true(probe(2) < 0);
        assert_null(probed);
        assert_string_equal(registers.trace, "");
        assert_int_equal(refusals, 0);
        assert_console_has("virtio_mmio@10001000");
}

static void bring_up(struct virtq *queue)
{
        struct virtio_config_field field = { 0, 0, 8, 0 };
        struct virtq_layout layout = { .size = 128, .segments = 3, .indirect = true };

        assert_int_equal(virtio_negotiate(probed, VIRTIO_F_INDIRECT_DESC | 1u << 9), 0);
        assert_int_equal(probed->transport->queue_size_max(probed, 0), registers.queue_max);
        *queue = (struct virtq){ .layout = layout, .descriptors = (void *)0x187654000,
                                 .driver_area = (void *)0x287655010, .device_area = (void *)0x387656000 };
        assert_int_equal(probed->transport->queue_setup(probed, 0, queue), 0);
        assert_int_equal(virtio_config_read(probed, &field, 1), 0);
        virtio_ready(probed);
        virtio_notify(probed, 0);
        assert_int_equal(field.value, 0x0706050403020100);
}

static void modern_device_register_by_register(void **state)
{
        struct virtq queue;

        (void)state;
        registers.features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | UINT64_C(1) << 40 | 1u << 9;
        assert_int_equal(probe(2), 0);
        assert_string_equal(registers.trace, "R000 R004 R008 ");
        assert_non_null(probed);
        assert_string_equal(probed->name, "mmio-modern");
        assert_string_equal(probed->node, dt_node.name);
        assert_int_equal(probed->type, 2);
        assert_false(probed->legacy);
        registers_forget();
        bring_up(&queue);
        assert_string_equal(registers.trace,
                            "W070=0 R070 W070=1 W070=3 "
                            "W014=0 R010 W014=1 R010 W024=0 W020=10000200 W024=1 W020=1 W070=b R070 "
                            "W030=0 R044 R034 "
                            "W030=0 W038=80 W080=87654000 W084=1 W090=87655010 W094=2 W0a0=87656000 W0a4=3 W044=1 "
                            "R0fc R100 R104 R0fc W070=f W050=0 ");
}

static void legacy_device_register_by_register(void **state)
{
        struct virtq queue;

        (void)state;
        registers.features = VIRTIO_F_INDIRECT_DESC | 1u << 9 | 1u << 11;
        assert_int_equal(probe(1), 0);
        assert_non_null(probed);
        assert_string_equal(probed->name, "mmio-legacy");
        assert_true(probed->legacy);
        registers_forget();
        bring_up(&queue);
        assert_string_equal(registers.trace,
                            "W070=0 R070 W070=1 W070=3 W014=0 R010 W024=0 W020=10000200 "
                            "W030=0 R040 R034 W028=1000 W030=0 W038=80 W03c=1000 W040=187654 "
                            "R100 R104 R100 R104 W070=7 W050=0 ");
}

/* Both words, also when there is nothing in one (2.2). */
static void feature_words_are_all_written(void **state)
{
        (void)state;
        registers.features = VIRTIO_F_VERSION_1;
        assert_int_equal(probe(2), 0);
        registers_forget();
        assert_int_equal(virtio_negotiate(probed, 0), 0);
        assert_non_null(strstr(registers.trace, "W024=0 W020=0 W024=1 W020=1 "));
}

static void queue_in_use_is_none(void **state)
{
        (void)state;
        for (uint32_t version = 1; version <= 2; version++) {
                setup(NULL);
                assert_int_equal(probe(version), 0);
                registers.queue_in_use = true;
                assert_int_equal(probed->transport->queue_size_max(probed, 0), 0);
                registers.queue_in_use = false;
                registers.queue_max = 77;
                assert_int_equal(probed->transport->queue_size_max(probed, 0), 77);
        }
}

/* A legacy device is told a frame number of 32 bits; what lies above is refused before anything is written. */
static void legacy_frame_numbers_have_32_bits(void **state)
{
        static const struct {
                uint64_t address;
                bool fits;
        } table[] = {
                { 0x1000, true },         { 0x80000000, true },     { 0xfffffffff000, false }, { 0xffffffff000, true },
                { 0x100000000000, false }, { 0x100000001000, false }, { 0xffffffffff000, false },
        };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
                struct virtq queue = { .layout.size = 8, .descriptors = (void *)(uintptr_t)table[i].address };

                setup(NULL);
                assert_int_equal(probe(1), 0);
                registers_forget();
                assert_int_equal(probed->transport->queue_setup(probed, 0, &queue), table[i].fits ? 0 : -ERANGE);
                assert_int_equal(registers.trace[0] != '\0', table[i].fits);
                if (table[i].fits)
                        assert_int_equal((uint64_t)registers.frame << 12, table[i].address);
        }
}

static void configuration_by_the_width_of_its_fields(void **state)
{
        (void)state;
        for (uint32_t version = 1; version <= 2; version++) {
                setup(NULL);
                assert_int_equal(probe(version), 0);
                registers_forget();
                registers.status = 11;
                assert_int_equal(probed->transport->config_read(probed, 5, 1), 0x05);
                assert_int_equal(probed->transport->config_read(probed, 6, 2), 0x0706);
                assert_int_equal(probed->transport->config_read(probed, 8, 4), 0x0b0a0908);
                virtio_config_write8(probed, 32, 1);
                assert_string_equal(registers.trace, "R105 R106 R108 W120=1 ");
        }
}

static bool any_used, any_news;

static bool drain(struct virtio_device *device)
{
        assert_ptr_equal(device, probed);
        registers_note("drain ");
        return any_used;
}

static bool reread(struct virtio_device *device)
{
        assert_ptr_equal(device, probed);
        registers_note("config ");
        return any_news;
}

static void note_fence(enum host_fence fence)
{
        assert_int_equal(fence, HOST_FENCE_ACKNOWLEDGE_BEFORE_LOOK);
        registers_note("fence ");
}

/* Exactly the defined bits are acknowledged, and before anybody looks; others are nobody's business. */
static void interrupts_are_acknowledged_first(void **state)
{
        static const char *const expected[] = { "R060 ", "R060 W064=1 fence drain ", "R060 W064=2 fence config ",
                                                "R060 W064=3 fence config drain " };
        static const uint32_t undefined[] = { 0, 4, 8, 0x80000000, 0xfffffffc };

        (void)state;
        assert_int_equal(probe(2), 0);
        probed->used_buffers = drain;
        probed->config_changed = reread;
        host.fence = note_fence;
        for (uint32_t status = 0; status < 4; status++)
                for (unsigned i = 0; i < ARRAY_SIZE(undefined); i++) {
                        registers_forget();
                        registers.interrupt_status = status | undefined[i];
                        /* A used buffer counts as handled, and news of the configuration: anything else may be a storm. */
                        any_used = i & 1;
                        any_news = i & 2;
                        assert_int_equal(handler(handler_context), ((status & 1) && any_used) || ((status & 2) && any_news));
                        assert_string_equal(registers.trace, expected[status]);
                        assert_int_equal(registers.interrupt_status, undefined[i]);
                }
}

/* Before a driver has said what it wants to hear. */
static void early_interrupts_are_harmless(void **state)
{
        (void)state;
        assert_int_equal(probe(2), 0);
        registers.interrupt_status = 3;
        assert_int_equal(handler(handler_context), false);
        assert_int_equal(registers.interrupt_status, 0);
}

/* What is written all the same; an interrupt of another's is not recorded. */
static void recorded(void **state)
{
        struct virtq queue;

        (void)state;
        registers.features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | 1u << 9;
        traced_begin();
        assert_int_equal(probe(2), 0);
        probed->used_buffers = drain;
        registers_forget();
        registers.interrupt_status = 0;
        assert_false(handler(handler_context));
        assert_string_equal(registers.trace, "R060 ");
        traced_all();
        registers.interrupt_status = 7;
        any_used = true;
        assert_true(handler(handler_context));
        traced(TRACE_ACK, NULL, probed, 3, 0);
        registers.interrupt_status = 1;
        assert_true(handler(handler_context));
        traced(TRACE_ACK, NULL, probed, 1, 0);
        bring_up(&queue);
        assert_non_null(strstr(registers.trace, "W050=0 "));
        traced(TRACE_NOTIFY, NULL, probed, 0, 0);
        traced_all();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(empty_slot, setup),
                cmocka_unit_test_setup(unknown_versions_are_ignored, setup),
                cmocka_unit_test_setup(what_is_no_virtio_device_is_refused, setup),
                cmocka_unit_test_setup(interrupt_that_cannot_be_had, setup),
                cmocka_unit_test_setup(no_memory_for_the_device, setup),
                cmocka_unit_test_setup(modern_device_register_by_register, setup),
                cmocka_unit_test_setup(legacy_device_register_by_register, setup),
                cmocka_unit_test_setup(feature_words_are_all_written, setup),
                cmocka_unit_test_setup(queue_in_use_is_none, setup),
                cmocka_unit_test_setup(legacy_frame_numbers_have_32_bits, setup),
                cmocka_unit_test_setup(configuration_by_the_width_of_its_fields, setup),
                cmocka_unit_test_setup(interrupts_are_acknowledged_first, setup),
                cmocka_unit_test_setup(early_interrupts_are_harmless, setup),
                cmocka_unit_test_setup(recorded, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
