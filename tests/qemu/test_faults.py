# SPDX-License-Identifier: MIT
"""Every kind of request fails once or for ever, by blkdebug; and machines that stop instead, and go on when told to."""
import struct
import time

import disk
import record
from machine import Machine, boot
from qmp import QmpError
from tap import expect, expect_equal, test
from test_errors import EIO, ENOSPC, REPORT, rule
from test_selftest import NAMES

KIB = disk.KIB
SIZE, BS = 64 * KIB, 4 * KIB
PIECES, PASSES = SIZE // BS, 3
ENOMEM, EROFS = 12, 30
STOP = "rerror=stop,werror=stop,request-merging=off"


def everywhere(what, **arguments):
    """A test for each transport, with the fault once and for ever, for each errno of `errnos`."""
    def register(function):
        for transport in ("modern", "legacy"):
            for once in (True, False):
                for errno in arguments["errnos"]:
                    rest = {key: value for key, value in arguments.items() if key != "errnos"}
                    test(f"faults: {what}, errno {errno}, {'once' if once else 'for ever'}, {transport}",
                         transport=transport, once=once, errno=errno, **rest)(function)
        return function
    return register


@everywhere("a read", kind="read", rw="read", errnos=(EIO, ENOMEM))
@everywhere("a write", kind="write", rw="write", errnos=(EIO, ENOSPC, EROFS))
def one_place(t, transport, once, errno, kind, rw):
    """One place of the disk, on each of some passes over it: counted where it fails, and nowhere else."""
    data = record.filled(0, SIZE // 512)
    path = disk.make(t.path("disk"), SIZE, data)
    run = boot(t, f"job=rw rw={rw} number_ios={PASSES * PIECES} iodepth=4 fsync=1", transport=transport,
               disks=[disk.faulty(path, rule(kind, 64, once, errno), device=REPORT)])
    failed = 1 if once else PASSES
    run.check(2, result={"ok": PASSES * PIECES - failed, "ioerr": failed, "mismatch": 0, "device_resets": 0})
    image = disk.content(path)
    if kind == "read":
        expect(image == data, "the image has changed")
        return
    expect(max(line["seq"] for line in run.all("durable")) <= 8, "durable passes the first write that failed")
    for lba in range(SIZE // 512):
        last = (PASSES - 1) * PIECES + lba // 8 + 1
        wanted = lba + 1 if lba // 8 == 8 and not once else last
        expect_equal(f"seq in sector {lba}", record.seq_of(image[lba * 512:lba * 512 + 512], lba, 1), wanted)


@everywhere("a flush", errnos=(EIO, ENOSPC))
def a_flush(t, transport, once, errno):
    path = disk.make(t.path("disk"), SIZE)
    run = boot(t, "job=fill fsync=4", transport=transport,
               disks=[disk.faulty(path, rule("flush", once=once, errno=errno), device=REPORT)])
    run.check(2, result={"ok": PIECES, "ioerr": 0, "device_resets": 0})
    expect_equal("durable lines", [line["seq"] for line in run.all("durable")], [64, 96, 128, 128] if once else [])
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, SIZE // 512)), None)


@everywhere("a discard", kind="discard", which=4, errnos=(EIO,))
@everywhere("write zeroes", kind="write-zeroes", which=3, errnos=(EIO, ENOSPC))
def a_range(t, transport, once, errno, kind, which):
    """Of four pieces one fails, and so the request; what comes after it does not."""
    data = bytes(range(1, 252)) * 200
    path = disk.make(t.path("disk"), SIZE, data)
    rules = {"event": "none", "iotype": kind, "sector": 8, "errno": errno, "once": once}
    node = disk.faulty(path, rules, device=f"{REPORT},max-discard-sectors=8,max-write-zeroes-sectors=8")
    node.node["discard"] = node.node["file"]["discard"] = "unmap"
    run = boot(t, "job=selftest", transport=transport, disks=[node]).check(1)
    expect_equal("what fails", run.starting("not ok"), [f"not ok {which + 1} {NAMES[which]}"])
    expect(disk.content(path)[:len(data)] == data, "what was on the disk is not put back")


def go_on(machine, meanwhile=lambda: None):
    """Let a machine go that was started with -S: before somebody listens QEMU tells of no event. Each time it stops
    for an error: `meanwhile`, then let it go on. (run, how often)"""
    stops = 0
    try:
        while True:
            machine.qmp.command("cont")
            machine.qmp.wait_event("STOP")
            expect_equal("its state", machine.qmp.command("query-status")["status"], "io-error")
            meanwhile()
            stops += 1
    except QmpError:                    # it has ended
        return machine.wait(), stops


@test("faults: the machine stops for a write, modern", transport="modern", kind="write")
@test("faults: the machine stops for a write, legacy", transport="legacy", kind="write")
@test("faults: the machine stops for a read, modern", transport="modern", kind="read")
@test("faults: the machine stops for a read, legacy", transport="legacy", kind="read")
@test("faults: the machine stops for a flush", transport="modern", kind="flush")
@test("faults: the machine stops for a write, packed", transport="modern", kind="write", device=",packed=on", ring="packed")
@test("faults: the machine stops for longer than a deadline", transport="modern", kind="write", pause=2)
def stops(t, transport, kind, device="", ring="split", pause=0):
    """For three requests, of several in flight. QEMU tries each again, and nobody in the machine ever knew."""
    path = disk.make(t.path("disk"), SIZE, record.filled(0, SIZE // 512))
    rules = [rule(kind, sector, once=True) for sector in ((24, 64, 72) if kind != "flush" else (None,) * 3)]
    rw = "read" if kind == "read" else "write"
    with Machine(t, f"job=rw rw={rw} number_ios=64 iodepth=4 fsync=4 ring={ring} timeout_ms=1500", transport=transport,
                 qmp=True, arguments=["-S"], disks=[disk.faulty(path, *rules, device=STOP + device)]) as machine:
        run, times = go_on(machine, lambda: time.sleep(pause))
    expect(1 <= times <= 3, f"it has stopped {times} times")
    run.check(0, result={"ok": 64, "ioerr": 0, "timeout": 0, "mismatch": 0, "device_resets": 0})
    expect_equal("complaints", run.starting("error: ") + run.starting("warning: "), [])
    if kind != "read":
        expect_equal("durable lines", len(run.all("durable")), 64 // 4)


def thin(path, size):
    """An empty qcow2 image of `size` bytes: header, refcount table and block, first level of the map, a cluster each."""
    cluster = 1 << 16
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, size, 0, 1, 3 * cluster, cluster, 1, 0, 0)
    with open(path, "wb") as file:
        for place, data in ((0, header), (1, struct.pack(">Q", 2 * cluster)), (2, struct.pack(">H", 1) * 4)):
            file.seek(place * cluster)
            file.write(data)
        file.truncate(4 * disk.MIB)     # a hole: how much of it can be used is said beside it
    return path


def thin_disk(path, room, device):
    """No more than `room` bytes can be had for the image."""
    node = {"driver": "qcow2", "file": {"driver": "raw", "size": room, "node-name": "room",
                                       "file": {**disk.file_node(path), "node-name": "base"}}}
    return disk.Disk(node, device)


ROOM, CLUSTER = 8 << 16, 1 << 16        # four clusters of the image's own, and one more for the map


@test("faults: no room for a thin image, modern", transport="modern")
@test("faults: no room for a thin image, legacy", transport="legacy")
def no_room(t, transport):
    """There is for three clusters of its sixteen; the rest of the requests fail, and what is written is right."""
    path = thin(t.path("disk"), disk.MIB)
    with Machine(t, "job=fill bs=16k iodepth=4 fsync=8", disks=[thin_disk(path, ROOM, REPORT)], transport=transport) as machine:
        run = machine.wait()
    run.check(2, result={"ok": 3 * 4, "ioerr": 13 * 4, "device_resets": 0})
    expect(max(line["seq"] for line in run.all("durable")) <= 3 * CLUSTER // 512, "durable passes the end of the room")
    run = boot(t, "job=verify", disks=[thin_disk(path, ROOM, REPORT)], transport=transport)
    run.check(0, result={"mismatch": 0})


@test("faults: room is made for a thin image while the machine stands still")
def room_made(t):
    path = thin(t.path("disk"), disk.MIB)
    room = [ROOM]
    with Machine(t, "job=rw rw=write bs=16k number_ios=64 iodepth=4 fsync=8", disks=[thin_disk(path, ROOM, STOP)], qmp=True,
                 arguments=["-S"]) as machine:
        def make_room():
            room[0] += 2 * CLUSTER
            machine.qmp.command("blockdev-reopen", options=[
                {"driver": "raw", "size": room[0], "file": "base", "node-name": "room"}])
        run, times = go_on(machine, make_room)
    run.check(0, result={"ok": 64, "ioerr": 0, "mismatch": 0, "device_resets": 0})
    expect(times >= 5, f"it has stopped {times} times")
