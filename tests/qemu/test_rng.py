# SPDX-License-Identifier: MIT
"""virtio-rng: its bytes arrive as they are, however long they take, and the disks beside it do not notice."""
import os
import time

import disk
import record
import start
import test_device
import test_monitor
from machine import Machine, boot
from tap import expect, expect_equal, test

BYTES = 32
RANDOM = ("-object", "rng-random,id=source,filename=/dev/urandom")
BUILTIN = ("-object", "rng-builtin,id=source")


def rng(properties="", source=BUILTIN):
    return [*source, "-device", f"virtio-rng-device,rng=source{properties}"]


def data_of(run):
    line = run.only("rng")
    expect_equal("bytes", line["bytes"], BYTES)
    # It looks like a number where all its digits are decimal ones.
    expect_equal("digits of the data", len(str(line["data"])), 2 * BYTES)
    return str(line["data"])


@test("rng: modern, packed ring", transport="modern", source=BUILTIN, packed=True)
@test("rng: modern, a host's random device", transport="modern", source=RANDOM)
@test("rng: modern, QEMU's own generator", transport="modern", source=BUILTIN)
@test("rng: legacy", transport="legacy", source=RANDOM)
def random(t, transport, source, packed=False):
    append, properties = ("job=rng ring=packed", ",packed=on") if packed else ("job=rng", "")
    runs = [boot(t, append, transport=transport, arguments=rng(properties, source)).check(0) for _ in range(3)]
    found = {data_of(run) for run in runs}
    expect_equal("different bytes in three boots", len(found), 3)


class Pipe:
    """A source whose bytes are the test's, when it writes them."""

    def __init__(self, t):
        self.path = t.path("pipe")
        os.mkfifo(self.path)
        self.file = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.arguments = rng(source=("-object", f"rng-random,id=source,filename={self.path}"))

    def write(self, data):
        expect_equal("bytes written into the pipe", os.write(self.file, data), len(data))


@test("rng: what the device gives is what is printed, modern", transport="modern")
@test("rng: what the device gives is what is printed, legacy", transport="legacy")
def verbatim(t, transport):
    pipe, data = Pipe(t), bytes(range(0x81, 0x81 + BYTES))
    pipe.write(data)
    run = boot(t, "job=rng", transport=transport, arguments=pipe.arguments).check(0)
    expect_equal("the data", data_of(run), data.hex())


@test("rng: in pieces, and long after they were asked for", long=True)
def in_pieces(t):
    """The third is later than the watchdog looks whether all wait in vain."""
    pipe, data = Pipe(t), os.urandom(BYTES)
    pieces = [data[:1], data[1:12], data[12:31], data[31:]]
    with Machine(t, "job=rng log=debug", arguments=pipe.arguments) as machine:
        machine.until("^squall ")
        for number, piece in enumerate(pieces):
            time.sleep(2.5 if number == 2 else 0.1)
            pipe.write(piece)
            machine.until(f"^debug: {len(piece)} of ")
        run = machine.wait().check(0)
    expect_equal("the data", data_of(run), data.hex())
    expect_equal("error lines", run.starting("error: "), [])


@test("rng: a source that does not answer is told of, and may yet")
def silent(t):
    pipe, data = Pipe(t), os.urandom(BYTES)
    with Machine(t, "job=rng timeout_ms=300", arguments=pipe.arguments) as machine:
        machine.until("^warning: the source of entropy has not answered for 300 ms$")
        pipe.write(data)
        run = machine.wait().check(0)
    expect_equal("the data", data_of(run), data.hex())


@test("rng: as much as its limit lets through, modern", transport="modern")
@test("rng: as much as its limit lets through, legacy", transport="legacy")
def limited(t, transport):
    run = boot(t, "job=rng log=debug", transport=transport, arguments=rng(",max-bytes=10,period=200")).check(0)
    data_of(run)
    expect_equal("pieces", [line for line in run.starting("debug: ") if line.endswith(" bytes have come")],
                 [f"debug: {come} of {room} bytes have come" for come, room in ((10, 32), (10, 22), (10, 12), (2, 2))])
    expect(run.seconds > 0.6, f"it took {run.seconds:.2f} s: there was nothing to wait for")


@test("rng: no device, modern", transport="modern", disks=0)
@test("rng: no device, legacy", transport="legacy", disks=0)
@test("rng: no device, but a disk", transport="modern", disks=1)
def no_device(t, transport, disks):
    run = boot(t, "job=rng", transport=transport, disks=[disk.null(disk.MIB)] * disks)
    run.check_refusal(3, "job rng", "-device virtio-rng-device")


@test("rng: no interrupt controller that we drive")
def no_plic(t):
    boot(t, "job=rng", board="virt,aia=aplic", arguments=rng()).check_words(3, "job rng", "PLIC")


@test("rng: a second device is not needed")
def second(t):
    run = boot(t, "job=rng", arguments=[*rng(), "-device", "virtio-rng-device"]).check(0)
    expect_equal("error lines", run.starting("error: "),
                 ["error: virtio_mmio@10007000: there is another source of entropy: not used"])
    data_of(run)


@test("rng: it is told what it is under log=debug, and what has no driver always")
def named(t):
    others = ["-device", "virtio-net-device", "-device", "virtio-serial-device"]
    run = boot(t, "job=probe log=debug", disks=[disk.null(disk.MIB)], arguments=[*rng(), *others]).check(0)
    for line in ("debug: virtio_mmio@10008000: device of type 2, block: virtio-blk",
                 "debug: virtio_mmio@10007000: device of type 4, entropy: virtio-rng",
                 "virtio_mmio@10006000: device of type 1, network: no driver",
                 "virtio_mmio@10005000: device of type 3, console: no driver"):
        expect(line in run.lines, f"there is no line {line!r} among {run.lines}")
    quiet = boot(t, "job=probe", disks=[disk.null(disk.MIB)], arguments=[*rng(), *others]).check(0)
    expect_equal("lines about devices", [line for line in quiet.lines if ": device of type " in line],
                 [line for line in run.lines if line.endswith(": no driver")])


@test("rng: fill beside it, the rng first, modern", transport="modern", slots=(3, 7))
@test("rng: fill beside it, the disk first, modern", transport="modern", slots=(7, 3))
@test("rng: fill beside it, the rng first, legacy", transport="legacy", slots=(3, 7))
def beside(t, transport, slots):
    ours, its = (f"bus=virtio-mmio-bus.{slot}" for slot in slots)
    path = disk.make(t.path("disk"), 256 * disk.KIB)
    run = boot(t, "job=fill iodepth=4 disk=0", disks=[disk.image(path, device=ours)], transport=transport,
               arguments=rng(f",{its}")).check(0, result={"ok": 64})
    expect_equal("number of the disk", run.only("disk")["disk"], 0)
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, 512)), None)


@test("rng: in the monitor, while tasks read from the disk")
def in_the_monitor(t):
    with test_monitor.Session(t, arguments=rng()) as session:
        session.say("spawn 100000", r"squall> ")
        seen = {session.say("entropy", r"(?m)^(?:[0-9a-f]{2} ){15}[0-9a-f]{2}\n")[0] for _ in range(4)}
        expect_equal("different bytes", len(seen), 4)
        session.say("read 3", "read of sector 3: ")
        session.end()


@test("rng: in the monitor, Ctrl-C leaves the device its buffer, and the next to ask waits on")
def given_up(t):
    pipe = Pipe(t)
    with test_monitor.Session(t, arguments=pipe.arguments) as session:
        for _ in range(2):
            session.machine.type("entropy\r")
            session.machine.until("entropy\n$")
            session.say("\x03", "the source has yet to answer, and has the buffer: entropy waits on\n")
        session.say("ps", "(?m)^entropy: (?:waiting|ready), ")
        session.machine.type("entropy\r")
        session.machine.until("entropy\n$")
        before = len(session.machine.text)
        pipe.write(b"\x5a" * 3)
        session.after(before, "5a 5a 5a\n")
        session.end()


@test("rng: in the monitor, exit does not wait for it")
def left(t):
    pipe = Pipe(t)
    with test_monitor.Session(t, arguments=pipe.arguments) as session:
        session.machine.type("entropy\r\x03")
        session.machine.until("waits on\n")
        session.end()


@test("rng: in the monitor, without one")
def none_in_the_monitor(t):
    with test_monitor.Session(t) as session:
        session.say("entropy", "error: no entropy: ")
        session.end()


LIES = [(test_device.set_id(5000), "a used id is not in flight"),
        (test_device.move_index(100), "used.idx is beyond what is in flight")]


@test("rng: it lies about an id, modern", lie=0, transport="modern")
@test("rng: it lies about an id, legacy", lie=0, transport="legacy")
@test("rng: its index jumps, modern", lie=1, transport="modern")
def lies(t, lie, transport):
    attack, words = LIES[lie]
    with Machine(t, "job=rng", gdb=True, qmp=True, transport=transport, arguments=rng()) as machine:
        start.run_to(machine, "irq_dispatch")
        attack(test_device.Ring(machine))
        machine.gdb.go()
        machine.wait().check_words(3, "virtio_mmio@10008000", words)


@test("rng: it asks for a reset, modern")
def asks_for_a_reset(t):
    with Machine(t, "job=rng", gdb=True, qmp=True, arguments=rng()) as machine:
        start.run_to(machine, "virtio_ready")
        test_device.corrupt_avail(test_device.Ring(machine))
        machine.gdb.go()
        run = machine.wait().check(3, provoked=test_device.PROVOKED)
    expect("error: virtio_mmio@10008000: the device needs a reset: not used" in run.lines, "it does not say why")


@test("rng: a length of 0 is an error, and one of all ones no more than there is room for", length=0, code=2)
@test("rng: a length of 0 is an error, and one of all ones no more than there is room for", length=0xffffffff, code=0)
def lengths(t, length, code):
    with Machine(t, "job=rng", gdb=True, qmp=True, arguments=rng()) as machine:
        start.run_to(machine, "irq_dispatch")
        test_device.set_length(length)(test_device.Ring(machine))
        machine.gdb.go()
        run = machine.wait().check(code)
    expect_equal("number of rng lines", len(run.all("rng")), int(code == 0))
