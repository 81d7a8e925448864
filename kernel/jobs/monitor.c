/* SPDX-License-Identifier: MIT */
/*
 * monitor.c - job=monitor: commands typed at the console, while disk tasks run.
 *
 * A command that has to wait gives the monitor a future to await, and may have more to say when that is
 * ready. Ctrl-C withdraws it.
 */
#include <stddef.h>
#include <string.h>

#include "combinators.h"
#include "coro.h"
#include "devicetree.h"
#include "irq.h"
#include "jobs/fetch.h"
#include "jobs/hexdump.h"
#include "jobs/jobs.h"
#include "jobs/line_editor.h"
#include "jobs/load.h"
#include "jobs/trace_dump.h"
#include "memory.h"
#include "panic.h"
#include "printk.h"
#include "timer.h"
#include "trace.h"

struct monitor {
        struct future future;
        struct task task;
        struct executor *executor;
        struct line_editor editor;
        struct line_future line;
        const struct command *command;
        struct future *awaited; /* of the command; NULL: it is over */
        struct wait_future interrupt, loads_end;
        struct select_future race;
        struct block_device *disk;
        struct block_future io;
        struct timer_future timer;
        struct fetch fetch;
        struct wait_future fetched;
        uint64_t started;
        uint8_t *buffer; /* a block of the disk */
        struct load_group loads;
        bool leaving;
};

struct command {
        const char *name, *arguments, *does;
        /* Do it; returns what is to be awaited, or NULL. `argument` is what stands behind the name, perhaps "". */
        struct future *(*run)(struct monitor *self, char *argument);
        void (*finish)(struct monitor *self); /* what was awaited is ready, or was given up */
};

static const struct command commands[];

/* Words ---------------------------------------------------------------------------------------- */

static char *skip_blanks(char *text)
{
        while (*text == ' ')
                text++;
        return text;
}

/* End the first word of `text`; returns what comes after it. */
static char *split(char *text)
{
        text += strcspn(text, " ");
        if (*text != '\0')
                *text++ = '\0';
        return skip_blanks(text);
}

static struct future *complain(const char *what, const char *argument)
{
        log_error("%s%s%s", what, *argument ? ": " : "", argument);
        return NULL;
}

/* A number in `argument`, or `missing` where there is none. */
static bool read_number(const char *argument, uint64_t missing, uint64_t *number)
{
        *number = missing;
        if (*argument == '\0' || number_parse(argument, number))
                return true;
        complain("not a number", argument);
        return false;
}

/* Commands that are over at once --------------------------------------------------------------- */

static struct future *run_help(struct monitor *self, char *argument)
{
        (void)self;
        (void)argument;
        for (const struct command *command = commands; command->name; command++)
                printk("  %-8s %-11s  %s\n", command->name, command->arguments, command->does);
        return NULL;
}

static void print_tasks(const struct executor *executor, const struct task *task)
{
        for (; task; task = task->all_next) {
                printk("%s: %s, %u polls, %lu us\n", task->name,
                       task == executor->current ? "running" : task->queued ? "ready" : "waiting", task->polls,
                       timer_microseconds(task->ticks));
                print_await_chain(task->root);
        }
}

static struct future *run_ps(struct monitor *self, char *argument)
{
        (void)argument;
        print_tasks(self->executor, self->executor->tasks);
        print_tasks(self->executor, self->executor->daemons);
        return NULL;
}

static struct future *run_disks(struct monitor *self, char *argument)
{
        (void)self;
        (void)argument;
        block_print();
        block_print_limits();
        return NULL;
}

static struct future *run_cache(struct monitor *self, char *argument)
{
        bool on = strcmp(argument, "on") == 0;
        int error;

        if (!self->disk)
                return complain("there is no disk", "");
        if (!on && strcmp(argument, "off") != 0)
                return complain("it is on or off", argument);
        error = block_set_write_cache(self->disk, on);
        return error == 0 ? NULL : complain(error_words(error), "");
}

static struct future *run_virtq(struct monitor *self, char *argument)
{
        struct block_device *disk;
        uint64_t number;

        (void)self;
        if (!read_number(argument, 0, &number))
                return NULL;
        disk = number < block_device_count() ? block_device((unsigned)number) : NULL;
        if (!disk)
                return complain("there is no such disk", argument);
        block_print_rings(disk);
        return NULL;
}

static struct future *run_irq(struct monitor *self, char *argument)
{
        (void)self;
        (void)argument;
        irq_print();
        return NULL;
}

static struct future *run_trace(struct monitor *self, char *argument)
{
        char *number = split(argument);
        uint64_t count;

        (void)self;
        if (strcmp(argument, "tail") != 0)
                return complain("there is trace tail, and no other", argument);
        if (!trace_on())
                return complain("nothing is recorded: boot with trace=1", "");
        if (read_number(number, 20, &count))
                trace_tail(count);
        return NULL;
}

static struct future *run_mem(struct monitor *self, char *argument)
{
        (void)self;
        (void)argument;
        memory_print();
        return NULL;
}

static struct future *run_dt(struct monitor *self, char *argument)
{
        (void)self;
        return dt_print(*argument ? argument : "/") == 0 ? NULL : complain("there is no such node", argument);
}

static struct future *run_log(struct monitor *self, char *argument)
{
        static const char *const levels[] = { "error", "warn", "info", "debug" };

        (void)self;
        for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
                if (strcmp(argument, levels[i]) == 0) {
                        log_limit((enum log_level)i);
                        return NULL;
                }
        }
        return complain("it is one of error warn info debug", argument);
}

static struct future *run_panic(struct monitor *self, char *argument)
{
        (void)self;
        (void)argument;
        panic("asked for at the monitor");
}

static struct future *run_exit(struct monitor *self, char *argument)
{
        (void)argument;
        self->leaving = true;
        return NULL;
}

static struct future *run_spawn(struct monitor *self, char *argument)
{
        uint64_t reads;

        if (!self->disk)
                return complain("there is no disk to read from", "");
        if (!read_number(argument, UINT64_MAX, &reads))
                return NULL;
        if (load_spawn(&self->loads, self->executor, self->disk, reads) != 0)
                return complain("too little memory", "");
        return NULL;
}

/* Commands that wait --------------------------------------------------------------------------- */

static struct future *run_sleep(struct monitor *self, char *argument)
{
        uint64_t milliseconds;

        if (!read_number(argument, 1000, &milliseconds))
                return NULL;
        self->timer = sleep_ms(milliseconds);
        return &self->timer.future;
}

static void finish_sleep(struct monitor *self)
{
        printk("%s after %lu us\n", self->timer.result == 0 ? "awake" : "woken by Ctrl-C",
               timer_microseconds(timer_now() - self->started));
}

static struct future *transfer(struct monitor *self, const char *argument, enum block_operation operation)
{
        uint64_t sector;

        if (!self->disk)
                return complain("there is no disk", "");
        if (!read_number(argument, 0, &sector))
                return NULL;

        uint32_t sectors = self->disk->block_size / SECTOR_SIZE;

        self->io = operation == BLOCK_WRITE ? block_write(self->disk, sector, self->buffer, sectors)
                                            : block_read(self->disk, sector, self->buffer, sectors);
        return &self->io.future;
}

static struct future *run_read(struct monitor *self, char *argument) { return transfer(self, argument, BLOCK_READ); }

static struct future *run_write(struct monitor *self, char *argument)
{
        char *text = split(argument);

        if (self->disk) {
                memset(self->buffer, 0, self->disk->block_size);
                memcpy(self->buffer, text, strlen(text));
        }
        return transfer(self, argument, BLOCK_WRITE);
}

static void finish_transfer(struct monitor *self)
{
        const char *what = self->io.operation == BLOCK_WRITE ? "write" : "read";

        if (self->io.result == 0)
                printk("%s of sector %lu: %u bytes in %lu us\n", what, self->io.sector, self->io.sectors * SECTOR_SIZE,
                       timer_microseconds(timer_now() - self->started));
        else
                log_error("%s of sector %lu: %s", what, self->io.sector, error_words(self->io.result));
}

static void finish_hexdump(struct monitor *self)
{
        finish_transfer(self);
        if (self->io.result == 0)
                hexdump(self->buffer, self->disk->block_size);
}

static struct future *run_entropy(struct monitor *self, char *argument)
{
        (void)argument;
        self->fetched = fetch_entropy(&self->fetch, self->executor);
        return &self->fetched.future;
}

static void finish_entropy(struct monitor *self)
{
        const struct entropy_future *read = &self->fetch.read;

        if (!self->fetch.done.set)
                printk("the source has yet to answer, and has the buffer: entropy waits on\n");
        else if (read->result < 0)
                log_error("no entropy: %s", error_words((int)read->result));
        for (int64_t i = 0; self->fetch.done.set && i < read->result; i++)
                printk(i + 1 < read->result ? "%02x " : "%02x\n", self->fetch.bytes[i]);
}

/* The monitor ---------------------------------------------------------------------------------- */

static const struct command commands[] = {
        { "help", "", "show this", run_help, NULL },
        { "ps", "", "each task: its state, its polls and their time, what it awaits and at which line", run_ps, NULL },
        { "disks", "", "the disks", run_disks, NULL },
        { "cache", "on|off", "the disk keeps writes until a flush, or writes through", run_cache, NULL },
        { "virtq", "[DISK]", "the ring of a disk", run_virtq, NULL },
        { "irq", "", "interrupts, and whose they are", run_irq, NULL },
        { "read", "[SECTOR]", "read a block", run_read, finish_transfer },
        { "write", "SECTOR TEXT", "write a block that begins with TEXT", run_write, finish_transfer },
        { "hexdump", "[SECTOR]", "read a block and show it", run_read, finish_hexdump },
        { "entropy", "", "read a few random bytes", run_entropy, finish_entropy },
        { "sleep", "[MS]", "wait (Ctrl-C wakes)", run_sleep, finish_sleep },
        { "spawn", "[READS]", "read random blocks in the background, and tell each second how many", run_spawn, NULL },
        { "trace", "tail [N]", "the newest events (with trace=1)", run_trace, NULL },
        { "mem", "", "memory", run_mem, NULL },
        { "dt", "[PATH]", "a node of the device tree", run_dt, NULL },
        { "log", "LEVEL", "show lines up to error, warn, info or debug", run_log, NULL },
        { "panic", "", "panic", run_panic, NULL },
        { "exit", "", "stop what runs in the background, and the machine (also Ctrl-D)", run_exit, NULL },
        { NULL, NULL, NULL, NULL, NULL },
};

static struct future *obey(struct monitor *self, char *line)
{
        char *name = skip_blanks(line), *argument = split(name);

        self->started = timer_now();
        for (self->command = commands; self->command->name; self->command++)
                if (strcmp(self->command->name, name) == 0)
                        return self->command->run(self, argument);
        return *name ? complain("there is no such command, but there is help", name) : NULL;
}

static enum poll monitor_poll(struct future *future, struct waker *waker)
{
        struct monitor *self = container_of(future, struct monitor, future);

        CORO_BEGIN(self, waker);
        while (!self->leaving) {
                AWAIT(self->line, line_read(&self->editor));
                if (!self->line.text)
                        break;
                self->awaited = obey(self, self->line.text);
                if (self->awaited) {
                        self->interrupt = console_interrupted();
                        AWAIT(self->race, select2(self->awaited, &self->interrupt.future));
                        self->command->finish(self);
                }
        }
        load_stop(&self->loads);
        AWAIT(self->loads_end, wait_group_wait(&self->loads.running));
        CORO_END();
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        static struct monitor monitor = { .future.poll = monitor_poll, .editor.prompt = "squall> " };

        (void)disk; /* a disk is welcome, but not needed */
        monitor.executor = executor;
        monitor.disk = arguments.disk < block_device_count() ? block_device((unsigned)arguments.disk) : NULL;
        monitor.buffer = monitor.disk ? memory_allocate(monitor.disk->block_size, PAGE_SIZE) : NULL;
        if (!monitor.buffer)
                monitor.disk = NULL;
        load_group_init(&monitor.loads);
        if (console_listen(executor) != 0) {
                log_error("job monitor needs a console that can be typed at: there is no UART whose interrupt we have");
                return EXIT_DEVICE;
        }
        executor_account(executor, true);
        log_info("The monitor: type help. Ctrl-C ends what waits, Ctrl-D or exit the machine.");
        executor_spawn(executor, &monitor.task, &monitor.future, "monitor");
        executor_run_until_idle(executor);
        return EXIT_PASS;
}

const struct job monitor_job = { .name = "monitor", .run = run };
