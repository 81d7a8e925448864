# SPDX-License-Identifier: MIT
"""The machine's own controls, while the kernel is at work: stop and cont, reset, resize."""
import re
import time

import disk
import record
from block_trace import TRACE, Requests
from machine import Machine, read
from result import Result
from tap import expect, expect_equal, test

SIZE = 512 * disk.KIB


def slow_fill(t, name="disk"):
    """A fill that takes a minute if the disk is not let go."""
    path = disk.make(t.path(name), SIZE)
    return path, disk.slow(path, SIZE // 60)


@test("control: stop and cont in the middle of fill, modern", transport="modern")
@test("control: stop and cont in the middle of fill, legacy", transport="legacy")
def stop_and_cont(t, transport):
    path, slow = slow_fill(t)
    with Machine(t, "job=fill iodepth=4 bs=8k timeout_ms=60000", disks=[slow], qmp=True, transport=transport) as machine:
        machine.until(r"^disk 0 ")
        for stop in range(3):
            machine.qmp.command("stop")
            time.sleep(0.1)
            if stop == 2:
                disk.let_go(machine)
            machine.qmp.command("cont")
            time.sleep(0.1)
        run = machine.wait()
    run.check(0, result={"ok": SIZE // 8192, "device_resets": 0})
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, SIZE // 512)), None)


@test("control: stop and cont while idle")
def stop_idle(t):
    with Machine(t, "job=monitor", qmp=True, typed=True) as machine:
        machine.until("squall> ")
        machine.type("sleep 1000\r")
        machine.until("sleep 1000\n")
        machine.qmp.command("stop")
        time.sleep(0.3)
        machine.qmp.command("cont")
        machine.until("^awake after ")
        machine.type("exit\r")
        machine.wait().check(0)


@test("control: system_reset in the middle of fill, modern", transport="modern")
@test("control: system_reset in the middle of fill, legacy", transport="legacy")
def reset(t, transport):
    """The kernel boots again, finds the device as the reset left it, and ends well."""
    path, slow = slow_fill(t)
    with Machine(t, "job=fill iodepth=4 bs=8k", disks=[slow], qmp=True, reset=True, transport=transport) as machine:
        machine.until(r"^disk 0 ")
        time.sleep(0.2)
        machine.qmp.command("system_reset")
        machine.qmp.wait_event("RESET")
        disk.let_go(machine)
        run = machine.wait()
    boots = re.split(r"(?m)^OpenSBI v", run.text)[1:]
    expect_equal("number of boots", len(boots), 2)
    expect("exit" not in boots[0], "the first boot had ended already")
    second = Result(boots[1], run.status, run.hung, run.legacy, "", "")
    second.check(0, result={"ok": SIZE // 8192})
    expect_equal("what QEMU says", run.guest_errors + run.stderr, [])
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, SIZE // 512)), None)


@test("control: block_resize while requests are in flight, modern", transport="modern")
@test("control: block_resize while requests are in flight, legacy", transport="legacy")
def resize(t, transport):
    """A configuration change alone, or with an answer, in one interrupt: nothing is lost."""
    size = 32 * disk.MIB
    path = disk.make(t.path("disk"), size)
    with Machine(t, "job=verify iodepth=4 bs=512", disks=[disk.slow(path, disk.MIB)], qmp=True,
                 transport=transport) as machine:
        machine.until(r"^disk 0 ")
        for step in range(1, 9):
            machine.qmp.command("block_resize", **{"node-name": "d0", "size": size + step * disk.MIB})
            time.sleep(0.01)
        disk.let_go(machine)
        run = machine.wait()
    run.check(0, result={"ok": size // 512, "device_resets": 0})
    acknowledged = {value for offset, value in run.accesses if offset == 0x64 and value is not None}
    expect(acknowledged & {2, 3}, "no configuration change was acknowledged")
    expect(acknowledged & {1, 3}, "no answer was acknowledged")


@test("control: a disk that grows, and then shrinks, under rw, modern", transport="modern")
@test("control: a disk that grows, and then shrinks, under rw, legacy", transport="legacy")
def grow_and_shrink(t, transport):
    """What is beyond the new end fails without the disk, and nothing else does, but for what the disk had already."""
    size, count, depth = 256 * disk.KIB, 1500, 4
    slow = disk.slow(disk.make(t.path("disk"), size), size)
    with Machine(t, f"job=rw rw=randrw number_ios={count} iodepth={depth}", disks=[slow], qmp=True, transport=transport,
                 arguments=TRACE) as machine:
        machine.until(r"^disk 0 ")
        sizes = [size, 4 * size, size // 2]
        for before, after in zip(sizes, sizes[1:]):
            machine.qmp.command("block_resize", **{"node-name": "d0", "size": after})
            machine.until(rf"^virtio_mmio@\w+: disk 0 has {after // 512} sectors now, {before // 512} before$")
        disk.let_go(machine)
        run = machine.wait()
        asked = Requests(read(machine.log)).all
    run.check(2, result={"mismatch": 0, "device_resets": 0})
    result = run.only("result")
    expect_equal("requests counted", result["ok"] + result["ioerr"] + result["inval"], count)
    expect(result["inval"] > count // 10 and result["ioerr"] <= depth, f"{result}")
    expect(run.starting("error: sector"), "no sector is named")
    # The read-back of what is left comes last; before it only requests that end well were sent.
    beyond = [place for place, one in enumerate(asked) if one[1] + one[2] > size // 2 // 512]
    expect(beyond and beyond[-1] < len(asked) - size // 2 // 4096 - count // 10, "the disk was asked beyond its new end")


@test("control: block_resize while idle")
def resize_idle(t):
    path = disk.make(t.path("disk"))
    with Machine(t, "job=monitor", disks=[disk.image(path)], qmp=True, typed=True) as machine:
        machine.until("squall> ")
        machine.qmp.command("block_resize", **{"node-name": "d0", "size": 2 * disk.MIB})
        machine.until("disk 0 has 4096 sectors now, 2048 before")
        machine.type("exit\r")
        run = machine.wait()
    run.check(0)
    acknowledged = [value for offset, value in run.accesses if offset == 0x64]
    expect(acknowledged in ([2], [3]), f"interrupts acknowledged: {acknowledged}")


@test("control: the kernel's console alone is enough for a machine that is quit")
def quit_machine(t):
    """What a run without its exit line looks like: a failure, whatever the status."""
    with Machine(t, "job=idle timeout_ms=60000", qmp=True) as machine:
        machine.until(r"^squall ")
        machine.qmp.command("quit")
        run = machine.wait()
    expect_equal("status", run.status, 0)
    expect("the last line is not the exit line" in list(run.problems()), "it passes")


@test("control: resized 1,200 times while nothing is asked of it, its interrupt still comes")
def resized_often(t):
    """It has always news, so this is no storm."""
    with Machine(t, "job=monitor log=warn", disks=[disk.image(disk.make(t.path("disk")))], qmp=True, typed=True) as machine:
        machine.until("squall> ")
        for turn in range(1200):
            machine.qmp.command("block_resize", **{"node-name": "d0", "size": (2 + turn % 2) * disk.MIB})
        machine.type("read 0\r")
        machine.until("squall> $")
        machine.type("exit\r")
        run = machine.wait().check(0)
    expect_equal("warnings", run.starting("warning: "), [])
