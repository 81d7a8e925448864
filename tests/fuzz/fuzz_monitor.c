/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/jobs/fetch.c kernel/jobs/load.c kernel/jobs/hexdump.c kernel/jobs/line_editor.c kernel/jobs/record.c
 *          kernel/jobs/trace_dump.c kernel/args.c
 *          kernel/console.c kernel/channel.c kernel/event.c kernel/wait_queue.c kernel/wait_group.c kernel/combinators.c
 *          kernel/timer.c kernel/executor.c kernel/future.c kernel/block.c kernel/block_check.c kernel/block_device.c
 *          kernel/block_pieces.c kernel/block_recovery.c kernel/devicetree.c kernel/printk.c drivers/ramdisk.c
 *          tests/fuzz/fuzz.c libfdt/fdt.c libfdt/fdt_ro.c
 */
/* options: -max_len=200 */
/*
 * fuzz_monitor.c - the input is what somebody types at the monitor, with a disk of memory to play with. Whatever it is, the
 * monitor goes on, and Ctrl-C and Ctrl-D end it and all that it has started. There are fewer keys than there is room for:
 * behind a full buffer nobody would hear Ctrl-C.
 */
#include "../../kernel/jobs/monitor.c"

#include <setjmp.h>

#include "block_driver.h"
#include "fuzz.h"
#include "ramdisk.h"

enum { DISK_BYTES = 64 << 10, ALLOCATIONS = 40, PACE = 64 /* points from key to key, where the hart never rests */ };

static struct executor executor;
static struct fuzz_input input;
static unsigned at_end; /* of the keys that are pressed then */
static jmp_buf panicked;
static bool listening;

/* What the monitor asks of others. */

bool job_exists(const char *name) { return *name != '\0'; }
const char *job_names(void) { return ""; }
const char *error_words(int error) { return error < 0 ? "an error" : "none"; }
void irq_print(void) { printk("no interrupts\n"); }
void memory_print(void) { printk("no memory\n"); }

enum poll entropy_poll(struct future *future, struct waker *waker)
{
        (void)waker;
        container_of(future, struct entropy_future, future)->result = -ENODEV;
        return future_ready(future);
}

/* It may be asked for. */
void panic(const char *format, ...)
{
        fuzz_expect(strcmp(format, "asked for at the monitor") == 0, "panic: %s", format);
        longjmp(panicked, 1);
}

/* The terminal ---------------------------------------------------------------------------------- */

static void put(char character)
{
        fuzz_expect((character >= ' ' && character < 0x7f) || strchr("\r\b\n", character), "0x%02x goes to the terminal",
                    (unsigned char)character);
}

static int listen(void)
{
        listening = true;
        return 0;
}

static void go_on(void) { listening = true; }

static const struct console_device terminal = { .put = put, .listen = listen, .go_on = go_on };

/* Ctrl-C, whatever it is doing; then Ctrl-D. */
static char next_key(void)
{
        static const char last[] = { 3, 4 };

        return input.size > 0 ? (char)fuzz_take(&input, 1) : last[at_end++ % sizeof last];
}

static void interrupt(void)
{
        host_lower();
        listening = console_has_room();
        if (listening)
                console_received(next_key());
}

static bool world(void)
{
        if (listening)
                host_raise();
        return listening;
}

static void each_point(void)
{
        if (host.points % PACE == 0 && listening)
                host_raise();
}

static void start(struct monitor *monitor)
{
        host_reset();
        host.allocations_left = ALLOCATIONS;
        host.points_max = 4000000;
        host.time = 1000;
        host.time_step = 1;
        host.interrupt = interrupt;
        host.timer_interrupt = timer_interrupt;
        host.world = world;
        host.each_point = each_point;
        at_end = 0;
        log_limit(LOG_INFO);
        executor_init(&executor);
        timer_init(&executor, 1000000, true);
        block_init(&executor, 0);
        console_attach(&terminal);
        fuzz_expect(ramdisk_add(DISK_BYTES) == 0 && console_listen(&executor) == 0, "it does not begin");
        *monitor = (struct monitor){ .future.poll = monitor_poll, .editor.prompt = "squall> ", .executor = &executor,
                                     .disk = block_device(0), .buffer = memory_allocate(SECTOR_SIZE, PAGE_SIZE) };
        load_group_init(&monitor->loads);
        executor.accounting = true;
        executor_spawn(&executor, &monitor->task, &monitor->future, "monitor");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct monitor monitor;

        input = (struct fuzz_input){ data, size };
        start(&monitor);
        if (setjmp(panicked) == 0) {
                fuzz_expect(executor_run_until_idle(&executor) == 0, "a deadlock is seen");
                fuzz_expect(task_finished(&monitor.task) && executor.tasks == NULL, "a task has not ended");
                fuzz_expect(monitor.loads.running.count == 0, "a load goes on");
                fuzz_taken();
        } else {
                block_device(0)->operations->publish(block_device(0)); /* it lives on in the next input */
        }
        console_end_line();
        console_write("\n", 1); /* no line of this one is left on the screen */
        return 0;
}
