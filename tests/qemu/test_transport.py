# SPDX-License-Identifier: MIT
"""Transports, features, slots, ring sizes: whatever the device offers, the bytes are the same."""
import disk
import record
from machine import boot
from tap import expect, expect_equal, test

INDIRECT, EVENT_IDX, VERSION_1, RING_PACKED, RING_RESET, FLUSH = 28, 29, 32, 34, 40, 9
SECTORS = 512


def fill_and_check(t, append="", device="", **options):
    """fill, and the image compared; returns the run and the image's path."""
    path = disk.make(t.path("disk"), SECTORS * record.SECTOR)
    run = boot(t, f"job=fill bs=8k {append}", disks=[disk.image(path, device)], **options)
    run.check(0, result={"job": "fill", "ok": SECTORS // 16, "device_resets": 0})
    difference = record.first_difference(disk.content(path), record.filled(0, SECTORS))
    expect_equal("the image", difference, None)
    return run, path


def has(run, bit, field="features"):
    return bool(run.only("disk")[field] >> bit & 1)


@test("features: modern, indirect on, event_idx on", transport="modern", indirect="on", event_idx="on")
@test("features: modern, indirect on, event_idx off", transport="modern", indirect="on", event_idx="off")
@test("features: modern, indirect off, event_idx on", transport="modern", indirect="off", event_idx="on")
@test("features: modern, indirect off, event_idx off", transport="modern", indirect="off", event_idx="off")
@test("features: packed, indirect on, event_idx on", transport="modern", indirect="on", event_idx="on", ring="packed")
@test("features: packed, indirect on, event_idx off", transport="modern", indirect="on", event_idx="off", ring="packed")
@test("features: packed, indirect off, event_idx on", transport="modern", indirect="off", event_idx="on", ring="packed")
@test("features: packed, indirect off, event_idx off", transport="modern", indirect="off", event_idx="off",
      ring="packed")
@test("features: legacy, indirect on, event_idx on", transport="legacy", indirect="on", event_idx="on")
@test("features: legacy, indirect on, event_idx off", transport="legacy", indirect="on", event_idx="off")
@test("features: legacy, indirect off, event_idx on", transport="legacy", indirect="off", event_idx="on")
@test("features: legacy, indirect off, event_idx off", transport="legacy", indirect="off", event_idx="off")
def features(t, transport, indirect, event_idx, ring="split"):
    device = f"indirect_desc={indirect},event_idx={event_idx},packed={'on' if ring == 'packed' else 'off'}"
    run, path = fill_and_check(t, f"iodepth=4 fsync=8 ring={ring}", device, transport=transport)
    expect_equal("number of durable lines", len(run.all("durable")), SECTORS // 16 // 8 + 1)
    expect_equal("the last durable line", run.all("durable")[-1]["seq"], SECTORS)
    for bit, wanted in ((INDIRECT, indirect == "on"), (EVENT_IDX, event_idx == "on"), (FLUSH, True),
                        (VERSION_1, transport == "modern"), (RING_PACKED, ring == "packed"), (RING_RESET, False)):
        expect_equal(f"feature {bit} accepted", has(run, bit), wanted)
    line = run.only("disk")
    expect_equal("features accepted and not offered", line["features"] & ~line["offered"], 0)
    before = disk.content(path)
    for append, count in (("job=verify bs=8k iodepth=4", SECTORS // 16), ("job=demo", 4)):
        run = boot(t, f"{append} ring={ring}", disks=[disk.image(path, device)], transport=transport)
        run.check(0, result={"ok": count, "mismatch": 0})
    expect_equal("the image afterwards", record.first_difference(disk.content(path), before), None)


PACKED = {"split": "", "packed": "packed=on"}
for slot in range(8):
    @test(f"slot {slot}", slot=slot, transport="legacy" if slot % 2 else "modern")
    def one_slot(t, slot, transport):
        path = disk.make(t.path("disk"))
        run = boot(t, "job=demo", disks=[disk.image(path, f"bus=virtio-mmio-bus.{slot}")], transport=transport)
        run.check(0, result={"ok": 4})
        node = run.only("disk")["node"]
        expect(node.endswith(f"1000{slot + 1}000"), f"the disk is on slot {slot}, and the kernel says {node}")


for size in (4, 8, 64, 256, 1024):
    @test(f"queue_size={size}: modern", size=size, transport="modern")
    @test(f"queue_size={size}: legacy", size=size, transport="legacy")
    @test(f"queue_size={size}: packed", size=size, transport="modern", ring="packed")
    def queue_size(t, size, transport, ring="split"):
        run, _ = fill_and_check(t, f"iodepth=16 fsync=8 queue_size={size} ring={ring}", PACKED[ring],
                                transport=transport)
        expect_equal("depth", run.only("disk")["depth"], size)


@test("queue_size=4 without indirect descriptors: modern", transport="modern", size=4, depth=1)
@test("queue_size=4 without indirect descriptors: legacy", transport="legacy", size=4, depth=1)
@test("queue_size=8 without indirect descriptors: modern", transport="modern", size=8, depth=2)
@test("queue_size=1024 without indirect descriptors: legacy", transport="legacy", size=1024, depth=341)
@test("queue_size=4 without indirect descriptors: packed", transport="modern", size=4, depth=1, ring="packed")
@test("queue_size=8 without indirect descriptors: packed", transport="modern", size=8, depth=2, ring="packed")
@test("queue_size=1024 without indirect descriptors: packed", transport="modern", size=1024, depth=341, ring="packed")
def queue_size_chains(t, transport, size, depth, ring="split"):
    run, _ = fill_and_check(t, f"iodepth=16 fsync=8 queue_size={size} ring={ring}",
                            f"indirect_desc=off,{PACKED[ring]}".rstrip(","), transport=transport)
    expect_equal("depth", run.only("disk")["depth"], depth)


@test("queue_size=3: no power of two", append="queue_size=3", words=["queue_size=3"])
@test("queue_size=70000: no ring is so long", append="queue_size=70000", words=["queue_size=70000"])
def queue_size_wrong(t, append, words):
    run = boot(t, append, disks=[disk.image(disk.make(t.path("disk")))])
    run.check_refusal(4, *words)
    expect_equal("accesses to devices", run.accesses, [])


@test("queue_size=2048: more than the device's 1024, modern", append="queue_size=2048", words=["2048", "1024"])
@test("queue_size=2048: more than the device's 1024, legacy", append="queue_size=2048", words=["2048", "1024"],
      transport="legacy")
# No request may have more segments than the ring has entries, not even in a table (2.7.5.3.1).
@test("queue_size=1", append="queue_size=1", words=["a queue of 1"])
@test("queue_size=2: legacy", append="queue_size=2", words=["a queue of 2"], transport="legacy")
@test("queue_size=2 without indirect descriptors", append="queue_size=2", words=["a queue of 2"],
      device="indirect_desc=off")
@test("queue_size=1 without indirect descriptors", append="queue_size=1", words=["a queue of 1"],
      device="indirect_desc=off", transport="legacy")
def queue_size_refused(t, append, words, device="", transport="modern"):
    path = disk.make(t.path("disk"))
    run = boot(t, append, disks=[disk.image(path, device)], transport=transport)
    run.check_words(3, *words)
    expect_equal("the image", disk.content(path), bytes(disk.MIB))


@test("ring=packed: modern, and not offered", transport="modern", device="packed=off")
@test("ring=packed: legacy", transport="legacy", device="packed=on")
def packed_not_offered(t, transport, device):
    """A warning, and the split ring."""
    run, _ = fill_and_check(t, "iodepth=4 ring=packed", device, transport=transport)
    warnings = run.starting("warning: ")
    expect(len(warnings) == 1 and "ring=packed" in warnings[0], f"warnings: {warnings}")
    expect(not has(run, RING_PACKED) and not has(run, RING_PACKED, "offered"), "the packed ring is offered")


@test("features: packed ring offered, and not asked for", device="packed=on")
@test("features: several queues offered, one taken", device="num-queues=4")
@test("features: a write-through cache", device="write-cache=off")
@test("features: no configurable cache", device="config-wce=off")
@test("features: neither discard nor write-zeroes", device="discard=off,write-zeroes=off")
def other_offers(t, device):
    run, _ = fill_and_check(t, "iodepth=4 fsync=8", device)
    line = run.only("disk")
    expect_equal("features accepted and not offered", line["features"] & ~line["offered"], 0)
    expect(not has(run, RING_PACKED), "a packed ring, and nobody asked for it")
    expect_equal("the last durable line", run.all("durable")[-1]["seq"], SECTORS)


def status_writes(run):
    return [value for offset, value in run.accesses if offset == 0x70 and value is not None]


@test("a device that insists on an IOMMU is left alone")
def iommu(t):
    """It refuses FEATURES_OK, for the kernel does not accept VIRTIO_F_ACCESS_PLATFORM."""
    path = disk.make(t.path("disk"))
    run = boot(t, "job=demo", disks=[disk.image(path, "iommu_platform=on")])
    run.check_words(3, "refuses the features")
    expect(status_writes(run)[-1] & 0x80, f"FAILED is not set: {status_writes(run)}")
    queue_writes = [offset for offset, value in run.accesses if 0x30 <= offset < 0x60 and value is not None]
    expect_equal("queue registers written", queue_writes, [])


@test("init: the trace is complete, modern", transport="modern")
@test("init: the trace is complete, legacy", transport="legacy")
def trace_is_complete(t, transport):
    """The automaton has looked at something: all eight slots, and a notification or more."""
    run = boot(t, "job=demo", disks=[disk.image(disk.make(t.path("disk")))], transport=transport)
    run.check(0)
    offsets = [offset for offset, _ in run.accesses]
    expect_equal("magic numbers read", offsets.count(0), 8)
    expect(offsets.count(0x50) >= 4, "fewer notifications than requests that were awaited one by one")
    last = 0xf if transport == "modern" else 0x7
    expect_equal("the last Status written", status_writes(run)[-1], last)
