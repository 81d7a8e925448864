# SPDX-License-Identifier: MIT
"""A device tree source in parts, and what is to be read in it.

tree() makes one of the machine below with some parts replaced, and says which lines of the report
(tests/host/tree_report.c) are others for it; refused() makes one that the kernel must not take.
"""
PLIC = 3                # its phandle
INTC = 0x10             # of hart 0's interrupt controller; hart 1 has the next one

CASES = []


class Case:
    def __init__(self, name, source, hart, lines, blob=None):
        self.name, self.source, self.hart = name, source, hart
        self.lines = lines      # None: to be refused
        self.blob = blob        # a tree that is there already


def cpu(hart, phandle=None, reg=None, more="", intc=""):
    """A cpu node, with the controller of its own interrupts."""
    reg = f"<{hart:#x}>" if reg is None else reg
    return f"""
        cpu@{hart:x} {{
            device_type = "cpu"; reg = {reg}; {more}
            interrupt-controller {{
                #interrupt-cells = <1>; interrupt-controller; compatible = "riscv,cpu-intc";
                phandle = <{INTC + hart if phandle is None else phandle:#x}>; {intc}
            }};
        }};"""


def cpus(*nodes, cells="#address-cells = <1>; #size-cells = <0>;", clock="timebase-frequency = <10000000>;"):
    return f"cpus {{ {cells} {clock} {''.join(nodes)} }};"


def contexts(*pairs):
    """interrupts-extended of (phandle, interrupt)s."""
    return "interrupts-extended = <" + " ".join(f"{a:#x} {b:#x}" for a, b in pairs) + ">;"


def plic(interrupts=None, reg="reg = <0x0 0xc000000 0x0 0x600000>;", cells="#interrupt-cells = <1>;", more=""):
    if interrupts is None:
        interrupts = contexts((INTC, 11), (INTC, 9))
    return f"""
        plic@c000000 {{
            compatible = "sifive,plic-1.0.0", "riscv,plic0"; {reg} {cells} {interrupts}
            interrupt-controller; riscv,ndev = <95>; phandle = <{PLIC}>; {more}
        }};"""


def of_hart(hart):
    """How the controller of a hart's own interrupts is reported."""
    return f"cpu@{hart:x}/interrupt-controller"


OF_PLIC = "soc/plic@c000000"


def plic_line(context=1, interrupt=f"11 of {of_hart(0)}", reg="c000000+600000"):
    """How it is reported; the interrupt is the first of its contexts."""
    return f"plic@c000000 {reg}{f' interrupt {interrupt}' if interrupt else ''} context {context}"


def device(properties, name="device@10001000"):
    """A virtio slot; `properties` in the place of its reg and interrupts."""
    return f'{name} {{ compatible = "virtio,mmio"; {properties} }};'


REG = "reg = <0x0 0x10001000 0x0 0x1000>;"
INTERRUPTS = f"interrupts = <1>; interrupt-parent = <{PLIC}>;"

PARTS = {
    "reserve": "",
    "root": "#address-cells = <2>; #size-cells = <2>;",
    "chosen": 'chosen { bootargs = "job=demo"; stdout-path = "/soc/serial@10000000"; };',
    "aliases": "",
    "memory": 'memory@80000000 { device_type = "memory"; reg = <0x0 0x80000000 0x0 0x8000000>; };',
    "reserved": "",
    "cpus": cpus(cpu(0)),
    "bus": 'compatible = "simple-bus"; #address-cells = <2>; #size-cells = <2>; ranges;',
    "plic": plic(),
    "uart": f"""
        serial@10000000 {{
            compatible = "ns16550a"; reg = <0x0 0x10000000 0x0 0x100>; interrupts = <10>; interrupt-parent = <{PLIC}>;
        }};""",
    "device": device(REG + INTERRUPTS),
    "more": "",
}

LINES = {
    "hart": ["hart 0 of 1: 0"],
    "clock": ["clock 10000000"],
    "bootargs": ['bootargs "job=demo"'],
    "stdout": ["stdout serial@10000000"],
    "memory": ["memory 80000000+8000000"],
    "reserved": [],
    "plic": [plic_line()],
    "uart": ["serial@10000000 10000000+100 interrupt 10 of soc/plic@c000000"],
    "device": ["device@10001000 10001000+1000 interrupt 1 of soc/plic@c000000"],
    "more": [],
}


def source_of(parts):
    unknown = set(parts) - set(PARTS)
    assert not unknown, unknown
    p = {**PARTS, **parts}
    return f"""/dts-v1/;
{p["reserve"]}
/ {{
    {p["root"]}
    {p["chosen"]}
    {p["aliases"]}
    {p["memory"]}
    {p["reserved"]}
    {p["cpus"]}
    soc {{ {p["bus"]} {p["plic"]} {p["uart"]} {p["device"]} }};
    {p["more"]}
}};
"""


def tree(name, lines=None, hart=0, **parts):
    """A good tree; `lines`: a dictionary of those that are not as in LINES."""
    lines = lines or {}
    assert not set(lines) - set(LINES), lines
    CASES.append(Case(name, source_of(parts), hart, [line for key in LINES for line in lines.get(key, LINES[key])]))


def refused(name, hart=0, **parts):
    CASES.append(Case(name, source_of(parts), hart, None))
