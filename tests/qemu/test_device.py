# SPDX-License-Identifier: MIT
"""A device that lies. Its memory is changed behind its back, just before the kernel looks.

Whatever it says, each request of each task ends once, with an error where it has to be one.
"""
import re
import struct

import disk
import gdbstub
import start
from machine import Machine
from tap import expect, expect_equal, test

SIZE, BS, DEPTH = 256 * disk.KIB, 4096, 4
REQUESTS = SIZE // BS
LATENCY = 10_000_000            # long enough for all tasks to have a request in the ring
OK, IOERR, UNSUPP = 0, 1, 2


class Ring:
    """The queue of the only virtio device, or the one with an `id`, in the guest's memory (virtio 1.2, 2.7)."""

    def __init__(self, machine, name=""):
        self.gdb = machine.gdb
        (device,) = (one for one in machine.qmp.command("x-query-virtio") if name in one["path"])
        status = machine.qmp.command("x-query-virtio-queue-status", path=device["path"], queue=0)
        self.size = status["vring-num"]
        self.descriptors, self.avail, self.used = (status[f"vring-{part}"] for part in ("desc", "avail", "used"))

    def half(self, address):
        return struct.unpack("<H", self.gdb.read(address, 2))[0]

    def set_half(self, address, value):
        self.gdb.write(address, struct.pack("<H", value & 0xFFFF))

    @property
    def used_index(self):
        return self.half(self.used + 2)

    @property
    def is_seen(self):
        """Whether the driver has seen all answers: with event_idx it says which it wants to hear of next."""
        return self.used_index == self.half(self.avail + 4 + 2 * self.size)

    def element(self, index):
        return self.used + 4 + 8 * (index % self.size)

    def descriptor(self, table, number):
        """(address, length, flags, next)"""
        return struct.unpack("<QIHH", self.gdb.read(table + 16 * number, 16))

    def status_byte(self, head):
        """Where the device has put the status of the request that begins at descriptor `head`."""
        table, number = self.descriptors, head
        address, _, flags, following = self.descriptor(table, number)
        if flags & 4:                   # indirect
            table, number = address, 0
            address, _, flags, following = self.descriptor(table, number)
        while flags & 1:
            address, _, flags, following = self.descriptor(table, following)
        return address


def set_id(value):
    def attack(ring):
        ring.gdb.write(ring.element(0), struct.pack("<I", value))
    return attack


def set_length(value):
    def attack(ring):
        ring.gdb.write(ring.element(0) + 4, struct.pack("<I", value))
    return attack


def move_index(by):
    def attack(ring):
        ring.set_half(ring.used + 2, ring.used_index + by)
    return attack


def answer_twice(ring):
    """The first answer is there once more, as one that nobody asked for."""
    first = ring.gdb.read(ring.element(0), 8)
    for index in range(1, DEPTH):
        ring.gdb.write(ring.element(index), first)
    ring.set_half(ring.used + 2, DEPTH)


def set_status(value):
    def attack(ring):
        (head,) = struct.unpack("<I", ring.gdb.read(ring.element(0), 4))
        ring.gdb.write(ring.status_byte(head), bytes([value]))
    return attack


def scribble(ring):
    """The descriptors are the driver's to write, so it must not read them; the device will."""
    ring.gdb.write(ring.descriptors, b"\xa5" * 16 * ring.size)


def corrupt_avail(ring):
    """The device is told of more than there can be, and asks for a reset; a legacy one has no way to."""
    index = ring.avail + 2
    ring.gdb.run_to(index, gdbstub.WRITE_WATCHPOINT, 2)
    ring.gdb.step()
    ring.set_half(index, ring.half(index) + 0x4000)


def attacked(t, attack, append, transport, device="", disks=None):
    """Attack once, before the first interrupt is seen to."""
    disks = disks or [disk.null(SIZE, device, latency_ns=LATENCY)]
    with Machine(t, append, disks=disks, gdb=True, qmp=True, transport=transport) as machine:
        start.run_to(machine, "irq_dispatch")
        attack(Ring(machine))
        machine.gdb.go()
        return machine.wait()


def both(name, **arguments):
    def register(function):
        for transport in ("modern", "legacy"):
            test(f"{name}, {transport}", transport=transport, **arguments)(function)
        return function
    return register


PROVOKED = ["virtio: ", "Virtqueue size exceeded", "Guest moved", "bogus", "Invalid"]
RESET = re.compile(r"warning: disk 0 \(\S+\): (.*): it is reset")
NOT_IN_FLIGHT, TOO_MANY, ASKED = "a used id is not in flight", "used.idx is beyond what is in flight", "the device needs a reset"


def reasons(run):
    return [match[1] for line in run.lines if (match := RESET.match(line))]


@both("device: a used id beyond the ring", attack=set_id(5000), why=NOT_IN_FLIGHT)
@both("device: a used id just beyond the ring", attack=set_id(1024), why=NOT_IN_FLIGHT)
@both("device: a used id of all ones", attack=set_id(0xffffffff), why=NOT_IN_FLIGHT)
@both("device: a used id that equals another but for its high half", attack=set_id(0x10000), why=NOT_IN_FLIGHT)
@both("device: a used id that is not in flight", attack=set_id(200), why=NOT_IN_FLIGHT)
@both("device: the same answer again and again", attack=answer_twice, why=NOT_IN_FLIGHT)
@both("device: used.idx jumps by 100", attack=move_index(100), why=TOO_MANY)
@both("device: used.idx jumps half around", attack=move_index(0x8000), why=TOO_MANY)
@both("device: used.idx goes back", attack=move_index(-10), why=TOO_MANY)
@test("device: the driver's descriptors are overwritten, modern", attack=scribble, why=ASKED, transport="modern")
@both("device: a used id beyond the ring, without event_idx", attack=set_id(5000), why=NOT_IN_FLIGHT, device="event_idx=off")
@both("device: a used id inside a chain", attack=set_id(341), why=NOT_IN_FLIGHT, device="indirect_desc=off")
def broken(t, attack, why, transport, device=""):
    """It is reset, and what it had is sent once more: nobody but the console knows of it."""
    path = disk.make(t.path("disk"), SIZE)
    run = attacked(t, attack, f"job=rw rw=write iodepth={DEPTH} number_ios={REQUESTS} fsync=8", transport,
                   disks=[disk.image(path, device)])
    run.check(0, result={"ok": REQUESTS, "device_resets": 1}, provoked=PROVOKED)
    expect_equal("why it is reset", reasons(run), [why])
    expect_equal("error lines", run.starting("error: "), [])


@test("device: it asks for a reset, modern", append=f"job=fill iodepth={DEPTH}")
@test("device: it asks for a reset, demo, modern", append="job=demo")
@test("device: it asks for a reset, without indirect, modern", append=f"job=fill iodepth={DEPTH}", device="indirect_desc=off")
def asks(t, append, device=""):
    """Before it does, it repeats old requests, so what it reads and writes is worth nothing."""
    run = attacked(t, corrupt_avail, append, "modern", device)
    ok = 4 if append == "job=demo" else REQUESTS
    run.check(1 if append == "job=demo" else 0, result={"ok": ok, "device_resets": 1}, provoked=PROVOKED)
    expect_equal("why it is reset", reasons(run), [ASKED])


@both("device: demo with a used id beyond the ring", attack=set_id(5000), why=NOT_IN_FLIGHT)
def broken_demo(t, attack, why, transport):
    path = disk.make(t.path("disk"), SIZE)
    run = attacked(t, attack, "job=demo", transport, disks=[disk.image(path)])
    run.check(0, result={"ok": 4, "device_resets": 1}, provoked=PROVOKED)
    expect_equal("why it is reset", reasons(run), [why])
    expect_equal("the image", disk.content(path), bytes(SIZE))


def attacked_again(t, attack, append, transport, times, device=""):
    """Attack after each reset anew, before the first answer is looked at."""
    disks = [disk.null(SIZE, device, latency_ns=LATENCY)]
    with Machine(t, append, disks=disks, gdb=True, qmp=True, transport=transport) as machine:
        for _ in range(times):
            start.run_to(machine, "irq_dispatch")
            ring = Ring(machine)
            while ring.used_index == 0:         # an interrupt from before the reset
                start.run_to(machine, "irq_dispatch")
            attack(ring)
            start.run_to(machine, "virtio_blk_stop")
        machine.gdb.go()
        return machine.wait()


@both("device: broken twice, it loses what has been sent twice", device="")
@both("device: broken twice, without indirect", device="indirect_desc=off")
def broken_twice(t, device, transport):
    run = attacked_again(t, set_id(5000), f"job=fill iodepth={DEPTH}", transport, 2, device)
    run.check(2, result={"ok": REQUESTS - DEPTH, "reset": DEPTH, "device_resets": 2})
    expect_equal("why it is reset", reasons(run), [NOT_IN_FLIGHT] * 2)


@both("device: broken again and again, it is not used any more")
def retired(t, transport):
    """Three resets that bring nothing are enough."""
    run = attacked_again(t, set_id(5000), f"job=fill iodepth={DEPTH}", transport, 4)
    run.check(2, result={"ok": 0, "reset": REQUESTS, "device_resets": 4})
    expect_equal("why it is reset", reasons(run), [NOT_IN_FLIGHT] * 4)
    (line,) = [line for line in run.starting("error: disk")]
    expect("disk 0" in line and "not used any more" in line, line)


@both("device: a demo whose disk is lost")
def lost_demo(t, transport):
    run = attacked_again(t, set_id(5000), "job=demo", transport, 2)
    run.check(2, result={"ok": 0, "reset": 1, "device_resets": 2})


class Packed:
    """The only disk's packed ring (2.8): a descriptor is an address, a length, an id and flags."""
    USED = 0x8080                   # in the first lap

    def __init__(self, machine):
        self.gdb = machine.gdb
        (device,) = machine.qmp.command("x-query-virtio")
        self.base = machine.qmp.command("x-query-virtio-queue-status", path=device["path"], queue=0)["vring-desc"]

    def answer(self, place, **fields):
        """Change an answer, or make one."""
        _, length, number, flags = struct.unpack("<QIHH", self.gdb.read(self.base + 16 * place, 16))
        answer = {"length": length, "id": number, "flags": flags, **fields}
        self.gdb.write(self.base + 16 * place + 8, struct.pack("<IHH", *(answer[key] for key in ("length", "id", "flags"))))


def packed_twice(ring):
    for place in range(1, DEPTH):
        ring.answer(place, id=0, flags=ring.USED)


def packed_too_many(ring):
    """All that were asked for are answered, and one more."""
    for place in range(DEPTH + 1):
        ring.answer(place, id=place, flags=ring.USED)


def attacked_packed(t, attack, disks):
    with Machine(t, f"job=rw rw=write iodepth={DEPTH} number_ios={REQUESTS} fsync=8 ring=packed", disks=disks, gdb=True, qmp=True) as machine:
        start.run_to(machine, "irq_dispatch")
        attack(Packed(machine))
        machine.gdb.go()
        return machine.wait()


@test("device: packed, an id beyond the ring", attack=lambda ring: ring.answer(0, id=5000))
@test("device: packed, an id just beyond the ring", attack=lambda ring: ring.answer(0, id=1024))
@test("device: packed, an id of all ones", attack=lambda ring: ring.answer(0, id=0xffff))
@test("device: packed, an id that is not in flight", attack=lambda ring: ring.answer(0, id=200))
@test("device: packed, the same answer again and again", attack=packed_twice)
@test("device: packed, more answers than questions", attack=packed_too_many)
@test("device: packed, an id beyond the seats, without indirect", attack=lambda ring: ring.answer(0, id=347), device=",indirect_desc=off")
@test("device: packed, an id beyond the ring, without event_idx", attack=lambda ring: ring.answer(0, id=5000), device=",event_idx=off")
@test("device: packed, a length of all ones", attack=lambda ring: ring.answer(0, length=0xffffffff), resets=0)
@test("device: packed, a length of 0", attack=lambda ring: ring.answer(0, length=0), resets=0)
def packed(t, attack, device="", resets=1):
    path = disk.make(t.path("disk"), SIZE)
    run = attacked_packed(t, attack, [disk.image(path, f"packed=on{device}")])
    run.check(0, result={"ok": REQUESTS, "device_resets": resets})
    expect_equal("why it is reset", reasons(run), [NOT_IN_FLIGHT] * resets)


@both("device: a used length of all ones", attack=set_length(0xffffffff))
@both("device: a used length of 0", attack=set_length(0))
def harmless(t, attack, transport):
    run = attacked(t, attack, f"job=fill iodepth={DEPTH}", transport)
    run.check(0, result={"ok": REQUESTS, "device_resets": 0})


@both("device: status 1", status=IOERR, key="ioerr")
@both("device: status 2", status=UNSUPP, key="unsup")
@both("device: status 3, which is none", status=3, key="ioerr")
@both("device: a status that was never written", status=0xff, key="ioerr")
@both("device: status 2, without indirect", status=UNSUPP, key="unsup", device="indirect_desc=off")
def wrong_status(t, status, key, transport, device=""):
    run = attacked(t, set_status(status), f"job=fill iodepth={DEPTH}", transport, device)
    run.check(2, result={"ok": REQUESTS - 1, key: 1, "device_resets": 0})
