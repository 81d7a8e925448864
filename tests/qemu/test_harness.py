# SPDX-License-Identifier: MIT
"""The harness itself: what must fail, fails, and is told as what it is."""
import os

import contract
import disk
import record
import virtio_trace
from machine import Machine, boot
from result import Result
from tap import Failure, expect, expect_equal, test


def must_fail(what, *words):
    """`what` must raise Failure, with all the words in it."""
    try:
        what()
    except Failure as failure:
        for word in words:
            expect(word in str(failure), f"{word!r} is not in: {failure}")
        return
    raise Failure("it passed, and should have failed")


@test("harness: a deliberate panic is a failure")
def panic(t):
    run = boot(t, "job=panic")
    must_fail(lambda: run.check(0), "the exit line's code: 5, not 0")
    must_fail(lambda: run.check(2), "5, not 2")


@test("harness: a hang is told as a hang, with the last lines, and leaves no QEMU behind")
def hang(t):
    with Machine(t, "job=idle timeout_ms=600000", limit=10) as machine:
        run = machine.wait()
    must_fail(lambda: run.check(0), "a hang: no end within 10 s", "squall ")
    expect(not os.path.exists(f"/proc/{machine.process.pid}"), "QEMU is still there")


@test("harness: a hang under icount, which ignores SIGTERM")
def hang_icount(t):
    with Machine(t, "job=idle timeout_ms=18446744073709551615", limit=3,
                 arguments=["-icount", "shift=0,sleep=off"]) as machine:
        run = machine.wait()
    must_fail(lambda: run.check(0), "a hang")
    expect(not os.path.exists(f"/proc/{machine.process.pid}"), "QEMU is still there")


@test("harness: silence is told as a hang")
def silence(t):
    with Machine(t, "job=demo", gdb=True, limit=1) as machine:
        run = machine.wait()                    # it stands still for ever
    must_fail(lambda: run.check(0), "a hang", "the console stayed empty")


@test("harness: a console that never shows what is waited for")
def never_shown(t):
    machine = Machine(t, "job=probe")
    try:
        with machine:
            machine.until(r"^no such line")
    except TimeoutError:
        expect(not os.path.exists(f"/proc/{machine.process.pid}"), "QEMU is still there")
        return
    raise Failure("it was shown")


@test("harness: QEMU that does not start")
def no_start(t):
    run = boot(t, "job=probe", arguments=["-device", "no-such-device"])
    must_fail(lambda: run.check(0), "the last line is not the exit line", "no-such-device")


SQUALL = "squall 0.1 build=0123456789abcdef hart=0 harts=1 mem=134217728"
DISK = ("disk 0 node=a@1 transport=mmio-modern capacity=8 block=512 ro=0 features=0x0000000000000000 "
        "offered=0x0000000000000000 queues=1 depth=4")
RESULT = "result job=fill ok=1 ioerr=0 timeout=0 unsup=0 inval=0 reset=0 mismatch=0 device_resets=0"
PANIC = "panic cause=two words sepc=0x80200000 (_start+0x0) stval=0x0"


def console(*lines, status=0, log="", stderr=""):
    return Result("\n".join(["OpenSBI v1", *lines, ""]), status, False, False, log, stderr)


@test("harness: a console as it should be", lines=[SQUALL, DISK, "words", "durable seq=1", RESULT, "exit 0"])
@test("harness: nothing but the exit", lines=[SQUALL, "exit 0"])
def good_console(t, lines):
    console(*lines).check(0)


BAD_CONSOLES = [
    ("no exit line", [SQUALL, "words"]),
    ("words after the exit line", [SQUALL, "exit 0", "words"]),
    ("two exit lines", [SQUALL, "exit 0", "exit 0"]),
    ("two squall lines", [SQUALL, SQUALL, "exit 0"]),
    ("two result lines", [SQUALL, RESULT, RESULT, "exit 0"]),
    ("a panic, and exit 0", [SQUALL, PANIC, "exit 0"]),
    ("a failure counted, and exit 0", [SQUALL, RESULT.replace("ioerr=0", "ioerr=3"), "exit 0"]),
    ("a mismatch counted, and exit 0", [SQUALL, RESULT.replace("mismatch=0", "mismatch=1"), "exit 0"]),
    ("colours", [SQUALL, "\x1b[31mred\x1b[0m", "exit 0"]),
    ("a build of 15 digits", [SQUALL.replace("abcdef", "abcde"), "exit 0"]),
    ("a hart in hexadecimal", [SQUALL.replace("hart=0", "hart=0x0"), "exit 0"]),
    ("memory with a suffix", [SQUALL.replace("134217728", "128M"), "exit 0"]),
    ("something behind the last field", [SQUALL + " more", "exit 0"]),
    ("a field too few", [SQUALL, DISK.replace(" depth=4", ""), "exit 0"]),
    ("fields in another order", [SQUALL, DISK.replace("ro=0 ", "").replace("block=", "ro=0 block="), "exit 0"]),
    ("features of 15 digits", [SQUALL, DISK.replace("features=0x0", "features=0x"), "exit 0"]),
    ("a transport that is none", [SQUALL, DISK.replace("mmio-modern", "modern"), "exit 0"]),
    ("a number with a zero in front", [SQUALL, "durable seq=01", "exit 0"]),
    ("a durable line without a number", [SQUALL, "durable seq=", "exit 0"]),
    ("a result without its device_resets", [SQUALL, RESULT.rsplit(" ", 1)[0], "exit 0"]),
    ("an exit line with words", [SQUALL, "exit 0 well"]),
    ("an exit line with a space behind it", [SQUALL, "exit 0 "]),
    ("an indented exit line", [SQUALL, " exit 0"]),
]

for name, lines in BAD_CONSOLES:
    @test(f"harness: a console with {name}", lines=lines)
    def bad_console(t, lines):
        must_fail(lambda: console(*lines).check(0))


@test("harness: panic lines", good=PANIC, bad=PANIC.replace("(_start+0x0) ", ""))
@test("harness: panic lines with a source line", good=PANIC.replace("+0x0)", "+0x0 kernel/main.c:12)"),
      bad=PANIC.replace("+0x0)", "+0x0 kernel/main.c)"))
@test("harness: panic lines with a zero stval", good=PANIC, bad=PANIC.replace("stval=0x0", "stval=0"))
def panic_lines(t, good, bad):
    console(SQUALL, good, "exit 5", status=5).check(5)
    must_fail(lambda: console(SQUALL, bad, "exit 5", status=5).check(5), "not as the contract has it")


@test("harness: QEMU's status is not the code")
def wrong_status(t):
    must_fail(lambda: console(SQUALL, "exit 0", status=3).check(0), "QEMU's status: 3, not 0")
    must_fail(lambda: console(SQUALL, "exit 4", status=0).check(4), "QEMU's status: 0, not 4")
    must_fail(lambda: console(SQUALL, "exit 0", status=None).check(0), "None")


@test("harness: what QEMU says of the guest, or of anything")
def complaints(t):
    must_fail(lambda: console(SQUALL, "exit 0", log="virtio_mmio_x: bad\n").check(0), "finds fault")
    must_fail(lambda: console(SQUALL, "exit 0", stderr="qemu: hm\n").check(0), "complains")


@test("harness: a refusal must be one sentence")
def refusals(t):
    error = "error: device tree: it is odd"
    console(SQUALL, error, "exit 4", status=4).check_refusal(4, "device tree")
    for lines in ([SQUALL], [SQUALL, error, error], [SQUALL, error, "words"], [SQUALL, "error: other"]):
        must_fail(lambda: console(*lines, "exit 4", status=4).check_refusal(4, "device tree"))


@test("harness: fields are parsed")
def fields(t):
    expect_equal("hart", contract.parse(SQUALL)["hart"], 0)
    expect_equal("disk", contract.parse(DISK)["disk"], 0)
    expect_equal("features", contract.parse(DISK)["features"], 0)
    expect_equal("cause", contract.parse(PANIC)["cause"], "two words")
    expect_equal("sepc", contract.parse(PANIC)["sepc"], 0x80200000)


@test("harness: CRC-32C and splitmix64 by published values")
def vectors(t):
    expect_equal("crc32c", record.crc32c(b"123456789"), 0xE3069283)
    expect_equal("crc32c of zeroes", record.crc32c(bytes(32)), 0x8A9136AA)
    words = record.splitmix64(1234567)
    expect_equal("splitmix64", [next(words) for _ in range(3)],
                 [6457827717110365317, 3203168211198807973, 9817491932198370423])
    expect_equal("length of a record", len(record.record(1, 2, 3)), record.SECTOR)


@test("harness: a fill that is not what it should be is found")
def images(t):
    path = disk.make(t.path("disk"), 8 * record.SECTOR)
    boot(t, "job=fill seed=2", disks=[disk.image(path)]).check(0)
    difference = record.first_difference(disk.content(path), record.filled(0, 8))
    expect(difference and "sector 0" in difference, f"{difference}")


@test("harness: the oracle of traces knows each kind of access")
def oracle_parses(t):
    accesses, others = virtio_trace.split_log(
        "virtio_mmio_read virtio_mmio_read offset 0x70\n"
        "virtio_mmio_write_offset virtio_mmio_write offset 0x70 value 0xf\n"
        "virtio_mmio_setting_irq virtio_mmio setting IRQ 1\nguest did it wrong\n")
    expect_equal("accesses", accesses, [(0x70, None), (0x70, 0xf)])
    expect_equal("others", others, ["guest did it wrong"])
