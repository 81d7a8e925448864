# SPDX-License-Identifier: MIT
"""Mistakes in what stands between the machine and the block layer, and in what runs at boot; see suite."""

PLIC, IRQ, MMIO, VIRTIO = "drivers/plic.c", "kernel/irq.c", "drivers/virtio_mmio.c", "drivers/virtio.c"
TREE, MACHINE, DRIVERS, ARGS = "kernel/devicetree.c", "kernel/machine.c", "kernel/driver.c", "kernel/args.c"
MEMORY, TIMER, RECORD, CHECK = "kernel/memory.c", "kernel/timer.c", "kernel/jobs/record.c", "kernel/block_check.c"
DISK, SETUP, RING, SPLIT = "drivers/virtio_blk.c", "drivers/virtio_blk_setup.c", "include/virtqueue_ring.h", "include/virtqueue_split.h"

MUTANTS = [
    # The interrupt's way.
    ("plic-other-sources-disabled", PLIC, "plic", {"mmio_read32(word) | UINT32_C(1)": "UINT32_C(1)"}),
    ("plic-enable-word-of-another-source", PLIC, "plic", {"4 * (uintptr_t)(source / 32)": "4 * (uintptr_t)(source / 16)"}),
    ("plic-context-of-hart-0", PLIC, "plic", {
        "node->reg.base + ENABLE + (uintptr_t)context * ENABLE_STRIDE": "node->reg.base + ENABLE"}),
    ("plic-threshold-left-as-it-was", PLIC, "plic", {
        "        mmio_write32(node->reg.base + THRESHOLD + (uintptr_t)context * CONTEXT_STRIDE, 0);\n": ""}),
    ("irq-claim-of-nothing-is-served", IRQ, "plic", {"        if (source == 0)\n                return;\n": ""}),
    ("irq-source-beyond-the-table", IRQ, "plic", {"source == 0 || source > chip.sources": "source == 0 || false"}),
    ("irq-taken-line-given-away", IRQ, "plic", {
        "        if (lines[source].handler)\n                return -EBUSY;\n": ""}),

    # The transport, and bringing a device up.
    ("mmio-high-features-forgotten", MMIO, "virtio_mmio", {
        "write(device, DRIVER_FEATURES, (uint32_t)(features >> 32 * half))": "write(device, DRIVER_FEATURES, (uint32_t)features)"}),
    ("virtio-accepts-all-that-is-offered", VIRTIO, "virtio", {
        "device->features = device->offered & supported;": "device->features = device->offered;"}),

    # The ring and the disk.
    ("used-idx-off-by-one", SPLIT, "virtqueue_lies", {
        "<= (uint16_t)(shared_load(&queue->published) - last)": "<= (uint16_t)(shared_load(&queue->published) - last) + 1"}),
    ("used-idx-without-wrap", SPLIT, "virtqueue_numbers", {"if ((uint16_t)(idx - last) <= ": "if (idx - last <= "}),
    ("event-late-by-one", RING, "virtqueue_numbers", {"(uint16_t)(new - event - 1)": "(uint16_t)(new - event)"}),
    ("event-without-wrap", RING, "virtqueue_numbers", {
        "(uint16_t)(new - event - 1) < (uint16_t)(new - old)": "event >= old && event < new"}),
    ("id-off-by-one", RING, "virtqueue_numbers", {"id >= queue->seats": "id > queue->seats"}),

    # The device tree.
    ("tree-ends-before-its-nodes", TREE, "devicetree_shapes", {"node || node_count == 0 ? ": "false ? "}),
    ("tree-string-without-an-end", TREE, "devicetree", {
        "text && strnlen(text, (size_t)length) + 1 == (size_t)length ? text": "text ? text"}),
    ("tree-disabled-is-enabled", TREE, "devicetree", {
        "list_has(list, length, compatible) && dt_enabled(node)": "list_has(list, length, compatible)"}),
    ("tree-reg-beyond-its-end", TREE, "devicetree", {"if (index >= (unsigned)(length / entry))": "if (index > (unsigned)(length / entry))"}),
    ("tree-reg-not-translated", TREE, "devicetree", {"                if (translate(bus, range) != 0)": "                if (false)"}),
    ("tree-range-that-wraps", TREE, "devicetree", {"range->base + range->size < range->base ? -EBADF : 0": "0"}),
    ("tree-interrupt-parent-of-the-node-alone", TREE, "devicetree", {
        "                for (; node && dt_number(node, \"interrupt-parent\", &phandle) == -ENOENT; node = node->parent)\n                        ;\n":
            "                dt_number(node, \"interrupt-parent\", &phandle);\n"}),
    ("tree-any-context-of-the-hart", TREE, "devicetree", {" && fdt32_ld(&cells[1]) == SUPERVISOR_EXTERNAL": ""}),
    ("machine-disabled-memory-used", MACHINE, "devicetree", {"dt_enabled(node) ? add_regs(machine, node, add_memory) : 0": "add_regs(machine, node, add_memory)"}),
    ("machine-without-the-boot-hart", MACHINE, "devicetree", {"!boot_hart_found ?": "false ?"}),
    ("driver-of-an-empty-reg", DRIVERS, "driver", {" || node->reg.size == 0": ""}),
    ("driver-failure-ends-the-boot", DRIVERS, "driver", {"error == -EBADF ? error : 0": "error"}),

    # Boot arguments, memory, time, records.
    ("args-number-overflows", ARGS, "args", {"__builtin_mul_overflow(*number, base, number)": "(*number *= base, false)"}),
    ("args-suffix-overflows", ARGS, "args", {" || *number > UINT64_MAX >> shift": ""}),
    ("args-any-number-in-range", ARGS, "args", {"number < key->minimum || number > key->maximum": "false"}),
    ("args-key-twice", ARGS, "args", {"(*seen & 1u << i) != 0": "false"}),
    ("args-part-of-a-key", ARGS, "args", {"strlen(text) == word.length && memcmp": "memcmp"}),
    ("args-any-queue-size", ARGS, "args", {"(arguments.queue_size & (arguments.queue_size - 1)) != 0": "false"}),
    ("args-rest-of-a-number-ignored", ARGS, "args", {"i == start || i < value.length ||": "i == start ||"}),
    ("memory-end-of-a-hole-free", MEMORY, "memory", {"to = ALIGN_UP(hole.base + hole.size, PAGE_SIZE)": "to = ALIGN_DOWN(hole.base + hole.size, PAGE_SIZE)"}),
    ("memory-behind-a-hole-lost", MEMORY, "memory", {"                add_piece(to > base ? to : base, end);\n": ""}),
    ("memory-handed-out-twice", MEMORY, "memory", {"                pieces[i].next = start + bytes;\n": ""}),
    ("memory-not-cleared", MEMORY, "memory", {"memset((void *)(uintptr_t)start, 0, bytes)": "(void *)(uintptr_t)start"}),
    ("memory-of-too-many-bytes", MEMORY, "memory", {"|| bytes > end - start": ""}),
    ("timer-withdrawn-and-still-armed", TIMER, "timer", {"                        take_out(self);\n": "                        ;\n"}),
    ("timer-next-not-programmed", TIMER, "timer", {"                program(root->deadline);\n": ""}),
    ("timer-interrupt-not-masked", TIMER, "timer", {"        interrupts_mask_timer();\n": ""}),
    ("timer-sum-wraps", TIMER, "timer", {
        "__builtin_add_overflow(timer_now(), timer_ticks(milliseconds), &deadline) ? UINT64_MAX : deadline":
            "(deadline = timer_now() + timer_ticks(milliseconds))"}),
    ("record-of-another-sector", RECORD, "record", {"record->lba != lba": "false"}),
    ("record-of-another-seed", RECORD, "record", {"record->seed != seed": "false"}),
    ("record-with-any-checksum", RECORD, "record", {"record->crc32c != crc32c(record, CHECKED_BYTES)": "false"}),
    ("record-with-any-pattern", RECORD, "record", {"!pattern_is_right(record)": "false"}),
    ("record-half-zero-is-zero", RECORD, "record", {"i < sizeof(struct record) / sizeof *words": "i < sizeof(struct record) / sizeof *words / 2"}),
]
