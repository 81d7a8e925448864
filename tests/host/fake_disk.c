/* SPDX-License-Identifier: MIT */
/* fake_disk.c - a block driver without a device. */
#include "fake_disk.h"

#include <errno.h>

#include "testing.h"
#include "util.h"

static struct fake_disk *of(struct block_device *block) { return container_of(block, struct fake_disk, block); }

/* What a real driver would write into its seat. */
static struct fake_piece cut(const struct fake_disk *disk, struct block_future *request)
{
        struct fake_piece piece = { .request = request, .sector = request->sector + request->cut };
        uint32_t before = request->cut;

        if (!request->in_pieces) { /* its buffer is its only segment */
                piece.segments[piece.count++] = (struct block_segment){ (void *)(uintptr_t)request->buffer,
                                                                        request->sectors * SECTOR_SIZE };
                piece.sectors = request->sectors;
                return piece;
        }
        if (request->operation > BLOCK_WRITE) {
                assert_int_not_equal(block_next_range(request), 0);
        } else {
                while (piece.count < disk->block.max_segments &&
                       block_next_segment(request, disk->block.max_segment_sectors, &piece.segments[piece.count++]))
                        ;
        }
        piece.sectors = request->cut - before;
        return piece;
}

static int submit(struct block_device *block, struct block_future *request)
{
        struct fake_disk *disk = of(block);

        int error = disk->submits < disk->submits_well ? 0 : disk->submit_error;

        if (error == 0 && disk->count == disk->seats)
                return -EAGAIN;
        assert_true(disk->submits < FAKE_SENT_MAX);
        disk->sent[disk->submits++] = request->sector + request->cut;
        if (error != 0)
                return error;
        disk->seated[disk->count++] = cut(disk, request);
        return 0;
}

static void publish(struct block_device *block)
{
        of(block)->published = of(block)->count;
        of(block)->publishes++;
}

static void for_each_in_flight(struct block_device *block, void (*visit)(struct block_future *))
{
        for (unsigned i = 0; i < of(block)->count; i++)
                visit(of(block)->seated[i].request);
}

static void attend(struct block_device *block)
{
        if (of(block)->attend)
                of(block)->attend(of(block));
}

static void end_piece(struct fake_disk *disk, unsigned index, int result)
{
        struct block_future *request = disk->seated[index].request;

        assert_true(index < disk->published);
        disk->count--;
        disk->published--;
        for (unsigned i = index; i < disk->count; i++)
                disk->seated[i] = disk->seated[i + 1];
        block_complete(request, result);
        block_request_batch();
}

static void look(struct block_device *block)
{
        struct fake_disk *disk = of(block);

        assert_false(host.enabled);
        for (disk->looks++; disk->silent > 0; disk->silent--)
                end_piece(disk, 0, 0);
}

static int stop(struct block_device *block, bool for_good)
{
        (void)for_good;
        assert_false(host.enabled);
        of(block)->stops++;
        return of(block)->stop_error;
}

static int start(struct block_device *block)
{
        struct fake_disk *disk = of(block);

        assert_false(host.enabled);
        assert_int_equal(disk->stop_error, 0);
        disk->starts++;
        disk->count = disk->published = disk->silent = 0;
        return disk->start_error;
}

static const struct block_operations operations = {
        .submit = submit, .publish = publish, .for_each_in_flight = for_each_in_flight, .attend = attend, .look = look,
        .stop = stop, .start = start,
};

void fake_disk_add(struct fake_disk *disk, unsigned seats)
{
        *disk = (struct fake_disk){
                .block = { .operations = &operations, .node = "fake", .transport = "none", .capacity = 1000,
                           .block_size = SECTOR_SIZE, .has_flush = true },
                .seats = seats,
        };
        fake_disk_limit(disk, 1, 64);
        block_register(&disk->block);
}

void fake_disk_limit(struct fake_disk *disk, uint32_t segments, uint32_t sectors_each)
{
        disk->block.max_segments = segments;
        disk->block.max_segment_sectors = sectors_each;
}

static struct fake_disk *served;
static int served_with;

static bool serve(void)
{
        if (served->published > 0)
                host_raise();
        return served->published > 0;
}

static void interrupt(void)
{
        host_lower();
        fake_disk_complete(served, 0, served_with);
}

void fake_disk_serve(struct fake_disk *disk, int result)
{
        served = disk;
        served_with = result;
        host.world = serve;
        host.interrupt = interrupt;
}

void fake_disk_complete(struct fake_disk *disk, unsigned index, int result)
{
        disk->block.irqs++;
        end_piece(disk, index, result);
}

void fake_disk_check_sleep(const struct fake_disk *disk)
{
        if (disk->published != disk->count)
                host_fail("asleep with %u requests unpublished", disk->count - disk->published);
        if (disk->block.waiting && disk->count < disk->seats)
                host_fail("asleep with a free seat, while a request waits for one");
}
