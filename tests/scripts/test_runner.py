# SPDX-License-Identifier: MIT
"""scripts/qemu: what it shows, how it ends, and that it always ends."""
import os
import re
import select
import signal
import struct
import subprocess
import sys
import time

import start
import tree
import work
from machine import KERNEL, QEMU, ROOT, descendants_named
from tap import expect, expect_equal, test

sys.path.append(os.path.join(ROOT, "scripts"))
import remedies  # noqa: E402 - found in the folder above

SCRIPT = os.path.join(ROOT, "scripts/qemu")
HANG, NO_EXIT_LINE, NO_QEMU = 124, 125, 127
# Longer than any test waits.
IDLE = "job=idle timeout_ms=600000"


def run(append="job=probe", *words, kernel=KERNEL, limit=120, **options):
    return work.command(SCRIPT, "--kernel", kernel, "--timeout", str(limit), "--append", append, *words, **options)


def elf(*instructions):
    """A kernel of a few instructions."""
    code = b"".join(struct.pack("<I", one) for one in instructions)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, 0x80200000, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 4096, 0x80200000, 0x80200000, len(code), len(code), 4096)
    return (header + segment).ljust(4096, b"\0") + code


# SRST shutdown by the firmware; and a jump to itself.
SHUT_DOWN = elf(0x535258b7, 0x35488893, 0x00000813, 0x00000513, 0x00000593, 0x00000073, 0x0000006f)
LOOP = elf(0x0000006f)


def other_kernel(t, data):
    path = t.path("kernel.elf")
    with open(path, "wb") as file:
        file.write(data)
    return path


@test("runner: the exit code", append="job=probe", code=0)
@test("runner: the exit code, no disk", append="job=demo", code=3)
@test("runner: the exit code, bad arguments", append="job=nothing", code=4)
@test("runner: the exit code, panic", append="job=panic", code=5)
def codes(t, append, code):
    done = run(append)
    expect_equal("status", done.status, code)
    expect(done.output.startswith("squall "), f"it begins with {done.output[:60]!r}")
    expect(done.output.replace("\r", "").endswith(f"\nexit {code}\n"), "the last line is not the exit line")
    expected = r"scripts/qemu: what helps: .*\n" if code else ""
    expect(re.fullmatch(expected, done.error), f"standard error: {done.error!r}")


@test("runner: --firmware-banner shows everything")
def banner(t):
    expect("OpenSBI" in run("job=probe", "--firmware-banner").output, "there is no banner")
    expect("OpenSBI" not in run("job=probe").output, "there is a banner")


@test("runner: a hang is 124, with the console's last lines")
def hang(t):
    began = time.monotonic()
    done = run(IDLE, limit=10)
    expect_equal("status", done.status, HANG)
    expect("a hang" in done.error and "| squall " in done.error, done.error)
    expect(time.monotonic() - began < 100, "it took far longer than the limit")


@test("runner: a hang under icount, where QEMU ignores SIGTERM")
def hang_icount(t):
    done = run("job=idle timeout_ms=18446744073709551615", "--", "-icount", "shift=0,sleep=off", limit=4)
    expect_equal("status", done.status, HANG)


@test("runner: a hang of a kernel that says nothing shows the firmware's words")
def silent_hang(t):
    done = run(kernel=other_kernel(t, LOOP), limit=5)     # less than what a kernel has to say its first word
    expect_equal("status", done.status, HANG)
    expect("a hang" in done.error, done.error)
    expect("OpenSBI" in done.output, "what was held back is not shown")


@test("runner: no exit line is 125, whatever QEMU says")
def no_exit_line(t):
    done = run(kernel=other_kernel(t, SHUT_DOWN))
    expect_equal("status", done.status, NO_EXIT_LINE)
    expect("does not end in an exit line" in done.error and "status 0" in done.error, done.error)
    expect("OpenSBI" in done.output, "what was held back is not shown")


@test("runner: QEMU that does not start is 125, and its words are shown")
def bad_option(t):
    done = run("job=probe", "--", "-device", "no-such-device")
    expect_equal("status", done.status, NO_EXIT_LINE)
    expect("no-such-device" in done.error, done.error)


@test("runner: no QEMU is 127, and how to get it")
def no_qemu(t):
    done = run(PATH=work.tools_without(t.path("bin"), QEMU))
    expect_equal("status", done.status, NO_QEMU)
    expect(QEMU in done.error and "make deps" in done.error, done.error)


def broken_tree(t):
    """A tree that the firmware survives and the kernel refuses, before its `squall` line."""
    dumped = t.path("virt.dtb")
    subprocess.run([QEMU, "-M", f"virt,dumpdtb={dumped}"], check=True, capture_output=True)
    with open(dumped, "rb") as file:
        blob = file.read()
    changed = start.edited(lambda root: root.child("memory").properties.update(reg=tree.cells(1, 2, 3)))(blob)
    path = t.path("broken.dtb")
    with open(path, "wb") as file:
        file.write(changed)
    return path


@test("runner: an error before the kernel's `squall` line is shown")
def early_error(t):
    done = run("job=demo", "--", "-dtb", broken_tree(t))
    lines = done.output.replace("\r", "").strip().split("\n")
    expect_equal("status", done.status, 4)
    expect_equal("lines", len(lines), 2)
    expect(lines[0].startswith("error: device tree"), lines[0])
    expect_equal("the last line", lines[1], "exit 4")


@test("make qemu: an error before the kernel's `squall` line is shown")
def early_error_by_make(t):
    done = work.make(work.GCC.get(), "qemu", "DISK=none", "TIMEOUT=60", f"QEMU_EXTRA=-dtb {broken_tree(t)}")
    expect_equal("status", done.status, 2)
    expect("error: device tree" in done.output and "exit 4" in done.output, done.output)


@test("runner: standard input that never says anything does not block it")
def open_input(t):
    reading, writing = os.pipe()
    try:
        done = run("job=probe", stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    expect_equal("status", done.status, 0)


@test("runner: standard input that is closed does not stop it")
def closed_input(t):
    done = work.command("sh", "-c", f'exec "{SCRIPT}" --kernel "{KERNEL}" --append job=probe --timeout 120 <&-')
    expect_equal("status", done.status, 0)


@test("runner: nobody reads what it prints")
def closed_output(t):
    done = work.command("sh", "-c", f'"{SCRIPT}" --kernel "{KERNEL}" --append "job=idle timeout_ms=1000" --timeout 120 | head -n 1')
    expect(done.output.startswith("squall "), done.output)


def started(*words, **options):
    return subprocess.Popen([SCRIPT, "--kernel", KERNEL, "--append", IDLE, *words], env=work.environment(), **options)


def wait_for_qemu(process):
    """The process ids of the QEMU below the script, once there is one."""
    for _ in range(2000):
        found = descendants_named(process.pid, "qemu-system")
        if found:
            return found
        time.sleep(0.05)
    return []


def all_gone(pids):
    for _ in range(2000):
        if not any(os.path.exists(f"/proc/{pid}") for pid in pids):
            return True
        time.sleep(0.05)
    return False


def end_all(pids):
    """Should the script have failed to."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@test("runner: SIGTERM ends QEMU as well", number=signal.SIGTERM)
@test("runner: SIGINT ends QEMU as well", number=signal.SIGINT)
@test("runner: SIGHUP ends QEMU as well", number=signal.SIGHUP)
@test("runner: SIGKILL ends QEMU as well", number=signal.SIGKILL)
def signals(t, number):
    with started(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        qemu = wait_for_qemu(process)
        try:
            expect(qemu, "QEMU did not start")
            process.send_signal(number)
            status = process.wait(timeout=120)
            expect(all_gone(qemu), "QEMU is still there")
            expect_equal("status", status, 128 + number if number != signal.SIGKILL else -number)
        finally:
            process.kill()
            end_all(qemu)


def at_terminal(append):
    return work.at_terminal(SCRIPT, "--kernel", KERNEL, "--append", append)


def read_up_to(terminal, words):
    shown = b""
    while words not in shown:
        expect(select.select([terminal], [], [], 120)[0], f"{words} is not shown, but {shown}")
        shown += os.read(terminal, 4096)


@test("runner: at a terminal Ctrl-A x quits", keys=b"\x01x")
@test("runner: at a terminal Ctrl-C quits", keys=b"\x03")
def terminal(t, keys):
    with at_terminal(IDLE) as (process, ours):
        read_up_to(ours, b"squall ")
        time.sleep(0.5)
        os.write(ours, keys)
        expect(process.wait(timeout=120) != 0, "a run that was quit counts as a success")


@test("runner: at a terminal Ctrl-C is the monitor's")
def typed_at(t):
    with at_terminal("job=monitor") as (process, ours):
        read_up_to(ours, b"squall> ")
        os.write(ours, b"sleep 100000\r")
        read_up_to(ours, b"\n")
        os.write(ours, b"\x03")
        read_up_to(ours, b"woken by Ctrl-C")
        os.write(ours, b"exit\r")
        expect_equal("status", process.wait(timeout=120), 0)


@test("runner: -M sifive_u starts without the disk, and says so")
def no_bus(t):
    path = t.path("disk.img")
    with open(path, "wb") as file:
        file.truncate(1 << 20)
    done = run("job=probe", "--disk", path, "--", "-M", "sifive_u")
    expect_equal("status", done.status, 0)
    expect("no virtio bus" in done.error, done.error)


@test("runner: a disk whose name has a comma")
def comma(t):
    path = t.path("a,b.img")
    with open(path, "wb") as file:
        file.truncate(1 << 20)
    done = run("job=demo", "--disk", path)
    expect_equal("status", done.status, 0)


@test("runner: a kernel that cannot be one is named, and why", data=b"", why="is no ELF file")
@test("runner: a kernel that cannot be one is named, and why", data=b"\x7fELF", why="is no ELF file")
@test("runner: a kernel that cannot be one is named, and why", data=SHUT_DOWN[:-1], why="is cut off: it has 4123 bytes of 4124")
@test("runner: a kernel that cannot be one is named, and why", data=SHUT_DOWN[:64], why="is cut off: it has 64 bytes of 120")
@test("runner: a kernel that cannot be one is named, and why", data=SHUT_DOWN.replace(b"\xf3\x00", b"\x3e\x00", 1),
      why="is no executable for 64-bit RISC-V")
@test("runner: a kernel that cannot be one is named, and why", data=None, why="cannot be read: No such file or directory")
def no_kernel(t, data, why):
    path = other_kernel(t, data) if data is not None else t.path("none.elf")
    done = run(kernel=path)
    expect_equal("status", done.status, NO_EXIT_LINE)
    expect(f"scripts/qemu: the kernel {path} {why}" in done.error and "make clean all" in done.error, done.error)


@test("runner: a line that was shut has a remedy of its own, also when an interrupt is then lost")
def shut_line(t):
    words = remedies.remedy("warning: interrupt 8 (virtio_mmio@10008000): nothing to do 1000 times running: disabled\n"
                            "warning: disk 0: an interrupt was lost")
    expect(words and "holds its interrupt line" in words and "PLIC" not in words, words)
