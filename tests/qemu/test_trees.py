# SPDX-License-Identifier: MIT
"""Device trees that are well formed and say something else, or something wrong.

The tree is changed between the firmware and the kernel: the firmware would not survive it.
"""
import disk
from machine import boot
from start import edited, with_tree
from tap import expect_equal, test
from tree import Node, cells, wide

PLIC, SLOT, UART, FINISHER, CPU_INTC = "sifive,plic-1.0.0", "virtio,mmio", "ns16550a", "sifive,test1", "riscv,cpu-intc"


def one_disk(t):
    return [disk.image(disk.make(t.path("disk")))]


def refused(t, edit):
    """One sentence and exit 4. The finisher may not have been found yet: the line counts."""
    run = with_tree(t, edited(edit), disks=one_disk(t))
    run.check_refusal(4, "device tree", statuses=(0, 4))


def accepted(t, edit, code=0, statuses=None, append="job=demo", transport="modern"):
    run = with_tree(t, edited(edit), append, disks=one_disk(t), transport=transport)
    return run.check(code, statuses=statuses)


# A property that is gone, or has another value: (name, node, property, value; None: gone) ------

def memory(root):
    return root.child("memory")


def cpus(root):
    return root.child("cpus")


def cpu(root):
    return cpus(root).child("cpu")


def first(compatible):
    return lambda root: root.compatible(compatible)[0]


def root_itself(root):
    return root


WRONG = [
    ("memory: no reg", memory, "reg", None),
    ("memory: a reg of three cells", memory, "reg", cells(0, 0x80000000, 0)),
    ("memory: an empty reg", memory, "reg", b""),
    ("memory: of no size", memory, "reg", wide(0x80000000, 0)),
    ("memory: wraps around", memory, "reg", wide(0xfffffffffffff000, 0x2000)),
    ("memory: not where the kernel is", memory, "reg", wide(0x1000000000, 0x8000000)),
    ("memory: ends within the kernel", memory, "reg", wide(0x80000000, 0x201000)),
    ("memory: overlaps itself", memory, "reg", wide(0x80000000, 0x8000000, 0x84000000, 0x8000000)),
    ("memory: too many pieces", memory, "reg",
     wide(*(x for i in range(400) for x in (0x80000000 + (i << 24), 1 << 20)))),
    ("memory: no device_type", memory, "device_type", None),
    ("cells: no #address-cells can be three", root_itself, "#address-cells", cells(3)),
    ("cells: an #address-cells of none", root_itself, "#address-cells", cells(0)),
    ("cells: an absurd #size-cells", root_itself, "#size-cells", cells(0x40000000)),
    ("cells: of two bytes", root_itself, "#size-cells", b"\0\2"),
    ("timebase: missing", cpus, "timebase-frequency", None),
    ("timebase: zero", cpus, "timebase-frequency", cells(0)),
    ("timebase: an absurd one", cpus, "timebase-frequency", cells(0x10000000, 0)),
    ("timebase: nanoseconds of it would overflow", cpus, "timebase-frequency", cells(2, 0x540be401)),
    ("timebase: of two bytes", cpus, "timebase-frequency", b"\0\1"),
    ("timebase: of three cells", cpus, "timebase-frequency", cells(0, 0, 10000000)),
    ("cpu: no reg", cpu, "reg", None),
    ("cpu: the boot hart is another", cpu, "reg", cells(7)),
    ("cpu: the boot hart is disabled", cpu, "status", b"disabled\0"),
    ("cpu: no device_type", cpu, "device_type", None),
    ("PLIC: no interrupts-extended", first(PLIC), "interrupts-extended", None),
    ("PLIC: no context of this hart", first(PLIC), "interrupts-extended", cells(77, 11, 77, 9)),
    ("PLIC: only the M-mode context of this hart", first(PLIC), "interrupts-extended", cells(2, 11)),
    ("PLIC: its own interrupt parent", first(PLIC), "interrupts-extended", cells(3, 11, 3, 9)),
    ("PLIC: half an entry", first(PLIC), "interrupts-extended", cells(2, 11, 2)),
    ("PLIC: no riscv,ndev", first(PLIC), "riscv,ndev", None),
    ("PLIC: an absurd riscv,ndev", first(PLIC), "riscv,ndev", cells(0xffffffff)),
    ("PLIC: no reg", first(PLIC), "reg", None),
    ("PLIC: a reg too small for its contexts", first(PLIC), "reg", wide(0xc000000, 0x1000)),
    ("PLIC: a reg that wraps around", first(PLIC), "reg", wide(0xfffffffffffff000, 0x600000)),
    ("PLIC: in memory", first(PLIC), "reg", wide(0x80200000, 0x600000)),
    ("cpu-intc: without a phandle", first(CPU_INTC), "phandle", None),
    ("slot: no interrupts", first(SLOT), "interrupts", None),
    ("slot: interrupts of two bytes", first(SLOT), "interrupts", b"\0\1"),
    ("slot: interrupts of no cell", first(SLOT), "interrupts", b""),
    ("slot: interrupt 0", first(SLOT), "interrupts", cells(0)),
    ("slot: an interrupt that the PLIC has not", first(SLOT), "interrupts", cells(1000)),
    ("slot: an absurd interrupt", first(SLOT), "interrupts", cells(0xffffffff)),
    ("slot: an interrupt parent that does not exist", first(SLOT), "interrupt-parent", cells(0x99)),
    ("slot: no interrupt parent", first(SLOT), "interrupt-parent", None),
    ("slot: no reg", first(SLOT), "reg", None),
    ("slot: an empty reg", first(SLOT), "reg", b""),
    ("slot: a reg of one cell", first(SLOT), "reg", cells(0x10008000)),
    ("slot: of no size", first(SLOT), "reg", wide(0x10008000, 0)),
    ("slot: a reg that wraps around", first(SLOT), "reg", wide(0xfffffffffffff000, 0x2000)),
    ("slot: in the kernel's memory", first(SLOT), "reg", wide(0x80200000, 0x1000)),
    ("slot: beyond what can be mapped", first(SLOT), "reg", wide(1 << 60, 0x1000)),
    ("UART: no reg", first(UART), "reg", None),
    ("UART: of no size", first(UART), "reg", wide(0x10000000, 0)),
    ("UART: an absurd reg-shift", first(UART), "reg-shift", cells(40)),
    ("finisher: no reg", first(FINISHER), "reg", None),
    ("finisher: of no size", first(FINISHER), "reg", wide(0x100000, 0)),
    ("chosen: bootargs without an end", lambda root: root.child("chosen"), "bootargs", b"job=demo"),
    ("chosen: an initrd that ends before it begins", lambda root: root.child("chosen"), "linux,initrd-end", wide(0)),
]

for name, place, key, value in WRONG:
    @test(f"tree: {name}", place=place, key=key, value=value)
    def wrong_property(t, place, key, value):
        def edit(root):
            if key == "linux,initrd-end":
                place(root)["linux,initrd-start"] = wide(0x84000000)
            if value is None:
                place(root).properties.pop(key, None)
            else:
                place(root)[key] = value
        refused(t, edit)


def remove(path):
    def edit(root):
        root.remove(path(root))
    return edit


def self_parent(root):
    slot = root.compatible(SLOT)[0]
    slot["phandle"] = slot["interrupt-parent"] = cells(0x77)


def parents_in_a_ring(root):
    one, other = root.compatible(SLOT)[:2]
    one["phandle"], other["phandle"] = cells(0x77), cells(0x78)
    one["interrupt-parent"], other["interrupt-parent"] = cells(0x78), cells(0x77)


def same_interrupt(root):
    for slot in root.compatible(SLOT):
        slot["reg"], slot["interrupts"] = wide(0x10008000, 0x1000), cells(8)


def soc(root, **properties):
    (bus,) = root.compatible("simple-bus")[-1:]
    bus.properties.update({name.replace("_", "-"): value for name, value in properties.items()})


def reserved(*values):
    def edit(root):
        root.children.append(Node("reserved-memory", {"#address-cells": cells(2), "#size-cells": cells(2),
                                                      "ranges": b""}, [Node("some@0", {"reg": values[0]})]))
    return edit


@test("tree: no memory node", edit=remove(memory))
@test("tree: no cpus", edit=remove(cpus))
@test("tree: no cpu", edit=remove(cpu))
@test("tree: a slot is its own interrupt parent", edit=self_parent)
@test("tree: two slots are each other's interrupt parents", edit=parents_in_a_ring)
@test("tree: two slots at one place", edit=same_interrupt)
@test("tree: a bus that translates nothing", edit=lambda root: soc(root, ranges=wide(0, 0x90000000, 0x1000)))
@test("tree: a bus with half a range", edit=lambda root: soc(root, ranges=cells(0, 0, 0)))
@test("tree: reserved memory of three cells", edit=reserved(cells(0, 0x84000000, 0)))
@test("tree: reserved memory that wraps around", edit=reserved(wide(0xfffffffffffff000, 0x2000)))
@test("tree: a thousand pieces of reserved memory",
      edit=reserved(wide(*(x for i in range(1000) for x in (0x84000000 + i * 0x2000, 0x1000)))))
@test("tree: an empty root", edit=lambda root: Node("") if root else None)
def wrong_tree(t, edit):
    refused(t, edit)


@test("tree: a slot where nobody answers", place=first(SLOT), address=0x10009000)
@test("tree: a UART where nobody answers", place=first(UART), address=0x10009000)
@test("tree: a PLIC where nobody answers", place=first(PLIC), address=0x18000000)
def nobody_answers(t, place, address):
    """A load that faults is the tree's fault, and no panic."""
    def edit(root):
        place(root)["reg"] = wide(address, 0x600000 if place(root).name.startswith("plic") else 0x1000)
    run = with_tree(t, edited(edit), disks=one_disk(t))
    run.check_refusal(4, "device tree", statuses=(0, 4), provoked=["Invalid read", "Invalid write"])


# Trees that say the same thing, or less, in other words ----------------------------------------

def rename(root):
    for number, node in enumerate(root.everything()):
        if any(node in root.compatible(word) for word in (PLIC, SLOT, UART, FINISHER, "simple-bus")):
            node.name = f"thing{number}"
    del root.child("chosen")["stdout-path"]


def narrow(root):
    """A bus with one cell for an address, and addresses of its own."""
    bus = root.compatible("simple-bus")[-1]
    base = 0x40000000
    bus["#address-cells"] = bus["#size-cells"] = cells(1)
    bus["ranges"] = cells(base, 0, 0, base)
    for node in bus.children:
        if len(node.properties.get("reg", b"")) != 16 or node.name.startswith("pci"):
            continue
        reg = node["reg"]
        node["reg"] = cells(int.from_bytes(reg[:8], "big") + base, int.from_bytes(reg[8:], "big"))


def extended(root):
    for slot in root.compatible(SLOT):
        slot["interrupts-extended"] = slot["interrupt-parent"] + slot["interrupts"]
        del slot["interrupts"], slot["interrupt-parent"]


def inherited(root):
    """The interrupt parent is said once, at the top."""
    root["interrupt-parent"] = root.compatible(SLOT)[0]["interrupt-parent"]
    for slot in root.compatible(SLOT):
        del slot["interrupt-parent"]


def split_memory(root):
    node = memory(root)
    node["reg"] = wide(0x80000000, 0x2000000, 0x82000000, 0x2000000)
    root.children.append(Node("memory@84000000", {"device_type": b"memory\0", "reg": wide(0x84000000, 0x4000000)}))


def reversed_slots(root):
    bus = root.compatible("simple-bus")[-1]
    bus.children.reverse()


def disabled(compatible):
    def edit(root):
        for node in root.compatible(compatible):
            node["status"] = b"disabled\0"
    return edit


def no_device(root):
    """The disk's slot leads to registers that are no virtio device's."""
    root.compatible(SLOT)[0]["reg"] = wide(0x101000, 0x1000)


@test("tree: other node names", edit=rename)
@test("tree: a bus with addresses of its own", edit=narrow)
@test("tree: interrupts-extended at the slots", edit=extended)
@test("tree: one interrupt-parent at the root", edit=inherited)
@test("tree: memory in three pieces", edit=split_memory)
@test("tree: the devices in another order", edit=reversed_slots)
@test("tree: most memory is reserved", edit=reserved(wide(0x80800000, 0x7000000)))
@test("tree: no UART, so the firmware prints", edit=disabled(UART))
def same_tree(t, edit):
    for transport in ("modern", "legacy"):
        accepted(t, edit, transport=transport)


@test("tree: by -dtb, other node names", edit=rename, code=0)
@test("tree: by -dtb, memory in three pieces", edit=split_memory, code=0)
@test("tree: by -dtb, memory of three cells",
      edit=lambda root: memory(root).properties.update(reg=cells(1, 2, 3)), code=4)
def by_option(t, edit, code):
    """The firmware has the same tree then, and adds to it what it reserves."""
    dumped, path = t.path("virt.dtb"), t.path("other.dtb")
    boot(t, board=f"virt,dumpdtb={dumped}")
    blob = edited(edit)(disk.content(dumped))
    disk.make(path, len(blob), blob)
    run = boot(t, "job=demo", disks=one_disk(t), arguments=["-dtb", path])
    run.check(code, statuses=(0, code))


@test("tree: the disk's slot is disabled", edit=disabled(SLOT), code=3)
@test("tree: the disk's slot is none (virtio 1.2, 4.2.2.2: ignored)", edit=no_device, code=3)
@test("tree: the PLIC is disabled", edit=disabled(PLIC), code=3)
def less_tree(t, edit, code):
    accepted(t, edit, code)


@test("tree: no finisher, so the exit line alone has the code", append="job=demo", code=0)
@test("tree: no finisher, and a code other than 0", append="job=nonsense", code=4)
@test("tree: no finisher, and a panic", append="job=panic", code=5)
def no_finisher(t, append, code):
    run = accepted(t, disabled(FINISHER), code, statuses=(0,), append=append)
    expect_equal("QEMU's status", run.status, 0)
