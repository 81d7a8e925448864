/* SPDX-License-Identifier: MIT */
/* request.c - what a request asks of the device, and whether it may (5.2.6). */
#include <string.h>

#include "fate.h"
#include "ram.h"
#include "pattern.h"
#include "util.h"
#include "virtio_blk.h"
#include "world.h"

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_GET_LIFETIME = 10, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, FLAG_UNMAP = 1, UNWRITTEN = 0xff };

static void expect(const struct device *device, bool condition, const char *what)
{
        if (!condition)
                host_fail("disk %u: a request: %s", device->number, what);
}

static void *place(const struct ring_segment *segment) { return (void *)(uintptr_t)segment->address; }

static uint32_t data_bytes(const struct request *request)
{
        uint32_t bytes = 0;

        for (unsigned i = 1; i + 1 < request->count; i++)
                bytes += request->segments[i].length;
        return bytes;
}

/* Data is a task's, lent; but for a range, which is the driver's. */
static void check_data(struct device *device, struct request *request)
{
        bool range = request->type == T_DISCARD || request->type == T_WRITE_ZEROES;

        for (unsigned i = 1; i + 1 < request->count; i++) {
                struct ring_segment *segment = &request->segments[i];

                expect(device, segment->writes == request->segments[1].writes, "data in two directions");
                expect(device, segment->length > 0, "a segment of no bytes");
                expect(device, device->config_lied || device->config.size_max == 0 || segment->length <= device->config.size_max,
                       "too large a segment");
                if (range)
                        ram_seen(segment->address, segment->length, 4);
                else
                        segment->loan = ram_loan(segment->address, segment->length, segment->writes);
        }
}

void request_check(struct device *device, struct request *request)
{
        const struct ring_segment *header = &request->segments[0], *status = &request->segments[request->count - 1];
        struct virtio_blk_header copy;

        expect(device, request->count >= 2, "no header, or no status byte");
        expect(device, header->length == sizeof copy && !header->writes, "its header");
        expect(device, status->length == 1 && status->writes, "its status byte");
        ram_seen(header->address, sizeof copy, 8);
        ram_seen(status->address, 1, 1);
        memcpy(&copy, place(header), sizeof copy);
        expect(device, copy.reserved == 0, "a reserved word is not 0");
        expect(device, device->has_lied || *(uint8_t *)place(status) == UNWRITTEN, "its status byte is not preset");
        request->owner = fate_of(container_of(place(status), struct virtio_blk_seat, status)->owner);
        request->type = copy.type;
        request->sector = copy.sector;
        check_data(device, request);
        expect(device, device->config_lied || device->config.seg_max == 0 || request->count - 2 <= device->config.seg_max,
               "too many segments");
        if (request->type == T_IN || request->type == T_OUT)
                expect(device, request->count > 2 && request->segments[1].writes == (request->type == T_IN) &&
                       data_bytes(request) % SECTOR_BYTES == 0, "data that is none");
        else
                expect(device, request->sector == 0, "a sector where there is none");
}

static bool within(const struct device *device, uint64_t sector, uint64_t sectors)
{
        uint32_t block = device->config.block_size ? device->config.block_size / SECTOR_BYTES : 1;

        bool whole = sectors > 0 && sector % block == 0 && sectors % block == 0;

        expect(device, whole || device->config_lied, "not whole blocks");
        expect(device, device->config_lied || (sector <= DISK_SECTORS && sectors <= DISK_SECTORS - sector), "beyond any end that it ever had");
        return whole && sector <= device->capacity && sectors <= device->capacity - sector && sector + sectors <= DISK_SECTORS;
}

static void transfer_sector(struct device *device, bool in, uint64_t sector, uint8_t *buffer)
{
        uint32_t version;

        ram_unlock(buffer, SECTOR_BYTES);
        if (in)
                pattern_fill(buffer, sector, device->disk.data[sector]);
        else if (pattern_read(buffer, sector, &version))
                disk_write(&device->disk, sector, version);
        else
                host_fail("disk %u: what is written to sector %u was never meant for it", device->number, (unsigned)sector);
        ram_lock(buffer, SECTOR_BYTES);
}

static uint8_t transfer(struct device *device, const struct request *request)
{
        uint64_t sector = request->sector;

        if (!within(device, sector, data_bytes(request) / SECTOR_BYTES))
                return S_IOERR;
        for (unsigned i = 1; i + 1 < request->count; i++)
                for (uint32_t at = 0; at < request->segments[i].length; at += SECTOR_BYTES)
                        transfer_sector(device, request->type == T_IN, sector++, (uint8_t *)place(&request->segments[i]) + at);
        return S_OK;
}

/* 5.2.6.1: one range or more; our driver sends one. */
static uint8_t change_range(struct device *device, const struct request *request)
{
        bool discard = request->type == T_DISCARD;
        uint32_t most = discard ? device->config.max_discard : device->config.max_write_zeroes;
        struct virtio_blk_range range;

        expect(device, most > 0, "a range, which was never offered");
        expect(device, request->count == 3 && data_bytes(request) == sizeof range && !request->segments[1].writes, "not one range");
        memcpy(&range, place(&request->segments[1]), sizeof range);
        expect(device, device->config_lied || range.sectors <= most, "too large a range");
        expect(device, (range.flags & ~(discard ? 0u : FLAG_UNMAP)) == 0, "flags that are reserved");
        if (!within(device, range.sector, range.sectors))
                return S_IOERR;
        for (uint32_t i = 0; i < range.sectors; i++)
                disk_write(&device->disk, range.sector + i, discard ? VERSION_FORGOTTEN : VERSION_ZEROES);
        return S_OK;
}

static uint8_t tell(struct device *device, const struct request *request)
{
        bool is_id = request->type == T_GET_ID;
        void *answer = place(&request->segments[1]);

        expect(device, is_id || device->config.lifetime, "a question about its lifetime, which was never offered");
        expect(device, request->count == 3 && request->segments[1].writes && data_bytes(request) == (is_id ? 20 : 6),
               "no answer wanted");
        ram_unlock(answer, data_bytes(request));
        memset(answer, 'i', data_bytes(request));
        ram_lock(answer, data_bytes(request));
        return S_OK;
}

static uint8_t act(struct device *device, const struct request *request)
{
        switch (request->type) {
        case T_IN:
        case T_OUT:
                return transfer(device, request);
        case T_FLUSH:
                expect(device, device->config.cache && request->count == 2, "a flush that must not be one");
                disk_flush(&device->disk);
                return S_OK;
        case T_DISCARD:
        case T_WRITE_ZEROES:
                return change_range(device, request);
        case T_GET_ID:
        case T_GET_LIFETIME:
                return tell(device, request);
        default:
                expect(device, false, "of no type that we know");
                return S_UNSUPP;
        }
}

uint32_t request_execute(struct device *device, struct request *request, uint8_t *status)
{
        struct virtio_blk_header header;

        *status = S_OK;
        if (device_goes_on(device)) /* with nothing but words: the buffers are not its own any more */
                return 1;

        memcpy(&header, place(&request->segments[0]), sizeof header);
        expect(device, header.type == request->type && header.sector == request->sector, "its header was changed while we had it");
        for (unsigned i = 1; i + 1 < request->count; i++)
                if (request->segments[i].loan != 0 &&
                    ram_loan(request->segments[i].address, request->segments[i].length, request->segments[i].writes) !=
                            request->segments[i].loan)
                        host_fail("disk %u: the buffer of request %u is somebody else's by now", device->number, request->id);
        *status = fault_fails(device) ? S_IOERR : act(device, request);
        return request->count > 2 && request->segments[1].writes ? data_bytes(request) + 1 : 1;
}
