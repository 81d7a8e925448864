/* SPDX-License-Identifier: MIT */
/* make.c - what kind of a world it is. */
#include <string.h>

#include "choice.h"
#include "history.h"
#include "world.h"

static const char *const fault_names[SIM_FAULTS] = {
        [SIM_CANCEL] = "cancel", [SIM_LOSS] = "loss", [SIM_SPURIOUS] = "spurious", [SIM_POWER] = "power", [SIM_RESIZE] = "resize",
        [SIM_ERRORS] = "errors", [SIM_SLOW] = "slow", [SIM_DEAF] = "deaf", [SIM_BREAK] = "break", [SIM_RESET] = "reset",
        [SIM_LIE_USED] = "used", [SIM_LIE_WISH] = "wish", [SIM_LIE_STATUS] = "status", [SIM_LIE_REGISTER] = "register",
};

const char *sim_fault_name(enum sim_fault fault) { return fault_names[fault]; }

static bool is(const char *name) { return world.options->world && strcmp(world.options->world, name) == 0; }

static void make_device(unsigned number, bool legacy)
{
        struct device *device = &world.devices[number];
        struct device_config *config = &device->config;

        device->number = number;
        device->source = number + 1;
        *config = (struct device_config){ .legacy = legacy, .packed = !legacy && (world.packed || chance(4)),
                                          .indirect = !chance(4), .event_idx = choose(4) < 2, .cache = !chance(4),
                                          .lifetime = chance(4), .queues = 1, .queue_max = (uint16_t)(4u << choose(5)) };
        config->switchable = config->cache && chance(3);
        if (chance(3))
                config->queues = (uint16_t)(2 + choose(QUEUES_MAX - 1));
        if (chance(4))
                config->block_size = 512u << choose(3);
        if (chance(4))
                config->size_max = 512 * (4 + choose(8)) + choose(2) * 100;
        if (chance(2))
                config->seg_max = 1 + choose(4);
        if (chance(2))
                config->max_discard = 4 + choose(20);
        if (chance(2))
                config->discard_alignment = choose(5);
        if (chance(2))
                config->max_write_zeroes = 4 + choose(20);
        disk_make(&device->disk);
        history_reset(number);
}

void world_make(void)
{
        static const enum sim_fault need_deadlines[] = {
                SIM_LOSS, SIM_SPURIOUS, SIM_SLOW, SIM_DEAF, SIM_BREAK, SIM_RESET, SIM_LIE_USED, SIM_LIE_WISH, SIM_LIE_STATUS,
                SIM_LIE_REGISTER,
        };
        bool legacy = is("legacy") || (!world.options->world && chance(3));

        world.packed = is("packed") || (!world.options->world && !legacy && chance(2));
        world.device_count = 1 + choose(DEVICES_MAX);
        for (unsigned i = 0; i < world.device_count; i++)
                make_device(i, legacy);
        world.plic_of_qemu = choose(2);
        world.weak = !chance(4);
        world.accounting = chance(4);
        world.pace = 1u << 2 * choose(5);
        for (unsigned i = 0; i < sizeof need_deadlines / sizeof *need_deadlines; i++)
                world.unreliable = world.unreliable || world_has(need_deadlines[i]);
        world.timeout = world.unreliable ? TIMEOUT_MS : 0;
        if (world_has(SIM_SLOW) && world.device_count == 1 && chance(2)) /* what is honest would be late as well */
                world.timeout = 1 + choose(30);
}
