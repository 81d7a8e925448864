# SPDX-License-Identifier: MIT
"""fill and verify: every byte of the image, and every way of finding fault with it."""
import struct

import disk
import record
from block_log import log_entries
from machine import boot
from tap import expect, expect_equal, test

KIB = disk.KIB
SIZE = 256 * KIB
BLOCK_4K = "logical_block_size=4096,physical_block_size=4096"


def fill(t, append, device="", size=SIZE, transport="modern"):
    """(run, path) of a fill that ends well on an image that was all zero."""
    path = disk.make(t.path("disk"), size)
    run = boot(t, f"job=fill {append}", disks=[disk.image(path, device)], transport=transport)
    return run.check(0, result={"job": "fill", "ioerr": 0}), path


def check_image(path, offset, length, seed=1):
    """Records in the span, zeroes around it."""
    found = disk.content(path)
    expected = bytes(offset) + record.filled(offset // 512, length // 512, seed)
    expected += bytes(len(found) - len(expected))
    expect_equal("the image", record.first_difference(found, expected), None)


def requests(length, bs):
    return -(-length // bs)


@test("fill: the whole disk, one request after the other", append="", bs=4096)
@test("fill: bs=512", append="bs=512 iodepth=7", bs=512)
@test("fill: bs=64k, iodepth=1", append="bs=64k iodepth=1", bs=65536)
@test("fill: bs=8K, iodepth=64", append="bs=8K iodepth=64", bs=8192)
@test("fill: bs= that does not divide the span", append="bs=12k iodepth=7", bs=12288)
@test("fill: bs= larger than the disk", append="bs=1m", bs=disk.MIB)
@test("fill: more tasks than requests", append="bs=64k iodepth=300", bs=65536)
@test("fill: more tasks than seats in the ring", append="bs=512 iodepth=300 queue_size=64", bs=512)
@test("fill: the last sectors", append="bs=4k offset=192k iodepth=7", bs=4096, offset=192 * KIB, length=64 * KIB)
@test("fill: a span in the middle", append="bs=4k offset=0x2000 size=40k", bs=4096, offset=8 * KIB, length=40 * KIB)
@test("fill: a span of one sector", append="offset=1536 size=512", bs=4096, offset=1536, length=512)
@test("fill: a span of nothing", append="size=0", bs=4096, length=0)
@test("fill: from the very end", append="offset=256k", bs=4096, offset=SIZE, length=0)
@test("fill: seed=0", append="seed=0", bs=4096, seed=0)
@test("fill: the largest seed", append="seed=0xffffffffffffffff", bs=4096, seed=(1 << 64) - 1)
@test("fill: a decimal seed", append="seed=12345678901234567890", bs=4096, seed=12345678901234567890)
@test("fill: blocks of 4096", append="bs=4k iodepth=7", bs=4096, device=BLOCK_4K)
@test("fill: blocks of 4096, a span in the middle", append="bs=8k offset=12k size=100k iodepth=64", bs=8192,
      device=BLOCK_4K, offset=12 * KIB, length=100 * KIB)
@test("fill: physical blocks of 4096 only", append="bs=512 size=32k", bs=512, length=32 * KIB,
      device="physical_block_size=4096")
@test("fill: legacy", append="bs=12k iodepth=7", bs=12288, transport="legacy")
@test("fill: legacy, blocks of 4096", append="bs=8k iodepth=7", bs=8192, device=BLOCK_4K, transport="legacy")
def fill_span(t, append, bs, offset=0, length=SIZE, seed=1, device="", transport="modern"):
    run, path = fill(t, append, device, transport=transport)
    expect_equal("requests", run.only("result")["ok"], requests(length, bs))
    expect_equal("block", run.only("disk")["block"], 4096 if device == BLOCK_4K else 512)
    check_image(path, offset, length, seed)
    expect_equal("durable lines", [line["seq"] for line in run.all("durable")], [length // 512])


@test("fill: durable lines, one task", depth=1)
@test("fill: durable lines, seven tasks", depth=7)
def durable(t, depth):
    run, path = fill(t, f"bs=4k fsync=4 iodepth={depth}")
    check_image(path, 0, SIZE)
    found = [line["seq"] for line in run.all("durable")]
    expect_equal("number of durable lines", len(found), SIZE // 4096 // 4 + 1)
    expect_equal("the last", found[-1], SIZE // 512)
    # With several tasks a flush may overtake another, and its line with it: each is true by itself.
    if depth == 1:
        expect_equal("durable lines", found, [*range(32, SIZE // 512 + 1, 32), SIZE // 512])


@test("fill: what is called durable was written, then flushed, by QEMU's own log")
def durable_by_log(t):
    path, log = disk.make(t.path("disk"), SIZE), disk.make(t.path("log"), 0)
    run = boot(t, "job=fill bs=4k fsync=7", disks=[disk.logged(path, log)])
    run.check(0)
    written, prefixes = set(), []
    for kind, sector, sectors in log_entries(disk.content(log)):
        if kind == "flush":             # QEMU leaves out one that has nothing to do
            prefixes.append(next(i for i in range(SIZE) if i not in written))
        written |= set(range(sector, sector + sectors))
    expect_equal("durable lines", [line["seq"] for line in run.all("durable")], prefixes)


def verify(t, data, code, append="", mismatch=None, device="", size=SIZE):
    path = disk.make(t.path("disk"), size, data)
    before = disk.content(path)
    run = boot(t, f"job=verify {append}", disks=[disk.image(path, device)])
    run.check(code, result={"job": "verify", "mismatch": mismatch} if mismatch is not None else None)
    expect(disk.content(path) == before, "verify has changed the image")
    return run


@test("verify: zeroes", data=b"")
@test("verify: the whole disk", data=record.filled(0, SIZE // 512))
@test("verify: half of it", data=record.filled(0, 100))
@test("verify: bs=512, 64 tasks", data=record.filled(0, SIZE // 512), append="bs=512 iodepth=64")
@test("verify: bs=64k", data=record.filled(0, SIZE // 512), append="bs=64k iodepth=7")
@test("verify: of another seed, as asked", data=record.filled(0, 64, 77), append="seed=77")
@test("verify: blocks of 4096", data=record.filled(0, SIZE // 512), device=BLOCK_4K)
@test("verify: a span, with nonsense around it", append="offset=8k size=8k",
      data=b"x" * 8 * KIB + record.filled(16, 16) + b"x" * 8 * KIB)
@test("verify: sequence numbers of any size", data=record.record(0, 1 << 63, 1) + record.record(1, 0, 1))
def verify_well(t, data, append="", device=""):
    verify(t, data, 0, append, mismatch=0, device=device)


GOOD = record.filled(0, SIZE // 512)


def with_sector(lba, data):
    return GOOD[:lba * 512] + data + GOOD[lba * 512 + len(data):]


def flipped(lba, byte):
    sector = bytearray(GOOD[lba * 512:lba * 512 + 512])
    sector[byte] ^= 1
    return bytes(sector)


def forged(lba, byte):
    """A record with a wrong byte and a right checksum."""
    sector = flipped(lba, byte)
    return sector[:508] + struct.pack("<I", record.crc32c(sector[:508]))


for where, byte in (("the magic", 3), ("lba", 8), ("seq", 16), ("seed", 24), ("the pattern", 32),
                    ("the pattern's last byte", 507), ("the checksum", 511)):
    @test(f"verify: a bit in {where}", byte=byte)
    def verify_flip(t, byte):
        run = verify(t, with_sector(77, flipped(77, byte)), 1, mismatch=1)
        expect(any("sector 77" in line for line in run.starting("error: ")), "the sector is not named")


@test("verify: a record of another seed", data=with_sector(5, record.record(5, 6, 2)), count=1)
@test("verify: a record moved to another sector", data=with_sector(5, record.record(6, 7, 1)), count=1)
@test("verify: two records swapped", data=with_sector(5, record.record(6, 7, 1) + record.record(5, 6, 1)), count=2)
@test("verify: a wrong pattern under a right checksum", data=with_sector(5, forged(5, 100)), count=1)
@test("verify: a wrong sequence number under a right checksum", data=with_sector(5, forged(5, 16)), count=1)
@test("verify: one byte in a zero sector", data=with_sector(0, bytes(511) + b"\1"), count=1)
@test("verify: the last sector", data=with_sector(511, b"x" * 512), count=1)
@test("verify: text all over", data=b"x" * SIZE, count=512)
def verify_fault(t, data, count):
    for append in ("", "bs=64k iodepth=7"):
        verify(t, data, 1, append, mismatch=count)


@test("verify: the seed asked for is not the one on the disk")
def verify_other_seed(t):
    verify(t, record.filled(0, 20, 9), 1, "seed=10", mismatch=20)


@test("fill, then verify in another boot, in other pieces")
def fill_then_verify(t):
    run, path = fill(t, "bs=12k iodepth=7 seed=0xdeadbeef", size=disk.MIB)
    run = boot(t, "job=verify bs=20k iodepth=5 seed=0xDEADBEEF", disks=[disk.image(path)], transport="legacy")
    run.check(0, result={"mismatch": 0, "ok": requests(disk.MIB, 20 * KIB)})
