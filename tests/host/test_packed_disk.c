/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/executor.c kernel/future.c kernel/timer.c kernel/block.c kernel/block_check.c kernel/block_device.c
 * kernel/block_pieces.c kernel/block_recovery.c kernel/printk.c drivers/virtio.c drivers/virtqueue.c
 * drivers/virtqueue_split.c drivers/virtqueue_packed.c drivers/virtio_blk.c drivers/virtio_blk_setup.c tests/host/ring.c
 * tests/host/traced.c
 */
/* A virtio disk whose ring is packed: the driver above it, and at its other end a device that follows the addresses. */
#include "testing.h"

#include <errno.h>

#include "args.h"
#include "block_driver.h"
#include "ring.h"
#include "timer.h"
#include "traced.h"
#include "util.h"
#include "virtio.h"
#include "waited.h"

enum { QUEUE_SIZE = 16, SECTORS = 64, SEGMENTS = 4, T_IN = 0, T_OUT = 1, T_FLUSH = 4, F_FLUSH = 1 << 9, OTHERS = 999 };

static struct executor executor;
static struct virtio_device device;
static struct block_device *disk;
static void ignore_wake(struct waker *self) { (void)self; }

static struct waker waker = { .wake = ignore_wake };
static _Alignas(4096) uint8_t buffer[SECTORS * SECTOR_SIZE];

/* The device. */
static struct {
        uint64_t features;
        uint32_t status;
        struct ring ring; /* what the driver has set up, as a device sees it */
        bool live;
        struct ring_list lists[QUEUE_SIZE];
        uint8_t data[SECTORS][SECTOR_SIZE];
        unsigned resets, notifications, flushes;
        uint8_t answer;   /* the next status */
        uint32_t lie;     /* the next id, unless 0 */
} fake;

struct header {
        uint32_t type, reserved;
        uint64_t sector;
};

static uint32_t get_status(struct virtio_device *self)
{
        (void)self;
        return fake.status;
}

static void set_status(struct virtio_device *self, uint32_t status)
{
        (void)self;
        fake.status = status;
        if (status != 0)
                return;
        fake.live = false;
        fake.resets++;
}

static uint64_t get_features(struct virtio_device *self)
{
        (void)self;
        return fake.features;
}

static void set_features(struct virtio_device *self, uint64_t features)
{
        (void)self;
        assert_int_equal(features, fake.features);
}

static uint32_t queue_size_max(struct virtio_device *self, unsigned index)
{
        (void)self;
        return index == 0 && !fake.live ? QUEUE_SIZE : 0;
}

static int queue_setup(struct virtio_device *self, unsigned index, const struct virtq *queue)
{
        (void)self;
        assert_int_equal(index, 0);
        assert_true(queue->layout.packed);
        memset(fake.lists, 0, sizeof fake.lists);
        fake.ring = (struct ring){ .queue = *queue, .memory = queue->descriptors, .lists = fake.lists,
                                   .next_avail = { 0, true }, .next_used = { 0, true } };
        fake.live = true;
        return 0;
}

static void notify(struct virtio_device *self, unsigned index)
{
        (void)self;
        assert_int_equal(index, 0);
        assert_int_equal(fake.status & VIRTIO_STATUS_DRIVER_OK, VIRTIO_STATUS_DRIVER_OK);
        fake.notifications++;
}

static uint32_t config_read(struct virtio_device *self, unsigned offset, unsigned width)
{
        (void)self;
        assert_int_equal(width, 4);
        assert_in_range(offset, 0, 4); /* the capacity: no other field was offered */
        return offset == 0 ? SECTORS : 0;
}

static uint32_t config_generation(struct virtio_device *self)
{
        (void)self;
        return 7;
}

static const struct virtio_transport transport = {
        .get_status = get_status, .set_status = set_status, .get_features = get_features, .set_features = set_features,
        .queue_size_max = queue_size_max, .queue_setup = queue_setup, .notify = notify, .config_read = config_read,
        .config_generation = config_generation,
};

/* The data of a read or write, in the segments between header and status. */
static void transfer(bool in, uint64_t sector, const struct virtq_descriptor *segments, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                uint8_t *place = (uint8_t *)(uintptr_t)segments[i].address;
                uint32_t sectors = segments[i].length / SECTOR_SIZE;

                assert_int_equal((segments[i].flags & VIRTQ_DESC_F_WRITE) != 0, in);
                assert_in_range(sector + sectors, 1, SECTORS);
                memcpy(in ? place : fake.data[sector], in ? fake.data[sector] : place, segments[i].length);
                sector += sectors;
        }
}

static void execute(int id)
{
        struct virtq_descriptor segments[RING_SEGMENTS_MAX];
        unsigned count = ring_walk(&fake.ring, id, segments);
        const struct header *header = (const struct header *)(uintptr_t)segments[0].address;
        uint8_t *status = (uint8_t *)(uintptr_t)segments[count - 1].address;

        assert_in_range(count, 2, SEGMENTS);
        assert_int_equal(*status, 0xff);
        if (header->type == T_FLUSH)
                fake.flushes++;
        else
                transfer(header->type == T_IN, header->sector, segments + 1, count - 2);
        *status = fake.answer;
        fake.answer = 0;
}

/* Serve one request: false when there is none. Where EVENT_IDX is in use, the driver must have asked for this interrupt. */
static bool serve(void)
{
        int id = fake.live && (fake.status & VIRTIO_STATUS_DRIVER_OK) ? ring_take(&fake.ring) : -1;
        bool wanted;

        if (id < 0)
                return false;
        execute(id);
        wanted = ring_use(&fake.ring, fake.lie ? fake.lie : (uint32_t)id, 1);
        fake.lie = 0;
        if (wanted || !fake.ring.queue.layout.event_idx)
                host_raise();
        return true;
}

static void interrupt(void)
{
        host_lower();
        device.used_buffers(&device);
}

static void make_unprobed(uint64_t features)
{
        host_reset();
        host.world = serve;
        host.interrupt = interrupt;
        host.timer_interrupt = timer_interrupt;
        host.points_max = UINT64_MAX;
        arguments.ring = RING_PACKED;
        executor_init(&executor);
        timer_init(&executor, 1000000, true);
        block_init(&executor, 0);
        memset(&fake, 0, sizeof fake);
        fake.features = VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED | F_FLUSH | features;
        device = (struct virtio_device){ .transport = &transport, .name = "made-up", .node = "packed" };
}

static void probe(void)
{
        assert_int_equal(virtio_blk_driver.probe(&device), 0);
        disk = block_device(0);
        fake.resets = 0;
}

static void make(uint64_t features)
{
        make_unprobed(features);
        probe();
}

static int setup(void **state)
{
        (void)state;
        make(VIRTIO_F_INDIRECT_DESC);
        return 0;
}

static void fill(uint64_t sector, uint32_t sectors, unsigned version)
{
        for (uint32_t i = 0; i < sectors; i++)
                memset(buffer + i * SECTOR_SIZE, (int)(sector + i + version * 31), SECTOR_SIZE);
}

static void expect_contents(uint64_t sector, uint32_t sectors, unsigned version)
{
        for (uint32_t i = 0; i < sectors; i++)
                for (unsigned at = 0; at < SECTOR_SIZE; at++)
                        if (buffer[i * SECTOR_SIZE + at] != (uint8_t)(sector + i + version * 31))
                                fail_msg("sector %lu of version %u is not there", (unsigned long)(sector + i), version);
}

/* Whether lists or tables, and whichever events: many laps of the ring, with several requests in it at once. */
static void test_many_laps(void **state)
{
        static const uint64_t features[] = { 0, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX,
                                             VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
                make(features[i]);
                for (unsigned lap = 0; lap < 10 * QUEUE_SIZE; lap++) {
                        struct block_future other = block_read(disk, 50, buffer + 50 * SECTOR_SIZE, 1);
                        uint32_t sectors = 1 + lap % 4;
                        uint64_t sector = lap % 40;

                        assert_int_equal(future_poll(&other.future, &waker), POLL_PENDING);
                        fill(sector, sectors, lap);
                        assert_int_equal(waited(block_write(disk, sector, buffer, sectors)), 0);
                        assert_int_equal(waited(block_flush(disk)), 0);
                        memset(buffer, 0, sizeof buffer);
                        assert_int_equal(waited(block_read(disk, sector, buffer, sectors)), 0);
                        expect_contents(sector, sectors, lap);
                        assert_int_equal(block_wait(&other), 0);
                }
                assert_int_equal(fake.flushes, 10 * QUEUE_SIZE);
                assert_int_not_equal(fake.notifications, 0);
                assert_int_equal(disk->resets, 0);
        }
}

static void test_errors(void **state)
{
        static const struct {
                uint8_t answer;
                int result;
        } cases[] = { { 0, 0 }, { 1, -EIO }, { 2, -ENOTSUP }, { 3, -EIO }, { 0xff, -EIO } };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                fake.answer = cases[i].answer;
                assert_int_equal(waited(block_read(disk, 0, buffer, 1)), cases[i].result);
                assert_int_equal(waited(block_read(disk, 0, buffer, 1)), 0);
        }
        assert_int_equal(disk->resets, 0);
}

/* Of whoever lies no more is believed; what it had it gets again, in a ring as new. */
static void test_a_lie(void **state)
{
        static const uint32_t lies[] = { OTHERS, QUEUE_SIZE, 5 /* a seat, but a free one */ };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
                setup(NULL);
                fill(3, 1, i);
                fake.lie = lies[i];
                assert_int_equal(waited(block_write(disk, 3, buffer, 1)), 0);
                assert_console_has("warning: disk 0 (packed): a used id is not in flight: it is reset\n");
                assert_int_equal(fake.resets, 2); /* stopped, and brought up again */
                assert_int_equal(disk->resets, 1);
                memset(buffer, 0, sizeof buffer);
                assert_int_equal(waited(block_read(disk, 3, buffer, 1)), 0);
                expect_contents(3, 1, i);
        }
}

static void test_recorded(void **state)
{
        struct block_future request;

        (void)state;
        make_unprobed(VIRTIO_F_INDIRECT_DESC);
        traced_begin();
        probe();
        for (uint8_t status = 0; status <= 1; status++) {
                fake.answer = status;
                request = block_read(disk, 7, buffer, 2);
                assert_int_equal(block_wait(&request), status ? -EIO : 0);
                traced(TRACE_SUBMIT, NULL, &request, 7, BLOCK_READ);
                traced(TRACE_ADD, NULL, &request, 2, status);
                traced(TRACE_USED, NULL, &request, status, status);
                traced(TRACE_COMPLETE, NULL, &request, status, 0);
        }
        traced_all();
        fake.lie = OTHERS;
        request = block_read(disk, 7, buffer, 2);
        assert_int_equal(block_wait(&request), 0);
        traced(TRACE_SUBMIT, NULL, &request, 7, BLOCK_READ);
        traced(TRACE_ADD, NULL, &request, 2, 2);
        traced(TRACE_RESET, NULL, disk, 0, 0);
        traced(TRACE_SUBMIT, NULL, &request, 7, BLOCK_READ);
        traced(TRACE_ADD, NULL, &request, 2, 0);
        traced(TRACE_USED, NULL, &request, 0, 0);
        traced(TRACE_COMPLETE, NULL, &request, 0, 0);
        traced_all();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_many_laps, setup),
                cmocka_unit_test_setup(test_errors, setup),
                cmocka_unit_test_setup(test_a_lie, setup),
                cmocka_unit_test_setup(test_recorded, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
