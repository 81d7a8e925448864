# SPDX-License-Identifier: MIT
"""Which disks there are, and those that are odd."""
import disk
import record
from machine import boot
from tap import expect, expect_equal, test

KIB, MIB = disk.KIB, disk.MIB


def two_disks(t):
    """The second -device is on the lower slot, and comes later in the tree."""
    return [disk.make(t.path("first"), 64 * KIB), disk.make(t.path("second"), 128 * KIB)]


@test("two disks: disk=0, modern", number=0, transport="modern")
@test("two disks: disk=1, modern", number=1, transport="modern")
@test("two disks: disk=0, legacy", number=0, transport="legacy")
@test("two disks: disk=1, legacy", number=1, transport="legacy")
def pick_disk(t, number, transport):
    paths = two_disks(t)
    sizes = [len(disk.content(path)) for path in paths]
    run = boot(t, f"job=fill iodepth=4 disk={number}", disks=[disk.image(path) for path in paths],
               transport=transport)
    run.check(0)
    found = run.all("disk")
    expect_equal("numbers of the disk lines", [line["disk"] for line in found], [0, 1])
    order = [sizes.index(line["capacity"] * 512) for line in found]
    expect_equal("both disks", sorted(order), [0, 1])
    for place, chosen in enumerate(order):
        content = record.filled(0, sizes[chosen] // 512) if place == number else bytes(sizes[chosen])
        difference = record.first_difference(disk.content(paths[chosen]), content)
        expect_equal(f"the image behind disk {place}", difference, None)


@test("two disks: there is no disk=2", number=2)
@test("two disks: there is no disk=4294967296, which is 0 in 32 bits", number=1 << 32)
@test("two disks: there is no disk=18446744073709551615", number=(1 << 64) - 1)
def no_such_disk(t, number):
    run = boot(t, f"disk={number}", disks=[disk.image(path) for path in two_disks(t)])
    expect(f"disk {number}" in run.check_refusal(3), "the sentence does not name the disk")


@test("no disk: demo", append="job=demo")
@test("no disk: fill", append="job=fill")
@test("no disk: verify", append="job=verify disk=0")
def no_disk(t, append):
    for transport in ("modern", "legacy"):
        run = boot(t, append, transport=transport)
        run.check_refusal(3, "-drive", "-device virtio-blk-device")
        expect_equal("disk lines", run.all("disk"), [])


@test("no disk: probe", append="job=probe")
@test("no disk: idle", append="job=idle timeout_ms=10")
def no_disk_needed(t, append):
    run = boot(t, append).check(0)
    expect_equal("error lines", run.starting("error: "), [])


@test("probe: with two disks")
def probe(t):
    run = boot(t, "job=probe", disks=[disk.image(path) for path in two_disks(t)]).check(0)
    expect_equal("number of disk lines", len(run.all("disk")), 2)
    expect_equal("result lines", run.all("result"), [])


@test("a disk of no capacity: demo", append="job=demo", code=3)
@test("a disk of no capacity: fill", append="job=fill", code=3)
@test("a disk of no capacity: verify", append="job=verify", code=3)
@test("a disk of no capacity: probe", append="job=probe", code=0)
def no_capacity(t, append, code):
    for transport in ("modern", "legacy"):
        run = boot(t, append, disks=[disk.image(disk.make(t.path(transport), 0))], transport=transport)
        run.check(code)
        expect_equal("capacity", run.only("disk")["capacity"], 0)
        expect_equal("number of error lines", len(run.starting("error: ")), int(code != 0))


@test("a disk of less than its one block")
def less_than_a_block(t):
    path = disk.make(t.path("disk"), 2048)
    run = boot(t, "job=fill", disks=[disk.image(path, "logical_block_size=4096,physical_block_size=4096")])
    run.check_refusal(3)
    expect_equal("the image", disk.content(path), bytes(2048))


@test("read-only: fill is refused here, and never reaches the disk, modern", transport="modern")
@test("read-only: fill is refused here, and never reaches the disk, legacy", transport="legacy")
def read_only_fill(t, transport):
    data = record.filled(0, 128, 5)
    path = disk.make(t.path("disk"), 64 * KIB, data)
    run = boot(t, "job=fill bs=4k iodepth=4 fsync=2", disks=[disk.image(path, read_only=True)], transport=transport)
    run.check(2, result={"ok": 0, "inval": 16, "ioerr": 0})
    expect_equal("durable lines that claim something", [x for x in run.all("durable") if x["seq"]], [])
    expect_equal("the image", disk.content(path), data)
    notified = sum(offset == 0x50 for offset, _ in run.accesses)
    expect(notified <= 1, f"{notified} notifications: only the last flush has business with the disk")


@test("read-only: verify reads it")
def read_only_verify(t):
    path = disk.make(t.path("disk"), 64 * KIB, record.filled(0, 100))
    run = boot(t, "job=verify", disks=[disk.image(path, read_only=True)])
    run.check(0, result={"ok": 16, "mismatch": 0})


# A capacity is whole sectors of QEMU's, but need not be whole blocks or whole requests.
@test("odd capacity: 513 sectors", sectors=513, used=513)
@test("odd capacity: a prime number of sectors", sectors=1021, used=1021)
@test("odd capacity: blocks of 4096 and a rest", sectors=517, used=512,
      device="logical_block_size=4096,physical_block_size=4096")
def odd_capacity(t, sectors, used, device=""):
    for transport in ("modern", "legacy"):
        path = disk.make(t.path(transport), sectors * 512)
        run = boot(t, "job=fill bs=16k iodepth=3", disks=[disk.image(path, device)], transport=transport)
        run.check(0, result={"ok": -(-used // 32)})
        expected = record.filled(0, used) + bytes((sectors - used) * 512)
        expect_equal("the image", record.first_difference(disk.content(path), expected), None)
        # QEMU tells whole blocks only, or all that there is.
        expect(run.only("disk")["capacity"] in (used, sectors), "capacity")


@test("10 TiB: the last sectors of a sparse file, modern", transport="modern")
@test("10 TiB: the last sectors of a sparse file, legacy", transport="legacy")
def huge_sparse(t, transport):
    size, tail = 10 * disk.TIB, 32 * KIB
    path = disk.make(t.path("disk"), size)
    run = boot(t, f"job=fill iodepth=4 offset={size - tail}", disks=[disk.image(path)], transport=transport)
    run.check(0, result={"ok": 8})
    expect_equal("capacity", run.only("disk")["capacity"], size // 512)
    with open(path, "rb") as file:
        file.seek(size - 2 * tail)
        found = file.read()
    expected = bytes(tail) + record.filled((size - tail) // 512, tail // 512)
    expect_equal("the end of the image", record.first_difference(found, expected), None)


@test("10 TiB: beyond the end", append="offset=10485761m", word="offset=")
@test("10 TiB: a span that ends beyond the end", append="offset=10239g size=2g", word="size=")
def huge_beyond(t, append, word):
    run = boot(t, f"job=fill {append}", disks=[disk.null(10 * disk.TIB)])
    run.check_refusal(4, word)


@test("4 EiB: more than any file can have")
def largest(t):
    size = 1 << 62
    run = boot(t, f"job=verify offset={size - 4 * KIB} bs=512", disks=[disk.null(size)])
    run.check(0, result={"ok": 8, "mismatch": 0})


@test("a span over 4 GiB boundaries lands where it should")
def over_4g(t):
    path = disk.make(t.path("disk"), 5 * disk.GIB)
    first = (4 * disk.GIB - 16 * KIB) // 512
    run = boot(t, f"job=fill bs=8k offset={first * 512} size=32k", disks=[disk.image(path)])
    run.check(0)
    with open(path, "rb") as file:
        file.seek(first * 512)
        found = file.read(32 * KIB)
    expect_equal("the span", record.first_difference(found, record.filled(first, 64)), None)
