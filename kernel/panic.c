/* SPDX-License-Identifier: MIT */
/* panic.c - the last words: cause, place, backtrace, the await chain, the requests in flight. */
#include "panic.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "arch.h"
#include "block.h"
#include "console.h"
#include "executor.h"
#include "power.h"
#include "printk.h"
#include "sbi.h"
#include "symbols.h"

enum { NAME_SIZE = 64, BACKTRACE_MAX = 20, CHAIN_MAX = 16 };
enum { STATES_MAX = 7 }; /* of a leaf or a combinator; a coroutine's state is a line, and no AWAIT stands so high in a file */

extern const char __stack_guard[], __trap_stack_top[];

static const struct executor *watched;

void panic_watch(const struct executor *executor) { watched = executor; }

static bool is_frame(uintptr_t frame)
{
        return (frame & 7) == 0 && frame > (uintptr_t)__stack_guard + 16 && frame <= (uintptr_t)__trap_stack_top;
}

/* A return address may be the next function's first, after a call that never returns: two back is in the call. */
enum { INTO_THE_CALL = 2 };

/* Right below where a frame pointer points are the return address and the caller's frame pointer. */
static void print_backtrace(uintptr_t frame)
{
        char name[NAME_SIZE], place[NAME_SIZE];
        const uintptr_t *words;

        for (int depth = 0; depth < BACKTRACE_MAX && is_frame(frame); depth++, frame = words[-2]) {
                words = (const uintptr_t *)frame;
                symbol_format(name, sizeof name, words[-1] - INTO_THE_CALL);
                place_format(place, sizeof place, words[-1] - INTO_THE_CALL);
                printk("  called from 0x%lx (%s%s)\n", words[-1] - INTO_THE_CALL, name, place);
        }
}

void print_await_chain(const struct future *future)
{
        char name[NAME_SIZE], file[NAME_SIZE];

        for (int depth = 0; depth < CHAIN_MAX; depth++) {
                symbol_format(name, sizeof name, (uintptr_t)future->poll);
                place_format(file, sizeof file, (uintptr_t)future->poll);
                *(strchr(file, ':') ?: file) = '\0'; /* the line would be the function's first */
                if (future->state == FUTURE_NEW || future->state == FUTURE_DONE)
                        printk("  %*s%s: %s\n", 2 * depth, "", name, future->state == FUTURE_NEW ? "not polled yet" : "done");
                else if (future->state <= STATES_MAX)
                        printk("  %*s%s: state %u\n", 2 * depth, "", name, future->state);
                else
                        printk("  %*s%s: awaits at line %u%s%s\n", 2 * depth, "", name, future->state, *file ? " of" : "", file);
                if (future->child == 0 || future->state == FUTURE_DONE)
                        return;
                future = future_child(future);
        }
}

static void print_tasks(void)
{
        if (!watched)
                return;
        if (watched->current) {
                printk("task %s was running:\n", watched->current->name);
                print_await_chain(watched->current->root);
        } else {
                printk("no task was running\n");
        }
        block_report();
}

static const struct console_device last_resort = { .put = sbi_put_character };

void panic_at(uintptr_t pc, uintptr_t frame, uintptr_t stval, const char *cause)
{
        static bool panicking;
        char name[NAME_SIZE], place[NAME_SIZE];

        interrupts_disable();
        if (panicking) { /* in its own last words, perhaps for want of a console: what is left is to go */
                console_attach(&last_resort);
                printk("panic in a panic: %s\n", cause);
                power_exit(EXIT_PANIC);
        }
        panicking = true;
        console_end_line();
        symbol_format(name, sizeof name, pc);
        place_format(place, sizeof place, pc);
        printk("panic cause=%s sepc=0x%lx (%s%s) stval=0x%lx\n", cause, pc, name, place, stval);
        print_backtrace(frame);
        print_tasks();
        printk("what to do about a panic: docs/troubleshooting.md\n");
        power_exit(EXIT_PANIC);
}

void panic(const char *format, ...)
{
        static char cause[128];
        uintptr_t caller = (uintptr_t)__builtin_return_address(0) - INTO_THE_CALL;
        va_list arguments;

        interrupts_disable();
        va_start(arguments, format);
        format_text_va(cause, sizeof cause, format, arguments);
        va_end(arguments);
        panic_at(caller, ((const uintptr_t *)frame_pointer())[-2], 0, cause);
}
