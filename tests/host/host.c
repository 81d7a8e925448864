/* SPDX-License-Identifier: MIT */
/* host.c - a machine with one hart, of which a test owns every instant. */
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "args.h"
#include "console.h"
#include "future.h"
#include "memory.h"
#include "panic.h"
#include "sbi.h"
#include "trace.h"

#define WEAK __attribute__((weak))

enum { ALLOCATIONS_MAX = 256, POINTS_MAX = 200000 };

struct host host;

static void (*planned)(void);
static uint64_t plan[HOST_PLAN_MAX];
static void *allocations[ALLOCATIONS_MAX];
static unsigned allocation_count;
static bool stop_expected;
static jmp_buf stopped;

/* A crash must not take with it what was printed before. */
__attribute__((constructor)) static void print_at_once(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

void host_reset(void)
{
        while (allocation_count > 0)
                free(allocations[--allocation_count]);
        memset(&host, 0, sizeof host);
        host.points_max = POINTS_MAX;
        host.allocations_left = -1;
        host.timer_deadline = UINT64_MAX;
        host.enabled = true;
        planned = NULL;
        stop_expected = false;
        memset(&arguments, 0, sizeof arguments);
        trace_ring.on = trace_ring.recorded = 0;
}

int host_setup(void **state)
{
        (void)state;
        host_reset();
        return 0;
}

void host_plan(void (*event)(void), uint64_t first, uint64_t second)
{
        planned = event;
        plan[0] = host.points + first;
        plan[1] = second ? host.points + second : 0;
}

/* Back to assert_stops(), else the test has failed. */
__attribute__((format(printf, 1, 0))) static _Noreturn void stop(const char *format, va_list list)
{
        vsnprintf(host.last_words, sizeof host.last_words, format, list);
        host.inside = 0;
        if (host.failed)
                host.failed(host.last_words);
        if (stop_expected)
                longjmp(stopped, 1);
        fail_msg("%s", host.last_words);
        abort();
}

void host_fail(const char *format, ...)
{
        va_list list;

        va_start(list, format);
        stop(format, list);
}

void host_raise(void) { host.raised = true; }

void host_lower(void) { host.raised = false; }

static bool timer_pending(void) { return host.timer_unmasked && host.time >= host.timer_deadline; }

/* sstatus.SIE is clear from the trap to its end, whatever the handler saves and restores. */
static void call_handler(void (*handler)(void), const char *name)
{
        if (!handler)
                host_fail("%s interrupt that nobody handles", name);
        host.enabled = false;
        host.in_handler = true;
        handler();
        host.in_handler = false;
        if (host.enabled)
                host_fail("the handler of %s interrupt has enabled interrupts", name);
        host.enabled = true;
}

void host_deliver(void)
{
        host.inside++;
        while (host.enabled && !host.in_handler && (host.raised || timer_pending())) {
                if (host.raised) {
                        host.interrupts++;
                        call_handler(host.interrupt, "an external");
                } else {
                        host.timer_interrupts++;
                        call_handler(host.timer_interrupt, "a timer");
                }
        }
        host.inside--;
}

void host_point(void)
{
        host.inside++;
        host.points++;
        if (host.points > host.points_max)
                host_fail("endless: %llu points and no end", (unsigned long long)host.points_max);
        if (host.each_point)
                host.each_point();
        for (unsigned i = 0; planned && i < HOST_PLAN_MAX; i++)
                if (host.points == plan[i])
                        planned();
        host_deliver();
        host.inside--;
        if (host.after_point)
                host.after_point();
}

void host_stored(const volatile void *place, size_t size)
{
        if (host.stored)
                host.stored(place, size);
}

void host_fence(enum host_fence fence)
{
        if (host.fence)
                host.fence(fence);
}

uint64_t host_mmio_read(uintptr_t address, unsigned width)
{
        if (!host.mmio_read)
                host_fail("nobody answers a read of register 0x%lx", (unsigned long)address);
        return host.mmio_read(address, width);
}

void host_mmio_write(uintptr_t address, unsigned width, uint64_t value)
{
        if (!host.mmio_write)
                host_fail("nobody takes a write of register 0x%lx", (unsigned long)address);
        host.mmio_write(address, width, value);
}

bool host_interrupts_enabled(void) { return host.enabled; }

void host_interrupts_enable(void)
{
        host.enabled = true;
        host_deliver();
}

void host_interrupts_disable(void) { host.enabled = false; }

bool host_interrupts_save(void)
{
        bool enabled = host.enabled;

        host.enabled = false;
        return enabled;
}

void host_interrupts_restore(bool enabled)
{
        if (enabled)
                host_interrupts_enable();
}

void host_unmask_timer(bool unmasked) { host.timer_unmasked = unmasked; }

/* wfi: until an interrupt is pending, masked by sstatus.SIE or not. */
void host_wait_for_interrupt(void)
{
        if (host.in_handler)
                host_fail("wfi in an interrupt handler");
        host.inside++;
        if (host.asleep)
                host.asleep();
        host.sleeps++;
        while (!host.raised && !timer_pending()) {
                if (++host.points > host.points_max)
                        host_fail("endless: the world goes on, and nothing wakes the hart");
                if (host.world && host.world())
                        continue;
                if (!host.timer_unmasked || host.timer_deadline == UINT64_MAX)
                        host_fail("lost wake-up: asleep for ever");
                host.time = host.timer_deadline;
        }
        host_deliver();
        host.inside--;
}

uint64_t host_time(void) { return host.time += host.time_step; }

void host_timer_compare(uint64_t ticks)
{
        host.timer_compares++;
        host.timer_deadline = ticks;
}

void assert_stops(const char *text, void (*function)(void *), void *argument)
{
        stop_expected = true;
        host.last_words[0] = '\0';
        if (setjmp(stopped) == 0) {
                function(argument);
                fail_msg("it went on, where it should have stopped with \"%s\"", text);
        }
        stop_expected = false;
        host.enabled = true;
        host.in_handler = false;
        if (!strstr(host.last_words, text))
                fail_msg("it stopped with \"%s\", not with \"%s\"", host.last_words, text);
}

void assert_console_has(const char *text)
{
        if (!strstr(host.console, text))
                fail_msg("\"%s\" is not on the console:\n%s", text, host.console);
}

void assert_console_lacks(const char *text)
{
        if (strstr(host.console, text))
                fail_msg("\"%s\" is on the console:\n%s", text, host.console);
}

/* Stand-ins for what a test does not link. */

WEAK struct arguments arguments;

WEAK void panic(const char *format, ...)
{
        char words[sizeof host.last_words];
        va_list list;

        va_start(list, format);
        vsnprintf(words, sizeof words, format, list);
        va_end(list);
        host_fail("panic: %s", words);
}

static void put_text(const char *text, size_t length)
{
        size_t room = sizeof host.console - 1 - host.console_length;

        if (length > room)
                length = room;
        memcpy(host.console + host.console_length, text, length);
        host.console_length += length;
        host.console[host.console_length] = '\0';
}

/* What panic.c would say in other words: a line for each, with its state. */
WEAK void print_await_chain(const struct future *future)
{
        char line[64];

        for (int indent = 2;; indent += 2) {
                put_text(line, (size_t)snprintf(line, sizeof line, future->state == FUTURE_DONE ? "%*sdone\n" : "%*sstate %u\n",
                                               indent, "", future->state));
                if (future->child == 0)
                        return;
                future = (const struct future *)(const void *)((const char *)future + future->child);
        }
}

WEAK void console_write(const char *text, size_t length) { put_text(text, length); }

WEAK void sbi_put_character(char character) { put_text(&character, 1); }

WEAK void sbi_set_timer(uint64_t ticks)
{
        host.timer_calls++;
        host.timer_deadline = ticks;
}

/* Each in a block of its own, so that the sanitizer sees who leaves his. */
WEAK void *memory_allocate(size_t bytes, size_t alignment)
{
        void *memory = NULL;

        if (host.allocations_left == 0)
                return NULL;
        if (host.allocations_left > 0)
                host.allocations_left--;
        if (allocation_count == ALLOCATIONS_MAX || posix_memalign(&memory, alignment < 8 ? 8 : alignment, bytes) != 0)
                fail_msg("the host has no memory");
        allocations[allocation_count++] = memory;
        return memset(memory, 0, bytes);
}
