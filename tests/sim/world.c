/* SPDX-License-Identifier: MIT */
/* world.c - a machine is switched on, its kernel boots and works, the power fails; and so on. */
#include "world.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "block_driver.h"
#include "choice.h"
#include "console.h"
#include "driver.h"
#include "executor.h"
#include "fate.h"
#include "history.h"
#include "irq.h"
#include "ram.h"
#include "timer.h"
#include "trace.h"
#include "util.h"
#include "virtio_blk.h"
#include "watchdog.h"

enum { PATIENCE = 4000000 /* points without any progress */, TIMEBASE = 1000 * TICKS_PER_MS };

struct world world;

static struct executor executor;
static jmp_buf failed, power_failed;
static char *words;

void irq_forget(void);

/* The outside world ------------------------------------------------------------------------------- */

void world_acknowledge(void)
{
        for (unsigned i = 0; i < world.device_count; i++)
                device_acknowledge(&world.devices[i]);
}

void world_check_taken_back(uint64_t loan)
{
        for (unsigned i = 0; i < world.device_count; i++)
                device_check_loan(&world.devices[i], loan);
}

void world_progress(void) { host.points_max = host.points + PATIENCE; }

static void each_point(void)
{
        struct device *device;

        if (world.power_at != 0 && host.points >= world.power_at)
                longjmp(power_failed, 1);
        if (world.gap-- > 0)
                return;
        world.gap = choose(world.pace);
        device = &world.devices[choose(world.device_count)];
        for (unsigned steps = chance(4) ? 1 + choose(6) : 1; steps > 0; steps--)
                device_step(device);
        device_misbehave(device);
}

static bool something_happens(void)
{
        unsigned first = choose(world.device_count);
        uint64_t due = UINT64_MAX;

        ram_drain();
        world_acknowledge();
        for (unsigned i = 0; i < world.device_count; i++)
                device_check_overdue(&world.devices[i]);
        if (chance(8)) {
                host.time += choose(TICKS_PER_MS);
                return true;
        }
        for (unsigned i = 0; i < world.device_count; i++) {
                struct device *device = &world.devices[(first + i) % world.device_count];

                device_misbehave(device);
                if (device_busy(device)) {
                        device_step(device);
                        return true;
                }
                if (device_due(device) < due)
                        due = device_due(device);
        }
        if (host.timer_unmasked && due > host.timer_deadline)
                return false;
        host.time = due;
        return due != UINT64_MAX;
}

/* The hart sleeps: something happens, or the time comes at which something will. */
static bool go_on(void)
{
        bool any;

        world.asleep = true;
        any = something_happens();
        world.asleep = false;
        return any;
}

static void check_sleep(void) { rest_check_sleep(&executor); }

static struct device *device_at(uintptr_t address)
{
        uintptr_t number = (address - DEVICE_AT) / DEVICE_BYTES;

        return address >= DEVICE_AT && number < world.device_count ? &world.devices[number] : NULL;
}

static bool waits_in_vain(const struct device *device) { return device && device->resetting && device->refuses_reset; }

static uint64_t mmio_read(uintptr_t address, unsigned width)
{
        struct device *device = device_at(address);

        if (!waits_in_vain(device))
                host_point();
        world_acknowledge();
        return device ? device_read(device, (address - DEVICE_AT) % DEVICE_BYTES, width) : plic_read(address - PLIC_AT, width);
}

static void mmio_write(uintptr_t address, unsigned width, uint64_t value)
{
        struct device *device = device_at(address);

        host_point();
        ram_drain(); /* mmio_write32()'s own fence */
        world_acknowledge();
        if (device)
                device_write(device, (address - DEVICE_AT) % DEVICE_BYTES, width, value);
        else
                plic_write(address - PLIC_AT, width, value);
}

void console_write(const char *text, size_t length)
{
        bool is_error = strncmp(text, "error", 5) == 0;

        trace_words(text, length);
        world.complaints += is_error;
        if (!world.unreliable && (is_error || strncmp(text, "warning", 7) == 0))
                host_fail("the kernel complains of honest devices: %.*s", (int)length, text);
}

/* Boot -------------------------------------------------------------------------------------------- */

int virtio_probe(struct virtio_device *device) { return virtio_blk_driver.probe(device); }

int dt_refuse(const struct dt_node *node, const char *why) { host_fail("%s: %s", node->name, why); }

int dt_hart_context(const struct dt_node *controller, uint64_t hart)
{
        (void)controller;
        (void)hart;
        return PLIC_CONTEXT;
}

int dt_number(const struct dt_node *node, const char *name, uint64_t *value)
{
        (void)node;
        *value = strcmp(name, "phandle") == 0 ? PLIC_PHANDLE : PLIC_NDEV;
        return 0;
}

/* A device that is no good from the start, and must be left alone in words. */
static bool spoil_device(struct device *device)
{
        if (!world_has(SIM_RESET) || !chance(8))
                return false;
        device->status = choose(16) | 1; /* as the firmware has left it */
        device->reset_reads = choose(100);
        device->refuses_reset = chance(4);
        device->refusal = choose(2) ? REFUSE_QUEUE : REFUSE_FEATURES;
        return device->refuses_reset || device->refusal == REFUSE_QUEUE || !device->config.legacy;
}

/* One that errs from the start, in what it says of itself: it may be taken for what it says, or be left alone. */
static bool doubt_device(struct device *device)
{
        if (!(world_has(SIM_RESIZE) || world_has(SIM_LIE_REGISTER)) || !chance(4) || choice_exhausted())
                return false;
        if (world_has(SIM_RESIZE))
                device->capacity = 8 + choose(DISK_SECTORS - 7);
        if (world_has(SIM_LIE_REGISTER))
                device->lies_left = choose(chance(4) ? 1000 : 8);
        return true;
}

/* Whether all disks are there. */
static bool probe_drivers(bool spoilt)
{
        static const struct dt_node plic = { .name = "plic" }, disks[DEVICES_MAX] = { { .name = "disk0" }, { .name = "disk1" } };
        static const struct machine machine;
        struct device_node node = { .at = &plic, .machine = &machine, .reg = { PLIC_AT, PLIC_BYTES } };
        unsigned refused;

        plic_driver.probe(&node);
        for (unsigned i = 0; i < world.device_count; i++) {
                node = (struct device_node){ .at = &disks[i], .machine = &machine, .interrupt = world.devices[i].source,
                                             .reg = { DEVICE_AT + i * DEVICE_BYTES, DEVICE_BYTES }, .controller = PLIC_PHANDLE };
                virtio_mmio_driver.probe(&node);
        }
        refused = world.device_count - block_device_count();
        if (refused != spoilt && !(refused == 1 && world.doubtful && world_has(SIM_LIE_REGISTER)))
                host_fail("the kernel does not take an honest disk, or one that refuses");
        if (refused > 0 && world.complaints == 0)
                host_fail("the kernel does not say that it refuses a disk");
        world.doubtful = false;
        return refused == 0;
}

/* As after 65,536 requests and more: the indices of all rings are about to wrap. */
static void advance_ring(struct virtq *ring, struct queue *queue)
{
        uint16_t to = (uint16_t)-(ring->layout.packed ? 2 * queue->size * (1 + choose(2)) : choose(2u * queue->size));

        ring->added = ring->last_used = ring->seen_used = queue->taken = queue->used = queue->signalled = to;
        ring->published = ring->shown = to;
        if (ring->layout.packed)
                return;
        ram_store(&((struct virtq_avail *)ring->driver_area)->idx, to, sizeof to, false);
        ram_store(&((struct virtq_used *)ring->device_area)->idx, to, sizeof to, false);
        if (ring->used_event)
                ram_store(ring->used_event, to, sizeof to, false);
        queue->format->wish(queue, WISH_NEXT);
        world.counters->wrapped++;
}

static void advance_rings(void)
{
        for (unsigned i = 0; i < world.device_count; i++)
                for (unsigned k = 0; k < block_device(i)->queues; k++)
                        advance_ring(&virtio_blk_of(block_device(i))->queues[k].ring, &world.devices[i].queues[k]);
}

static bool boot(void)
{
        bool spoilt, complete;

        world.counters->boots++;
        trace("boot", world.counters->boots, 0);
        host_reset();
        host.interrupt = irq_dispatch;
        host.timer_interrupt = timer_interrupt;
        host.world = go_on;
        host.asleep = check_sleep;
        host.each_point = each_point;
        host.stored = ram_stored;
        host.fence = ram_fence;
        host.mmio_read = mmio_read;
        host.mmio_write = mmio_write;
        host.failed = world_failed;
        host.time_step = 1;
        world.live = world.gone = world.doubtful = false;
        world.complaints = 0;
        choice_save(true);
        world.power_at = 0;
        world.storm = 0;
        world.asleep = false;
        world_progress();

        ram_reset(world.weak);
        irq_forget();
        fate_reset();
        plic_power_on();
        for (unsigned i = 0; i < world.device_count; i++)
                device_power_on(&world.devices[i]);
        spoilt = spoil_device(&world.devices[0]);
        world.doubtful = doubt_device(&world.devices[0]);
        arguments.ring = world.packed ? RING_PACKED : RING_SPLIT;
        executor_init(&executor);
        executor.accounting = world.accounting;
        timer_init(&executor, TIMEBASE, choose(2));
        watchdog_init(&executor);
        block_init(&executor, timer_ticks(world.timeout));
        complete = probe_drivers(spoilt);
        if (complete && chance(2))
                advance_rings();
        return complete;
}

/* Its life ---------------------------------------------------------------------------------------- */

static void work(void)
{
        for (unsigned i = 0; i < world.device_count; i++)
                workload_read_all(i);
        world.live = true;
        choice_save(false);
        if (world_has(SIM_POWER) && !choice_exhausted())
                world.power_at = host.points + 1 + choose(1u << (8 + choose(10)));
        workload_spawn(&executor);
        if (executor_run_until_idle(&executor) != 0)
                host_fail("the kernel says that its tasks wait in vain");
        world.power_at = 0;
        workload_check_ended();
        for (unsigned i = 0; i < world.device_count; i++)
                rest_check_idle(block_device(i));
        world.counters->retired += world.gone;
}

static void power_off(void)
{
        choice_save(false);
        for (unsigned i = 0; i < world.device_count; i++) {
                world.counters->unflushed += disk_cut(&world.devices[i].disk);
                history_cut(i, &world.devices[i].disk);
        }
}

static void live(void)
{
        bool cut = true;

        while (cut || workload_wants_more()) {
                cut = setjmp(power_failed) != 0;
                world.counters->power_cuts += cut;
                if (!cut) {
                        bool complete = boot();

                        world.counters->refused += !complete;
                        if (complete)
                                work();
                        else
                                cut = true; /* and switched on again */
                }
                world.counters->points += host.points;
                trace("power off", cut, 0);
                power_off();
                world.gone = false;
        }
}

void world_failed(const char *why)
{
        snprintf(words, sizeof ((struct sim_report *)0)->words, "%s", why);
        longjmp(failed, 1);
}

bool sim_run(const struct sim_options *options, struct sim_report *report)
{
        *report = (struct sim_report){ .failed = true };
        words = report->words;
        trace_reset();
        if (options->bytes)
                choice_from_bytes(options->bytes, options->size);
        else
                choice_from_seed(options->seed);
        memset(&world, 0, sizeof world);
        world.options = options;
        world.counters = &report->counters;
        host_reset();
        host.failed = world_failed;
        if (setjmp(failed) == 0) {
                world_make();
                live();
                report->failed = false;
        }
        report->hash = trace_value();
        host_reset();
        return !report->failed;
}
