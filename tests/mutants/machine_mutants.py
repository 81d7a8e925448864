# SPDX-License-Identifier: MIT
"""Mutants of the machine: interrupts, memory, device tree; see suite."""

IRQ, PLIC = "kernel/irq.c", "drivers/plic.c"
MEMORY, TREE, MACHINE = "kernel/memory.c", "kernel/devicetree.c", "kernel/machine.c"

MUTANTS = [
    ("complete-before-handling", IRQ, "plic", {
        "        mmio_write32(claim, source); /*": "        /*",
        "        line->count++;\n": "        mmio_write32(claim, source);\n        line->count++;\n"}),
    ("never-completed", IRQ, "plic", {"        mmio_write32(claim, source); /*": "        /*"}),
    ("storm-without-end", IRQ, "plic", {"                chip.disable(source);\n": "                ;\n"}),
    ("storm-of-what-was-handled", IRQ, "plic", {"line->last_idle - last == 1 ? line->idle + 1 : 1": "line->idle + 1"}),
    ("masked-by-the-enable-bit", PLIC, "plic", {
        "        mmio_write32(priorities + 4 * (uintptr_t)source, 0);\n": """
        uintptr_t word = enables + 4 * (uintptr_t)(source / 32);

        mmio_write32(word, mmio_read32(word) & ~(UINT32_C(1) << source % 32));
"""}),
    ("enabled-without-a-priority", PLIC, "plic", {"        mmio_write32(priorities + 4 * (uintptr_t)source, 1);\n": ""}),
    ("reserved-memory-handed-out", MEMORY, "memory", {"                punch(machine->reserved[i]);\n": "                ;\n"}),
    ("image-handed-out", MEMORY, "memory", {"        punch(image);\n": ""}),
    ("reserved-page-only-in-part", MEMORY, "memory", {"from = ALIGN_DOWN(hole.base, PAGE_SIZE)": "from = ALIGN_UP(hole.base, PAGE_SIZE)"}),
    ("reservation-of-everything-is-none", MEMORY, "memory", {"if (to < hole.base + hole.size)": "if (to < hole.base)"}),
    ("page-zero-handed-out", MEMORY, "memory", {"ALIGN_UP(from ?: 1, PAGE_SIZE)": "ALIGN_UP(from, PAGE_SIZE)"}),
    ("initrd-not-reserved", MACHINE, "devicetree", {
        "if (end > start && add_reserved(machine, (struct range){ start, end - start }) != 0)": "if (false)"}),
    ("tree-itself-not-reserved", MACHINE, "devicetree", {"for (int i = 0; i <= count; i++)": "for (int i = 0; i < count; i++)"}),
    ("reserved-memory-node-unread", MACHINE, "devicetree", {"return add_regs(machine, node, add_reserved);": "return 0;"}),
    ("tree-of-any-size", TREE, "devicetree_damage", {"if (fdt_totalsize(tree) > SIZE_MAX_TREE)": "if (false)"}),
    ("tree-of-any-depth", TREE, "devicetree_shapes", {"parent->depth + 1 == DEPTH_MAX": "false"}),
    ("tree-with-misaligned-blocks", TREE, "devicetree_damage", {
        "if ((fdt_off_dt_struct(tree) & 3) != 0 || (fdt_off_mem_rsvmap(tree) & 7) != 0)": "if (false)"}),
    ("tree-with-endless-reservations", TREE, "devicetree_damage", {"if (fdt_num_mem_rsv(tree) < 0)": "if (false)"}),
    ("tree-with-lengths-that-wrap", TREE, "devicetree_damage", {
        "length_is_sound(tree, offset) ? fdt_next_tag(tree, offset, &next) : FDT_END": "fdt_next_tag(tree, offset, &next)"}),
]
