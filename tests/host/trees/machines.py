# SPDX-License-Identifier: MIT
"""Memory, harts, and what the user chose."""
from base import INTC, contexts, cpu, cpus, of_hart, plic, plic_line, refused, tree


def memory(*regs, name="memory@80000000", more=""):
    text = ", ".join(f"<{reg}>" for reg in regs)
    return f'{name} {{ device_type = "memory"; reg = {text}; {more} }};'


HIGH = "0x0 0x80000000 0x0 0x8000000"


def memories():
    tree("plain")
    tree("memory of two regs", memory=memory(HIGH, "0x1 0x0 0x0 0x40000000"),
         lines={"memory": ["memory 80000000+8000000", "memory 100000000+40000000"]})
    tree("memory of two nodes", memory=memory(HIGH) + memory("0x0 0x90000000 0x0 0x1000", name="memory@90000000"),
         lines={"memory": ["memory 80000000+8000000", "memory 90000000+1000"]})
    tree("memory nodes that touch, the higher first",
         memory=memory("0x0 0x88000000 0x0 0x1000", name="memory@88000000") + memory(HIGH),
         lines={"memory": ["memory 88000000+1000", "memory 80000000+8000000"]})
    tree("memory of nothing beside some", memory=memory(HIGH, "0x5 0x0 0x0 0x0"))
    tree("memory beyond 2^40", memory=memory(HIGH, "0x8000 0x0 0x100 0x0"),
         lines={"memory": ["memory 80000000+8000000", "memory 800000000000+10000000000"]})
    tree("memory up to the last byte but one", memory=memory(HIGH, "0xffffffff 0xfffff000 0x0 0xfff"),
         lines={"memory": ["memory 80000000+8000000", "memory fffffffffffff000+fff"]})
    tree("memory by another name", memory=memory(HIGH, name="ram"))
    tree("memory of status okay", memory=memory(HIGH, more='status = "okay";'))
    tree("memory that is disabled", memory=memory(HIGH) + memory("0x0 0x90000000 0x0 0x1000", name="memory@90000000",
                                                                  more='status = "disabled";'))
    tree("memory that is reserved by its status", memory=memory(HIGH) + memory(
        "0x0 0x90000000 0x0 0x1000", name="memory@90000000", more='status = "reserved";'))
    tree("memory without device_type is none", memory=memory(HIGH) + "memory@1000 { reg = <0 0x1000 0 0x1000>; };")
    tree("memory at 0", memory=memory(HIGH, "0x0 0x0 0x0 0x10000"),
         lines={"memory": ["memory 80000000+8000000", "memory 0+10000"]})
    sixteen = [f"0x0 {0x80000000 + i * 0x1000000:#x} 0x0 0x1000" for i in range(17)]
    tree("memory in sixteen pieces", memory=memory(*sixteen[:16]),
         lines={"memory": [f"memory {0x80000000 + i * 0x1000000:x}+1000" for i in range(16)]})
    refused("memory in seventeen pieces", memory=memory(*sixteen))
    refused("no memory", memory="")
    refused("memory that is all disabled", memory=memory(HIGH, more='status = "disabled";'))
    refused("memory of size 0 alone", memory=memory("0x0 0x80000000 0x0 0x0"))
    refused("memory whose reg is odd", memory=memory("0x0 0x80000000 0x0"))
    refused("memory whose reg is of bytes", memory='memory { device_type = "memory"; reg = [80 00 00 00 08]; };')
    refused("memory whose reg is empty", memory='memory { device_type = "memory"; reg; };')
    refused("memory that wraps around", memory=memory(HIGH, "0xffffffff 0xfffff000 0x0 0x2000"))
    refused("memory of everything and more", memory=memory("0x0 0x80000000 0xffffffff 0xffffffff"))
    refused("memory there twice", memory=memory(HIGH, HIGH))
    refused("memory that overlaps by a byte", memory=memory(HIGH, "0x0 0x87ffffff 0x0 0x1000"))
    refused("memory within memory", memory=memory(HIGH) + memory("0x0 0x81000000 0x0 0x1000", name="memory@81000000"))


def cells():
    narrow = "#address-cells = <1>; #size-cells = <1>;"
    bus = {"bus": "#address-cells = <2>; #size-cells = <2>; ranges = <0x0 0x0 0x0 0x1 0x0>;"}
    tree("cells of one and one", root=narrow, memory=memory("0x80000000 0x8000000"), **bus)
    tree("cells of two and one", root="#address-cells = <2>; #size-cells = <1>;",
         memory=memory("0x0 0x80000000 0x8000000"))
    tree("cells of one and two", root="#address-cells = <1>; #size-cells = <2>;",
         memory=memory("0x80000000 0x0 0x8000000"),
         **bus)
    tree("cells that are not said are two and one", root="", memory=memory("0x0 0x80000000 0x8000000"))
    refused("cells of no address", root="#address-cells = <0>; #size-cells = <2>;")
    refused("cells of three", root="#address-cells = <3>; #size-cells = <2>;",
            memory=memory("0 0 0x80000000 0x0 0x8000000"))
    refused("cells of four and four", root="#address-cells = <4>; #size-cells = <4>;",
            memory=memory("0 0 0 0x80000000 0 0 0 0x8000000"))
    refused("cells without number", root="#address-cells = <0xffffffff>; #size-cells = <0xffffffff>;")
    refused("cells that are a string", root='#address-cells = "two"; #size-cells = <2>;')
    refused("size of three cells", root="#address-cells = <2>; #size-cells = <3>;")


def harts():
    four = cpus(*(cpu(hart) for hart in range(4)))
    for hart in range(4):
        order = contexts(*((INTC + one, kind) for one in range(4) for kind in (11, 9)))
        tree(f"boot on hart {hart} of four", hart=hart, cpus=four, plic=plic(order), lines={
            "hart": [f"hart {hart} of 4: 0 1 2 3"],
            "plic": [plic_line(2 * hart + 1)]})
    tree("a hart that is disabled", cpus=cpus(cpu(0), cpu(1, more='status = "disabled";'), cpu(2)),
         lines={"hart": ["hart 0 of 2: 0 2"]})
    wide = "#address-cells = <2>; #size-cells = <0>;"
    tree("a hart whose number needs two cells", hart=0x100000007,
         cpus=cpus(cpu(7, reg="<0x1 0x7>"), cells=wide), plic=plic(contexts((INTC + 7, 9))), lines={
             "hart": ["hart 4294967303 of 1: 4294967303"],
             "plic": [plic_line(0, f"9 of {of_hart(7)}")]})
    tree("other nodes among the cpus", cpus=cpus(cpu(0), "cpu-map { cluster0 { core0 { cpu = <1>; }; }; };",
                                                 "l2-cache { reg = <9>; };"))
    tree("a clock of two cells", cpus=cpus(cpu(0), clock="timebase-frequency = <0x1 0x0>;"),
         lines={"clock": ["clock 4294967296"]})
    many = cpus(*(cpu(hart) for hart in range(70)))
    tree("seventy harts", cpus=many, plic=plic(contexts((INTC, 11), (INTC, 9))), lines={
        "hart": ["hart 0 of 70: " + " ".join(str(hart) for hart in range(64))]})
    refused("no cpus", cpus="")
    refused("cpus without a cpu", cpus=cpus())
    refused("a boot hart that is not there", hart=1)
    refused("a boot hart without number", hart=0xffffffffffffffff)
    refused("a boot hart that is disabled", cpus=cpus(cpu(0, more='status = "disabled";')))
    refused("a cpu without reg", cpus=cpus(cpu(0), 'cpu@1 { device_type = "cpu"; };'))
    refused("a cpu whose reg is too long",
            cpus=cpus(cpu(0, reg="<0 0 0>"), cells="#address-cells = <2>; #size-cells = <0>;"))
    refused("no clock", cpus=cpus(cpu(0), clock=""))
    refused("a clock of 0", cpus=cpus(cpu(0), clock="timebase-frequency = <0>;"))
    refused("an absurd clock", cpus=cpus(cpu(0), clock="timebase-frequency = <0x10000000 0>;"))
    refused("a clock of three cells", cpus=cpus(cpu(0), clock="timebase-frequency = <0 0 1>;"))
    refused("a clock of a byte", cpus=cpus(cpu(0), clock="timebase-frequency = [80];"))


def extensions():
    """Whether the boot hart has Sstc."""
    def isa(name, properties, has, hart=0, *others):
        tree(name, cpus=cpus(cpu(0, more=properties), *others), hart=hart, plic=plic(contexts((INTC + hart, 9))), lines={
            "hart": [f"hart {hart} of {1 + len(others)}: " + " ".join(str(i) for i in range(1 + len(others))) +
                     ("; sstc" if has else "")],
            "plic": [plic_line(0, f"9 of {of_hart(hart)}")]})

    for text, has in (("rv64imafdc_sstc", True), ("rv64imafdc_zicsr_sstc_svinval", True), ("rv64imafdc_zicsr", False),
                      ("rv64imafdc", False), ("", False), ("_", False), ("sstc", False), ("rv64imasstc", False),
                      ("rv64_sstcx", False), ("rv64_sstcx_sstc", True), ("rv64_xsstc", False), ("rv64_sst", False),
                      ("rv64_sst_c", False), ("rv64__sstc_", True), ("rv64_SSTC", False)):
        isa(f"riscv,isa of '{text}'", f'riscv,isa = "{text}";', has)
    for text, has in (('"i", "m", "sstc"', True), ('"sstc"', True), ('"sstc", "zicsr"', True), ('"i", "m"', False),
                      ('"i", "sstcx"', False), ('"sst", "c"', False), ('"xsstc"', False), ('"i_sstc"', False), ('""', False)):
        isa(f"riscv,isa-extensions of {text}", f"riscv,isa-extensions = {text};", has)
        isa(f"riscv,isa-extensions of {text} beside a riscv,isa that says the contrary",
            f'riscv,isa-extensions = {text}; riscv,isa = "rv64{"" if has else "_sstc"}";', has)
    isa("riscv,isa-extensions without a byte", 'riscv,isa-extensions; riscv,isa = "rv64_sstc";', False)
    isa("riscv,isa-extensions without its end", "riscv,isa-extensions = [73 73 74 63];", False)
    isa("riscv,isa that is not a string", "riscv,isa = [5f 73 73 74 63];", False)
    with_sstc = 'riscv,isa = "rv64_sstc";'
    isa("sstc of another hart", "", False, 0, cpu(1, more=with_sstc))
    isa("sstc of another hart than the one that booted", with_sstc, False, 1, cpu(1))
    isa("sstc of the second hart, which booted", "", True, 1, cpu(1, more=with_sstc))


def chosen():
    def with_chosen(name, properties, **lines):
        tree(name, chosen=f"chosen {{ {properties} }};", lines={"bootargs": ['bootargs ""'], "stdout": [], **lines})

    tree("no chosen", chosen="", lines={"bootargs": ['bootargs ""'], "stdout": []})
    with_chosen("empty chosen", "")
    with_chosen("empty bootargs", 'bootargs = "";')
    with_chosen("long bootargs", f'bootargs = "{"x=y " * 200}";', bootargs=[f'bootargs "{"x=y " * 200}"'])
    with_chosen("a path to the console", 'stdout-path = "/soc/serial@10000000";', stdout=["stdout serial@10000000"])
    with_chosen("a path with options", 'stdout-path = "/soc/serial@10000000:115200n8";',
                stdout=["stdout serial@10000000"])
    with_chosen("a path to the root", 'stdout-path = "/";')
    for number, path in enumerate(["/soc/serial@1000000", "/soc/serial@100000000", "/serial@10000000",
                                   "/soc/soc/serial@10000000", "/soc", "/soc/", "soc/serial@10000000",
                                   "//soc/serial@10000000", ":", ":115200", "", "/soc/serial@10000000/", "x" * 300]):
        tree(f"a path to no device, {number}", chosen=f'chosen {{ bootargs = "a"; stdout-path = "{path}"; }};',
             lines={"bootargs": ['bootargs "a"'], "stdout": ["stdout soc"] if path == "/soc" else []})
    with_chosen("a path that is not a string", "stdout-path = [2f 73 6f 63];")
    aliased = 'chosen { stdout-path = "%s"; };'
    nothing = {"bootargs": ['bootargs ""'], "stdout": []}
    found = {"bootargs": ['bootargs ""'], "stdout": ["stdout serial@10000000"]}
    aliases = ('aliases { serial0 = "/soc/serial@10000000"; self = "self"; a = "b"; b = "a"; none = "";'
               " odd = [2f 73]; };")
    for alias, lines in (("serial0", found), ("serial0:9600", found), ("serial1", nothing), ("self", nothing),
                         ("a", nothing), ("none", nothing), ("odd", nothing), ("serial0/x", nothing)):
        tree(f"console by the alias {alias}", chosen=aliased % alias, aliases=aliases, lines=lines)
    tree("console by an alias without aliases", chosen=aliased % "serial0", lines=nothing)
    refused("bootargs that are not a string", chosen="chosen { bootargs = [61 62]; };")
    refused("bootargs of two strings", chosen='chosen { bootargs = "job=demo", "bs=4k"; };')
    with_chosen("a path of two strings", 'stdout-path = "/soc/serial@10000000", "x";')
    refused("bootargs without a byte", chosen="chosen { bootargs; };")


def reserved():
    def initrd(start, end):
        return f"chosen {{ linux,initrd-start = {start}; linux,initrd-end = {end}; }};"

    lines = {"bootargs": ['bootargs ""'], "stdout": []}
    tree("an initrd", chosen=initrd("<0x84000000>", "<0x84001234>"),
         lines={**lines, "reserved": ["reserved 84000000+1234"]})
    tree("an initrd in two cells", chosen=initrd("<0x1 0x0>", "<0x1 0x100>"),
         lines={**lines, "reserved": ["reserved 100000000+100"]})
    tree("an initrd of nothing", chosen=initrd("<0x84000000>", "<0x84000000>"), lines=lines)
    refused("an initrd that ends before it starts", chosen=initrd("<0x84000000>", "<0x83ffffff>"))
    refused("an initrd that only starts", chosen="chosen { linux,initrd-start = <1>; };")
    refused("an initrd that only ends", chosen="chosen { linux,initrd-end = <1>; };")
    refused("an initrd of three cells", chosen=initrd("<0 0 1>", "<0 0 2>"))
    refused("an initrd of a byte", chosen=initrd("[01]", "<0x84001234>"))

    tree("memory reservations", reserve="/memreserve/ 0x80000000 0x80000; /memreserve/ 0x87000001 0x2;",
         lines={"reserved": ["reserved 80000000+80000", "reserved 87000001+2"]})
    refused("a memory reservation that wraps around", reserve="/memreserve/ 0xfffffffffffff000 0x2000;")
    refused("sixty-five memory reservations",
            reserve="".join(f"/memreserve/ {i * 4096 + 4096:#x} 16;" for i in range(65)))
    refused("sixty-four memory reservations, and the tree itself",
            reserve="".join(f"/memreserve/ {i * 4096 + 4096:#x} 16;" for i in range(64)))
    tree("sixty-three memory reservations",
         reserve="".join(f"/memreserve/ {i * 4096 + 4096:#x} 16;" for i in range(63)),
         lines={"reserved": [f"reserved {i * 4096 + 4096:x}+10" for i in range(63)]})

    def nodes(text, cells="#address-cells = <2>; #size-cells = <2>; ranges;"):
        return f"reserved-memory {{ {cells} {text} }};"

    tree("reserved memory", reserved=nodes("a@81000000 { reg = <0 0x81000000 0 0x1000>; no-map; };"
                                           "b { reg = <0 0x82000000 0 0x1>, <0x1 0x0 0x1 0x0>; };"),
         lines={"reserved": ["reserved 81000000+1000", "reserved 82000000+1", "reserved 100000000+100000000"]})
    tree("reserved memory that lies anywhere", reserved=nodes("a { size = <0 0x100000>; alignment = <0 0x1000>; };"))
    tree("reserved memory of nothing", reserved=nodes("a { reg = <0 0x81000000 0 0>; };"))
    tree("reserved memory without children", reserved=nodes(""))
    tree("reserved memory of one cell", reserved=nodes("a { reg = <0x81000000 0x1000>; };",
                                                      "#address-cells = <1>; #size-cells = <1>; ranges;"),
         lines={"reserved": ["reserved 81000000+1000"]})
    tree("reserved memory and reservations and an initrd", reserve="/memreserve/ 0x80000000 0x1000;",
         reserved=nodes("a { reg = <0 0x81000000 0 0x1000>; };"), chosen=initrd("<0x84000000>", "<0x84001000>"),
         lines={**lines, "reserved": ["reserved 84000000+1000", "reserved 81000000+1000", "reserved 80000000+1000"]})
    refused("reserved memory whose reg is odd", reserved=nodes("a { reg = <0 0x81000000 0>; };"))
    refused("reserved memory that wraps around", reserved=nodes("a { reg = <0xffffffff 0xfffff000 0 0x2000>; };"))
    refused("reserved memory on a bus that leads nowhere", reserved=nodes("a { reg = <0 0x81000000 0 0x1000>; };",
                                                                          "#address-cells = <2>; #size-cells = <2>;"))
    def pieces(count):
        return nodes("a { reg = " + ", ".join(f"<0 {0x81000000 + i * 8192:#x} 0 16>" for i in range(count)) + "; };")

    refused("reserved memory in sixty-five pieces", reserved=pieces(65))
    refused("reserved memory in sixty-four pieces, and an initrd", reserved=pieces(64), chosen="",
            more=initrd("<0x84000000>", "<0x84001234>"))


def places():
    """Names and types mean something where they belong, and nothing elsewhere."""
    elsewhere = """
        other {
            #address-cells = <2>; #size-cells = <2>; ranges;
            cpus {
                timebase-frequency = <5>; #address-cells = <1>; #size-cells = <0>;
                cpu@9 { device_type = "cpu"; reg = <9>; };
            };
            chosen { bootargs = "wrong"; stdout-path = "/soc"; linux,initrd-start = <1>; linux,initrd-end = <2>; };
            memory@5000 { device_type = "memory"; reg = <0 0x5000 0 0x1000>; };
            cpu@8 { device_type = "cpu"; reg = <0 8 0 0>; };
            reserved-memory { a { reg = <1 2>; }; };
        };"""
    tree("names in the wrong place", more=elsewhere)
    tree("types in the wrong place", more='a { device_type = "pci"; reg = <0 0x5000 0 0x1000>; };'
                                          'b { device_type = "cpu"; reg = <0 7 0 0>; };')
    tree("a memory node among the cpus", cpus=cpus(cpu(0), 'memory { device_type = "memory"; reg = <5>; };'))
    tree("names that only begin so", more="chosen2 { bootargs = [61]; }; cpus2 { timebase-frequency = [61]; };"
                                          "reserved-memory2 { a { reg = <1>; }; };")


def all_of_them():
    places()
    memories()
    cells()
    harts()
    extensions()
    chosen()
    reserved()
