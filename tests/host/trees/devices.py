# SPDX-License-Identifier: MIT
"""Addresses through buses, interrupts, the PLIC's contexts, and nodes that are not to be used."""
import itertools

from base import (INTC, INTERRUPTS, OF_PLIC, PLIC, REG, contexts, cpu, cpus, device, of_hart, plic, plic_line,
                  refused, tree)

NONE = "-2"             # -ENOENT
WRONG = "-9"            # -EBADF


def regs():
    def with_reg(name, properties, found, bus=None, more=""):
        parts = {"device": device(properties + INTERRUPTS) + more}
        if bus is not None:
            parts["bus"] = bus
        tree(name, lines={"device": [f"device@10001000 {found} interrupt 1 of {OF_PLIC}"]}, **parts)

    with_reg("reg of two entries", "reg = <0x0 0x10001000 0x0 0x200>, <0x0 0x5 0x0 0x6>;", "10001000+200")
    with_reg("reg of nothing", "reg = <0x0 0x10001000 0x0 0x0>;", "10001000+0")
    with_reg("no reg", "", NONE)
    with_reg("reg that is empty", "reg;", WRONG)
    with_reg("reg that is odd", "reg = <0x0 0x10001000 0x0>;", WRONG)
    with_reg("reg of five cells", "reg = <0x0 0x10001000 0x0 0x1000 0x0>;", WRONG)
    with_reg("reg of bytes", "reg = [00 00 00 00 10 00 10 00 00 00 00 00 00 00 10];", WRONG)
    with_reg("reg that wraps around", "reg = <0xffffffff 0xfffff000 0x0 0x2000>;", WRONG)
    with_reg("reg of all there is", "reg = <0x0 0x0 0xffffffff 0xffffffff>;", "0+ffffffffffffffff")


def buses():
    """The whole soc behind ranges: the first device is read through them, the others as well."""
    def through(name, ranges, found, cells="#address-cells = <2>; #size-cells = <2>;", reg=REG, moved=0, **others):
        def at(base, size):
            return f"{base + moved:x}+{size:x}"

        lines = {"plic": [plic_line(reg=at(0xc000000, 0x600000))],
                 "uart": [f"serial@10000000 {at(0x10000000, 0x100)} interrupt 10 of {OF_PLIC}"],
                 "device": [f"device@10001000 {found} interrupt 1 of {OF_PLIC}"], **others}
        tree(name, bus=f"{cells} {ranges}", device=device(reg + INTERRUPTS), lines=lines)

    gone = {"plic": [plic_line(reg=WRONG)], "uart": [f"serial@10000000 {WRONG} interrupt 10 of {OF_PLIC}"]}
    through("ranges that are the identity", "ranges = <0x0 0x0 0x0 0x0 0x1 0x0>;", "10001000+1000")
    through("ranges that move", "ranges = <0x0 0x0 0x40 0x0 0x1 0x0>;", "4010001000+1000", moved=0x4000000000)
    through("ranges that move down", "ranges = <0x0 0xc000000 0x0 0x0 0x1 0x0>;", "4001000+1000", moved=-0xc000000)
    through("ranges in two pieces",
            "ranges = <0x0 0x0 0x1 0x0 0x0 0x10001000>, <0x0 0x10001000 0x2 0x0 0x0 0x1000>;",
            "200000000+1000", moved=0x100000000)
    through("ranges that end within the reg", "ranges = <0x0 0x0 0x0 0x0 0x0 0x10001fff>;", WRONG)
    through("ranges that begin within the reg", "ranges = <0x0 0xc000000 0x0 0xc000000 0x0 0x4000fff>,"
            "<0x0 0x10001001 0x0 0x10001001 0x0 0x10000>;", WRONG)
    through("ranges that end with the reg", "ranges = <0x0 0x0 0x0 0x0 0x0 0x10002000>;", "10001000+1000")
    through("ranges of something else", "ranges = <0x5 0x0 0x0 0x0 0x1 0x0>;", WRONG, **gone)
    through("ranges that are odd", "ranges = <0x0 0x0 0x0 0x0 0x1>;", WRONG, **gone)
    through("ranges of bytes", "ranges = [00 00 00];", WRONG, **gone)
    through("ranges that wrap around", "ranges = <0x0 0x0 0xffffffff 0xfffff000 0x1 0x0>;", WRONG, **gone)
    through("no ranges", "", WRONG, **gone)
    through("a bus of three address cells", "ranges = <0x0 0x0 0x0 0x0 0x0 0x1 0x0>;", WRONG,
            cells="#address-cells = <3>; #size-cells = <2>;", **gone)
    through("a bus of no address cells", "ranges;", WRONG, cells="#address-cells = <0>; #size-cells = <2>;", **gone)
    through("a bus of huge cells", "ranges;", WRONG,
            cells="#address-cells = <0x80000001>; #size-cells = <0xffffffff>;", **gone)
    through("a bus whose cells are bytes", "ranges;", WRONG, cells="#address-cell7 = [02]; #size-cells = <2>;", **gone)

    wide = "#address-cells = <2>; #size-cells = <2>; "
    narrow = """
        outer {{ {outer}
            inner {{ #address-cells = <1>; #size-cells = <1>; {ranges}
                slot@1000 {{
                    compatible = "virtio,mmio"; reg = <0x1000 0x200>; interrupts = <2>; interrupt-parent = <3>;
                }};
            }};
        }};"""
    for name, ranges, found in (
            ("of one cell", "ranges = <0x0 0x5 0x0 0x10000>;", "500001000+200"),
            ("of one cell, at an offset", "ranges = <0x800 0x0 0x70000000 0x10000>;", "70000800+200"),
            ("that end too early", "ranges = <0x0 0x5 0x0 0x11ff>;", WRONG),
            ("that are the identity", "ranges;", "1000+200"),
            ("that wrap around", "ranges = <0x0 0xffffffff 0xffffef00 0x10000>;", WRONG),
            ("that wrap to 0", "ranges = <0x0 0xffffffff 0xfffff000 0x10000>;", WRONG),
            ("of the outer bus's cells", "ranges = <0x0 0x0 0x5 0x0 0x10000>;", WRONG),
            ("that are missing", "", WRONG)):
        tree(f"a bus on a bus, ranges {name}", more=narrow.format(ranges=ranges, outer=wide + "ranges;"),
             lines={"more": [f"slot@1000 {found} interrupt 2 of {OF_PLIC}"]})
    some = "ranges = <0x0 0x0 0x0 0x10000>;"
    for name, ranges, outer in (
            ("whose addresses have no cells", some, "#address-cells = <0>; #size-cells = <2>; ranges;"),
            ("whose addresses have no cells, and yet ranges", "ranges;",
             "#address-cells = <0>; #size-cells = <2>; ranges = <0x0 0x0 0x1 0x0>;"),
            ("whose sizes have no cells", some, "#address-cells = <2>; #size-cells = <0>; ranges = <0x0 0x0 0x0 0x0>;")):
        tree(f"a bus on a bus {name}", more=narrow.format(ranges=ranges, outer=outer),
             lines={"more": [f"slot@1000 {WRONG} interrupt 2 of {OF_PLIC}"]})


def questions():
    """For tests that ask about single nodes."""
    tree("a root that says more", root="""
            #address-cells = <2>; #size-cells = <2>; compatible = "riscv,cpu-intc"; reg = <0x0 0x0 0x0 0x1000>;""")
    tree("a controller of no hart", more="""
            nowhere {
                #address-cells = <2>; #size-cells = <2>;
                a { reg = <0x0 0x99 0x0 0x10>; b { compatible = "riscv,cpu-intc"; phandle = <0x99>; }; };
            };""")
    tree("something of each kind", more="""
            thing {
                text = "a word"; list = "one", "two"; cells = <1 0xffffffff>; bytes = [01 02 03 04 05]; nothing;
                zero = ""; hole = "a", "", "b"; high = [61 80 00]; low = [61 1f 00]; delete = [61 7f 00];
                endless = [61 62]; child { }; sub@1 { deep { }; };
            };""")


def interrupts():
    def with_interrupts(name, properties, found, **parts):
        found = f" interrupt {found}" if found else ""
        tree(name, device=device(REG + properties), lines={"device": [f"device@10001000 10001000+1000{found}"]},
             **parts)

    with_interrupts("no interrupt", "", "")
    with_interrupts("interrupt of the device's own parent", f"interrupts = <7>; interrupt-parent = <{PLIC}>;",
                    f"7 of {OF_PLIC}")
    with_interrupts("interrupt of the bus's parent", "interrupts = <7>;", f"7 of {OF_PLIC}",
                    bus=f"#address-cells = <2>; #size-cells = <2>; ranges; interrupt-parent = <{PLIC}>;")
    with_interrupts("interrupt of the root's parent", "interrupts = <7>;", f"7 of {OF_PLIC}",
                    root=f"#address-cells = <2>; #size-cells = <2>; interrupt-parent = <{PLIC}>;")
    with_interrupts("interrupt of nobody", "interrupts = <7>;", WRONG)
    with_interrupts("two interrupts", f"interrupts = <7 8>; interrupt-parent = <{PLIC}>;", f"7 of {OF_PLIC}")
    with_interrupts("interrupts-extended", f"interrupts-extended = <{PLIC} 9>;", f"9 of {OF_PLIC}")
    with_interrupts("interrupts-extended before interrupts",
                    f"interrupts = <7>; interrupt-parent = <{PLIC}>; interrupts-extended = <{INTC} 5>;",
                    f"5 of {of_hart(0)}")
    with_interrupts("interrupts-extended of three", f"interrupts-extended = <{PLIC} 9 {INTC} 11>;", f"9 of {OF_PLIC}")
    for name, properties in (
            ("empty interrupts", f"interrupts; interrupt-parent = <{PLIC}>;"),
            ("interrupts of bytes", f"interrupts = [00 07]; interrupt-parent = <{PLIC}>;"),
            ("an interrupt-parent that is nobody", "interrupts = <7>; interrupt-parent = <0x99>;"),
            ("an interrupt-parent of 0", "interrupts = <7>; interrupt-parent = <0>;"),
            ("an interrupt-parent of ffffffff", "interrupts = <7>; interrupt-parent = <0xffffffff>;"),
            ("an interrupt-parent of bytes", "interrupts = <7>; interrupt-paren7 = [00 03];"),
            ("an interrupt-parent of three cells", "interrupts = <7>; interrupt-paren7 = <0 0 3>;"),
            ("an interrupt-parent that is itself", "interrupts = <7>; interrupt-parent = <0x55>; phandle = <0x55>;"),
            ("empty interrupts-extended", "interrupts-extended;"),
            ("interrupts-extended of a controller alone", f"interrupts-extended = <{PLIC}>;"),
            ("interrupts-extended of nobody", "interrupts-extended = <0x99 1>;"),
            ("interrupts-extended of bytes", "interrupts-extended = [00 00 00 03 00 00];")):
        with_interrupts(name, properties, WRONG)

    # The nearest interrupt-parent counts, though it be wrong and one above it right.
    with_interrupts("a wrong interrupt-parent below a right one", "interrupts = <7>; interrupt-parent = <0x99>;", WRONG,
                    bus=f"#address-cells = <2>; #size-cells = <2>; ranges; interrupt-parent = <{PLIC}>;")
    circle = """circle { interrupt-parent = <0x71>; phandle = <0x70>;
                a { compatible = "virtio,mmio"; phandle = <0x71>; interrupt-parent = <0x70>; interrupts = <4>; }; };"""
    tree("interrupt-parents in a circle", more=circle, lines={"more": [f"a {NONE} interrupt {WRONG}"]})

    extended = f"interrupts-extended = <{PLIC} 9 4>;"
    for cells, found in (("<2>", f"9 of {OF_PLIC}"), ("<3>", WRONG), ("<0>", WRONG), ("<0xffffffff>", WRONG),
                         ("<0x80000001>", WRONG), ("<0x40000001>", WRONG), ("[01]", WRONG), ("<0 0 1>", WRONG)):
        wrong = "serial@10000000 10000000+100 interrupt " + WRONG
        tree(f"a controller of {cells} interrupt cells", plic=plic(cells=f"#interrupt-cell7 = {cells};"),
             device=device(REG + extended),
             lines={"device": [f"device@10001000 10001000+1000 interrupt {found}"], "uart": [wrong]})
    tree("a controller without interrupt cells", plic=plic(cells=""), lines={
        "uart": [f"serial@10000000 10000000+100 interrupt {WRONG}"],
        "device": [f"device@10001000 10001000+1000 interrupt {WRONG}"]})


def plics():
    """This hart's context, whatever stands before it."""
    def found(name, interrupts, context, interrupt=WRONG, hart=0, **parts):
        parts.setdefault("cpus", cpus(*(cpu(one) for one in range(8))))
        count = parts["cpus"].count('"cpu"')
        tree(name, hart=hart, plic=plic(interrupts), lines={
            "hart": [f"hart {hart} of {count}: " + " ".join(str(one) for one in range(count))],
            "plic": [plic_line(context, interrupt)]}, **parts)

    both = [(INTC + hart, kind) for hart in range(8) for kind in (11, 9)]
    for hart in range(8):
        # The interrupt that dt_interrupt() sees is the first of them, of a controller of one cell.
        first = f"11 of {of_hart(0)}"
        found(f"context of hart {hart} in order", contexts(*both), 2 * hart + 1, first, hart)
        backwards = both[::-1]
        found(f"context of hart {hart} backwards", contexts(*backwards), backwards.index((INTC + hart, 9)),
              f"9 of {of_hart(7)}", hart)
    shuffled = [both[i] for i in (3, 14, 0, 9, 1, 8, 15, 2, 7, 12, 4, 11, 5, 13, 6, 10)]
    for hart in (0, 3, 7):
        found(f"context of hart {hart} shuffled", contexts(*shuffled), shuffled.index((INTC + hart, 9)),
              f"9 of {of_hart(1)}", hart)
    gaps = list(itertools.chain.from_iterable(((INTC + hart, 0xffffffff), (INTC + hart, 9)) for hart in range(8)))
    found("contexts that are not there", contexts(*gaps), 11, f"{0xffffffff} of {of_hart(0)}", 5)
    found("contexts of nobody", contexts((0xffffffff, 0xffffffff), (0, 0), (INTC, 9)), 2, WRONG)
    found("contexts of S-mode alone", contexts(*((INTC + hart, 9) for hart in range(8))), 6, f"9 of {of_hart(0)}", 6)
    found("a first context that counts twice", contexts((INTC, 9), (INTC, 9)), 0, f"9 of {of_hart(0)}")
    found("contexts of M-mode alone", contexts((INTC, 11), (INTC + 1, 11)), NONE, f"11 of {of_hart(0)}")
    found("contexts of another hart", contexts((INTC + 1, 11), (INTC + 1, 9)), NONE, f"11 of {of_hart(1)}")
    found("no contexts", "", WRONG, "")
    found("contexts without a byte", "interrupts-extended;", NONE)
    found("contexts that are odd", contexts(*both).replace(">;", " 0x10>;"), WRONG, f"11 of {of_hart(0)}")
    found("contexts of a hart without a controller", contexts(*both), WRONG, WRONG,
          cpus=cpus('cpu@0 { device_type = "cpu"; reg = <0>; };'))
    found("contexts of a hart whose controller is disabled", contexts(*both), WRONG, f"11 of {of_hart(0)}",
          cpus=cpus(cpu(0, intc='status = "disabled";')))
    found("contexts of a hart whose controller has no phandle", contexts(*both), WRONG, WRONG,
          cpus=cpus('cpu@0 { device_type = "cpu"; reg = <0>; intc { compatible = "riscv,cpu-intc"; }; };'))


def nodes():
    gone = {"device": []}
    for status in ('"disabled"', '"fail"', '"fail-sss"', '"reserved"', '"OKAY"', '"okay "', '""', "[6f 6b]", "<0>",
                   '"okay", "okay"'):
        tree(f"a device of status {status}", device=device(REG + INTERRUPTS + f"status = {status};"), lines=gone)
    tree("a device of status without a byte", device=device(REG + INTERRUPTS + "status;"), lines=gone)
    for status in ('"okay"', '"ok"'):
        tree(f"a device of status {status}", device=device(REG + INTERRUPTS + f"status = {status};"))
    for compatible, is_found in (('"x", "virtio,mmio"', True), ('"virtio,mmio", "x"', True), ('"virtio,mmi"', False),
                                 ('"virtio,mmiox"', False), ('""', False), ('"x,virtio,mmio"', False), ("<0>", False),
                                 ("[76 69 72 74 69 6f 2c 6d 6d 69 6f 20]", False), ("[00 00 00]", False),
                                 ("[76 69 72 74 69 6f 2c 6d 6d 69 6f]", False)):
        node = f"device@10001000 {{ compatible = {compatible}; {REG} {INTERRUPTS} }};"
        tree(f"compatible with {compatible}", device=node, lines={} if is_found else gone)
    deep = "".join(f"n{i} {{ " for i in range(14)), "};" * 14
    slot = '{ compatible = "virtio,mmio"; };'
    tree("nodes sixteen deep", more=f"{deep[0]} slot {slot} {deep[1]}", lines={"more": [f"slot {NONE}"]})
    refused("nodes seventeen deep", more=f"{deep[0]} slot {{ inner {slot} }}; {deep[1]}")
    refused("nodes two hundred deep", more="".join(f"n{i} {{ " for i in range(200)) + "};" * 200)
    tree("nodes by the hundred", more="".join(f"n{i} {{ p = <{i}>; }};" for i in range(900)))
    refused("nodes by the thousand", more="".join(f"n{i} {{ }};" for i in range(1100)))
    refused("properties by the thousand", more="n { " + "".join(f"p{i};" for i in range(4200)) + " };")
    tree("two nodes of one phandle", more="n { phandle = <3>; #interrupt-cells = <7>; };")
    tree("a node whose name is long", more=f"{'n' * 31}@{'1' * 200} {{ compatible = \"virtio,mmio\"; }};",
         lines={"more": [f"{'n' * 31}@{'1' * 200} {NONE}"]})


def all_of_them():
    regs()
    buses()
    questions()
    interrupts()
    plics()
    nodes()
