# SPDX-License-Identifier: MIT
"""Disks that are slow, and answer out of order: nobody loses patience too early, and no answer goes to another."""
import re

import disk
import record
import start
from block_trace import TRACE
from machine import Machine, boot, read
from tap import expect, expect_equal, test
from test_device import both, reasons

KIB = disk.KIB
SIZE, BS = 64 * KIB, 4 * KIB
PIECES = SIZE // BS
READS, WRITES, ALL = "x-bps-read=300000", "x-bps-write=300000", "x-iops-total=300"
OVERDUE = "a request is overdue"


def throttled(path, limits, device=""):
    node = {"driver": "throttle", "throttle-group": "slow", "file": disk.file_node(path)}
    return disk.Disk(disk.raw(node), device, [f"throttle-group,id=slow,{limits}"])


def overtaken(log):
    """How many answers came before one that was asked for earlier."""
    waiting, count = [], 0
    for kind, request in re.findall(r"^virtio_blk_(handle|req_complete)\w* vdev \S+ req (\S+) ", log, re.M):
        if kind == "handle":
            waiting.append(request)
        elif request in waiting:
            count += waiting[0] != request
            waiting.remove(request)
    return count


@both("slow: reads, one task", limits=READS, depth=1)
@both("slow: reads, 8 tasks", limits=READS, depth=8)
@both("slow: writes, 8 tasks", limits=WRITES, depth=8)
@both("slow: all, 32 tasks and a ring of 8", limits=ALL, depth=32, append="queue_size=8")
@test("slow: reads, 32 tasks, packed", transport="modern", limits=READS, depth=32, device="packed=on", append="ring=packed")
@test("slow: writes, 32 tasks, 4 queues", transport="modern", limits=WRITES, depth=32, device="num-queues=4")
@test("slow: reads, 32 tasks, without indirect", transport="legacy", limits=READS, depth=32, device="indirect_desc=off")
def traffic(t, transport, limits, depth, device="", append=""):
    path = disk.make(t.path("disk"), SIZE)
    with Machine(t, f"job=rw rw=randrw number_ios=200 fsync=9 iodepth={depth} {append}", transport=transport,
                 disks=[throttled(path, limits, device)], arguments=TRACE) as machine:
        run = machine.wait()
        ahead = overtaken(read(machine.log))
    run.check(0, result={"ok": 200, "mismatch": 0, "device_resets": 0})
    expect_equal("complaints", run.starting("warning: ") + run.starting("error: "), [])
    expect(ahead > 10 or depth == 1 or limits == ALL, f"only {ahead} answers come before their turn")


@both("slow: fill, then verify", depth=1)
@both("slow: fill, then verify, 7 tasks", depth=7)
@both("slow: fill, then verify, 64 tasks", depth=64)
def fill(t, transport, depth):
    path = disk.make(t.path("disk"), SIZE)
    for job in ("fill fsync=3", "verify"):
        run = boot(t, f"job={job} bs=1k iodepth={depth}", disks=[throttled(path, "x-bps-total=400000")], transport=transport)
        run.check(0, result={"ok": SIZE // KIB, "mismatch": 0, "device_resets": 0})
        expect_equal("complaints", run.starting("warning: ") + run.starting("error: "), [])
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, SIZE // 512)), None)


@both("slow: reads are overdue, writes are not; then all is quick", limits="x-bps-read=100")
@both("slow: writes are overdue, reads are not; then all is quick", limits="x-bps-write=100")
def half_overdue(t, transport, limits):
    """A reset sends again what is overdue and what is not; the limit is taken away before what is sent again is."""
    path = disk.make(t.path("disk"), SIZE, record.filled(0, SIZE // 512))
    with Machine(t, "job=rw rw=randrw number_ios=100 iodepth=8 timeout_ms=2000", transport=transport,
                 disks=[throttled(path, limits)], gdb=True, qmp=True) as machine:
        for place in ("virtio_blk_stop", "virtio_blk_start"):
            start.run_to(machine, place)
        disk.let_go(machine)
        machine.gdb.go()
        run = machine.wait()
    run.check(0, result={"ok": 100, "timeout": 0, "mismatch": 0, "device_resets": 1})
    expect_equal("why it is reset", reasons(run), [OVERDUE])
