/* SPDX-License-Identifier: MIT */
/* driver.c - brings drivers and devices together, by `compatible` and by virtio's device type. */
#include "driver.h"

#include <errno.h>
#include <stddef.h>

#include "printk.h"
#include "trap.h"
#include "util.h"
#include "virtio.h"
#include "vm.h"

static int probe_node(const struct driver *driver, struct device_node *node)
{
        if (dt_reg(node->at, 0, &node->reg) != 0 || node->reg.size == 0)
                return dt_refuse(node->at, "reg is missing, or makes no sense");
        if (dt_interrupt(node->at, &node->interrupt, &node->controller) == -EBADF)
                return dt_refuse(node->at, "its interrupt makes no sense");
        if (vm_map(node->reg, VM_READ | VM_WRITE) != 0)
                return dt_refuse(node->at, "reg is no place for a device's registers");
        trap_expect(node->at);

        int error = driver->probe(node);

        trap_expect(NULL);
        return error == -EBADF ? error : 0; /* any other failure was told, and costs only this device */
}

static bool matches(const struct dt_node *at, const struct driver *driver)
{
        for (const char *const *compatible = driver->compatible; *compatible; compatible++)
                if (dt_compatible(at, *compatible))
                        return true;
        return false;
}

int drivers_probe(const struct machine *machine, const struct driver *const *table)
{
        for (; *table; table++) {
                const struct dt_node *at = NULL;

                while ((at = dt_next(at)) != NULL) {
                        struct device_node node = { .at = at, .machine = machine };

                        if (matches(at, *table) && probe_node(*table, &node) != 0)
                                return -EBADF;
                }
        }
        return 0;
}

/* The words for a virtio device type (virtio 1.2, 5). */
static const char *type_words(uint32_t type)
{
        static const char *const words[] = {
                [1] = "network", [2] = "block", [3] = "console", [4] = "entropy", [5] = "memory balloon", [8] = "SCSI",
                [9] = "9P", [16] = "GPU", [18] = "input", [19] = "socket", [20] = "crypto", [24] = "memory",
                [25] = "sound", [26] = "file system",
        };

        return type < ARRAY_SIZE(words) && words[type] ? words[type] : "unknown";
}

int virtio_probe(struct virtio_device *device)
{
        const struct virtio_driver *const *driver = virtio_drivers;

        while (*driver && (*driver)->type != device->type)
                driver++;
        log_line(*driver ? LOG_DEBUG : LOG_INFO, "%s: device of type %u, %s: %s", device->node, device->type,
                 type_words(device->type), *driver ? (*driver)->name : "no driver");
        return *driver ? (*driver)->probe(device) : 0;
}
