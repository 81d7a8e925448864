/* SPDX-License-Identifier: MIT */
/* uart16550.c - the 16550 UART, output by polling; the firmware has set its speed. */
#include <errno.h>

#include "arch.h"
#include "console.h"
#include "driver.h"

enum uart_register { TRANSMIT_HOLDING = 0, LINE_STATUS = 5 };
enum { TRANSMIT_EMPTY = 0x20, SHIFT_MAX = 4 };

static uintptr_t transmit_holding, line_status;

static void put_character(char character)
{
        /* For as long as it takes: whoever reads may pause, and no line of ours is to lose a character. */
        while ((mmio_read8(line_status) & TRANSMIT_EMPTY) == 0)
                ;
        mmio_write8(transmit_holding, (uint8_t)character);
}

static int probe(const struct device_node *node)
{
        bool preferred = dt_has_path(node->at, node->machine->stdout_path);
        uint64_t shift = 0;

        if (dt_number(node->at, "reg-shift", &shift) == -EBADF || shift > SHIFT_MAX)
                return dt_refuse(node->at, "reg-shift makes no sense");
        if (node->reg.size <= (uint64_t)LINE_STATUS << shift)
                return dt_refuse(node->at, "reg is too small for a 16550");
        if (transmit_holding != 0 && !preferred)
                return 0;
        transmit_holding = node->reg.base + (TRANSMIT_HOLDING << shift);
        line_status = node->reg.base + (LINE_STATUS << shift);
        mmio_read8(line_status); /* nobody there is found out now, not by the next word */
        console_attach(put_character);
        return 0;
}

static const char *const compatible[] = { "ns16550a", "ns16550", NULL };

const struct driver uart16550_driver = { .name = "uart16550", .compatible = compatible, .probe = probe };
