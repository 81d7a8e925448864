/* SPDX-License-Identifier: MIT */
/* main.c - the table of contents: how the machine comes up, in the order of the calls. */
#include <errno.h>

#include "args.h"
#include "arch.h"
#include "block.h"
#include "devicetree.h"
#include "driver.h"
#include "entropy.h"
#include "executor.h"
#include "jobs/jobs.h"
#include "memory.h"
#include "panic.h"
#include "power.h"
#include "printk.h"
#include "ramdisk.h"
#include "sbi.h"
#include "timer.h"
#include "trace.h"
#include "vm.h"
#include "watchdog.h"

#define SQUALL_VERSION "0.1"

extern const char __image_start[], __image_end[], park[];
extern const unsigned char __build_id_start[];

void kernel_main(uint64_t hart, const void *tree, uint64_t entered_at);

static struct machine machine;
static struct executor executor;

/* The first 8 bytes of the image's hash, which follow the header of the linker's build-id note. */
static uint64_t build_id(void)
{
        uint64_t id = 0;

        for (int i = 0; i < 8; i++)
                id = id << 8 | __build_id_start[16 + i];
        return id;
}

static void print_machine(void)
{
        printk("squall %s build=%016lx hart=%lu harts=%u mem=%lu\n", SQUALL_VERSION, build_id(),
               machine.boot_hart, machine.harts, memory_total());
}

/* A hart that the firmware has stopped may spin, at the cost of a whole processor (OpenSBI 1.1): let it sleep instead. */
static void park_other_harts(void)
{
        for (unsigned i = 0; i < machine.harts && i < MACHINE_HARTS_MAX; i++)
                if (machine.hart_ids[i] != machine.boot_hart)
                        sbi_start_hart(machine.hart_ids[i], park);
}

/* What the device tree must get right before anything else can work. */
static int bring_up(uint64_t hart, const void *tree)
{
        struct range image = { (uintptr_t)__image_start, (uintptr_t)(__image_end - __image_start) };

        return machine_read(&machine, tree, hart) ?: memory_init(&machine, image) ?: vm_init(&machine);
}

static int add_ramdisk(void)
{
        int error = arguments.ramdisk == 0                 ? 0
                    : arguments.ramdisk % SECTOR_SIZE != 0 ? -EINVAL : ramdisk_add(arguments.ramdisk);

        if (error != 0)
                log_error("boot arguments: ramdisk=%lu: %s", arguments.ramdisk,
                          error == -EINVAL ? "not a multiple of 512" : "too little memory");
        return error;
}

/* Called by entry.S on the boot hart: interrupts off, translation off, the firmware's console to speak through. */
void kernel_main(uint64_t hart, const void *tree, uint64_t entered_at)
{
        if (bring_up(hart, tree) != 0)
                power_exit(EXIT_INPUT);

        executor_init(&executor);
        panic_watch(&executor);
        timer_init(&executor, machine.timebase, machine.sstc);
        watchdog_init(&executor);
        entropy_init(&executor);
        jobs_init(entered_at);

        if (drivers_probe(&machine, platform_drivers) != 0)
                power_exit(EXIT_INPUT);
        print_machine();
        park_other_harts();
        if (args_parse(machine.bootargs) != 0)
                power_exit(EXIT_INPUT);
        log_limit((enum log_level)arguments.log);
        if (arguments.trace) {
                trace_start();
                timer_trace();
        }
        executor_account(&executor, log_shows(LOG_DEBUG));
        block_init(&executor, timer_ticks(arguments.timeout_ms));
        if (drivers_probe(&machine, device_drivers) != 0)
                power_exit(EXIT_INPUT);
        if (add_ramdisk() != 0)
                power_exit(EXIT_INPUT);
        block_print();

        interrupts_unmask_external();
        interrupts_enable();
        power_exit(job_run(&executor));
}
