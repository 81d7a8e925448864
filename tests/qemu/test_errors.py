# SPDX-License-Identifier: MIT
"""A disk that fails, by blkdebug: where it should, as often as it should, and nobody is surprised."""
import disk
import record
from machine import Machine, boot
from tap import expect, expect_equal, test

KIB = disk.KIB
SIZE, BS = 64 * KIB, 4 * KIB
EIO, ENOSPC = 5, 28
# To the guest, and not a stop of the machine; and one request is one to the disk as well.
REPORT = "rerror=report,werror=report,request-merging=off"


def rule(kind, sector=None, once=False, errno=EIO, event=None, state=None):
    rules = {"event": event or {"read": "read_aio", "write": "write_aio", "flush": "flush_to_disk"}[kind],
             "iotype": kind, "errno": errno, "once": once}
    if sector is not None:
        rules["sector"] = sector
    if state is not None:
        rules["state"] = state
    return rules


def run_faulty(t, append, rules, code, result, data=b"", transport="modern", states=()):
    path = disk.make(t.path("disk"), SIZE, data)
    run = boot(t, append, disks=[disk.faulty(path, *rules, states=states, device=REPORT)], transport=transport)
    run.check(code, result={"device_resets": 0, "mismatch": 0, **result})
    return run, disk.content(path)


@test("errors: every read, modern", transport="modern")
@test("errors: every read, legacy", transport="legacy")
def all_reads(t, transport):
    # Not sector 0: that one QEMU itself reads when it starts.
    rules = [rule("read", sector=sector) for sector in range(8, 128, 8)]
    run_faulty(t, "job=verify iodepth=4 offset=4k", rules, 2, {"ok": 0, "ioerr": 15}, transport=transport)


@test("errors: one read of many", sector=64, where=64)
@test("errors: a sector in the middle of a request", sector=67, where=64)
def one_read(t, sector, where):
    data = record.filled(0, SIZE // 512)
    run_faulty(t, "job=verify iodepth=4", [rule("read", sector)], 2, {"ok": 15, "ioerr": 1}, data)


@test("errors: a read that fails beside one that is wrong: the lowest code counts")
def read_and_mismatch(t):
    data = bytearray(record.filled(0, SIZE // 512))
    data[100 * 512] ^= 1
    path = disk.make(t.path("disk"), SIZE, data)
    run = boot(t, "job=verify", disks=[disk.faulty(path, rule("read", 64), device=REPORT)])
    run.check(1, result={"ok": 15, "ioerr": 1, "mismatch": 1})


@test("errors: every write, modern", transport="modern")
@test("errors: every write, legacy", transport="legacy")
def all_writes(t, transport):
    run, image = run_faulty(t, "job=fill iodepth=4 fsync=2", [rule("write")], 2, {"ok": 0, "ioerr": 16},
                            transport=transport)
    expect_equal("durable lines", [line["seq"] for line in run.all("durable")], [0])
    expect_equal("the image", image, bytes(SIZE))


@test("errors: one write for ever, one task", depth=1, once=False)
@test("errors: one write for ever, seven tasks", depth=7, once=False)
@test("errors: one write once, one task", depth=1, once=True)
@test("errors: one write once, seven tasks", depth=7, once=True)
def one_write(t, depth, once):
    """It is not tried again, and nothing from there on is called durable."""
    rules = [rule("write", sector=40, once=once)]
    run, image = run_faulty(t, f"job=fill iodepth={depth} fsync=1", rules, 2, {"ok": 15, "ioerr": 1})
    expected = record.filled(0, 40) + bytes(BS) + record.filled(0, SIZE // 512)[40 * 512 + BS:]
    expect_equal("the image", record.first_difference(image, expected), None)
    durable = [line["seq"] for line in run.all("durable")]
    expect_equal("durable lines", len(durable), 15 + 1)
    expect_equal("the most that is called durable", max(durable), 40)


@test("errors: the first write", sector=0, durable=0)
@test("errors: the last write", sector=120, durable=120)
def edge_write(t, sector, durable):
    run, _ = run_faulty(t, "job=fill", [rule("write", sector)], 2, {"ok": 15, "ioerr": 1})
    expect_equal("durable lines", [line["seq"] for line in run.all("durable")], [durable])


@test("errors: no space left")
def no_space(t):
    run_faulty(t, "job=fill", [rule("write", 64, errno=ENOSPC)], 2, {"ok": 15, "ioerr": 1})


@test("errors: every flush, modern", transport="modern")
@test("errors: every flush, legacy", transport="legacy")
def all_flushes(t, transport):
    run, image = run_faulty(t, "job=fill iodepth=4 fsync=4", [rule("flush")], 2, {"ok": 16, "ioerr": 0},
                            transport=transport)
    expect_equal("durable lines", run.all("durable"), [])
    expect_equal("the image", record.first_difference(image, record.filled(0, SIZE // 512)), None)


@test("errors: one flush, and the next makes up for it")
def one_flush(t):
    run, _ = run_faulty(t, "job=fill fsync=4", [rule("flush", once=True)], 2, {"ok": 16})
    expect_equal("durable lines", [line["seq"] for line in run.all("durable")], [64, 96, 128, 128])
    expect(run.starting("error: flush"), "the flush that failed is not named")


@test("errors: the last flush alone")
def last_flush(t):
    run, _ = run_faulty(t, "job=fill", [rule("flush")], 2, {"ok": 16})
    expect_equal("durable lines", run.all("durable"), [])


@test("errors: demo, the first read", sector=8, kind="read", result={"ok": 0, "ioerr": 1})
@test("errors: demo, the write", sector=8, kind="write", result={"ok": 2, "ioerr": 2})
def demo(t, sector, kind, result):
    for transport in ("modern", "legacy"):
        data = record.filled(0, 64, 3)
        run, image = run_faulty(t, "job=demo offset=4k", [rule(kind, sector)], 2, result, data, transport)
        expect(any("failed" in line for line in run.lines), "it does not say that something failed")
        expect_equal("the image", image[:len(data)], data)


@test("errors: demo, the read after the write")
def demo_second_read(t):
    """By blkdebug's states: reads fail from the first write on."""
    states = [{"event": "write_aio", "state": 1, "new_state": 2}]
    run, image = run_faulty(t, "job=demo offset=4k", [rule("read", 8, state=2)], 2, {"ok": 3, "ioerr": 1},
                            states=states)
    expect_equal("the image", image, bytes(SIZE))


@test("errors: two disks, and only one of them fails")
def one_of_two(t):
    good, bad = disk.make(t.path("good"), SIZE), disk.make(t.path("bad"), SIZE)
    disks = [disk.image(good), disk.faulty(bad, rule("write"), device=REPORT)]
    codes = [boot(t, f"job=fill disk={number}", disks=disks).only("exit")["code"] for number in (0, 1)]
    expect_equal("the codes", sorted(codes), [0, 2])
    expect_equal("the good image", record.first_difference(disk.content(good), record.filled(0, SIZE // 512)), None)


@test("errors: a write that is kept back is not called durable before it is")
def kept_back(t):
    """QEMU holds the write of sector 0 until it is told to let go; all others end meanwhile."""
    path = disk.make(t.path("disk"), SIZE)
    disks = [disk.faulty(path, device=REPORT)]
    with Machine(t, "job=fill iodepth=4 fsync=1", disks=disks, qmp=True, gdb=True) as machine:
        machine.qmp.monitor('qemu-io d0 "break write_aio held"')
        machine.gdb.go()
        machine.until(r"(?:^durable seq=\d+\s+){15}")
        before = len(machine.text)
        machine.qmp.monitor('qemu-io d0 "resume held"')
        run = machine.wait()
    run.check(0, result={"ok": 16})
    early = {line for line in run.text[:before].split("\n") if line.startswith("durable")}
    expect_equal("called durable while sector 0 was not written", early, {"durable seq=0"})
    expect_equal("the last durable line", run.all("durable")[-1]["seq"], SIZE // 512)
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, SIZE // 512)), None)
