# SPDX-License-Identifier: MIT
"""rw: what it asks of the disk, what it leaves there, and every way of finding fault with what it reads."""
import collections
import struct

import disk
import record
import start
from block_log import entries
from block_trace import boot_traced, check_places
from machine import Machine, boot
from tap import expect, expect_equal, test
from test_errors import REPORT, rule

KIB = disk.KIB
SIZE, BS = 64 * KIB, 4 * KIB
PIECES = SIZE // BS


def seq_of(image, lba, seed=1):
    """The seq of the record in a sector, 0 where it is zero; None: neither."""
    sector = image[lba * 512:lba * 512 + 512]
    seq = struct.unpack_from("<Q", sector, 16)[0]
    if sector == bytes(512):
        return 0
    return seq if sector == record.record(lba, seq, seed) else None


def pieces_of(image, bs, offset=0, length=None, seed=1):
    """The seq in each piece of the span: all its sectors must have the same."""
    found = []
    for first in range(offset // 512, (offset + (length or len(image))) // 512, bs // 512):
        seqs = {seq_of(image, lba, seed) for lba in range(first, min(first + bs // 512, len(image) // 512))}
        expect(len(seqs) == 1 and None not in seqs, f"sectors from {first} on hold {seqs}")
        found.append(seqs.pop())
    return found


def expected_after(writes, pieces):
    """The same after `writes` writes in order, from the start again and again."""
    return [max(range(piece + 1, writes + 1, pieces), default=0) for piece in range(pieces)]


@test("rw: read", rw="read")
@test("rw: write", rw="write")
@test("rw: randread", rw="randread")
@test("rw: randwrite", rw="randwrite")
@test("rw: randrw", rw="randrw")
@test("rw: write, 7 tasks", rw="write", depth=7)
@test("rw: randrw, 7 tasks", rw="randrw", depth=7)
@test("rw: randrw, 300 tasks and 64 entries", rw="randrw", depth=300, append="queue_size=64")
@test("rw: randrw, bs=512", rw="randrw", depth=7, bs=512)
@test("rw: randrw, bs=64k", rw="randrw", depth=7, bs=64 * KIB, count=100)
@test("rw: randrw, blocks of 4096", rw="randrw", depth=7, device="logical_block_size=4096,physical_block_size=4096")
@test("rw: randrw, legacy", rw="randrw", depth=7, transport="legacy")
@test("rw: randrw, a span in the middle that bs= does not divide", rw="randrw", depth=7, offset=8 * KIB, length=22 * KIB)
@test("rw: randrw, another seed", rw="randrw", depth=7, seed=0xDEADBEEF)
def traffic(t, rw, depth=1, bs=BS, count=500, offset=0, length=SIZE, seed=1, append="", device="", transport="modern"):
    path = disk.make(t.path("disk"), SIZE)
    run, requests = boot_traced(t, f"job=rw rw={rw} iodepth={depth} bs={bs} number_ios={count} offset={offset} "
                                f"size={length} seed={seed} {append}", disks=[disk.image(path, device)], transport=transport)
    run.check(0, result={"job": "rw", "ok": count, "mismatch": 0})
    operations, readback = requests.all[:count], requests.all[count:]
    check_places(operations, bs, offset, length)
    expect_equal("overlapping requests", requests.overlaps[:1], [])
    expect_equal("the closing read-back", sorted((one[1], one[2]) for one in readback),
                 [(first // 512, min(bs, offset + length - first) // 512) for first in range(offset, offset + length, bs)])
    writes = [one for one in operations if one[0] == "write"]
    share = {"read": 0, "randread": 0, "randrw": len(writes), "write": count, "randwrite": count}[rw]
    expect_equal("writes", len(writes), share)
    expect(rw != "randrw" or 0.35 * count < len(writes) < 0.65 * count, f"{len(writes)} of {count} are writes")
    image = disk.content(path)
    expect_equal("sectors around the span", image[:offset] + image[offset + length // bs * bs:],
                 bytes(SIZE - length // bs * bs))
    found = pieces_of(image, bs, offset, length // bs * bs, seed)
    # In whatever order the device took them: of each piece, the last write that was submitted.
    last = {one[1]: seq for seq, one in enumerate(writes, 1)}
    if depth == 1:
        expect_equal("what is on the disk", found,
                     [last.get(sector, 0) for sector in range(offset // 512, (offset + length // bs * bs) // 512, bs // 512)])
    expect(all(0 <= seq <= len(writes) for seq in found), f"seqs of more than {len(writes)} writes: {found}")
    if rw == "write":                   # one after the other; with more tasks one that waits for its place is overtaken
        times = collections.Counter(one[1] for one in writes)
        expect_equal("writes of each piece", [times[first // 512] for first in range(offset, offset + length, bs)],
                     [len(range(piece, count, length // bs)) for piece in range(length // bs)])
        expect(depth > 1 or found == expected_after(count, length // bs), f"what is on the disk: {found}")


@test("rw: each write has the number of its submission, by QEMU's own log", depth=1)
@test("rw: each write has a number of its own, by QEMU's own log", depth=7)
def numbers(t, depth):
    path, log = disk.make(t.path("disk"), SIZE), disk.make(t.path("log"), 0)
    run = boot(t, f"job=rw rw=randwrite number_ios=300 fsync=20 iodepth={depth}", disks=[disk.logged(path, log)])
    run.check(0, result={"ok": 300})
    seqs, prefixes = check_log(disk.content(log))
    durable = [line["seq"] for line in run.all("durable")]
    expect_equal("durable lines", len(durable), 300 // 20)
    if depth == 1:
        expect_equal("the seqs", seqs, list(range(1, 301)))
        expect_equal("what is called durable", durable, prefixes)
    expect_equal("the seqs, in order", sorted(seqs), list(range(1, 301)))
    expect(all(any(seq <= prefix for prefix in prefixes) for seq in durable) and max(durable) <= max(prefixes),
           f"called durable: {durable}; flushed after: {prefixes}")


def check_log(log):
    """The seq of each write, in the order of the log; at each flush, up to which seq all had been written.

    Writes to one place must be in the order of their seqs.
    """
    seqs, prefixes, last = [], [], {}
    for kind, sector, _, data in entries(log):
        if kind == "flush":
            prefixes.append(next(seq for seq in range(1, len(seqs) + 2) if seq not in seqs) - 1)
        for first in range(0, len(data), BS):   # QEMU may have merged neighbours
            seq = struct.unpack_from("<Q", data, first + 16)[0]
            expect_equal("the record", data[first:first + 512], record.record(sector + first // 512, seq, 1))
            expect(seq > last.get(sector + first // 512, 0), f"write {seq} came after a later one to its place")
            last[sector + first // 512] = seq
            seqs.append(seq)
    return seqs, prefixes


@test("rw: 64 tasks and one place", length=BS, most=1)
@test("rw: 64 tasks and three places", length=3 * BS, most=3)
@test("rw: 7 tasks on a slow disk", length=SIZE, depth=7, most=7, bps=1 << 20)
def overlaps(t, length, most, depth=64, bps=1 << 30):
    path = disk.make(t.path("disk"), SIZE)
    run, requests = boot_traced(t, f"job=rw rw=randrw number_ios=400 iodepth={depth} size={length}",
                                disks=[disk.slow(path, bps)])
    run.check(0, result={"ok": 400, "mismatch": 0})
    expect_equal("overlapping requests", requests.overlaps[:1], [])
    expect_equal("the most in flight", requests.most, most)


@test("rw: two runs with one seed ask the same, with another seed something else")
def seeds(t):
    asked = [boot_traced(t, f"job=rw rw=randrw number_ios=100 seed={seed}", disks=[disk.image(disk.make(t.path(f"disk{n}"), SIZE))])[1].all
             for n, seed in enumerate((7, 7, 8))]
    expect_equal("the same seed", asked[0], asked[1])
    expect(asked[0][:100] != asked[2][:100], "another seed changes nothing")


@test("rw: number_ios=0 asks nothing of the disk")
def nothing(t):
    run, requests = boot_traced(t, "job=rw number_ios=0", disks=[disk.image(disk.make(t.path("disk"), SIZE))])
    run.check(0, result={"job": "rw", "ok": 0, "mismatch": 0})
    expect_equal("requests", requests.all, [])


@test("rw: a span of nothing", words="no room", append="size=0")
@test("rw: bs= larger than the span", words="no room", append="bs=8k size=4k")
@test("rw: a span beyond the disk", words="beyond", append="offset=60k size=8k")
@test("rw: more tasks than memory", words="iodepth=1000000", append="iodepth=1000000")
@test("rw: more pieces than memory", words="too little memory to remember", append="bs=512", size=disk.TIB)
@test("rw: more pieces than numbers", words="too little memory to remember", append="bs=512", size=(1 << 63) - disk.GIB)
def refused(t, words, append, size=SIZE):
    boot(t, f"job=rw {append}", disks=[disk.null(size)]).check_refusal(4, words)


@test("rw: a disk that forgets every write")
def forgets(t):
    run = boot(t, "job=rw rw=write number_ios=16", disks=[disk.null(SIZE)])
    run.check(1, result={"ok": 16, "mismatch": SIZE // 512})
    expect_equal("sectors that are named", len(run.starting("error: sector")), 8)


def patched(t, append, lba, data, code, **expected):
    """Run with `data` put into the image once all writes have ended, before anything is read."""
    path = disk.make(t.path("disk"), SIZE)
    with Machine(t, f"job=rw rw=write number_ios=32 fsync=32 iodepth=4 {append}", disks=[disk.image(path)], gdb=True) as machine:
        start.run_to(machine, "traffic_end_flush")
        disk.patch(path, lba * 512, data)
        machine.gdb.go()
        run = machine.wait()
    run.check(code, result={"ok": 32, **expected})
    return run


def flipped(lba, seq):
    sector = bytearray(record.record(lba, seq, 1))
    sector[300] ^= 1
    return bytes(sector)


@test("rw: found: a bit in a sector", lba=77, data=flipped(77, 77 // 8 + 17), words="checksum")
@test("rw: found: a sector that is zero", lba=77, data=bytes(512), words="zero")
@test("rw: found: a lost write, with the record before it", lba=77, data=record.record(77, 77 // 8 + 1, 1), words="older")
@test("rw: found: a record that was never written there", lba=77, data=record.record(77, 32, 1), words="never")
@test("rw: found: a misdirected write", lba=77, data=record.record(85, 85 // 8 + 17, 1), words="another sector")
@test("rw: found: a record of another seed", lba=77, data=record.record(77, 77 // 8 + 17, 2), words="seed")
@test("rw: found: the last sector", lba=127, data=b"x" * 512, words="neither")
def found(t, lba, data, words):
    run = patched(t, "", lba, data, 1, mismatch=1)
    (line,) = run.starting("error: ")
    expect(f"sector {lba}:" in line and words in line, f"{words!r} is not in: {line}")


@test("rw: what is put outside of its span is nobody's concern")
def outside(t):
    patched(t, "size=32k", 80, b"x" * 512, 0, mismatch=0)


@test("rw: a disk that only says that it reads")
def says_so(t):
    """A buffer that still holds the record that was written from it must not pass for one that was read."""
    device = disk.Disk({"driver": "null-co", "size": SIZE, "read-zeroes": False})
    boot(t, "job=rw rw=write number_ios=16", disks=[device]).check(1, result={"ok": 16, "mismatch": SIZE // 512})
    run = boot(t, "job=rw rw=randrw number_ios=100 size=4k", disks=[device]).check(1)
    expect(run.only("result")["mismatch"] >= 8 * 10, "no read found anything")


@test("rw: a sector found wrong is counted once")
def once(t):
    """Of a disk that forgets every write, only the first read after one finds that out."""
    run, requests = boot_traced(t, "job=rw rw=randrw number_ios=200 bs=512 size=512", disks=[disk.null(SIZE)])
    kinds = [one[0] for one in requests.all]
    first = sum(pair == ("write", "read") for pair in zip(kinds, kinds[1:]))
    expect(first < kinds[kinds.index("write"):].count("read"), "no read follows another")
    run.check(1, result={"ok": 200, "mismatch": first})


@test("rw: after a write that failed its record may be there", lba=41, seq=22, mismatch=0)
@test("rw: after a write that failed the one before may be there", lba=41, seq=6, mismatch=0)
@test("rw: after a write that failed no other may be there", lba=41, seq=23, mismatch=1)
@test("rw: after a write that failed none from before the one before may be there", lba=41, seq=5, mismatch=1)
def torn(t, lba, seq, mismatch):
    """Piece 5 is written twice, by write 6 and write 22; the second fails, and nobody knows how far it came."""
    states = [{"event": "flush_to_disk", "state": 1, "new_state": 2}]
    path = disk.make(t.path("disk"), SIZE)
    device = disk.faulty(path, rule("write", 40, state=2), states=states, device=REPORT)
    with Machine(t, "job=rw rw=write number_ios=33 fsync=16", disks=[device], gdb=True) as machine:
        for _ in range(2):              # after 16 writes, and after all 33, one of which failed
            start.run_to(machine, "traffic_end_flush")
        disk.patch(path, lba * 512, record.record(lba, seq, 1))
        machine.gdb.go()
        run = machine.wait()
    run.check(1 if mismatch else 2, result={"mismatch": mismatch})


@test("rw: found by a read, not only at the end")
def found_by_read(t):
    """Of one place, which half the operations write, each read after a write would find the fault."""
    run = boot(t, "job=rw rw=randrw number_ios=100 size=4k", disks=[disk.null(SIZE)])
    run.check(1, result={"ok": 100})
    expect(run.only("result")["mismatch"] >= 8 * 10, "no read found anything")


def run_faulty(t, append, rules, code, result, states=()):
    path = disk.make(t.path("disk"), SIZE)
    run = boot(t, f"job=rw {append}", disks=[disk.faulty(path, *rules, states=states, device=REPORT)])
    run.check(code, result={"device_resets": 0, "mismatch": 0, **result})
    return run, disk.content(path)


@test("rw: a write fails once, and the old record may stay", depth=1)
@test("rw: a write fails once, 7 tasks", depth=7)
def write_error(t, depth):
    rules = [rule("write", sector=40, once=True)]
    run, image = run_faulty(t, f"rw=randrw number_ios=300 iodepth={depth} fsync=10", rules, 2, {"ok": 299, "ioerr": 1})
    expect(run.starting("error: sector 40: "), "the sector is not named")
    durable = [line["seq"] for line in run.all("durable")]
    expect(len(set(durable)) < len(durable), f"durable goes on after a write that failed: {durable}")
    pieces_of(image, BS)


@test("rw: all writes to one place fail")
def writes_fail(t):
    run, image = run_faulty(t, "rw=write number_ios=48 fsync=1", [rule("write", sector=40)], 2, {"ok": 45, "ioerr": 3})
    expect_equal("what is on the disk", pieces_of(image, BS),
                 [seq if piece != 5 else 0 for piece, seq in enumerate(expected_after(48, PIECES))])
    expect_equal("durable lines", [line["seq"] for line in run.all("durable")], [1, 2, 3, 4, 5] + [5] * 40)


@test("rw: the last write to a place fails: it holds the one before")
def last_write_fails(t):
    """By blkdebug's states: from the flush on, which comes after one pass."""
    states = [{"event": "flush_to_disk", "state": 1, "new_state": 2}]
    run, image = run_faulty(t, "rw=write number_ios=32 fsync=16", [rule("write", 40, state=2)], 2, {"ok": 31, "ioerr": 1}, states)
    expect_equal("what is on the disk", pieces_of(image, BS)[4:7], [21, 6, 23])
    expect_equal("durable lines", [line["seq"] for line in run.all("durable")], [16])


@test("rw: a read fails")
def read_error(t):
    run_faulty(t, "rw=read number_ios=16 iodepth=4", [rule("read", 64, once=True)], 2, {"ok": 15, "ioerr": 1})


@test("rw: a read of the closing read-back fails: not counted, but not passed over")
def readback_error(t):
    states = [{"event": "flush_to_disk", "state": 1, "new_state": 2}]
    run, _ = run_faulty(t, "rw=write number_ios=16 fsync=16", [rule("read", 64, state=2)], 2, {"ok": 16, "ioerr": 0}, states)
    expect(run.starting("error: sector 64: "), "the sector is not named")


@test("rw: every flush fails")
def flush_error(t):
    run, _ = run_faulty(t, "rw=write number_ios=16 fsync=4", [rule("flush")], 2, {"ok": 16, "ioerr": 0})
    expect_equal("durable lines", run.all("durable"), [])


@test("rw: a read-only disk is read", rw="randread", code=0, inval=0)
@test("rw: a read-only disk is not written", rw="randwrite", code=2, inval=100)
def read_only(t, rw, code, inval):
    path = disk.make(t.path("disk"), SIZE)
    run, requests = boot_traced(t, f"job=rw rw={rw} number_ios=100 iodepth=4", disks=[disk.image(path, read_only=True)])
    run.check(code, result={"ok": 100 - inval, "inval": inval, "mismatch": 0})
    expect_equal("writes that the device saw", requests.of("write"), [])
