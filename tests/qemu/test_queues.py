# SPDX-License-Identifier: MIT
"""Rings of every size and number, under more tasks than they hold: nothing is lost, nobody starves."""
import collections

import disk
import record
from block_trace import boot_traced, check_places
from machine import boot
from tap import expect, expect_equal, test
from test_bench import EXACT, NOTIFY, check_line

KIB, MIB = disk.KIB, disk.MIB
MQ = 12
MANY = 4096


def notified(run):
    """How often each queue was."""
    return collections.Counter(value for offset, value in run.accesses if offset == NOTIFY)


@test("queues: 1", queues=1, transport="modern")
@test("queues: 4", queues=4, transport="modern")
@test("queues: 8", queues=8, transport="modern")
@test("queues: 16, of which 8 are used", queues=16, transport="modern", used=8)
@test("queues: 4, legacy", queues=4, transport="legacy")
@test("queues: 4, packed", queues=4, transport="modern", device="packed=on", append="ring=packed")
@test("queues: 4, without indirect", queues=4, transport="modern", device="indirect_desc=off")
@test("queues: 4, without event_idx", queues=4, transport="modern", device="event_idx=off")
@test("queues: 4 of 4 entries", queues=4, transport="modern", append="queue_size=4", size=4)
@test("queues: 8 of a single seat", queues=8, transport="legacy", device="indirect_desc=off", append="queue_size=4", size=4)
def several(t, queues, transport, device="", append="", used=None, size=1024):
    """Each has its turn, and what is on the disk in the end is as it should be."""
    used = used or queues
    path = disk.make(t.path("disk"), 256 * KIB)
    properties = ",".join([f"num-queues={queues}", *([device] if device else [])])
    run, requests = boot_traced(t, f"job=rw rw=randrw iodepth=8 number_ios=400 {append}", transport=transport,
                                disks=[disk.image(path, properties)])
    run.check(0, result={"ok": 400, "mismatch": 0, "device_resets": 0})
    line = run.only("disk")
    seats = size // (3 if device == "indirect_desc=off" else 1)
    expect_equal("queues and depth", (line["queues"], line["depth"]), (used, used * seats))
    expect_equal("VIRTIO_BLK_F_MQ", (line["offered"] >> MQ & 1, line["features"] >> MQ & 1), (int(queues > 1),) * 2)
    counts = notified(run)
    expect_equal("the queues that were notified", sorted(counts), list(range(used)))
    expect(min(counts.values()) > sum(counts.values()) / used / 2, f"they do not have their turns: {counts}")
    expect_equal("overlapping requests", requests.overlaps[:1], [])


@test("queues: one is as good as eight, for the one who fills a disk", transport="modern")
@test("queues: one is as good as eight, for the one who fills a disk, legacy", transport="legacy")
def filled(t, transport):
    path = disk.make(t.path("disk"), 256 * KIB)
    run = boot(t, "job=fill bs=512 iodepth=100 fsync=100 queue_size=8", disks=[disk.image(path, "num-queues=8")], transport=transport)
    run.check(0, result={"ok": 512})
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, 512)), None)


@test("depth: 4096 tasks, a ring of 4", size=4)
@test("depth: 4096 tasks, a ring of 8", size=8)
@test("depth: 4096 tasks, a ring of 1024", size=1024)
@test("depth: 4096 tasks, the driver's choice", size=0)
@test("depth: 4096 tasks, a ring of 8, legacy", size=8, transport="legacy")
@test("depth: 4096 tasks, a packed ring of 8", size=8, device="packed=on", append="ring=packed")
@test("depth: 4096 tasks, a packed ring of 1024", size=1024, device="packed=on", append="ring=packed")
@test("depth: 4096 tasks, a single seat", size=4, device="indirect_desc=off", seats=1)
@test("depth: 4096 tasks, 4 queues of 8", size=8, device="num-queues=4", queues=4)
def deep(t, size, device="", append="", transport="modern", seats=None, queues=1):
    """In the order in which they came: the device sees the sectors one after the other."""
    count, seats = 2 * MANY, seats or size or 1024
    run, requests = boot_traced(t, f"job=bench rw=read bs=512 iodepth={MANY} number_ios={count} queue_size={size} {append}", mem="512M",
                                disks=[disk.null(count * 512, device)], transport=transport)
    run.check(0, result={"ok": count, "device_resets": 0})
    check_line(run, iodepth=MANY, ios=count)
    expect_equal("queues and depth", (run.only("disk")["queues"], run.only("disk")["depth"]), (queues, queues * seats))
    expect(requests.most <= queues * seats, f"{requests.most} in flight")
    order = [sector for _, sector, _ in requests.all]
    if queues == 1:
        expect_equal("the order", order, list(range(count)))
    else:                               # the device takes them from several rings
        expect_equal("all of them", sorted(order), list(range(count)))
        expect(max(abs(place - sector) for place, sector in enumerate(order)) < 4 * queues * seats, "one was left behind")


@test("depth: rw with 4096 tasks and a ring of 8")
def deep_rw(t):
    path = disk.make(t.path("disk"), MIB)
    run, requests = boot_traced(t, f"job=rw rw=randrw bs=512 iodepth={MANY} number_ios=6000 queue_size=8", mem="512M",
                                disks=[disk.image(path)])
    run.check(0, result={"ok": 6000, "mismatch": 0, "device_resets": 0})
    check_places(requests.all, 512, 0, MIB)
    expect_equal("overlapping requests", requests.overlaps[:1], [])


@test("depth: a request costs the same, 32 tasks waiting or 1024")
def same_cost(t):
    """By exact counts, and within 10 %."""
    costs = [check_line(boot(t, f"job=bench number_ios=40000 iodepth={depth} queue_size=32", disks=[disk.null(MIB)],
                             arguments=EXACT).check(0))["instr"] for depth in (64, 1056)]
    t.note(f"instructions per request: {costs}")
    expect(abs(costs[1] - costs[0]) <= 0.1 * costs[0], f"instructions per request: {costs}")


@test("batches: kicks and irqs at depth 32, modern", transport="modern")
@test("batches: kicks and irqs at depth 32, legacy", transport="legacy")
@test("batches: kicks and irqs at depth 32, packed", transport="modern", device="packed=on", append="ring=packed")
@test("batches: kicks and irqs at depth 32, without indirect", transport="modern", device="indirect_desc=off")
@test("batches: kicks and irqs at depth 32, 4 queues", transport="modern", device="num-queues=4")
@test("batches: kicks and irqs at depth 32, writes", transport="modern", rw="randwrite")
@test("batches: kicks and irqs at depth 32, reads and writes", transport="modern", rw="randrw")
def batches(t, transport, device="", append="", rw="randread"):
    run = boot(t, f"job=bench rw={rw} iodepth=32 number_ios=3200 {append}", disks=[disk.null(MIB, device)], transport=transport, arguments=EXACT)
    line = check_line(run.check(0, result={"ok": 3200}))
    expect(line["kicks"] <= 1000 // 16 and line["irqs"] <= 1000 // 16, f"kicks={line['kicks']} irqs={line['irqs']} for 1000 requests")


@test("large: requests of 8 MiB, modern", transport="modern")
@test("large: requests of 8 MiB, legacy", transport="legacy")
@test("large: requests of 8 MiB, packed", transport="modern", device="packed=on", append="ring=packed")
@test("large: requests of 8 MiB, without indirect", transport="modern", device="indirect_desc=off")
@test("large: requests of 8 MiB, a disk that takes less at once", transport="modern", most=64 * KIB)
def large(t, transport, device="", append="", most=None):
    path = disk.make(t.path("disk"), 24 * MIB)
    image = disk.image(path, device)
    if most:
        image.node = disk.raw({"driver": "blkdebug", "image": disk.file_node(path), "max-transfer": most})
    for job in ("fill", "verify"):
        boot(t, f"job={job} bs=8m iodepth=2 {append}", disks=[image], transport=transport).check(0, result={"ok": 3, "mismatch": 0})
    where = 48 * 1023
    expect_equal("a record", disk.content(path)[where * 512:where * 512 + 512], record.record(where, where + 1, 1))
