/* SPDX-License-Identifier: MIT */
/* irq_again.c - kernel/irq.c, which a machine needs only once, and we for each boot. */
#ifndef IRQ_SOURCE
#define IRQ_SOURCE "../../kernel/irq.c"
#endif
#include IRQ_SOURCE

#include <string.h>

void irq_forget(void);

void irq_forget(void)
{
        memset(&chip, 0, sizeof chip);
        memset(lines, 0, sizeof lines);
        spurious = 0;
}
