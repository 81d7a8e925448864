/* SPDX-License-Identifier: MIT */
/* irq.c - which handler an external interrupt belongs to. */
#include "irq.h"

#include <errno.h>
#include <stddef.h>

#include "printk.h"

enum { SOURCES_MAX = 1023, STORM = 1000 }; /* as many as a PLIC can have */

struct line {
        irq_handler *handler;
        void *context;
        const char *name;
        unsigned idle; /* interrupts in a row with nothing to do */
        uint64_t count;
};

static const struct irq_chip *chip;
static struct line lines[SOURCES_MAX + 1]; /* by source; [0] for what is beyond the last */
static uint64_t spurious;

void irq_set_chip(const struct irq_chip *new_chip) { chip = new_chip; }

bool irq_available(void) { return chip != NULL; }

int irq_attach(uint32_t controller, uint32_t source, irq_handler *handler, void *context, const char *name)
{
        if (!chip || chip->phandle != controller)
                return -ENODEV;
        if (source == 0 || source > chip->sources || source > SOURCES_MAX)
                return -ERANGE;
        if (lines[source].handler)
                return -EBUSY;
        lines[source] = (struct line){ .handler = handler, .context = context, .name = name };
        chip->enable(source);
        return 0;
}

/* A line that stays up with nothing behind it would keep the hart for ever: shut it. */
static void count_spurious(uint32_t source, struct line *line)
{
        spurious++;
        if (++line->idle < STORM && line->handler)
                return;
        if (source <= chip->sources)
                chip->disable(source);
        log_warn("interrupt %u (%s): nothing to do %u times running: disabled", source,
                 line->name ? line->name : "nobody's", line->idle);
        line->idle = 0;
}

void irq_dispatch(void)
{
        uint32_t source;

        while ((source = chip->claim()) != 0) {
                struct line *line = &lines[source <= SOURCES_MAX ? source : 0];

                line->count++;
                if (line->handler && line->handler(line->context) == IRQ_HANDLED)
                        line->idle = 0;
                else
                        count_spurious(source, line);
                chip->complete(source);
        }
}

uint64_t irq_spurious_count(void) { return spurious; }

void irq_print(void)
{
        for (uint32_t source = 1; chip && source <= chip->sources; source++)
                if (lines[source].count > 0 || lines[source].handler)
                        printk("%4u  %-24s %lu\n", source, lines[source].name ?: "nobody's", lines[source].count);
        printk("%lu of them found nothing to do\n", spurious);
}
