/* SPDX-License-Identifier: MIT */
/* fake_disk.c - a block driver without a device. */
#include "fake_disk.h"

#include <errno.h>

#include "testing.h"
#include "util.h"

static int submit(struct block_device *block, struct block_future *request)
{
        struct fake_disk *disk = container_of(block, struct fake_disk, block);

        if (disk->submit_error == 0 && !disk->completes_in_submit && disk->count == disk->seats)
                return -EAGAIN;
        assert_true(disk->submits < FAKE_SENT_MAX);
        disk->sent[disk->submits++] = request->sector;
        if (disk->submit_error != 0)
                return disk->submit_error;
        if (disk->completes_in_submit)
                block_complete(request, disk->result);
        else
                disk->seated[disk->count++] = request;
        return 0;
}

static void publish(struct block_device *block)
{
        struct fake_disk *disk = container_of(block, struct fake_disk, block);

        disk->published = disk->count;
        disk->publishes++;
}

static void for_each_in_flight(struct block_device *block, void (*report)(const struct block_future *))
{
        const struct fake_disk *disk = container_of(block, struct fake_disk, block);

        for (unsigned i = 0; i < disk->count; i++)
                report(disk->seated[i]);
}

static const struct block_operations operations = {
        .submit = submit, .publish = publish, .for_each_in_flight = for_each_in_flight,
};

void fake_disk_add(struct fake_disk *disk, unsigned seats)
{
        *disk = (struct fake_disk){
                .block = { .operations = &operations, .node = "fake", .transport = "none", .capacity = 1000,
                           .block_size = SECTOR_SIZE, .max_sectors = 64 },
                .seats = seats,
        };
        block_register(&disk->block);
}

void fake_disk_complete(struct fake_disk *disk, unsigned index, int result)
{
        struct block_future *request = disk->seated[index];

        assert_true(index < disk->published);
        disk->count--;
        disk->published--;
        for (unsigned i = index; i < disk->count; i++)
                disk->seated[i] = disk->seated[i + 1];
        block_complete(request, result);
}

void fake_disk_check_sleep(const struct fake_disk *disk)
{
        if (disk->published != disk->count)
                host_fail("asleep with %u requests unpublished", disk->count - disk->published);
        if (disk->block.waiting && disk->count < disk->seats)
                host_fail("asleep with a free seat, while a request waits for one");
}
