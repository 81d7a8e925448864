/* SPDX-License-Identifier: MIT */
/* fate.c - what befell each operation. */
#include "fate.h"

#include <errno.h>
#include <string.h>

#include "block.h"
#include "virtio.h"
#include "world.h"

enum { RESETS_MAX = 2 /* of which an operation survives the first */, BATCH = 16 /* in ticks, at most */ };

static struct fate {
        const struct block_future *io;
        uint64_t number; /* 0: none is under way */
        uint64_t began_at;
        const struct device *device;
        unsigned resets; /* of the device, before it began */
        unsigned met;    /* enum met */
        unsigned lost, lost_in; /* the device had it in so many resets; the last of them */
} fates[TASKS_MAX];

void fate_reset(void) { memset(fates, 0, sizeof fates); }

void fate_begin(unsigned task, unsigned disk, const struct block_future *io, uint64_t number)
{
        const struct device *device = &world.devices[disk];

        fates[task] = (struct fate){ .io = io, .number = number, .began_at = host.time, .device = device, .resets = device->resets };
}

void fate_end(unsigned task) { fates[task].number = 0; }

static struct fate *find(uint64_t number)
{
        for (unsigned i = 0; number != 0 && i < TASKS_MAX; i++)
                if (fates[i].number == number)
                        return &fates[i];
        return NULL;
}

uint64_t fate_of(const struct block_future *io)
{
        for (unsigned i = 0; i < TASKS_MAX; i++)
                if (fates[i].io == io)
                        return fates[i].number;
        return 0;
}

void fate_met(uint64_t number, enum met met)
{
        struct fate *fate = find(number);

        if (fate)
                fate->met |= met;
}

void fate_lost(uint64_t number, unsigned reset)
{
        struct fate *fate = find(number);

        if (fate && fate->lost_in != reset) {
                fate->lost_in = reset;
                fate->lost++;
        }
}

bool fate_may_send(uint64_t number)
{
        const struct fate *fate = find(number);

        return !fate || fate->lost < RESETS_MAX;
}

/*
 * Whether it was, by the kernel's own clock, in the reset that ended it. Where that is not the only one since it got its
 * seat, there is no telling which it was; and the kernel's clock may be ahead by as much as a batch has requests.
 */
static bool was_overdue(const struct fate *fate)
{
        uint64_t seated = fate->io->seated, reset_at = fate->device->reset_at;

        return fate->device->reset_before + BATCH < seated && seated <= reset_at &&
               reset_at - seated >= world.timeout * TICKS_PER_MS;
}

bool fate_explains(unsigned task, uint64_t end, int result)
{
        const struct fate *fate = &fates[task];
        const struct device *device = fate->device;
        bool taken_back_twice = device->resets - fate->resets >= RESETS_MAX;

        switch (result) {
        case -ERANGE: return end > device->least_said;
        case -EINVAL: return device->config_lied;
        case -EIO: return (fate->met & MET_ERROR) != 0;
        case -ENOTSUP: return (fate->met & MET_UNSUPPORTED) != 0 || device->config_lied;
        case -ENODEV: return (device->status & VIRTIO_STATUS_FAILED) != 0;
        case -ETIMEDOUT: return taken_back_twice && host.time - fate->began_at >= world.timeout * TICKS_PER_MS;
        case -ECANCELED: return taken_back_twice && !was_overdue(fate);
        default: return false;
        }
}
