/* SPDX-License-Identifier: MIT */
/* irq.c - which handler an external interrupt belongs to. */
#include "irq.h"

#include <errno.h>
#include <stddef.h>

#include "arch.h"
#include "printk.h"
#include "trace.h"

enum { LINES = 1024 /* as many as a PLIC can have */, STORM = 1000 };

struct line {
        irq_handler *handler;
        void *context;
        const char *name;
        uint64_t count;
        uint32_t idle, last_idle; /* how many in a row had nothing to do, and the count at the last one */
        irq_handler *traced;      /* trace=1: the handler behind handle_traced() */
        void *traced_context;
};

static struct irq_chip chip;
static struct line lines[LINES]; /* by source */
static uint64_t spurious;

void irq_set_chip(const struct irq_chip *new_chip) { chip = *new_chip; }

bool irq_available(void) { return chip.claim != 0; }

static bool handle_traced(void *context)
{
        struct line *line = context;
        uint32_t source = (uint32_t)(line - lines);
        bool handled;

        trace_record(TRACE_INTERRUPT_BEGIN, NULL, NULL, source, 0);
        handled = line->traced(line->traced_context);
        trace_record(TRACE_INTERRUPT_END, NULL, NULL, source, handled);
        return handled;
}

int irq_attach(uint32_t controller, uint32_t source, irq_handler *handler, void *context, const char *name)
{
        if (!irq_available() || chip.phandle != controller)
                return -ENODEV;
        if (source == 0 || source > chip.sources || source >= LINES)
                return -ERANGE;
        if (lines[source].handler)
                return -EBUSY;
        lines[source] = (struct line){ .handler = handler, .context = context, .name = name };
        if (trace_on())
                lines[source] = (struct line){ .handler = handle_traced, .context = &lines[source], .name = name,
                                               .traced = handler, .traced_context = context };
        chip.enable(source);
        return 0;
}

/* A line that stays up with nothing behind it would keep the hart for ever: shut it. Out of line, for it saves many registers. */
__attribute__((noinline))
static void count_spurious(uint32_t source)
{
        struct line *line = &lines[source % LINES];
        uint32_t last = line->last_idle;

        spurious++;
        line->last_idle = (uint32_t)line->count;
        line->idle = line->last_idle - last == 1 ? line->idle + 1 : 1;
        if (line->idle < STORM && line->handler)
                return;
        if (source <= chip.sources)
                chip.disable(source);
        log_warn("interrupt %u (%s): nothing to do %u times running: disabled", source,
                 line->name ? line->name : "nobody's", line->idle);
        line->idle = 0;
}

/*
 * One source for each trap: another that is pending brings the next trap at once, which is rare, while to ask for it
 * would cost each interrupt an access more.
 */
void irq_dispatch(void)
{
        uintptr_t claim = chip.claim;
        uint32_t source = mmio_read32(claim);

        if (source == 0)
                return;

        struct line *line = &lines[source % LINES]; /* modulo: for a source that no PLIC has, another's handler looks in vain, and that is counted */

        line->count++;
        if (!line->handler || !line->handler(line->context))
                count_spurious(source);
        mmio_write32(claim, source); /* it may be pending again from here on (PLIC specification, 9) */
}

uint64_t irq_spurious_count(void) { return spurious; }

void irq_print(void)
{
        for (uint32_t source = 1; source <= chip.sources; source++)
                if (lines[source].count > 0 || lines[source].handler)
                        printk("%4u  %-24s %lu\n", source, lines[source].name ?: "nobody's", lines[source].count);
        printk("%lu of them found nothing to do\n", spurious);
}
