# SPDX-License-Identifier: MIT
"""A device that lies. Its memory is changed behind its back, just before the kernel looks.

Whatever it says, each request of each task ends once, with an error where it has to be one.
"""
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
    """The first disk's queue in the guest's memory (virtio 1.2, 2.7)."""

    def __init__(self, machine):
        self.gdb = machine.gdb
        (device,) = machine.qmp.command("x-query-virtio")
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


def attacked(t, attack, append, transport, device=""):
    disks = [disk.null(SIZE, device, latency_ns=LATENCY)]
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


@both("device: a used id beyond the ring", attack=set_id(5000))
@both("device: a used id just beyond the ring", attack=set_id(256))
@both("device: a used id of all ones", attack=set_id(0xffffffff))
@both("device: a used id that equals another but for its high half", attack=set_id(0x10000))
@both("device: a used id that is not in flight", attack=set_id(200))
@both("device: the same answer again and again", attack=answer_twice)
@both("device: used.idx jumps by 100", attack=move_index(100))
@both("device: used.idx jumps half around", attack=move_index(0x8000))
@both("device: used.idx goes back", attack=move_index(-10))
@test("device: the driver's descriptors are overwritten, modern", attack=scribble, transport="modern")
@test("device: it asks for a reset, modern", attack=corrupt_avail, transport="modern")
@both("device: a used id beyond the ring, without event_idx", attack=set_id(5000), device="event_idx=off")
@both("device: a used id inside a chain", attack=set_id(1), device="indirect_desc=off")
@test("device: it asks for a reset, without indirect, modern", attack=corrupt_avail, transport="modern",
      device="indirect_desc=off")
def broken(t, attack, transport, device=""):
    run = attacked(t, attack, f"job=fill iodepth={DEPTH}", transport, device)
    run.check(2, provoked=PROVOKED)
    result = run.only("result")
    expect_equal("requests counted", result["ok"] + result["reset"], REQUESTS)
    expect(result["reset"] >= REQUESTS - 2 * DEPTH, f"only {result['reset']} requests ended with the device")
    expect_equal("device_resets", result["device_resets"], 1)
    expect(any("disk 0" in line for line in run.starting("error: ")), "no error line names the disk")
    # What was durable before is so still, but nothing can be made so any more.
    expect_equal("durable lines", [line for line in run.all("durable") if line["seq"]], [])


@both("device: demo with a used id beyond the ring", attack=set_id(5000))
@test("device: demo with a device that asks for a reset, modern", attack=corrupt_avail, transport="modern")
def broken_demo(t, attack, transport):
    run = attacked(t, attack, "job=demo", transport)
    run.check(2, provoked=PROVOKED)
    result = run.only("result")
    expect(result["reset"] >= 1 and result["ioerr"] == result["inval"] == 0, f"{result}")
    given_up = next(i for i, line in enumerate(run.lines) if "not used any more" in line)
    expect(not any(" ms  interrupt " in line for line in run.lines[given_up:]),
           "it tells of an interrupt where the disk was given up")


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
