# SPDX-License-Identifier: MIT
"""job=selftest: every request that the disk knows, on disks of every kind; and what the disk saw of them."""
import re

import disk
from block_log import log_entries
from machine import boot
from tap import expect, expect_equal, test

SIZE = 256 * disk.KIB
BLOCKS = 32                     # that the tests use
BLOCK_4K = "logical_block_size=4096,physical_block_size=4096"
NAMES = ["a write is read back", "a vectored write", "a vectored read", "write zeroes", "discard", "flush", "get id",
         "get lifetime", "the write cache off and on", "refusals", "cancel"]
NO_LIFETIME = "get lifetime"    # QEMU has none
CHANGES = NAMES[:2] + NAMES[3:5]
DATA = bytes(range(1, 252)) * 1000


def check_ktap(run, code=0, skipped=(NO_LIFETIME,)):
    """Each test is there, in its place, and well; those that are left out, and no others, say why."""
    run.check(code)
    first = run.lines.index("KTAP version 1")
    expect_equal("the plan", run.lines[first + 1], f"1..{len(NAMES)}")
    results = [line for line in run.lines[first + 2:-1] if not line.startswith("# ")]
    for number, (line, name) in enumerate(zip(results, NAMES, strict=True), 1):
        pattern = rf"ok {number} {name}" + (r" # SKIP \S.*" if name in skipped else "")
        expect(re.fullmatch(pattern, line), f"{line!r} is not {pattern!r}")


@test("selftest: modern", transport="modern")
@test("selftest: legacy", transport="legacy")
@test("selftest: packed", transport="modern", device="packed=on", append="ring=packed")
@test("selftest: packed, without indirect", transport="modern", device="packed=on,indirect_desc=off", append="ring=packed")
@test("selftest: without indirect, modern", transport="modern", device="indirect_desc=off")
@test("selftest: without indirect, legacy", transport="legacy", device="indirect_desc=off")
@test("selftest: without event_idx", transport="modern", device="event_idx=off")
@test("selftest: blocks of 4096", transport="modern", device=BLOCK_4K)
@test("selftest: blocks of 4096, without indirect", transport="legacy", device=f"{BLOCK_4K},indirect_desc=off")
@test("selftest: a ring of 4", transport="modern", append="queue_size=4")
@test("selftest: a ring of 4 without indirect", transport="legacy", device="indirect_desc=off", append="queue_size=4")
@test("selftest: 4 queues", transport="modern", device="num-queues=4")
@test("selftest: 4 packed queues of 4", transport="modern", device="num-queues=4,packed=on", append="ring=packed queue_size=4")
@test("selftest: write through, and not to be switched", transport="modern", device="write-cache=off,config-wce=off",
      skipped=(NAMES[8],))
@test("selftest: no discard, no write zeroes", transport="legacy", device="discard=off,write-zeroes=off", skipped=NAMES[3:5])
@test("selftest: discards of less than a block", transport="modern", device=f"{BLOCK_4K},max-discard-sectors=7",
      skipped=NAMES[4:5])
@test("selftest: without deadlines", transport="modern", append="timeout_ms=0")
def selftest(t, transport, device="", append="", skipped=()):
    path = disk.make(t.path("disk"), SIZE, DATA)
    before = disk.content(path)
    run = boot(t, f"job=selftest {append}", disks=[disk.image(path, device)], transport=transport)
    check_ktap(run, skipped=(NO_LIFETIME, *skipped))
    expect_equal("warnings", run.starting("warning: "), [])
    expect(disk.content(path) == before, "what was on the disk is not put back")


@test("selftest: a read-only disk, modern", transport="modern")
@test("selftest: a read-only disk, legacy", transport="legacy")
def read_only(t, transport):
    path = disk.make(t.path("disk"), SIZE, DATA)
    before = disk.content(path)
    run = boot(t, "job=selftest", disks=[disk.image(path, read_only=True)], transport=transport)
    check_ktap(run, skipped=(NO_LIFETIME, *CHANGES))
    expect(disk.content(path) == before, "it is written to")


@test("selftest: in the middle of a disk")
def middle(t):
    path, log = disk.make(t.path("disk"), SIZE, DATA), disk.make(t.path("log"), 0)
    check_ktap(boot(t, "job=selftest offset=64k", disks=[disk.logged(path, log)]))
    touched = [(sector, sectors) for kind, sector, sectors in log_entries(disk.content(log)) if kind != "flush"]
    expect(touched and all(128 <= sector and sector + sectors <= 128 + BLOCKS for sector, sectors in touched),
           f"it writes to {touched}")


@test("selftest: a disk without room for it", size=31 * 512, append="")
@test("selftest: a span without room for it", size=SIZE, append="size=8k")
def no_room(t, size, append):
    boot(t, f"job=selftest {append}", disks=[disk.null(size)]).check_refusal(4, "job selftest needs a span of 32 sectors")


@test("selftest: a disk that forgets is found out")
def forgets(t):
    run = boot(t, "job=selftest", disks=[disk.null(SIZE)]).check(1)
    expect({f"not ok 1 {NAMES[0]}", f"not ok 2 {NAMES[1]}"} <= set(run.lines), "the writes pass")


def serial_told(run):
    (line,) = run.starting("# the disk calls itself ")
    return line.partition('"')[2][:-1]


@test("selftest: no serial number", serial="", told="")
@test("selftest: a serial number", serial="squall-1", told="squall-1")
@test("selftest: a serial number of 20 characters", serial="abcdefghijklmnopqrst", told="abcdefghijklmnopqrst")
@test("selftest: a serial number of 21 characters", serial="abcdefghijklmnopqrstu", told="abcdefghijklmnopqrst")
def serial_number(t, serial, told):
    run = boot(t, "job=selftest", disks=[disk.image(disk.make(t.path("disk"), SIZE), f"serial={serial}")])
    check_ktap(run)
    expect_equal("its name", serial_told(run), told)


def pieces(limit, sectors, block=1):
    """(first sector, sectors) of a range that goes to the device in parts of at most `limit`, whole blocks each."""
    most = limit // block * block
    return [(first, min(most, sectors - first)) for first in range(0, sectors, most)]


@test("requests: as the disk sees them, modern", transport="modern")
@test("requests: as the disk sees them, legacy", transport="legacy")
@test("requests: as the disk sees them, without indirect", transport="modern", device="indirect_desc=off", each=1)
@test("requests: as the disk sees them, packed", transport="modern", device="packed=on", append="ring=packed")
@test("requests: small discards and write zeroes", transport="modern", discard=8, zeroes=6)
@test("requests: discards and write zeroes of a sector", transport="modern", discard=1, zeroes=1)
@test("requests: limits that are no whole blocks", transport="modern", device=BLOCK_4K, discard=12, zeroes=20, block=8)
def seen(t, transport, device="", append="", discard=None, zeroes=None, block=1, each=2):
    """By the log of writes: their own, the pieces of a vectored one, of write zeroes and of discard, and what is put back."""
    path, log = disk.make(t.path("disk"), SIZE, DATA), disk.make(t.path("log"), 0)
    limits = [f"max-discard-sectors={discard}"] * bool(discard) + [f"max-write-zeroes-sectors={zeroes}"] * bool(zeroes)
    logged = disk.logged(path, log, ",".join(["request-merging=off", *([device] if device else []), *limits]))
    logged.node["discard"] = logged.node["file"]["discard"] = "unmap"
    check_ktap(boot(t, f"job=selftest {append}", disks=[logged], transport=transport))
    sectors = BLOCKS * block
    parts = [[(0, sectors)], pieces(each * block, sectors), pieces(zeroes or sectors, sectors, block), [(0, sectors)]]
    entries = list(log_entries(disk.content(log)))
    writes = [entry[1:] for entry in entries if entry[0] == "write"]
    for part in parts:                  # in whatever order the disk ends those of one request
        expect_equal("the next writes", sorted(writes[:len(part)]), part)
        del writes[:len(part)]
    expect_equal("more writes", writes, [])
    expect_equal("discards", sorted(entry[1:] for entry in entries if entry[0] == "discard"),
                 pieces(discard or sectors, sectors, block))
    expect(any(entry[0] == "flush" for entry in entries), "no flush")
