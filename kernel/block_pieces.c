/* SPDX-License-Identifier: MIT */
/*
 * block_pieces.c - requests that are more than the device takes at once.
 *
 * `cut` and `issued` belong to the tasks, `ended` to the interrupt. Such a request is over when all of it is cut and as
 * many pieces have ended as were issued. A piece counts as issued before its driver sees it, so that neither side finds
 * this true too early; and whoever makes it true ends the request.
 */
#include <errno.h>

#include "arch.h"
#include "block.h"
#include "block_driver.h"

/* Where in a vectored request's segments `sectors` sectors are behind one: found from the start each time, for the rare. */
static struct block_segment rest_of_segment(const struct block_future *request, uint32_t sectors)
{
        const struct block_segment *segment = request->buffer;
        uint64_t bytes = (uint64_t)sectors * SECTOR_SIZE;

        for (; bytes >= segment->bytes; segment++)
                bytes -= segment->bytes;
        return (struct block_segment){ (char *)segment->address + bytes, segment->bytes - (uint32_t)bytes };
}

bool block_next_segment(struct block_future *request, uint32_t max_sectors, struct block_segment *segment)
{
        uint32_t sectors = request->sectors - request->cut;

        if (request->segment_count != 0) {
                *segment = rest_of_segment(request, request->cut);
                sectors = segment->bytes / SECTOR_SIZE;
        } else {
                segment->address = (char *)(uintptr_t)request->buffer + (uint64_t)request->cut * SECTOR_SIZE;
        }
        sectors = sectors < max_sectors ? sectors : max_sectors;
        segment->bytes = sectors * SECTOR_SIZE;
        request->cut += sectors;
        return request->cut < request->sectors;
}

/* As much of what is left as the device takes; the end of any but the last part is aligned as it likes best (5.2.6.1). */
uint32_t block_next_range(struct block_future *request)
{
        const struct block_device *device = request->device;
        bool discard = request->operation == BLOCK_DISCARD;
        uint32_t most = discard ? device->max_discard_sectors : device->max_write_zeroes_sectors;
        uint32_t sectors = request->sectors - request->cut;

        if (sectors > most) {
                uint64_t end = request->sector + request->cut + most;
                uint32_t beyond = discard && device->discard_alignment ? (uint32_t)(end % device->discard_alignment) : 0;

                sectors = beyond < most ? most - beyond : most;
        }
        request->cut += sectors;
        return sectors;
}

static bool over(struct block_future *request)
{
        return shared_load(&request->ended) == shared_load(&request->issued) &&
               shared_load(&request->cut) == request->sectors;
}

bool block_piece_ended(struct block_future *request, int result)
{
        if (result != 0 && request->result == 0)
                request->result = result;
        shared_store(&request->ended, (uint16_t)(request->ended + 1));
        return over(request);
}

bool block_drop_pieces(struct block_future *request)
{
        bool enabled = interrupts_save(), is_over;

        request->cut = request->sectors;
        is_over = over(request);
        interrupts_restore(enabled);
        return is_over;
}

int block_submit_pieces(struct block_device *device, struct block_future *request)
{
        while (request->result == 0 && request->cut < request->sectors) {
                shared_store(&request->issued, (uint16_t)(request->issued + 1));

                int error = device->operations->submit(device, request);

                if (error == 0) {
                        request->seated = device->clock++;
                        continue;
                }
                shared_store(&request->issued, (uint16_t)(request->issued - 1));
                if (error == -EAGAIN)
                        return error;
                request->result = error;
        }
        return request->result;
}
