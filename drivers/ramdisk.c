/* SPDX-License-Identifier: MIT */
/*
 * ramdisk.c - a disk in memory, for want of a device: the block layer's other driver. The data is moved when a request
 * is submitted, and the answer comes at the end of the batch, as if from an interrupt.
 */
#include "ramdisk.h"

#include <errno.h>
#include <string.h>

#include "block_driver.h"
#include "memory.h"
#include "printk.h"

enum { DEPTH = 128, SECTORS_MAX = UINT32_MAX / SECTOR_SIZE };

static struct {
        struct block_device block;
        char *data;
        struct block_future *answered[DEPTH];
        unsigned answers;
} disk;

static void transfer(const struct block_future *request, char *place, void *buffer, size_t bytes)
{
        if (request->operation == BLOCK_READ)
                memcpy(buffer, place, bytes);
        else
                memcpy(place, buffer, bytes);
}

static void transfer_segments(struct block_future *request, char *place)
{
        struct block_segment segment;
        bool more;

        do {
                more = block_next_segment(request, SECTORS_MAX, &segment);
                transfer(request, place, segment.address, segment.bytes);
                place += segment.bytes;
        } while (more);
}

static int submit(struct block_device *block, struct block_future *request)
{
        char *place = disk.data + (request->sector + request->cut) * SECTOR_SIZE;

        (void)block;
        if (disk.answers == DEPTH)
                return -EAGAIN;
        if (request->shape != BLOCK_SHAPE_OTHER)
                transfer(request, place, (void *)(uintptr_t)request->buffer, (size_t)request->sectors * SECTOR_SIZE);
        else if (request->operation <= BLOCK_WRITE)
                transfer_segments(request, place);
        else if (request->operation == BLOCK_GET_ID)
                memcpy((void *)(uintptr_t)request->buffer, "squall ramdisk\0\0\0\0\0", BLOCK_ID_BYTES);
        else /* discard or write zeroes: without a cache there is no flush */
                memset(place, 0, (size_t)block_next_range(request) * SECTOR_SIZE);
        disk.answered[disk.answers++] = request;
        return 0;
}

static void publish(struct block_device *block)
{
        (void)block;
        if (disk.answers == 0)
                return;
        for (unsigned i = 0; i < disk.answers; i++)
                block_complete(disk.answered[i], 0);
        disk.answers = 0;
        block_request_batch();
}

static void for_each_in_flight(struct block_device *block, void (*visit)(struct block_future *))
{
        (void)block;
        for (unsigned i = 0; i < disk.answers; i++)
                visit(disk.answered[i]);
}

static void print(struct block_device *block) { printk("no ring: disk %u is memory\n", block->number); }

static const struct block_operations operations = {
        .submit = submit, .publish = publish, .for_each_in_flight = for_each_in_flight, .print = print,
};

int ramdisk_add(uint64_t bytes)
{
        disk.data = memory_allocate(bytes, PAGE_SIZE);
        if (!disk.data)
                return -ENOMEM;
        disk.block = (struct block_device){
                .operations = &operations, .node = "ramdisk", .transport = "memory", .capacity = bytes / SECTOR_SIZE,
                .block_size = SECTOR_SIZE, .max_segments = 1, .max_segment_sectors = SECTORS_MAX,
                .max_discard_sectors = SECTORS_MAX, .max_write_zeroes_sectors = SECTORS_MAX, .queues = 1, .depth = DEPTH,
        };
        block_register(&disk.block);
        return 0;
}
