/* SPDX-License-Identifier: MIT */
/*
 * limit.c - random 4 KiB reads with nothing but the ring: what no driver under QEMU can be better than.
 *
 * No tasks, no futures, no checks, addresses written down: the first disk of QEMU's virt machine is a
 * modern one, of 1 GiB. DEPTH requests are prepared once; then they are submitted together, with one
 * notification, awaited in wfi, and taken together, in one interrupt. `make bench` runs it beside the
 * kernel. How many requests, a multiple of DEPTH, is at REQUESTS when it starts (QEMU's loader device).
 */
#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "util.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define DISK(offset) REGISTER(0x10008000 + (offset))   /* QEMU's first -device: the last slot */
#define PLIC_PRIORITY REGISTER(0x0c000000 + 4 * DISK_IRQ)
#define PLIC_ENABLE REGISTER(0x0c002080)               /* of context 1: the first hart's S-mode */
#define PLIC_THRESHOLD REGISTER(0x0c201000)
#define PLIC_CLAIM REGISTER(0x0c201004)
#define UART (*(volatile uint8_t *)(uintptr_t)0x10000000)
#define FINISHER REGISTER(0x00100000)
#define REQUESTS (*(volatile uint64_t *)(uintptr_t)0x88000000)

enum { DISK_IRQ = 8, PLACES_LOG2 = 18, RING = DEPTH < 4 ? 8 : 2 * DEPTH };
enum { FEATURES = 0x10, FEATURES_SEL = 0x14, ACCEPTED = 0x20, ACCEPTED_SEL = 0x24, QUEUE_SIZE = 0x38, QUEUE_READY = 0x44,
       NOTIFY = 0x50, IRQ_STATUS = 0x60, IRQ_ACK = 0x64, STATUS = 0x70, DESCRIPTORS = 0x80, AVAIL = 0x90, USED = 0xa0 };
enum { EVENT_IDX = 1 << 29, VERSION_1 = 1 << 0 /* of the upper half */, DESC_F_NEXT = 1, DESC_F_WRITE = 2 };

static struct { uint64_t address; uint32_t length; uint16_t flags, next; } descriptors[RING] __attribute__((aligned(4096)));
static struct { uint16_t flags, idx, ring[RING], used_event; } avail __attribute__((aligned(4096)));
static struct { uint16_t flags, idx; struct { uint32_t id, length; } ring[RING]; } used __attribute__((aligned(4096)));
static struct { uint32_t type, reserved; uint64_t sector; } headers[DEPTH];
static struct { uint8_t data[4096], status, unused[4095]; } buffers[DEPTH] __attribute__((aligned(4096)));

static uint16_t taken;               /* used entries, running free */
static volatile uint64_t completed;
static uint64_t kicks, irqs;

_Noreturn void run(void);

static uint8_t stack[4096] __attribute__((aligned(16), used));
__asm__(".section .text.start\n.globl _start\n_start: la sp, stack + 4096\n call run");

static void print(const char *text, uint64_t number)
{
        char digits[20];
        int count = 0;

        while (*text)
                UART = (uint8_t)*text++;
        do
                digits[count++] = (char)('0' + number % 10);
        while (number /= 10);
        while (count > 0)
                UART = (uint8_t)digits[--count];
}

static _Noreturn void finish(uint32_t code)
{
        FINISHER = code;
        for (;;)
                wait_for_interrupt();
}

/* Acknowledge, take what is used, ask for the next interrupt. The compiler saves the registers that it uses. */
__attribute__((interrupt("supervisor"), aligned(4)))
static void interrupt(void)
{
        uint32_t source = PLIC_CLAIM;
        uint16_t end;

        irqs++;
        DISK(IRQ_ACK) = DISK(IRQ_STATUS);
        fence("o", "r");
        end = device_load(&used.idx);
        fence("r", "r");
        for (; taken != end; taken++, completed++)
                if (device_load(&buffers[used.ring[taken % RING].id / 2].status) != 0)
                        finish(1 << 16 | 0x3333);
        PLIC_CLAIM = source;
}

static void set_address(uint32_t offset, const void *address)
{
        DISK(offset) = (uint32_t)(uintptr_t)address;
        DISK(offset + 4) = 0;
}

/* Two descriptors for each request: the header; data and status, which lies right behind it. */
static void set_up(void)
{
        DISK(STATUS) = 0;
        DISK(STATUS) = 1 | 2;
        DISK(ACCEPTED_SEL) = 0;
        DISK(ACCEPTED) = EVENT_IDX;
        DISK(ACCEPTED_SEL) = 1;
        DISK(ACCEPTED) = VERSION_1;
        DISK(STATUS) = 1 | 2 | 8;
        DISK(QUEUE_SIZE) = RING;
        set_address(DESCRIPTORS, descriptors);
        set_address(AVAIL, &avail);
        set_address(USED, &used);
        DISK(QUEUE_READY) = 1;
        for (uint16_t i = 0; i < DEPTH; i++) {
                descriptors[2 * i].address = (uintptr_t)&headers[i];
                descriptors[2 * i].length = sizeof headers[i];
                descriptors[2 * i].flags = DESC_F_NEXT;
                descriptors[2 * i].next = (uint16_t)(2 * i + 1);
                descriptors[2 * i + 1].address = (uintptr_t)&buffers[i];
                descriptors[2 * i + 1].length = sizeof buffers[i].data + 1;
                descriptors[2 * i + 1].flags = DESC_F_WRITE;
        }
        PLIC_PRIORITY = 1;
        PLIC_ENABLE = 1 << DISK_IRQ;
        PLIC_THRESHOLD = 0;
        DISK(STATUS) = 1 | 2 | 8 | 4;
        csr_write(stvec, (uintptr_t)interrupt);
        csr_write(sie, SIE_SEIE);
}

static void submit_all(uint32_t *dice)
{
        static uint16_t added;

        for (uint16_t i = 0; i < DEPTH; i++) {
                *dice = *dice * 1664525 + 1013904223;
                headers[i].sector = (uint64_t)(*dice >> (32 - PLACES_LOG2)) * 8;
                device_store(&buffers[i].status, 0xff);
                device_store(&avail.ring[(uint16_t)(added + i) % RING], 2 * i);
        }
        added += DEPTH;
        device_store(&avail.used_event, added - 1); /* interrupt after the last of them */
        fence("w", "w");
        device_store(&avail.idx, added);
        fence("w", "o");
        kicks++;
        DISK(NOTIFY) = 0;
}

_Noreturn void run(void)
{
        uint64_t total = REQUESTS, ticks, instructions;
        uint32_t dice = 12345;

        set_up();
        ticks = read_time();
        instructions = read_instructions();
        for (uint64_t submitted = DEPTH; submitted <= total; submitted += DEPTH) {
                submit_all(&dice);
                /* Masked from the look to wfi, which a pending interrupt ends all the same. */
                while (completed != submitted) {
                        wait_for_interrupt();
                        interrupts_enable();
                        interrupts_disable();
                }
        }
        instructions = read_instructions() - instructions;
        ticks = read_time() - ticks;
        print("limit iodepth=", DEPTH);
        print(" ios=", completed);
        print(" ticks=", ticks);
        print(" instr=", instructions);
        print(" kicks=", kicks);
        print(" irqs=", irqs);
        UART = '\n';
        finish(0x5555);
}
