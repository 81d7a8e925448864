/* SPDX-License-Identifier: MIT */
/* panic.h - the end, for a bug of our own; never for what a device, a tree or a user did. */
#pragma once

#include <stdint.h>

struct executor;
struct future;

/* Print the cause, where, how we came there and what was going on; exit with code 5. Any context. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a trap at `pc`, with `frame` in the frame pointer: `cause` in words. Interrupt context. */
_Noreturn void panic_at(uintptr_t pc, uintptr_t frame, uintptr_t stval, const char *cause);

/* The executor whose current task a panic describes. At boot. */
void panic_watch(const struct executor *executor);

/* Print the chain of futures from `future` to the leaf that it waits for, a line each. Any context. */
void print_await_chain(const struct future *future);
