# SPDX-License-Identifier: MIT
"""Panics: on purpose, and by every trap that a broken kernel can run into."""
import re

import disk
import start
from machine import Machine, boot
from tap import expect, expect_equal, test

PAGE = 4096


def check_backtrace(run, *functions):
    """The functions must be among the callers, in this order."""
    callers = [re.fullmatch(r"  called from 0x[0-9a-f]+ \((\w+)\+0x[0-9a-f]+(?: \S+:\d+)?\)", line)
               for line in run.starting("  called from ")]
    expect(all(callers), "a line of the backtrace is not `called from ADDRESS (SYMBOL+OFFSET)`")
    names = iter([match[1] for match in callers])
    for function in functions:
        expect(function in names, f"{function} is not in the backtrace, or not in its place")


@test("panic: job=panic, without a disk", disks=0)
@test("panic: job=panic, with two disks", disks=2)
def on_purpose(t, disks):
    run = boot(t, "job=panic", disks=[disk.null(disk.MIB) for _ in range(disks)])
    run.check(5)
    panic = run.only("panic")
    expect("on purpose" in panic["cause"], panic["cause"])
    expect_equal("stval", panic["stval"], 0)
    name = panic["place"].split("+")[0]
    symbols = start.symbols()
    expect(0 <= panic["sepc"] - symbols["_start"] < 1 << 20, "sepc is not in the kernel")
    expect(name in symbols, f"there is no symbol {name}")
    check_backtrace(run, "outer_poll", "kernel_main")   # the executor, between them, sets up no frame


@test("panic: the await chain names coroutines and lines")
def await_chain(t):
    run = boot(t, "job=panic").check(5)
    with open(start.ROOT + "/kernel/jobs/panic.c", encoding="utf-8") as file:
        source = file.read().split("\n")
    lines = "\n".join(run.lines)
    expect("task panic was running" in lines, "the task is not named")
    for coroutine in ("outer_poll", "inner_poll"):
        match = re.search(rf"^ +{coroutine}\S*: .*\bline (\d+) of kernel/jobs/panic.c$", lines, re.M)
        expect(match, f"{coroutine} is not in the chain, with a line")
        expect("AWAIT(" in source[int(match[1]) - 1], f"line {match[1]} of panic.c has no AWAIT")


@test("panic: the offset of sepc is right")
def offset(t):
    panic = boot(t, "job=panic").check(5).only("panic")
    name, distance = panic["place"].split(" ")[0].split("+")
    symbols = start.symbols()
    # A static function's name may be there more than once; one of them must fit.
    with_name = [value for found, value in start.all_symbols() if found == name]
    expect(panic["sepc"] - int(distance, 16) in with_name, f"{panic} and {name} at {with_name}")
    expect(name in symbols, name)


def fault(t, prepare, cause, stval=None, **options):
    """Stop where the job begins, spoil something, go on; the run, with the panic's cause checked."""
    with Machine(t, "job=idle timeout_ms=60000", gdb=True, **options) as machine:
        start.run_to(machine, "executor_run_until_idle")
        prepare(machine.gdb, start.symbols())
        machine.gdb.go()
        run = machine.wait()
    run.check(5, provoked=["Invalid read", "Invalid write"])
    panic = run.only("panic")
    expect_equal("cause", panic["cause"], cause)
    if stval is not None:
        wanted = stval(start.symbols())
        expect_equal("stval", panic["stval"], wanted)
    expect_equal("the last line", run.lines[-1], "exit 5")
    return run


def jump(target):
    return lambda gdb, symbols: gdb.set_register("pc", target(symbols))


def code(*words):
    """Put instructions where the machine stands; they are 32 bits each, or two of 16."""
    def prepare(gdb, _symbols):
        gdb.write(gdb.register("pc"), b"".join(word.to_bytes(4, "little") for word in words))
    return prepare


def store_to(target):
    def prepare(gdb, symbols):
        gdb.set_register("a0", target(symbols))
        code(0x00b53023)(gdb, symbols)          # sd a1, 0(a0)
    return prepare


def load_from(target):
    def prepare(gdb, symbols):
        gdb.set_register("a0", target(symbols))
        code(0x00053583)(gdb, symbols)          # ld a1, 0(a0)
    return prepare


def text(symbols):
    return symbols["kernel_main"] & ~7


def rodata(symbols):
    return symbols["__rodata_start"]


def data(symbols):
    return symbols["__data_start"]


def null(_symbols):
    return 0


def guard(symbols):
    return symbols["__stack_guard"] + 2048


def trap_guard(symbols):
    return symbols["__trap_stack_guard"] + 2048


def nowhere(_symbols):
    return 0x40000000


def beside_a_device(_symbols):
    """On the UART's page, where it has no register: mapped, and nobody answers."""
    return 0x10000800


FAULTS = [
    ("a store to text", store_to(text), "store page fault", text),
    ("a store to rodata", store_to(rodata), "store page fault", rodata),
    ("a store to address 0", store_to(null), "store page fault", null),
    ("a store to nothing", store_to(nowhere), "store page fault", nowhere),
    ("a load from address 0", load_from(null), "load page fault", null),
    ("a load from nothing", load_from(nowhere), "load page fault", nowhere),
    ("a load below the stack", load_from(guard), "stack overflow", guard),
    ("a store below the stack of traps", store_to(trap_guard), "stack overflow", trap_guard),
    ("a jump into data", jump(data), "instruction page fault", data),
    ("a jump into rodata", jump(rodata), "instruction page fault", rodata),
    ("a jump to address 0", jump(null), "instruction page fault", null),
    ("a jump to nothing", jump(nowhere), "instruction page fault", nowhere),
    ("a load that nobody answers", load_from(beside_a_device), "load access fault", beside_a_device),
    ("a store that nobody takes", store_to(beside_a_device), "store access fault", beside_a_device),
    ("an illegal instruction", code(0), "illegal instruction", None),
    ("a breakpoint", code(0x00100073), "breakpoint", None),
]

for name, prepare, cause, stval in FAULTS:
    @test(f"fault: {name}", prepare=prepare, cause=cause, stval=stval)
    def one_fault(t, prepare, cause, stval):
        fault(t, prepare, cause, stval)


def no_stack_left(gdb, symbols):
    """The next function that keeps something on the stack is one too many."""
    gdb.set_register("sp", symbols["__stack_guard"] + PAGE + 16)


def stack_in_the_guard(gdb, symbols):
    gdb.set_register("sp", symbols["__stack_guard"] + PAGE)


@test("fault: no stack left", prepare=no_stack_left)
@test("fault: the stack pointer in the guard page", prepare=stack_in_the_guard)
def overflow(t, prepare):
    run = fault(t, prepare, "stack overflow")
    symbols, stval = start.symbols(), run.only("panic")["stval"]
    expect(0 <= stval - symbols["__stack_guard"] < PAGE, f"stval {stval:#x} is not in the guard page")


@test("fault: with requests in flight, which are named")
def in_flight(t):
    disks = [disk.null(disk.MIB, latency_ns=50_000_000)]
    with Machine(t, "job=fill iodepth=3 bs=8k", disks=disks, gdb=True) as machine:
        start.run_to(machine, "irq_dispatch")   # the disk is done, and nobody knows yet
        machine.gdb.set_register("pc", start.symbols()["__data_start"])
        machine.gdb.go()
        run = machine.wait()
    run.check(5)
    told = [line for line in run.lines if "in flight" in line and "write" in line]
    expect_equal("requests named", len(told), 3)
    for sector in (0, 16, 32):
        expect(any(re.search(rf"\bsector {sector}\b", line) for line in told), f"sector {sector} is not among them")


def mappings(text):
    """(first address, size, attributes) of each line of `info mem`."""
    for line in text.splitlines():
        match = re.match(r"([0-9a-f]{16}) [0-9a-f]{16} ([0-9a-f]{16}) (\S+)", line)
        if match:
            yield int(match[1], 16), int(match[2], 16), match[3]


def mapped(found, address):
    return [attributes for first, size, attributes in found if first <= address < first + size]


@test("W^X: 128M", mem="128M")
@test("W^X: 4G", mem="4G")
@test("W^X: 77M", mem="77M")
def write_or_execute(t, mem):
    with Machine(t, "job=monitor", qmp=True, typed=True, mem=mem, disks=[disk.null(disk.MIB)]) as machine:
        machine.until("squall> ")
        machine.qmp.command("stop")
        found = list(mappings(machine.qmp.monitor("info mem")))
        machine.qmp.command("cont")
        machine.type("exit\r")
        run = machine.wait()
    run.check(0)
    expect(len(found) > 4, f"info mem shows {found}")
    for first, size, attributes in found:
        expect(not ("w" in attributes and "x" in attributes), f"{size:#x} bytes at {first:#x} are {attributes}")
        expect("u" not in attributes, f"{size:#x} bytes at {first:#x} are the user's")
    symbols = start.symbols()
    for name, wanted in (("_start", "r-x"), ("__rodata_start", "r--"), ("__data_start", "rw-"), ("__bss_start", "rw-"),
                         ("__symbols_start", "r--")):
        (attributes,) = mapped(found, symbols[name])
        expect(attributes.startswith(wanted), f"{name} is {attributes}, not {wanted}")
    for name in ("__stack_guard", "__trap_stack_guard"):
        for address in (symbols[name], symbols[name] + PAGE - 1):
            expect_equal(f"mappings of {name}", mapped(found, address), [])
        expect(mapped(found, symbols[name] + PAGE), f"nothing is mapped above {name}")
    expect_equal("mappings of address 0", mapped(found, 0), [])
    executable = sum(size for _, size, attributes in found if "x" in attributes)
    expect(executable < 1 << 20, f"{executable} bytes can be executed")
