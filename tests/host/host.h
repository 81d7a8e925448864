/* SPDX-License-Identifier: MIT */
/*
 * host.h - how a test steers the machine that tests/host/arch.h makes believe; host.c.
 *
 * Every shared access of the kernel's sources is a point, and a test decides at which points the world
 * outside the hart acts: `host_plan(event, k, 0)` calls `event` at the k-th, wherever that is, also in
 * a handler and where interrupts are masked, as a device would. What the event raises with
 * host_raise() is a level: it is delivered at once where interrupts are enabled, else as soon as they
 * are, and again until somebody calls host_lower(). Handlers do not nest.
 *
 * A hart that sleeps with nothing pending asks `world` to go on, then lets time pass up to the timer;
 * if neither brings an interrupt, the test fails: nobody would ever wake it. So it does after
 * `points_max` points.
 *
 * host.c also stands in for what a test does not link: console_write(), panic(), print_await_chain(),
 * memory_allocate(), sbi_set_timer(), sbi_put_character() and the boot arguments. They are weak, so a test that
 * names the real source, or has a fake of its own, gets that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_fence {
        HOST_FENCE_ENTRY_BEFORE_INDEX,
        HOST_FENCE_INDEX_BEFORE_EVENT,
        HOST_FENCE_INDEX_BEFORE_ELEMENT,
        HOST_FENCE_ACKNOWLEDGE_BEFORE_LOOK,
};

enum { HOST_PLAN_MAX = 2, HOST_CONSOLE_SIZE = 16384 };

struct host {
        /* What a test sets; NULL: nothing happens (an MMIO access fails the test). */
        void (*interrupt)(void);       /* the external interrupt's handler */
        void (*timer_interrupt)(void); /* the timer's */
        bool (*world)(void);           /* the hart sleeps: go on; false when nothing is left to happen */
        void (*asleep)(void);          /* called at each wfi: is there a reason not to sleep? */
        void (*each_point)(void);      /* called at each point, before the plan's events */
        void (*after_point)(void);     /* the last that happens at each point */
        void (*stored)(const volatile void *place, size_t size);
        void (*failed)(const char *words); /* instead of a failed test; does not return */
        void (*fence)(enum host_fence fence);
        uint64_t (*mmio_read)(uintptr_t address, unsigned width);
        void (*mmio_write)(uintptr_t address, unsigned width, uint64_t value);
        uint64_t time, time_step; /* of the timer; host_time() adds the step */
        uint64_t cycles;          /* each look is one later */
        uint64_t points_max;
        long allocations_left;    /* memory_allocate() fails at 0; -1: never */

        /* What a test may look at. */
        uint64_t points, sleeps, interrupts, timer_interrupts;
        uint64_t timer_deadline; /* as the hardware was told, UINT64_MAX at first */
        uint64_t timer_calls, timer_compares; /* how often, through sbi_set_timer() and timer_compare_write() */
        bool timer_unmasked, enabled, raised, in_handler;
        volatile unsigned inside; /* of host.c's functions: what is done there is no work of the hart's */
        char console[HOST_CONSOLE_SIZE]; /* NUL-terminated; what does not fit is dropped */
        size_t console_length;
        char last_words[256]; /* of panic() or host_fail() */
};

extern struct host host;

/* A machine as new: interrupts enabled, no hooks, nothing allocated. At the start of every test, or as its setup. */
void host_reset(void);
int host_setup(void **state);

/* Call `event` at point `first` and, unless it is 0, at point `second`, counted from now on. */
void host_plan(void (*event)(void), uint64_t first, uint64_t second);

/* The external interrupt line. Raising it delivers nothing yet: the next point does. */
void host_raise(void);
void host_lower(void);

/* Call the handlers of what is pending, if interrupts are enabled: what happens between two instructions. */
void host_deliver(void);

/* End the test as failed. What host.c and the fakes beside it find wrong goes this way. */
_Noreturn void host_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * `function(argument)` must not return, but panic ("panic: ...") or host_fail() with `text` in its
 * words; else the test fails.
 */
void assert_stops(const char *text, void (*function)(void *), void *argument);

/* The console must have, or not have, `text` in it. */
void assert_console_has(const char *text);
void assert_console_lacks(const char *text);

/* What arch.h calls. */
void host_point(void);
void host_stored(const volatile void *place, size_t size);
void host_fence(enum host_fence fence);
uint64_t host_mmio_read(uintptr_t address, unsigned width);
void host_mmio_write(uintptr_t address, unsigned width, uint64_t value);
bool host_interrupts_enabled(void);
void host_interrupts_enable(void);
void host_interrupts_disable(void);
bool host_interrupts_save(void);
void host_interrupts_restore(bool enabled);
void host_unmask_timer(bool unmasked);
void host_wait_for_interrupt(void);
uint64_t host_time(void);
void host_timer_compare(uint64_t ticks);
