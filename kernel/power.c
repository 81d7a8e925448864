/* SPDX-License-Identifier: MIT */
/* power.c - the exit line, and the end. */
#include "power.h"

#include <stddef.h>

#include "arch.h"
#include "printk.h"
#include "sbi.h"

static void (*finisher)(unsigned code);

void power_set_finisher(void (*finish)(unsigned code))
{
        if (!finisher)
                finisher = finish;
}

void power_exit(enum exit_code code)
{
        void (*finish)(unsigned) = finisher;

        interrupts_disable();
        finisher = NULL; /* once: it may be what is broken */
        printk("exit %u\n", (unsigned)code);
        if (finish)
                finish(code);
        sbi_shutdown();
        for (;;)
                wait_for_interrupt();
}
