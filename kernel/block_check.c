/* SPDX-License-Identifier: MIT */
/* block_check.c - what a device must never be asked (virtio 1.2, 5.2.6.1): each is refused with an errno of its own. */
#include <errno.h>
#include <stddef.h>

#include "block.h"
#include "block_driver.h"

/* The segments of a vectored request are together what it is about. */
static int check_segments(struct block_future *request)
{
        const struct block_segment *segments = request->buffer;
        uint64_t bytes = 0;

        if (request->segment_count > BLOCK_SEGMENTS_MAX)
                return -E2BIG;
        if (segments == NULL)
                return -EFAULT;
        for (uint32_t i = 0; i < request->segment_count; i++) {
                if (block_misplaced(segments[i].address))
                        return -EFAULT;
                if (segments[i].bytes == 0 || segments[i].bytes % request->device->block_size != 0)
                        return -EINVAL;
                bytes += segments[i].bytes;
        }
        if (bytes / SECTOR_SIZE > UINT32_MAX)
                return -E2BIG;
        request->sectors = (uint32_t)(bytes / SECTOR_SIZE);
        return 0;
}

/* Of what is neither a plain read nor a plain write. */
int block_check_other(struct block_future *request)
{
        const struct block_device *device = request->device;
        int error = 0;

        switch (request->operation) {
        case BLOCK_FLUSH:
                return 0;
        case BLOCK_GET_ID:
        case BLOCK_GET_LIFETIME:
                if (request->operation == BLOCK_GET_LIFETIME && !device->has_lifetime)
                        return -ENOTSUP;
                return request->buffer ? 0 : -EFAULT;
        case BLOCK_DISCARD:
                error = device->max_discard_sectors > 0 ? 0 : -ENOTSUP;
                break;
        case BLOCK_WRITE_ZEROES:
                error = device->max_write_zeroes_sectors > 0 ? 0 : -ENOTSUP;
                break;
        default:
                error = request->segment_count > 0 ? check_segments(request) : block_misplaced(request->buffer) ? -EFAULT : 0;
        }
        request->in_pieces = true;
        request->shape = BLOCK_SHAPE_OTHER;
        if (error == 0 && request->sectors == 0)
                return -EINVAL;
        return error ?: block_check_range(device, request->sector, request->sectors, request->operation != BLOCK_READ);
}
