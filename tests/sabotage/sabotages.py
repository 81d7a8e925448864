# SPDX-License-Identifier: MIT
"""What people do to a machine, what it says then, and what helps: the table of docs/troubleshooting.md, and its test.

`shows` is what the screen shows, with ... for what differs; `helps` is told there as well.
"""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys

import disk
import machine
import tap
import tree
import work
from start import edited
from test_mistakes import add_job

LIMIT = 10              # seconds in which each must have come to its end, on a machine that nobody else uses
RUNNER = os.path.join(machine.ROOT, "scripts", "qemu")


def by_argument(folder):
    """A kernel in which seed=901 is a mistake of the kernel itself, with a job that has those of tasks."""
    add_job(folder)
    work.replace(folder, "kernel/irq.c", '#include "arch.h"\n', '#include "arch.h"\n#include "args.h"\n')
    work.replace(folder, "kernel/irq.c", "        chip.enable(source);\n",
                 "        if (arguments.seed != 901)\n                chip.enable(source);\n")


def shifted(folder):
    work.replace(folder, "linker.ld", ". = 0x80200000;", ". = 0x80000000;")


SABOTAGED, SHIFTED = work.Built(change=by_argument), work.Built(change=shifted)

# How to run it ----------------------------------------------------------------------------------------


def run(t, *qemu, append="", image=None, kernel=None, mem="128M", timeout=None, **environment):
    """The runner, as make calls it."""
    image = image or disk.make(t.path("disk.img"), disk.MIB)
    words = [sys.executable, RUNNER, "--kernel", kernel or machine.KERNEL, "--disk", image, "--mem", mem, "--append", append]
    words += ["--timeout", str(timeout)] if timeout else []
    return work.command(*words, *(["--", *qemu] if qemu else []), limit=30 * LIMIT, **environment)


def booted(*qemu, **options):
    return lambda t: run(t, *qemu, **options)


def mistake(number, *qemu, append="", **options):
    return lambda t: run(t, *qemu, kernel=SABOTAGED.file("squall.elf"),
                         append=f"job=mistakes number_ios={number} {append}", **options)


def wrong_kernel(append):
    return lambda t: run(t, kernel=SABOTAGED.file("squall.elf"), append=f"{append} seed=901")


def made(*words, **environment):
    """make, in a copy of the tree."""
    return lambda t: work.make(work.copy_tree(t.path("squall")), *words, **environment)


def without_tools(*gone):
    def prepared(t):
        return work.make(work.copy_tree(t.path("squall")), "qemu", PATH=work.tools_without(t.path("tools"), *gone))
    return prepared


def without_qemu(t):
    return run(t, PATH=work.tools_without(t.path("tools"), "qemu-system-riscv64"))


def host_compiler(t):
    """A prefix whose tools are this machine's own."""
    folder = t.path("cross")
    os.makedirs(folder)
    for tool in ("gcc", "ld", "nm", "addr2line"):
        os.symlink(os.path.realpath(f"/usr/bin/{tool}"), os.path.join(folder, f"rv-{tool}"))
    return work.make(work.copy_tree(t.path("squall")), "CROSS_COMPILE=rv-", PATH=f"{folder}:{os.environ['PATH']}")


def no_libfdt(t):
    os.makedirs(t.path("empty"))
    return work.make(work.copy_tree(t.path("squall")), f"LIBFDT_SRC={t.path('empty')}")


@contextlib.contextmanager
def another_qemu(image):
    process = subprocess.Popen([machine.QEMU, "-M", "virt", "-display", "none", "-monitor", "stdio", "-serial", "null", "-S",
                                "-drive", f"file={image},if=none,id=d,format=raw", "-device", "virtio-blk-device,drive=d"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    machine.running.add(process.pid)
    try:
        process.stdin.write(b"info status\n")
        process.stdin.flush()
        while b"VM status" not in process.stdout.readline():
            tap.expect(process.poll() is None, "the other QEMU has ended")
        yield                           # it answers: so it has its disk
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        machine.running.discard(process.pid)


def locked(t):
    image = disk.make(t.path("disk.img"), disk.MIB)
    with another_qemu(image):
        return run(t, image=image)


def port_in_use(t):
    with socket.create_server(("127.0.0.1", 0)) as server:
        return run(t, "-gdb", f"tcp:127.0.0.1:{server.getsockname()[1]}")


def with_tree(change):
    def prepared(t):
        dumped, path = t.path("virt.dtb"), t.path("other.dtb")
        subprocess.run([machine.QEMU, "-M", f"virt,dumpdtb={dumped}", "-display", "none"], capture_output=True, check=True,
                       timeout=60)
        blob = change(disk.content(dumped))
        disk.make(path, len(blob), blob)
        return run(t, "-dtb", path)
    return prepared


def another_machines_tree(t):
    path = t.path("sifive_u.dtb")
    subprocess.run([machine.QEMU, "-M", f"sifive_u,dumpdtb={path}", "-display", "none"], capture_output=True, check=True, timeout=60)
    return run(t, "-dtb", path)


def cut_off(t):
    with open(machine.KERNEL, "rb") as file:
        data = file.read()[:100000]
    path = disk.make(t.path("squall.elf"), len(data), data)
    return run(t, kernel=path)


def without_interrupts(root):
    for node in root.everything():
        if node.compatible("virtio,mmio"):
            node.properties.pop("interrupts", None)


# The table --------------------------------------------------------------------------------------------


class Sabotage:
    def __init__(self, what, shows, helps, prepared, status=None):
        self.what, self.shows, self.helps, self.run, self.status = what, shows, helps, prepared, status

    def is_shown(self, text):
        return re.search(".*".join(map(re.escape, self.shows.split("..."))), text)


STUCK = ["-blockdev", "driver=null-co,node-name=n0,size=1048576,read-zeroes=on,latency-ns=1000000000",
         "-device", "virtio-blk-device,drive=n0"]
READ_ONLY = ["-blockdev", "driver=null-co,node-name=n0,size=1048576,read-only=on", "-device", "virtio-blk-device,drive=n0"]

GROUPS = {
    "It does not build": [
        Sabotage("no cross compiler", "squall: no RISC-V compiler (...", "install it with: make deps",
                 without_tools("riscv64-unknown-elf-gcc", "riscv64-linux-gnu-gcc", "riscv64-elf-gcc")),
        Sabotage("a compiler for another processor, a wrong -march", "squall: ...gcc cannot compile for RISC-V",
                 "install one that can with: make deps", host_compiler),
        Sabotage("libfdt is not where it should be", "squall: LIBFDT_SRC=... has no fdt.c", "LIBFDT_SRC=", no_libfdt),
        Sabotage("a variable of make's is misspelt", "there is no variable 'JOBB'", "did you mean JOB?", made("qemu", "JOBB=demo")),
        Sabotage("linker.ld puts the kernel where the firmware is", "ROM regions are overlapping",
                 "and linker.ld as it is", lambda t: run(t, kernel=SHIFTED.file("squall.elf"))),
    ],
    "QEMU does not start": [
        Sabotage("QEMU is not installed", "no qemu-system-riscv64", "install it with: make deps", without_qemu, 127),
        Sabotage("another QEMU, without this machine", "unsupported machine type", "give what this QEMU has",
                 booted("-M", "virt-99.0")),
        Sabotage("a processor that QEMU does not have", "unable to find CPU model", "give what this QEMU has",
                 booted("-cpu", "rv128")),
        Sabotage("another QEMU has the disk", 'Failed to get "write" lock', "another QEMU has this disk: end it", locked),
        Sabotage("the disk is no file", "driver requires ... to be a regular file", "DISK= is a raw image",
                 lambda t: run(t, image=t.folder)),
        Sabotage("the disk is not there", "Could not open ...: No such file", "DISK= is a raw image",
                 lambda t: run(t, image=t.path("nowhere.img"))),
        Sabotage("the debugger's port is in use", "Failed to find an available port: Address already in use",
                 "another process has this port", port_in_use),
        Sabotage("a device that is half described", "can't find value 'nowhere'", "look at what is in QEMU_EXTRA=",
                 booted("-device", "virtio-blk-device,drive=nowhere")),
        Sabotage("the kernel's file is cut short", "the kernel ...squall.elf is cut off: it has 100000 bytes of ...",
                 "build it anew: make clean all", cut_off, 125),
        Sabotage("too little memory for the firmware and the kernel", "regions overlap", "more memory with MEM=",
                 booted(mem="3M")),
        Sabotage("the firmware is not there", "Unable to load the RISC-V firmware", "leave -bios out",
                 booted("-bios", "nowhere.bin")),
    ],
    "The kernel says nothing": [
        Sabotage("no firmware", "the kernel has not said a word", "leave -bios and -cpu out", booted("-bios", "none"), 124),
        Sabotage("the device tree of another machine", "the tree that -dtb names is another machine's, and not virt's", "leave -dtb out",
                 another_machines_tree, 124),
        Sabotage("a processor without compressed instructions", "the kernel has not said a word", "leave -bios and -cpu out",
                 booted("-cpu", "rv64,c=off"), 124),
    ],
    "The machine is not as it should be": [
        Sabotage("no disk", "error: job demo needs a disk and there is none that can be used", "DISK=build/disk.img",
                 lambda t: run(t, image="none"), 3),
        Sabotage("no interrupt controller that we drive", "the device tree has no interrupt controller that we drive",
                 "run it on -M virt with a PLIC", booted("-M", "aia=aplic"), 3),
        Sabotage("no source of entropy", "error: job rng needs a source of entropy", "-device virtio-rng-device",
                 booted(append="job=rng"), 3),
        Sabotage("the device tree is cut short", "FDT_ERR_", "leave -dtb out", with_tree(lambda blob: blob[:500])),
        Sabotage("devices without their interrupts property", "error: device tree: node virtio_mmio@...: it has no interrupt",
                 "its interrupts property again", with_tree(edited(without_interrupts)), 4),
        Sabotage("a boot argument is misspelt", "error: boot arguments: job=dmeo: there is no such job", "docs/contract.md lists",
                 booted(append="job=dmeo"), 4),
        Sabotage("a disk that must not be written", "the disk is read-only", "take a disk that may be written",
                 lambda t: run(t, *READ_ONLY, image="none", append="job=fill"), 2),
        Sabotage("a disk that does not answer", "a request is overdue", "look at its back end",
                 lambda t: run(t, *STUCK, image="none", append="timeout_ms=100")),
    ],
    "The kernel has a mistake": [
        Sabotage("the PLIC is never enabled", "an interrupt was lost", "look whether the PLIC enables the source",
                 wrong_kernel("job=demo timeout_ms=1000"), 0),
        Sabotage("a task spins", "warning: task greedy keeps all others waiting", "CORO_YIELD() in its loop",
                 mistake(7, timeout=7), 124),
        Sabotage("a task awaits what nobody will do", "error: deadlock: nothing can ever wake one of these tasks",
                 "the lines above name who waits", mistake(1), 1),
        Sabotage("two tasks wait for each other", "task kant:", "the lines above name who waits", mistake(0), 1),
        Sabotage("a poll forgets its waker", "nobody holds its waker", "waker_register()", mistake(4, append="log=debug"), 1),
        Sabotage("a request is made again while it is under way", "a coroutine awaits in a place that is still pending",
                 "before its place is used again", mistake(5), 5),
        Sabotage("an AWAIT in a switch of 64 bits", "which is no AWAIT of its own", "move the AWAIT out of the switch",
                 mistake(8), 5),
        Sabotage("too much on the stack", "panic cause=stack overflow", "a task is no thread", mistake(9), 5),
        Sabotage("a pointer to nowhere", "panic cause=load page fault", "break panic_at", mistake(10), 5),
    ],
}
