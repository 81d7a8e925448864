/* SPDX-License-Identifier: MIT */
/*
 * sources: kernel/block.c kernel/block_check.c kernel/block_device.c kernel/block_pieces.c kernel/block_recovery.c
 *          kernel/executor.c kernel/future.c kernel/timer.c kernel/printk.c kernel/combinators.c kernel/watchdog.c
 *          drivers/plic.c drivers/virtio.c drivers/virtio_mmio.c drivers/virtio_blk.c drivers/virtio_blk_setup.c
 *          drivers/virtqueue.c drivers/virtqueue_split.c drivers/virtqueue_packed.c tests/sim/[a-z]*.c tests/fuzz/fuzz.c
 */
/* options: -max_len=4096 */
/*
 * fuzz_device.c - the input is every decision of a simulated world: what the tasks ask for, in which order and when the
 * devices act, and what they lie about. What must be true there is the simulator's business (tests/sim/sim.h).
 */
#include "../sim/sim.h"
#include "fuzz.h"

enum { OPERATIONS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const worlds[] = { "split", "legacy", "packed", NULL };
        struct fuzz_input input = { data, size };
        struct sim_options options = { .faults = (uint32_t)fuzz_take(&input, 2) };
        struct sim_report report;
        unsigned kind;

        kind = (unsigned)fuzz_take(&input, 1);
        options.world = worlds[kind % 4];
        if (kind < 0xc0) /* a reset that is waited for in vain takes a million looks */
                options.faults &= ~(1u << SIM_RESET);
        options.operations = 1 + (uint32_t)fuzz_take(&input, 1) % OPERATIONS_MAX;
        options.bytes = input.data;
        options.size = input.size;
        if (!sim_run(&options, &report))
                sim_print_log();
        fuzz_expect(!report.failed, "%s", report.words);
        if (report.counters.lies + report.counters.breaks > 0)
                fuzz_refused(data, size);
        else
                fuzz_taken();
        return 0;
}
