# SPDX-License-Identifier: MIT
"""Boot arguments: nothing is guessed."""
import disk
import record
from machine import boot
from tap import expect, expect_equal, test

KIB = disk.KIB

# (append, what the one sentence must name)
WRONG = [
    ("colour=red", "colour=red"), ("Job=demo", "Job=demo"), ("jobs=demo", "jobs=demo"), ("job", "job"),
    ("demo", "demo"), ("=", "="), ("=demo", "=demo"), ("job=demo quiet", "quiet"),
    ("job=demo job=demo", "job=demo"), ("seed=1 job=fill seed=1", "seed=1"), ("bs=4k bs=8k", "bs=8k"),
    ("job=", "job="), ("job=Demo", "job=Demo"), ("job=demon", "job=demon"), ("job=dem", "job=dem"),
    ("job=" + "x" * 200, "xxxxxxxx"), ("x" * 3000, "xxxxxxxx"), ("job=demo=demo", "demo=demo"),
    ("seed=", "seed="), ("seed=one", "seed=one"), ("seed=1x", "seed=1x"), ("seed=-1", "seed=-1"),
    ("seed=+1", "seed=+1"), ("seed=1.5", "seed=1.5"), ("seed=0x", "seed=0x"), ("seed=0xg", "seed=0xg"),
    ("seed=x10", "seed=x10"), ("seed=18446744073709551616", "seed=18446744073709551616"),
    ("seed=0x10000000000000000", "seed=0x10000000000000000"), ("seed=4k", "seed=4k"),
    ("seed=99999999999999999999999999", "seed=9999"), ("seed=\"1\"", "seed="),
    ("bs=", "bs="), ("bs=k", "bs=k"), ("bs=4kb", "bs=4kb"), ("bs=4t", "bs=4t"), ("bs=4kk", "bs=4kk"),
    ("bs=0", "bs=0"), ("bs=511", "bs=511"), ("bs=17179869184g", "bs=17179869184g"), ("bs=4G", "bs=4"),
    ("offset=18446744073709551615k", "offset=18446744073709551615k"), ("offset=0x1p", "offset=0x1p"),
    ("iodepth=0", "iodepth=0"), ("iodepth=1k", "iodepth=1k"), ("iodepth=4294967296", "iodepth=4294967296"),
    ("disk=-1", "disk=-1"), ("disk=a", "disk=a"),
    ("number_ios=many", "number_ios=many"), ("fsync=yes", "fsync=yes"), ("timeout_ms=5s", "timeout_ms=5s"),
    ("queue_size=3", "queue_size=3"), ("queue_size=65536", "queue_size=65536"), ("queue_size=4k", "queue_size=4k"),
    ("rw=rand", "rw=rand"), ("rw=", "rw="), ("rw=READ", "rw=READ"), ("ring=round", "ring=round"),
    ("trace=2", "trace=2"), ("trace=yes", "trace=yes"), ("log=verbose", "log=verbose"), ("log=", "log="),
]

for append, word in WRONG:
    @test(f"arguments: {append[:40]!r}", append=append, word=word)
    def wrong(t, append, word):
        run = boot(t, append)
        run.check_refusal(4, "boot arguments", word)
        expect(run.only("squall"), "the machine is announced first")


# (append, the word that the sentence must name); on a disk of 64 KiB
WRONG_FOR_DISK = [
    ("bs=513", "bs=513"), ("bs=1000", "bs=1000"), ("bs=5000", "bs=5000"),
    ("offset=1", "offset=1"), ("offset=511", "offset=511"), ("size=100", "size=100"), ("size=1023", "size=1023"),
    ("offset=65k", "offset="), ("offset=64k size=512", "size=512"), ("size=65k", "size="),
    ("offset=60k size=8k", "size=8192"), ("offset=0xfffffffffffffe00", "offset="), ("size=0xfffffffffffffe00", "size="),
]

for append, word in WRONG_FOR_DISK:
    @test(f"arguments: fill {append} on a disk of 64 KiB", append=append, word=word)
    def wrong_for_disk(t, append, word):
        path = disk.make(t.path("disk"), 64 * KIB)
        run = boot(t, f"job=fill {append}", disks=[disk.image(path)])
        run.check_refusal(4, "boot arguments", word)
        expect_equal("the image", disk.content(path), bytes(64 * KIB))
        expect(all(offset != 0x50 for offset, _ in run.accesses), "the device was notified")


@test("arguments: blocks of 4096, bs=512", append="bs=512", word="bs=512")
@test("arguments: blocks of 4096, offset=512", append="offset=512", word="offset=512")
@test("arguments: blocks of 4096, size=2k", append="size=2k", word="size=2048")
def wrong_for_blocks(t, append, word):
    path = disk.make(t.path("disk"), 64 * KIB)
    for job in ("fill", "verify"):
        run = boot(t, f"job={job} {append}",
                   disks=[disk.image(path, "logical_block_size=4096,physical_block_size=4096")])
        run.check_refusal(4, "boot arguments", word)


@test("arguments: demo beyond the disk", append="job=demo offset=64k")
@test("arguments: demo in a span of nothing", append="job=demo size=0")
def demo_beyond(t, append):
    run = boot(t, append, disks=[disk.image(disk.make(t.path("disk"), 64 * KIB))])
    run.check_refusal(4, "boot arguments")


# Several ways to say the same, each a fill of sectors 8 to 23 in requests of 8.
SAME = ["bs=4k offset=4k size=8k", "bs=4K offset=4K size=8K", "bs=4096 offset=4096 size=8192",
        "bs=0x1000 offset=0x1000 size=0x2000", "bs=0X1000 offset=0X1000 size=0X2000", "bs=0x4k offset=0x4K size=0x8k",
        "  bs=4k   offset=4k size=8k  ", "size=8k offset=4k bs=4k", "offset=0004096 bs=04k size=08k seed=0x01"]

for number, append in enumerate(SAME):
    @test(f"arguments: the same in other words, {number}: {append}", append=append)
    def same(t, append):
        path = disk.make(t.path("disk"), 64 * KIB)
        run = boot(t, f"job=fill {append}", disks=[disk.image(path)])
        run.check(0, result={"ok": 2})
        expected = bytes(4 * KIB) + record.filled(8, 16) + bytes(52 * KIB)
        expect_equal("the image", record.first_difference(disk.content(path), expected), None)


@test("arguments: m and g", append="bs=1m offset=1g size=2M", ok=2)
@test("arguments: M and G", append="bs=1M offset=1G size=0x2m", ok=2)
def large_suffixes(t, append, ok):
    run = boot(t, f"job=verify {append}", disks=[disk.null(4 * disk.GIB)])
    run.check(0, result={"ok": ok})


@test("arguments: every key of the contract, with its default")
def every_key(t):
    append = ("job=verify disk=0 rw=randread bs=4k iodepth=1 number_ios=1000 offset=0 size=8k seed=1 fsync=0 "
              "timeout_ms=5000 queue_size=0 ring=split trace=0 log=info")
    boot(t, append, disks=[disk.null(disk.MIB)]).check(0, result={"job": "verify", "ok": 2})


@test("arguments: no bootargs at all", append="")
@test("arguments: nothing but spaces", append="     ")
def nothing(t, append):
    run = boot(t, append, disks=[disk.image(disk.make(t.path("disk")))])
    run.check(0, result={"job": "demo"})


@test("arguments: rw= and log= take each of their words")
def words(t):
    for word in ("read", "write", "randread", "randwrite", "randrw"):
        boot(t, f"job=probe rw={word}").check(0)
    for word in ("error", "warn", "info", "debug"):
        boot(t, f"job=probe log={word}").check(0)


@test("arguments: number_ios=0 is no mistake")
def no_ios(t):
    boot(t, "job=probe number_ios=0 timeout_ms=0 fsync=0").check(0)


@test("arguments: iodepth= too large for the memory names itself")
def too_deep(t):
    run = boot(t, "job=fill bs=1m iodepth=4000", disks=[disk.null(8 * disk.GIB)])
    run.check_refusal(4, "iodepth=4000")
    expect(all(offset != 0x50 for offset, _ in run.accesses), "the device was notified")


@test("arguments: bs= that the disk does not take at once", append="bs=4294966784")
def too_large_request(t, append):
    boot(t, f"job=verify {append}", disks=[disk.null(8 * disk.GIB)]).check_refusal(4, "4294966784")
