/* SPDX-License-Identifier: MIT */
/* answers.c - registers and configuration that say what the input has them say. */
#include "answers.h"

#include <string.h>

#include "arena.h"
#include "memory.h"
#include "util.h"
#include "virtio.h"
#include "virtio_blk.h"

enum { CONFIG_BYTES = 60, MODERN_READY = 0x044, LEGACY_FRAME = 0x040, STATUS = 0x070, GENERATION = 0x0fc };

/* The fields of 5.2.4, and the feature each one needs. */
static const struct {
        unsigned offset, width;
        uint64_t feature;
} fields[] = {
        { 0, 4, 0 }, { 4, 4, 0 }, { 8, 4, VIRTIO_BLK_F_SIZE_MAX }, { 12, 4, VIRTIO_BLK_F_SEG_MAX }, { 20, 4, VIRTIO_BLK_F_BLK_SIZE },
        { 32, 1, VIRTIO_BLK_F_CONFIG_WCE }, { 34, 2, VIRTIO_BLK_F_MQ }, { 36, 4, VIRTIO_BLK_F_DISCARD }, { 40, 4, VIRTIO_BLK_F_DISCARD },
        { 44, 4, VIRTIO_BLK_F_DISCARD }, { 48, 4, VIRTIO_BLK_F_WRITE_ZEROES }, { 52, 4, VIRTIO_BLK_F_WRITE_ZEROES },
};

/* Of an honest disk; the input changes any bit of it. */
static const uint8_t honest_config[CONFIG_BYTES] = {
        [0] = 64, [10] = 1, [12] = 16, [21] = 2, [32] = 1, [34] = 1, [37] = 1, [40] = 1, [44] = 8, [49] = 1, [52] = 1,
};

static struct fuzz_input *input;
static uint64_t (*ruled_read)(uintptr_t address, unsigned width);
static void (*ruled_write)(uintptr_t address, unsigned width, uint64_t value);
static uint8_t config[CONFIG_BYTES];
static uint64_t offered, accepted; /* as it was said, as it was written */
static uint32_t restless, generation;
static bool needs_reset, never_reset, reset_ends;

/* Another value in the place of `honest`, now and then. */
static uint32_t answer(uint32_t honest)
{
        return fuzz_take(input, 1) < 0x80 ? honest : honest ^ (uint32_t)fuzz_take(input, 4);
}

static uint32_t read_config(unsigned offset, unsigned width)
{
        uint32_t value = 0;

        for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
                if (fields[i].offset != offset || fields[i].width != width)
                        continue;
                fuzz_expect(fields[i].feature == 0 || (accepted & fields[i].feature) != 0, "config %u is read, which is not there", offset);
                if (restless)
                        config[offset] ^= (uint8_t)restless++;
                memcpy(&value, config + offset, width);
                return (uint32_t)(answer(value) & (UINT64_MAX >> (64 - 8 * width)));
        }
        fuzz_expect(false, "%u bytes of config %u are read, which is no field", width, offset);
        return 0;
}

static uint32_t read_features(void)
{
        uint32_t half = registers.written[0x014 / 4], value;

        value = answer((uint32_t)(registers.features >> 32 * half));
        offered = (offered & ~(UINT64_C(0xffffffff) << 32 * half)) | (uint64_t)value << 32 * half;
        return value;
}

static uint32_t read_status(void)
{
        if (registers.status == 0 && never_reset)
                return 64;
        return answer(registers.status | (needs_reset ? VIRTIO_STATUS_NEEDS_RESET : 0));
}

static uint64_t read_register(uintptr_t address, unsigned width)
{
        unsigned offset = (unsigned)(address - REGISTERS_BASE);
        uint64_t value;

        if (offset == STATUS && registers.status == 0 && never_reset) /* a million times */
                return 64;
        registers_forget();
        if (offset == 0x004)
                registers.version = answer(registers.version);
        if (offset == 0x034)
                registers.queue_max = answer(registers.queue_max);
        if (offset == 0x060)
                registers.interrupt_status = answer(registers.interrupt_status);
        value = ruled_read(address, width);
        switch (offset) {
        case 0x000: case 0x008: case MODERN_READY: case LEGACY_FRAME: return answer((uint32_t)value);
        case 0x010: return read_features();
        case STATUS: return read_status();
        case GENERATION: return restless ? generation++ : answer(generation);
        default: return offset >= 0x100 ? read_config(offset - 0x100, width) : value;
        }
}

/* The three areas of a ring, each where it may be, and all of it memory that was given out (2.7, 2.8, 4.2.2). */
static void check_ring(void)
{
        uint32_t size = registers.written[0x038 / 4];
        bool packed = (accepted & VIRTIO_F_RING_PACKED) != 0;
        const size_t bytes[] = { 16 * (size_t)size, packed ? 4 : 6 + 2 * (size_t)size, packed ? 4 : 6 + 8 * (size_t)size };
        static const unsigned lows[] = { 0x080, 0x090, 0x0a0 }, alignments[] = { 16, 4, 4 };

        fuzz_expect(size <= 32768 && (size & (size - 1)) == 0, "a ring of %u", size);
        for (unsigned i = 0; i < 3; i++) {
                uint64_t at = registers.written[lows[i] / 4] | (uint64_t)registers.written[lows[i] / 4 + 1] << 32;

                fuzz_expect(at % alignments[i] == 0 && arena_holds(at, bytes[i]), "area %u of the ring at 0x%lx", i, (unsigned long)at);
        }
}

static void check_legacy_ring(uint32_t frame)
{
        size_t size = registers.written[0x038 / 4];

        fuzz_expect(arena_holds((uint64_t)frame * PAGE_SIZE, ALIGN_UP(18 * size + 6, (size_t)PAGE_SIZE) + 8 * size + 6), "a ring at 0x%x",
                    frame);
}

static void write_register(uintptr_t address, unsigned width, uint64_t value)
{
        unsigned offset = (unsigned)(address - REGISTERS_BASE);
        uint32_t half = registers.written[0x024 / 4];

        registers_forget();
        if (offset == 0x120) { /* the one field that may be written, when it was agreed on (5.2.5) */
                fuzz_expect(width == 1 && value <= 1 && (accepted & VIRTIO_BLK_F_CONFIG_WCE) != 0, "config 32 is written");
                config[32] = (uint8_t)answer((uint32_t)value);
                return;
        }
        ruled_write(address, width, value);
        switch (offset) {
        case 0x020:
                accepted = (accepted & ~(UINT64_C(0xffffffff) << 32 * half)) | value << 32 * half;
                fuzz_expect((accepted & ~offered & UINT64_C(0xffffffff) << 32 * half) == 0, "features 0x%lx, which were not offered",
                            (unsigned long)accepted);
                break;
        case STATUS:
                if (value != 0)
                        break;
                needs_reset = false;
                never_reset = !reset_ends;
                accepted = offered = 0;
                break;
        case MODERN_READY: check_ring(); break;
        case LEGACY_FRAME: check_legacy_ring((uint32_t)value); break;
        default: break;
        }
}

void answers_begin(struct fuzz_input *from, bool legacy)
{
        unsigned mood;

        input = from;
        registers_reset();
        ruled_read = host.mmio_read;
        ruled_write = host.mmio_write;
        host.mmio_read = read_register;
        host.mmio_write = write_register;
        registers.version = legacy ? 1 : 2;
        registers.queues = REGISTERS_QUEUES_MAX;
        registers.features = fuzz_take(input, 8) ^ VIRTIO_F_VERSION_1;
        registers.queue_max = (uint32_t)fuzz_take(input, 4) ^ 16;
        memcpy(config, honest_config, sizeof config);
        for (unsigned i = 0; i < CONFIG_BYTES; i++)
                config[i] ^= (uint8_t)fuzz_take(input, 1);
        mood = (unsigned)fuzz_take(input, 1); /* rare, for each takes long */
        restless = mood == 0xa5;
        reset_ends = mood != 0x5a;
        needs_reset = never_reset = false;
        accepted = offered = generation = 0;
}

void answers_need_reset(void) { needs_reset = true; }

void answers_change(void)
{
        unsigned at = (unsigned)fuzz_take(input, 1);
        uint8_t bits = (uint8_t)fuzz_take(input, 1);

        if (at < CONFIG_BYTES)
                config[at] ^= bits;
        else if (at < 64)
                registers.queue_max ^= (uint32_t)bits << 8 * (at - CONFIG_BYTES);
        else if (at < 72)
                registers.features ^= (uint64_t)bits << 8 * (at - 64);
        else if (at == 0xff)
                reset_ends = bits != 0xff;
        generation++;
}

void answers_check(const struct block_device *disk)
{
        if (accepted != 0 && disk->resets == 0)
                fuzz_expect(disk->features == accepted && (disk->features & ~disk->offered) == 0, "features 0x%lx, of which 0x%lx were written",
                            (unsigned long)disk->features, (unsigned long)accepted);
}
