/* SPDX-License-Identifier: MIT */
/* uart16550.c - the 16550 UART: output by polling, input by interrupt; the firmware has set its speed. */
#include <errno.h>
#include <stddef.h>

#include "arch.h"
#include "console.h"
#include "driver.h"
#include "irq.h"

enum uart_register { DATA = 0, INTERRUPT_ENABLE = 1, MODEM_CONTROL = 4, LINE_STATUS = 5 };
enum {
        RECEIVED_INTERRUPT = 0x01, /* interrupt enable */
        INTERRUPT_OUT = 0x08,      /* modem control: OUT2, which gates the interrupt line of a PC's UART */
        DATA_READY = 0x01, TRANSMIT_EMPTY = 0x20, /* line status */
        SHIFT_MAX = 4,
};

static uintptr_t base;
static unsigned shift;
static uint32_t interrupt, controller;

static uint8_t read_register(enum uart_register reg) { return mmio_read8(base + ((uintptr_t)reg << shift)); }

static void write_register(enum uart_register reg, uint8_t value) { mmio_write8(base + ((uintptr_t)reg << shift), value); }

static void put_character(char character)
{
        /* For as long as it takes: whoever reads may pause, and no line of ours is to lose a character. */
        while ((read_register(LINE_STATUS) & TRANSMIT_EMPTY) == 0)
                ;
        write_register(DATA, (uint8_t)character);
}

/* Where there is no room, what is typed waits in the UART, and the interrupt is off. */
static bool received(void *context)
{
        bool any = false;

        (void)context;
        while ((read_register(LINE_STATUS) & DATA_READY) != 0) {
                any = true;
                if (!console_has_room()) {
                        write_register(INTERRUPT_ENABLE, 0);
                        break;
                }
                console_received((char)read_register(DATA));
        }
        return any;
}

static void go_on(void) { write_register(INTERRUPT_ENABLE, RECEIVED_INTERRUPT); }

static int listen(void)
{
        int error = interrupt == 0 ? -ENODEV : irq_attach(controller, interrupt, received, NULL, "uart16550");

        if (error != 0)
                return error;
        write_register(MODEM_CONTROL, INTERRUPT_OUT);
        go_on();
        return 0;
}

static const struct console_device console = { .put = put_character, .listen = listen, .go_on = go_on };

static int probe(const struct device_node *node)
{
        bool preferred = dt_has_path(node->at, node->machine->stdout_path);
        uint64_t reg_shift = 0;

        if (dt_number(node->at, "reg-shift", &reg_shift) == -EBADF || reg_shift > SHIFT_MAX)
                return dt_refuse(node->at, "reg-shift makes no sense");
        if (node->reg.size <= (uint64_t)LINE_STATUS << reg_shift)
                return dt_refuse(node->at, "reg is too small for a 16550");
        if (base != 0 && !preferred)
                return 0;
        base = node->reg.base;
        shift = (unsigned)reg_shift;
        interrupt = node->interrupt;
        controller = node->controller;
        read_register(LINE_STATUS); /* nobody there is found out now, not by the next word */
        console_attach(&console);
        return 0;
}

static const char *const compatible[] = { "ns16550a", "ns16550", NULL };

const struct driver uart16550_driver = { .name = "uart16550", .compatible = compatible, .probe = probe };
