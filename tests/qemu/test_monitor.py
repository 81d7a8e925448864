# SPDX-License-Identifier: MIT
"""job=monitor: a script that types, and what stands on the screen."""
import os
import re
import subprocess
import time

import disk
import start
from machine import Machine
from screen import render
from tap import expect, expect_equal, test

PROMPT = "squall> "
UP, DOWN = "\x1b[A", "\x1b[B"


class Session:
    """A machine at its prompt."""

    def __init__(self, t, *, disks=None, append="", **options):
        image = disk.image(disk.make(t.path("disk"))) if disks is None else None
        self.machine = Machine(t, f"job=monitor {append}", disks=[image] if image else disks, typed=True, **options)

    def __enter__(self):
        self.machine.__enter__()
        self.machine.until(PROMPT)
        return self

    def __exit__(self, *what):
        self.machine.__exit__(*what)

    def say(self, line, answer=None):
        """Type a line; the match of its answer, or that there is a prompt again."""
        before = len(self.machine.text)
        self.machine.type(line + "\r")
        # After the line's echo: the prompt before it may still be on its way.
        return self.after(before, answer or rf"(?m){re.escape(line)}\n(?:.*\n)*{PROMPT}$")

    def after(self, before, pattern):
        while True:
            match = re.search(pattern, self.machine.text[before:])
            if match:
                return match
            self.machine.until("(?s).{%d}" % (len(self.machine.text) + 1))

    def end(self, code=0):
        self.machine.type("exit\r")
        return self.machine.wait().check(code)


@test("monitor: help lists every command, and each is known")
def commands(t):
    with Session(t) as session:
        session.say("help", r"(?m)^  exit .*\n")
        names = re.findall(r"(?m)^  ([a-z]+) .*", session.machine.text[session.machine.text.index("> help"):])
        expect({"help", "ps", "disks", "virtq", "irq", "read", "write", "hexdump", "sleep", "spawn", "mem", "dt", "log",
                "panic", "exit"} <= set(names), f"help lists only {names}")
        for name in set(names) - {"panic", "exit", "spawn", "sleep", "help"}:
            session.say(name)
        expect("there is no such command" not in session.machine.text, "help lists what is not there")
        session.say("nonsense", "error: there is no such command, but there is help: nonsense")
        session.end()


@test("monitor: what the simple commands say", line="ps", answer=r"monitor: running, \d+ polls, \d+ us\n.*awaits at line \d+")
@test("monitor: what the simple commands say", line="disks", answer=r"disk 0 node=\S+ transport=mmio-modern capacity=")
@test("monitor: what the simple commands say", line="virtq 0", answer=r"queue 0: 1024 seats, 0 taken; .* not broken")
@test("monitor: what the simple commands say", line="virtq 1", answer="error: there is no such disk: 1")
@test("monitor: what the simple commands say", line="irq", answer=r"10 +uart16550 +\d+")
@test("monitor: what the simple commands say", line="mem", answer=r"KiB are free")
@test("monitor: what the simple commands say", line="dt", answer=r'compatible = "riscv-virtio"')
@test("monitor: what the simple commands say", line="dt /cpus", answer=r"timebase-frequency = 0x989680\n(.*\n)*  cpu@0/")
@test("monitor: what the simple commands say", line="dt /nowhere", answer="error: there is no such node: /nowhere")
@test("monitor: what the simple commands say", line="log loud", answer="error: it is one of error warn info debug: loud")
@test("monitor: what the simple commands say", line="read x", answer="error: not a number: x")
@test("monitor: what the simple commands say", line="read 99999999", answer="error: read of sector 99999999: it goes beyond")
@test("monitor: what the simple commands say", line="trace tail", answer="error: nothing is recorded: boot with trace=1")
@test("monitor: what the simple commands say", line="trace head", answer="error: there is trace tail, and no other: head")
@test("monitor: what the simple commands say", line="sleep 20", answer=r"awake after (?:[2-9]\d|\d{3,})\d{3} us\n")
def answers(t, line, answer):
    with Session(t) as session:
        session.say(line, answer)
        session.end()


@test("monitor: trace tail shows as many events as were asked for, in their order")
def tail(t):
    with Session(t, append="trace=1") as session:
        session.say("sleep 20", "awake after")
        lines = session.say("trace tail 5", r"trace tail 5\n((?:event .*\n){5})squall> ")[1].split("\n")[:-1]
        times = [int(line.split()[1], 16) for line in lines]
        expect(times == sorted(times), f"not in order: {lines}")
        session.machine.type("exit\r")
        expect(session.machine.wait().status == 0, "it does not end well")


@test("monitor: write, read and hexdump", block=512)
@test("monitor: write, read and hexdump, blocks of 4096 bytes", block=4096)
def transfers(t, block):
    path = disk.make(t.path("image"))
    device = f"logical_block_size={block},physical_block_size={block}"
    with Session(t, disks=[disk.image(path, device=device)]) as session:
        session.say("write 8 tempest", rf"write of sector 8: {block} bytes in \d+ us")
        session.say("hexdump 8", r"0000  74 65 6d 70 65 73 74 00 .*  tempest\.+\n0010 ( 00){16}  \.{16}\n\*\nsquall>")
        session.say("read 8", rf"read of sector 8: {block} bytes")
        session.end()
    expect_equal("the image", disk.content(path)[8 * 512:8 * 512 + block], b"tempest".ljust(block, b"\0"))


@test("monitor: a disk in memory")
def ramdisk(t):
    with Session(t, disks=[], append="ramdisk=1m") as session:
        session.say("write 2047 tempest", r"write of sector 2047: 512 bytes in \d+ us")
        session.say("hexdump 2047", r"0000  74 65 6d 70 65 73 74 00 ")
        session.say("read 2048", "error: read of sector 2048: it goes beyond")
        session.say("virtq", "no ring: disk 0 is memory")
        session.say("cache off", "error: the device does not know the request")
        session.say("spawn 2000", r"load 1: 2000 reads, 0 failed: the end\n")
        session.end()


@test("monitor: without a disk")
def no_disk(t):
    with Session(t, disks=[]) as session:
        for line in ("read 0", "write 0 x", "hexdump 0", "spawn"):
            session.say(line, "error: there is no disk")
        session.end()


@test("monitor: a read-only disk")
def read_only(t):
    with Session(t, disks=[disk.image(disk.make(t.path("image")), read_only=True)]) as session:
        session.say("write 0 x", "error: write of sector 0: the disk is read-only")
        session.end()


@test("monitor: the write cache, modern", transport="modern")
@test("monitor: the write cache, legacy", transport="legacy")
def write_cache(t, transport):
    """Shown, and switched: the device is told, by a byte of its configuration."""
    with Session(t, transport=transport) as session:
        session.say("read 3", "read of sector 3: ")     # from here on the oracle knows whose configuration it is
        session.say("disks", r"limits of disk 0: write cache on \(switchable\), ")
        session.say("cache off")
        session.say("disks", r"limits of disk 0: write cache off \(switchable\), ")
        session.say("write 3 x", "write of sector 3: 512 bytes")
        session.say("cache on")
        session.say("disks", r"limits of disk 0: write cache on \(switchable\), ")
        session.say("cache maybe", "error: it is on or off: maybe")
        run = session.end()
    expect_equal("what the device was told", [access for access in run.accesses if access[0] == 0x120 and access[1] is not None],
                 [(0x120, 0), (0x120, 1)])


@test("monitor: a write cache that cannot be switched", device="config-wce=off", shown="on")
@test("monitor: no write cache", device="config-wce=off,write-cache=off", shown="off")
def no_switch(t, device, shown):
    with Session(t, disks=[disk.image(disk.make(t.path("image")), device)]) as session:
        session.say("disks", rf"limits of disk 0: write cache {shown}, ")
        session.say("cache off", "error: the device does not know the request")
        session.end()


@test("monitor: Ctrl-C takes a request back that has no seat yet")
def withdrawn(t):
    """Four loads have all seats of the ring, for twelve seconds."""
    with Session(t, disks=[disk.null(disk.MIB, latency_ns=12_000_000_000)], append="queue_size=4 timeout_ms=0") as session:
        for _ in range(4):
            session.say("spawn")
        session.say("sleep 1", "awake")         # where keys come fast the monitor goes on in one poll, and no load has run
        before = len(session.machine.text)
        session.machine.type("read 9\r")
        session.machine.until("read 9\n")
        session.machine.type("\x03")
        session.after(before, "error: read of sector 9: it was cancelled")
        session.say("sleep 1", "awake")
        session.end()


@test("monitor: Ctrl-C awaits what the disk has")
def awaited(t):
    with Session(t, disks=[disk.null(disk.MIB, latency_ns=500_000_000)]) as session:
        before = len(session.machine.text)
        session.machine.type("read 9\r")
        session.machine.until("read 9\n")
        session.machine.type("\x03")
        session.after(before, r"read of sector 9: 512 bytes in (?:[5-9]|\d\d)\d{5} us")
        session.end()


@test("monitor: editing: backspace", keys="rexx\b\x7fad 3", typed="read 3")
@test("monitor: editing: Ctrl-U", keys="nonsense\x15read 3", typed="read 3")
@test("monitor: editing: backspace at the beginning", keys="\b\bread 3", typed="read 3")
@test("monitor: editing: keys that are none", keys="\x01re\x1b[Cad\x1b[3~ 3\xff\t", typed="read 3")
@test("monitor: editing: history", keys="read 3\rread 4\r" + UP + UP, typed="read 3")
@test("monitor: editing: history, forth again", keys="read 3\rread 4\r" + UP + UP + DOWN, typed="read 4")
@test("monitor: editing: history, with Ctrl-P and Ctrl-N", keys="read 3\rread 4\r\x10\x10\x0e", typed="read 4")
@test("monitor: editing: history, beyond its end", keys="read 3\r" + 12 * UP, typed="read 3")
@test("monitor: editing: a line given up", keys="panic\x03read 3", typed="read 3")
@test("monitor: editing: Ctrl-D is nothing within a line", keys="read\x04 3", typed="read 3")
def editing(t, keys, typed):
    with Session(t) as session:
        for line in keys.split("\r")[:-1]:
            session.say(line, "read of sector")
        session.say(keys.split("\r")[-1], rf"read of sector {typed[5:]}: ")
        expect(PROMPT + typed in render(session.machine.raw).split("\n"), "the screen does not show what was typed")
        session.end()


@test("monitor: no character of many is lost, and a long line is cut")
def many(t):
    with Session(t) as session:
        session.machine.type("sleep 300\r" + "".join(f"read {i}\r" for i in range(300)) + "x" * 3000 + "\rread 777\r")
        session.machine.until("read of sector 777: ")
        read = [int(number) for number in re.findall(r"read of sector (\d+): ", session.machine.text)]
        expect_equal("the sectors read", read, [*range(300), 777])
        expect("error: there is no such command, but there is help: " + "x" * 64 + "\n" in session.machine.text, "the long line")
        session.end()


@test("monitor: Ctrl-C ends what waits")
def interrupt(t):
    with Session(t) as session:
        before = len(session.machine.text)
        session.machine.type("sleep 100000\r")
        session.machine.until("sleep 100000\n")
        session.machine.type("\x03")
        session.after(before, r"woken by Ctrl-C after \d+ us")
        session.say("read 3", "read of sector 3: ")
        session.end()


@test("monitor: Ctrl-D ends it")
def end_of_file(t):
    with Session(t) as session:
        session.machine.type("\x04")
        session.machine.wait().check(0)


@test("monitor: loads in the background never garble the line that is typed")
def loads(t):
    with Session(t) as session:
        session.say("spawn")
        session.say("spawn 2000", r"load 2: 2000 reads, 0 failed: the end\n")
        for character in "sleep 20":
            session.machine.type(character)
            if character == "l":
                session.machine.until("(?s)load 1: .*load 1: ")
        session.say("", r"awake after \d+ us\n")       # whole: the rest of a line may still be on its way
        screen = render(session.machine.raw).split("\n")
        expect(PROMPT + "sleep 20" in screen, "the typed line is not whole:\n" + "\n".join(screen))
        for line in screen[screen.index(PROMPT + "spawn"):-1]:         # the last is only begun
            expect(re.fullmatch(rf"{PROMPT.rstrip()}( \S.*)?|load \d: \d+ reads, 0 failed(: the end)?|awake after \d+ us|", line),
                   f"a garbled line: {line!r}")
        session.machine.type("exit\r")
        run = session.machine.wait().check(0)
        expect(re.fullmatch(r"load 1: \d+ reads, 0 failed: the end", run.lines[-2]), "exit does not stop the load")


@test("monitor: ps shows a load, and panic is a panic")
def panic(t):
    with Session(t) as session:
        session.say("spawn")
        session.say("sleep 50", "awake")
        session.say("ps", r"load: (?:waiting|ready), [1-9]\d* polls, \d+ us\n +load_poll\S*: awaits at line \d+ of kernel/jobs/load.c\n")
        session.machine.type("panic\r")
        run = session.machine.wait().check(5)
        expect("asked for at the monitor" in str(run.only("panic")["cause"]), "the cause")


@test("monitor: it rests")
def rests(t):
    """In the end: on a slow host it takes its time to come to rest."""
    with Session(t) as session:
        used = 1
        while used >= 0.1:
            expect(time.monotonic() < session.machine.deadline, f"{used} s of processor time in 2 s")
            before = session.machine.cpu_seconds()
            time.sleep(2)               # the watchdog goes off once
            used = session.machine.cpu_seconds() - before
        session.end()


@test("monitor: nothing can be typed: no UART that we know")
def no_input(t):
    with Machine(t, "job=monitor", board="sifive_u") as machine:
        machine.until("exit 3")
        expect("error: job monitor needs a console that can be typed at" in machine.text, "the words")


@test("monitor: make qemu, with standard input at its end", keys="", seen="exit 0")
@test("monitor: make qemu, with commands in a pipe", keys="help\nread 3\n", seen="read of sector 3: ")
def by_make(_t, keys, seen):
    command = ["scripts/qemu", "--kernel", start.KERNEL, "--append", "job=monitor", "--timeout", "120"]
    image = os.path.join(_t.folder, "image")
    with open(image, "wb") as file:
        file.truncate(1 << 20)
    run = subprocess.run(command + ["--disk", image], input=keys, capture_output=True, text=True, timeout=200, check=False,
                         cwd=start.ROOT)
    expect_equal("status", run.returncode, 0)
    expect(seen in run.stdout and run.stdout.rstrip().endswith("\nexit 0"), run.stdout)
