/* SPDX-License-Identifier: MIT */
/* model_request.c - what a request asks of the device, and whether it may (virtio 1.2, 5.2.6). */
#include <string.h>

#include "host.h"
#include "model.h"

enum { SECTOR = 512, S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, FLAG_UNMAP = 1, FORGOTTEN = 0xdd };

struct header {
        uint32_t type, reserved;
        uint64_t sector;
};

struct range {
        uint64_t sector;
        uint32_t sectors, flags;
};

/* Header, data (none for a flush), status. */
struct request {
        const struct header *header;
        struct virtq_descriptor data[MODEL_SEGMENTS_MAX];
        unsigned segments;
        uint32_t length; /* of all data */
        bool to_driver;
        uint8_t *status;
};

void model_fill(uint8_t *buffer, uint64_t sector, unsigned version)
{
        memset(buffer, (int)(sector * 7 + version * 101 + 1) & 0xff, SECTOR);
}

bool model_holds(const uint8_t *buffer, uint64_t sector, unsigned version)
{
        uint8_t expected[SECTOR];

        model_fill(expected, sector, version);
        return memcmp(buffer, expected, SECTOR) == 0;
}

static void *place(const struct virtq_descriptor *segment) { return (void *)(uintptr_t)segment->address; }

/* Follow the chain at `head`, through its indirect table if it is one (2.7.5.3). */
static unsigned walk(const struct model *model, unsigned queue, uint16_t head,
                     struct virtq_descriptor segments[MODEL_SEGMENTS_MAX])
{
        const struct virtq *ring = model->queues[queue].ring;
        const struct virtq_descriptor *table = ring->descriptors;
        unsigned count = 0, limit = ring->layout.size;

        if (head >= limit)
                host_fail("device: descriptor %u is beyond the ring", head);
        if (table[head].flags & VIRTQ_DESC_F_INDIRECT) {
                if (!model->options.indirect || table[head].flags != VIRTQ_DESC_F_INDIRECT)
                        host_fail("device: an indirect descriptor that must not be one");
                limit = table[head].length / sizeof *table;
                table = (const struct virtq_descriptor *)(uintptr_t)table[head].address;
                head = 0;
        }
        for (;; head = table[head].next) {
                if (count == MODEL_SEGMENTS_MAX || count == ring->layout.size || head >= limit)
                        host_fail("device: a chain that does not end");
                if (table[head].length == 0)
                        host_fail("device: an empty segment");
                segments[count++] = table[head];
                if (!(table[head].flags & VIRTQ_DESC_F_NEXT))
                        return count;
        }
}

static struct request parse(const struct model *model, unsigned queue, uint16_t head)
{
        struct virtq_descriptor segments[MODEL_SEGMENTS_MAX];
        unsigned count = walk(model, queue, head, segments);
        struct request request = { .header = place(&segments[0]), .status = place(&segments[count - 1]),
                                   .segments = count - 2 };

        if (count < 2 || segments[0].length != sizeof *request.header || (segments[0].flags & VIRTQ_DESC_F_WRITE))
                host_fail("device: no header");
        if (segments[count - 1].length != 1 || !(segments[count - 1].flags & VIRTQ_DESC_F_WRITE))
                host_fail("device: no status byte");
        for (unsigned i = 0; i < request.segments; i++) {
                bool to_driver = (segments[i + 1].flags & VIRTQ_DESC_F_WRITE) != 0;

                request.data[i] = segments[i + 1];
                request.length += segments[i + 1].length;
                if (i > 0 && to_driver != request.to_driver)
                        host_fail("device: data in two directions");
                request.to_driver = to_driver;
        }
        return request;
}

uint8_t *model_status_of(const struct model *model, unsigned queue, uint16_t head)
{
        return parse(model, queue, head).status;
}

static void expect(bool condition, const char *what)
{
        if (!condition)
                host_fail("device: %s", what);
}

static uint64_t capacity(const struct model *model)
{
        return model->options.capacity ? model->options.capacity : MODEL_SECTORS;
}

static uint8_t keep(struct model *model, uint64_t sector)
{
        if (!model->writeback)
                memcpy(model->stable[sector], model->data[sector], SECTOR);
        return S_OK;
}

static bool within(const struct model *model, uint64_t sector, uint32_t sectors)
{
        uint32_t block = model->options.block_size ? model->options.block_size / SECTOR : 1;

        expect(sectors > 0 && sector % block == 0 && sectors % block == 0, "not whole blocks");
        return sector <= capacity(model) && sectors <= capacity(model) - sector;
}

static uint8_t transfer(struct model *model, const struct request *request)
{
        const struct model_options *options = &model->options;
        uint64_t sector = request->header->sector;
        bool in = request->header->type == MODEL_IN;

        expect(request->to_driver == in && request->length % SECTOR == 0, "data that is none");
        expect(in || !options->read_only, "a write of a read-only disk");
        expect(options->seg_max == 0 || request->segments <= options->seg_max, "too many segments");
        if (!within(model, sector, request->length / SECTOR))
                return S_IOERR;
        for (unsigned i = 0; i < request->segments; i++) {
                uint8_t *data = place(&request->data[i]);

                expect(options->size_max == 0 || request->data[i].length <= options->size_max, "too large a segment");
                expect(request->data[i].length % SECTOR == 0, "a segment that is not whole sectors");
                for (uint32_t at = 0; at < request->data[i].length; at += SECTOR, sector++) {
                        if (in)
                                memcpy(data + at, model->data[sector], SECTOR);
                        else
                                memcpy(model->data[sector], data + at, SECTOR);
                        keep(model, sector);
                }
        }
        return S_OK;
}

/* 5.2.6.1: the data of a discard, or of write zeroes, is one range or more; our driver sends one. */
static uint8_t change_range(struct model *model, const struct request *request, struct model_seen *seen)
{
        const struct model_options *options = &model->options;
        bool discard = request->header->type == MODEL_DISCARD;
        uint32_t most = discard ? options->max_discard : options->max_write_zeroes;
        const struct range *range = place(&request->data[0]);

        expect(most > 0, "a range, which was never offered");
        expect(request->segments == 1 && request->length == sizeof *range && !request->to_driver, "not one range");
        seen->sector = range->sector;
        seen->sectors = range->sectors;
        seen->flags = range->flags;
        expect(request->header->sector == 0 && range->sectors <= most, "too large a range");
        expect((range->flags & ~(discard ? 0u : FLAG_UNMAP)) == 0, "flags that are reserved");
        if (!within(model, range->sector, range->sectors))
                return S_IOERR;
        for (uint32_t i = 0; i < range->sectors; i++) {
                memset(model->data[range->sector + i], discard ? FORGOTTEN : 0, SECTOR);
                keep(model, range->sector + i);
        }
        return S_OK;
}

static uint8_t tell(const struct model *model, const struct request *request)
{
        static const char id[20] = "twenty characters!!!"; /* and no NUL */
        static const uint16_t lifetime[3] = { 1, 2, 3 };
        bool is_id = request->header->type == MODEL_GET_ID;

        expect(is_id || model->options.lifetime, "a question about its lifetime, which was never offered");
        expect(request->segments == 1 && request->to_driver && request->header->sector == 0, "no answer wanted");
        expect(request->length == (is_id ? sizeof id : sizeof lifetime), "an answer of another length");
        memcpy(place(&request->data[0]), is_id ? (const void *)id : lifetime, request->length);
        return S_OK;
}

static uint8_t act(struct model *model, const struct request *request, struct model_seen *seen)
{
        if (model->knows_nothing)
                return S_UNSUPP;
        switch (request->header->type) {
        case MODEL_IN:
        case MODEL_OUT:
                return transfer(model, request);
        case MODEL_FLUSH:
                expect(model->options.cache && request->segments == 0 && request->header->sector == 0,
                       "a flush that must not be one");
                memcpy(model->stable, model->data, sizeof model->stable);
                return S_OK;
        case MODEL_DISCARD:
        case MODEL_WRITE_ZEROES:
                expect(!model->options.read_only, "a change of a read-only disk");
                return change_range(model, request, seen);
        case MODEL_GET_ID:
        case MODEL_GET_LIFETIME:
                return tell(model, request);
        default:
                expect(false, "a request that nobody made");
                return S_UNSUPP;
        }
}

uint32_t model_execute(struct model *model, unsigned queue, uint16_t head)
{
        struct request request = parse(model, queue, head);
        struct model_seen seen = { .type = request.header->type, .queue = queue, .segments = request.segments,
                                   .sector = request.header->sector, .sectors = request.length / SECTOR };

        /* After a lie about another's id, the driver may have made a new request of what we still have. */
        expect(request.header->reserved == 0 && (*request.status == 0xff || model->options.lie == MODEL_OTHERS_ID),
               "a header or status byte that was not made ready");
        *request.status = act(model, &request, &seen);
        if (model->completions <= MODEL_SEEN_MAX)
                model->seen[model->completions - 1] = seen;
        return request.to_driver ? request.length + 1 : 1;
}
