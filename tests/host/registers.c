/* SPDX-License-Identifier: MIT */
/* registers.c - a virtio-mmio device that is nothing but rules. */
#include "registers.h"

#include "register_rules.h"
#include "testing.h"
#include "util.h"

struct registers registers;

static bool was_written(unsigned offset) { return registers.was_written[offset / 4]; }

static uint32_t written(unsigned offset)
{
        if (!was_written(offset))
                fail_msg("register 0x%03x is needed, and was not written", offset);
        return registers.written[offset / 4];
}

void registers_note(const char *what)
{
        size_t room = sizeof registers.trace - registers.length;

        assert_in_range(strlen(what), 1, room - 1);
        registers.length += (size_t)snprintf(registers.trace + registers.length, room, "%s", what);
}

static void check(unsigned offset, unsigned width, unsigned direction)
{
        if (width != 4 || offset % 4 != 0)
                fail_msg("register 0x%03x with a width of %u", offset, width);
        for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
                if (rules[i].offset != offset)
                        continue;
                if ((rules[i].rules & direction) == 0)
                        fail_msg("register 0x%03x cannot be %s", offset, direction == READ ? "read" : "written");
                /* What was found before the version was known holds for both. */
                if ((rules[i].rules & (registers.version == 1 ? LEGACY : MODERN)) == 0)
                        fail_msg("register 0x%03x does not exist in version %u", offset, registers.version);
                if ((rules[i].rules & QUEUE) != 0)
                        assert_in_range(written(0x030), 0, registers.queues - 1);
                return;
        }
        fail_msg("there is no register 0x%03x", offset);
}

static uint64_t read_register(uintptr_t address, unsigned width)
{
        unsigned offset = (unsigned)(address - REGISTERS_BASE);
        char text[16];

        snprintf(text, sizeof text, "R%03x ", offset);
        registers_note(text);
        if (offset >= 0x100) {
                assert_in_range(offset, 0x100, 0x1000 - width);
                assert_int_equal(offset % width, 0);
                if (registers.version != 1) /* which fields there are is agreed on first (2.5.1) */
                        assert_int_equal(registers.status & 8, 8);
                return UINT64_C(0x0706050403020100) + (offset - 0x100) * UINT64_C(0x0101010101010101);
        }
        check(offset, width, READ);
        switch (offset) {
        case 0x000: return registers.magic;
        case 0x004: return registers.version;
        case 0x008: return registers.device_id;
        case 0x010:
                assert_in_range(written(0x014), 0, registers.version == 1 ? 0 : 1);
                return (uint32_t)(registers.features >> 32 * written(0x014));
        case 0x034: return registers.queue_max;
        case 0x040:
        case 0x044: return registers.queue_in_use;
        case 0x060: return registers.interrupt_status;
        case 0x070: return registers.status;
        default: return 0;
        }
}

static void write_status(uint32_t status)
{
        assert_int_equal(status == 0 ? 0 : registers.status & ~status, 0);
        registers.status = status;
        if (status != 0)
                return;
        memset(registers.was_written, 0, sizeof registers.was_written);
        memset(registers.in_use, 0, sizeof registers.in_use);
        registers.queue_in_use = false;
}

/* Of another queue everything is yet to be said. Whether there is one is found out by its size, so here any will do. */
static void select_queue(uint32_t former, uint32_t queue)
{
        if (former < REGISTERS_QUEUES_MAX)
                registers.in_use[former] = registers.queue_in_use;
        registers.queue_in_use = queue < REGISTERS_QUEUES_MAX && registers.in_use[queue];
        for (unsigned offset = 0x034; offset < 0x0b0; offset += 4)
                if (offset != 0x050 && offset != 0x064 && offset != 0x070)
                        registers.was_written[offset / 4] = false;
}

/* The queue goes live: by then all about it must have been said, and its size be one that it may have. */
static void write_queue(unsigned offset, uint32_t value)
{
        static const unsigned modern[] = { 0x080, 0x084, 0x090, 0x094, 0x0a0, 0x0a4 };

        assert_in_range(written(0x038), 1, registers.queue_max);
        if (offset == 0x040) {
                assert_int_equal(written(0x028), 4096);
                assert_int_equal(written(0x03c), 4096);
                assert_int_not_equal(value, 0);
                registers.frame = value;
        } else {
                assert_int_equal(value, 1);
                for (unsigned i = 0; i < ARRAY_SIZE(modern); i++)
                        written(modern[i]);
        }
        registers.queue_in_use = true;
}

static void write_register(uintptr_t address, unsigned width, uint64_t value)
{
        unsigned offset = (unsigned)(address - REGISTERS_BASE);
        char text[24];

        snprintf(text, sizeof text, "W%03x=%x ", offset, (unsigned)value);
        registers_note(text);
        if (offset >= 0x100) {
                assert_in_range(offset, 0x100, 0xfff);
                assert_int_equal(width, 1); /* no driver of ours writes any other field */
                assert_int_equal(registers.status & 8, 8); /* 3.1.1 */
                return;
        }
        check(offset, width, WRITE);
        if (offset >= 0x038 && offset < 0x0b0 && offset != 0x050 && offset != 0x064 && offset != 0x070)
                assert_false(registers.queue_in_use); /* 4.2.2.2 */
        if (offset == 0x030)
                select_queue(was_written(0x030) ? registers.written[0x030 / 4] : 0, (uint32_t)value);
        registers.written[offset / 4] = (uint32_t)value;
        registers.was_written[offset / 4] = true;
        switch (offset) {
        case 0x014:
        case 0x024: assert_in_range(value, 0, registers.version == 1 ? 0 : 1); break;
        case 0x020:
                written(0x024);
                assert_int_equal(registers.status, 3);
                break;
        case 0x040:
        case 0x044: write_queue(offset, (uint32_t)value); break;
        case 0x050: assert_int_equal(registers.status & 4, 4); break;
        case 0x064:
                assert_int_equal(value & ~(uint64_t)registers.interrupt_status, 0);
                registers.interrupt_status &= ~(uint32_t)value;
                break;
        case 0x070: write_status((uint32_t)value); break;
        default: break;
        }
}

void registers_forget(void)
{
        registers.length = 0;
        registers.trace[0] = '\0';
}

void registers_reset(void)
{
        registers = (struct registers){ .magic = 0x74726976, .version = 2, .device_id = 2, .queue_max = 1024, .queues = 1,
                                        .features = UINT64_C(1) << 32 };
        host.mmio_read = read_register;
        host.mmio_write = write_register;
}
