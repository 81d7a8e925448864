/* SPDX-License-Identifier: MIT */
/*
 * sources: drivers/virtio_mmio.c drivers/virtio.c drivers/virtio_blk.c drivers/virtio_blk_setup.c drivers/virtqueue.c
 *          drivers/virtqueue_split.c drivers/virtqueue_packed.c kernel/executor.c kernel/future.c kernel/timer.c
 *          kernel/block.c kernel/block_check.c kernel/block_device.c kernel/block_pieces.c kernel/block_recovery.c
 *          kernel/printk.c tests/host/registers.c tests/fuzz/fuzz.c tests/fuzz/arena.c tests/fuzz/answers.c
 */
/* options: -max_len=1024 */
/*
 * fuzz_config.c - the input is what the registers and the configuration of a virtio disk say. It is refused in words, or
 * comes up with limits that can be; no access is made that the specification forbids. Then it changes its mind.
 */
#include <errno.h>
#include <string.h>

#include "answers.h"
#include "args.h"
#include "arena.h"
#include "block.h"
#include "block_driver.h"
#include "driver.h"
#include "executor.h"
#include "fuzz.h"
#include "irq.h"
#include "registers.h"
#include "util.h"
#include "virtio.h"
#include "virtio_blk.h"

enum { TICKS = 1000, SOURCE = 7, ACTIONS_MAX = 24 };

enum flag { /* of the first byte of the input */
        LEGACY = 1, PACKED = 2, SMALL_REG = 4, NO_INTERRUPT = 8, NO_CONTROLLER = 16, TAKEN = 32,
};

static struct executor executor;
static struct fuzz_input input;
static irq_handler *handler;
static void *handler_context;
static int attach_error;

/* What the transport asks of others. */

int irq_attach(uint32_t controller, uint32_t source, irq_handler *function, void *context, const char *name)
{
        (void)controller;
        (void)name;
        fuzz_expect(source == SOURCE, "another interrupt");
        if (attach_error == 0) {
                handler = function;
                handler_context = context;
        }
        return attach_error;
}

int virtio_probe(struct virtio_device *device)
{
        return device->type == VIRTIO_ID_BLOCK ? virtio_blk_driver.probe(device) : 0;
}

int dt_refuse(const struct dt_node *at, const char *why)
{
        log_error("device tree: node %s: %s", at->name, why);
        return -EBADF;
}

/* The world ------------------------------------------------------------------------------------ */

static void interrupt(void)
{
        host_lower();
        if (handler)
                handler(handler_context);
}

static void run_hooks(void)
{
        struct yield_future yield;

        for (unsigned batches = 0; batches == 0 || executor.batch_wanted; batches++) {
                fuzz_expect(batches < 100, "batches without an end");
                yield = yield_now();
                fuzz_expect(executor_block_on(&executor, &yield.future) == 0, "a batch that cannot be had");
        }
}

static struct device_node begin(void)
{
        static const struct dt_node at = { .name = "virtio_mmio@10001000" };
        unsigned flags, size, allocations;

        host_reset();
        flags = (unsigned)fuzz_take(&input, 1);
        size = (unsigned)fuzz_take(&input, 1);
        allocations = (unsigned)fuzz_take(&input, 1);
        arguments.ring = flags & PACKED ? RING_PACKED : RING_SPLIT;
        arguments.queue_size = size == 0 ? 0 : UINT64_C(1) << (size == 0xff ? 15 : size % 10);
        arena_reset(allocations == 0 ? -1 : allocations - 1);
        attach_error = flags & NO_CONTROLLER ? -ENODEV : flags & TAKEN ? -EBUSY : 0;
        handler = NULL;
        host.time = 1000;
        host.time_step = 1;
        host.points_max = 50000000; /* for each action: a seat costs some, and there may be 2^18, brought up four times */
        host.interrupt = interrupt;
        host.timer_interrupt = timer_interrupt;
        executor_init(&executor);
        timer_init(&executor, 1000000, true);
        block_init(&executor, TICKS);
        answers_begin(&input, (flags & LEGACY) != 0);
        return (struct device_node){ .at = &at, .reg = { REGISTERS_BASE, flags & SMALL_REG ? 0x80 : 0x200 },
                                     .interrupt = flags & NO_INTERRUPT ? 0 : SOURCE };
}

/* Oracles -------------------------------------------------------------------------------------- */

static bool is_power_of_two(uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

static void check_limits(const struct block_device *disk)
{
        uint32_t block = disk->block_size / SECTOR_SIZE;

        fuzz_expect(is_power_of_two(disk->block_size) && disk->block_size >= 512 && disk->block_size <= 2 << 20, "blocks of %u",
                    disk->block_size);
        fuzz_expect(disk->queues >= 1 && disk->queues <= VIRTIO_BLK_QUEUES_MAX, "%u queues", disk->queues);
        fuzz_expect(disk->depth >= disk->queues, "a depth of %u", disk->depth);
        fuzz_expect(disk->max_segments >= 1 && disk->max_segments <= 2, "%u segments", disk->max_segments);
        fuzz_expect(disk->max_segment_sectors >= block && disk->max_segment_sectors % block == 0, "segments of %u sectors",
                    disk->max_segment_sectors);
        fuzz_expect((uint64_t)disk->max_segments * disk->max_segment_sectors * SECTOR_SIZE < UINT32_MAX - 16, "too long a chain");
        fuzz_expect(disk->max_discard_sectors % block == 0 && disk->max_write_zeroes_sectors % block == 0 &&
                    disk->discard_alignment % block == 0, "ranges of parts of blocks");
        fuzz_expect(disk->has_flush || (!disk->write_cache && !disk->write_cache_switchable), "a cache that cannot be flushed");
        answers_check(disk);
}

static void check_refusal(int error)
{
        fuzz_expect(error < 0, "probing returns %d", error);
        fuzz_expect_lines();
        fuzz_expect(strstr(host.console, "error: ") || strstr(host.console, "warning: "), "refused without a word");
        fuzz_expect(registers.status == 0 || (registers.status & VIRTIO_STATUS_FAILED) != 0, "refused, and not told so: status %u",
                    registers.status);
        fuzz_expect(block_device_count() == 0, "a disk of a device that was refused");
}

/* The disk is there, and changes its mind ------------------------------------------------------ */

/* Nobody answers: what the device was asked fails, after one reset or more. */
static void ask(struct block_device *disk)
{
        static _Alignas(BLOCK_BUFFER_ALIGN) uint8_t buffer[4 << 20];
        uint32_t sectors = 1 + (uint32_t)fuzz_take(&input, 1) % (sizeof buffer / SECTOR_SIZE / (2 << 11)) * (disk->block_size / SECTOR_SIZE);
        uint64_t sector = fuzz_take(&input, 1) * (disk->block_size / SECTOR_SIZE);
        enum block_operation operation = fuzz_take(&input, 1) % (BLOCK_GET_LIFETIME + 1);
        struct block_future request = block_request(disk, operation, sector, sectors, buffer);
        int result;

        if (operation >= BLOCK_GET_ID)
                request.sector = request.sectors = 0;
        result = block_wait(&request);
        fuzz_expect(result < 0 || (result == 0 && operation == BLOCK_FLUSH && !disk->has_flush), "request %d ends with %d", operation,
                    result);
}

static void act(struct block_device *disk)
{
        host.points = 0;
        switch (fuzz_take(&input, 1) % 6) {
        case 0:
                ask(disk);
                break;
        case 1:
                block_set_write_cache(disk, fuzz_take(&input, 1) & 1);
                break;
        case 2:
                registers.interrupt_status = (uint32_t)fuzz_take(&input, 1);
                host_raise();
                break;
        case 3:
                answers_need_reset();
                registers.interrupt_status = 2;
                host_raise();
                break;
        default:
                answers_change();
                registers.interrupt_status = 2;
                host_raise();
        }
        host_deliver();
        run_hooks();
        check_limits(disk);
        fuzz_expect_lines();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct device_node node;
        int error;

        input = (struct fuzz_input){ data, size };
        node = begin();
        error = virtio_mmio_driver.probe(&node);
        if (error != 0) {
                fuzz_refused(data, size);
                check_refusal(error);
        } else if (block_device_count() == 0) {
                fuzz_expect(registers.status == 0, "it is no disk, and was touched");
        } else {
                fuzz_taken();
                fuzz_expect((registers.status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FAILED)) == VIRTIO_STATUS_DRIVER_OK, "status %u",
                            registers.status);
                check_limits(block_device(0));
                for (unsigned actions = 0; input.size > 0 && actions < ACTIONS_MAX; actions++)
                        act(block_device(0));
        }
        return 0;
}
