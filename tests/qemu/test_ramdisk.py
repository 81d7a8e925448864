# SPDX-License-Identifier: MIT
"""ramdisk=: every job on a disk that is memory, alone or beside one that is not."""
import disk
import record
from machine import Machine, boot
from tap import expect, expect_equal, test
from test_bench import check_line
from test_selftest import NAMES, NO_LIFETIME, check_ktap

KIB = disk.KIB
LINE = {"disk": 0, "node": "ramdisk", "transport": "memory", "block": 512, "ro": 0, "features": 0, "offered": 0}


@test("ramdisk: demo", append="ramdisk=1m", ok=4, capacity=2048)
@test("ramdisk: demo on a single sector", append="ramdisk=512", ok=4, capacity=1)
@test("ramdisk: fill", append="job=fill ramdisk=64k fsync=4", ok=16, capacity=128)
@test("ramdisk: fill, more tasks than seats", append="job=fill ramdisk=1m bs=512 iodepth=300", ok=2048, capacity=2048)
@test("ramdisk: fill, in one request", append="job=fill ramdisk=16m bs=16m", ok=1, capacity=32768)
@test("ramdisk: verify finds zeroes", append="job=verify ramdisk=0x40K", ok=16, capacity=128)
@test("ramdisk: rw", append="job=rw rw=randrw ramdisk=64k number_ios=500", ok=500, capacity=128)
@test("ramdisk: rw, 300 tasks", append="job=rw rw=randrw ramdisk=1M iodepth=300 fsync=50", ok=1000, capacity=2048)
@test("ramdisk: rw without deadlines", append="job=rw rw=write ramdisk=64k iodepth=7 timeout_ms=0", ok=1000, capacity=128)
@test("ramdisk: rw, an odd size", append="job=rw rw=randrw ramdisk=16896 iodepth=3", ok=1000, capacity=33)
def jobs(t, append, ok, capacity):
    run = boot(t, append).check(0, result={"ok": ok, "mismatch": 0, "device_resets": 0})
    line = run.only("disk")
    expect_equal("the disk line", {**line, **LINE, "capacity": capacity}, line)


@test("ramdisk: bench", rw="randread", depth=1)
@test("ramdisk: bench, 200 tasks", rw="randrw", depth=200)
def bench(t, rw, depth):
    run = boot(t, f"job=bench rw={rw} ramdisk=1m iodepth={depth}").check(0, result={"ok": 1000})
    check_line(run, rw=rw, iodepth=depth, ios=1000, kicks=0, irqs=0)


@test("ramdisk: selftest")
def selftest(t):
    run = boot(t, "job=selftest ramdisk=64k")
    check_ktap(run, skipped=(NO_LIFETIME, NAMES[8]))
    expect('# the disk calls itself "squall ramdisk"' in run.lines, "its name")


@test("ramdisk: the jobs that need none", long=True)
def others(t):
    for append in ("job=probe", "job=idle timeout_ms=10", "job=tasks number_ios=100"):
        expect_equal(append, boot(t, f"{append} ramdisk=1m").check(0).only("disk")["node"], "ramdisk")


@test("ramdisk: beside a virtio disk, which is written, modern", number=0, transport="modern")
@test("ramdisk: beside a virtio disk, which is not, modern", number=1, transport="modern")
@test("ramdisk: beside a virtio disk, which is written, legacy", number=0, transport="legacy")
@test("ramdisk: beside a virtio disk, which is not, legacy", number=1, transport="legacy")
def beside(t, number, transport):
    path = disk.make(t.path("disk"), 64 * KIB)
    run = boot(t, f"job=fill ramdisk=128k disk={number} iodepth=4", disks=[disk.image(path)], transport=transport)
    run.check(0, result={"ok": (32, 16)[number == 0]})
    expect_equal("the disks", [(line["disk"], line["transport"]) for line in run.all("disk")],
                 [(0, f"mmio-{transport}"), (1, "memory")])
    expected = bytes(64 * KIB) if number else record.filled(0, 128)
    expect_equal("the image", record.first_difference(disk.content(path), expected), None)


@test("ramdisk: without an interrupt controller that we drive")
def no_interrupts(t):
    """It needs none. The machine cannot be switched off, so the exit line alone counts."""
    with Machine(t, "job=rw rw=randrw ramdisk=64k iodepth=4", board="sifive_u") as machine:
        machine.until("^exit 0$")
        expect("ok=1000 " in machine.text, "the result")


@test("ramdisk: 0 is none")
def none(t):
    boot(t, "job=demo ramdisk=0").check(3)


@test("ramdisk: no whole sectors", size="1000")
@test("ramdisk: less than a sector", size="511")
@test("ramdisk: more than the memory", size="200m")
@test("ramdisk: much more than the memory", size="100g")
@test("ramdisk: all that 64 bits can say", size="18446744073709551104")
@test("ramdisk: no number", size="some")
@test("ramdisk: a size of another kind", size="1t")
@test("ramdisk: less than nothing", size="-1")
def wrong(t, size):
    boot(t, f"job=demo ramdisk={size}").check_refusal(4, "ramdisk=")
