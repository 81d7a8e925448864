/* SPDX-License-Identifier: MIT */
/* sifive_test.c - the test finisher: the only way to end QEMU with an exit code of one's own. */

#include "arch.h"
#include "driver.h"
#include "power.h"

enum { FINISH_PASS = 0x5555, FINISH_FAIL = 0x3333 };

static uintptr_t finish_register;

static void finish(unsigned code)
{
        mmio_write32(finish_register, code == 0 ? FINISH_PASS : code << 16 | FINISH_FAIL);
}

static int probe(const struct device_node *node)
{
        if (node->reg.size < sizeof(uint32_t))
                return dt_refuse(node->at, "reg is too small for a test finisher");
        finish_register = node->reg.base;
        power_set_finisher(finish);
        return 0;
}

static const char *const compatible[] = { "sifive,test1", "sifive,test0", NULL };

const struct driver sifive_test_driver = { .name = "sifive-test", .compatible = compatible, .probe = probe };
