# SPDX-License-Identifier: MIT
"""Interrupts that are lost, disks that do not answer, and disks that break while others are used."""
import re
import struct
import time

import disk
import record
import start
from block_trace import boot_traced
from machine import Machine, boot
from tap import expect, expect_equal, test
from test_device import ASKED, NOT_IN_FLIGHT, PROVOKED, Ring, both, reasons
from test_selftest import check_ktap

KIB = disk.KIB
SIZE = 64 * KIB
PIECES = SIZE // 4096
LOST = "an interrupt was lost"
OVERDUE = "a request is overdue"
PLIC, SLOTS, SLOT_SIZE = 0x0c000000, 0x10000000, 0x1000
IRQ_STATUS, IRQ_ACK, NOTIFY = 0x60, 0x64, 0x50


def slot_of(machine, number=0):
    """The number of the interrupt of a disk; its registers are as many pages behind the first slot's."""
    node = machine.until(rf"^disk {number} node=virtio_mmio@([0-9a-f]+) ")[1]
    return (int(node, 16) - SLOTS) // SLOT_SIZE


def set_register(machine, address, value):
    machine.gdb.write_physical(address, struct.pack("<I", value))


def take_interrupt(machine):
    """Acknowledge the disk's interrupt, as its driver would."""
    registers = SLOTS + slot_of(machine) * SLOT_SIZE
    machine.gdb.read_physical(registers + IRQ_STATUS, 4)
    set_register(machine, registers + IRQ_ACK, 1)


def lost_warnings(run):
    return [line for line in run.starting("warning: disk 0 ") if LOST in line]


@both("recovery: an interrupt is lost", device="")
@both("recovery: an interrupt is lost, without event_idx", device="event_idx=off")
@test("recovery: an interrupt is lost, packed", device="packed=on", append="ring=packed", transport="modern")
@test("recovery: an interrupt is lost, of the last of 4 queues", device="num-queues=4", transport="modern")
def lost(t, transport, device, append=""):
    """It is acknowledged behind the kernel's back, before the kernel looks: a warning, and nothing else."""
    path = disk.make(t.path("disk"), SIZE)
    with Machine(t, f"job=fill iodepth=4 timeout_ms=2000 {append}", disks=[disk.image(path, device)], transport=transport, gdb=True) as machine:
        start.run_to(machine, "irq_dispatch")
        begun = time.monotonic()
        take_interrupt(machine)         # of all four: before it stands still QEMU awaits what its disks have
        machine.gdb.go()
        machine.until(LOST)
        waited = time.monotonic() - begun
        run = machine.wait()
    run.check(0, result={"ok": PIECES, "device_resets": 0})
    expect_equal("warnings", len(lost_warnings(run)), 1)
    expect(waited < 20, f"{waited} s")
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, SIZE // 512)), None)


@both("recovery: all interrupts are lost")
def all_lost(t, transport):
    """The interrupt controller lets none through: every request is found by its deadline."""
    path = disk.make(t.path("disk"), SIZE)
    with Machine(t, "job=rw rw=write number_ios=8 size=16k iodepth=4 timeout_ms=1500", disks=[disk.image(path)], transport=transport, gdb=True) as machine:
        start.run_to(machine, "job_run")
        set_register(machine, PLIC + 4 * slot_of(machine), 0)
        machine.gdb.go()
        run = machine.wait()
    run.check(0, result={"ok": 8, "mismatch": 0, "device_resets": 0})
    expect(len(lost_warnings(run)) >= 8 // 4 + 1, "no interrupt was lost")
    expect_equal("interrupts acknowledged", [one for one in run.accesses if one[0] == IRQ_ACK], [])


@both("recovery: a disk that does not answer", device="")
@both("recovery: a disk that does not answer, without indirect", device="indirect_desc=off")
@test("recovery: a disk that does not answer, packed", device="packed=on", append="ring=packed", transport="modern")
@test("recovery: a disk that does not answer, 4 queues", device="num-queues=4", transport="modern")
def no_answer(t, transport, device, append=""):
    """Each request is sent twice, with 100 ms for each time; after three resets in vain the next time is the last.

    The disk takes so long for everything that no host is late enough for it; at each reset QEMU awaits the end of what it has.
    """
    disks = [disk.null(SIZE, device, latency_ns=1_500_000_000)]
    run = boot(t, f"job=fill iodepth=4 timeout_ms=100 {append}", disks=disks, transport=transport)
    run.check(2, result={"ok": 0, "timeout": 8, "reset": PIECES - 8, "device_resets": 4})
    expect_equal("why it is reset", reasons(run), [OVERDUE] * 4)
    expect_equal("whether it is given up", ["not used any more" in line for line in run.starting("error: disk 0 ")], [True])


@test("recovery: a disk that takes its time, and is given it", timeout_ms=0)
@test("recovery: a disk that takes less than the deadline", timeout_ms=60000)
def patient(t, timeout_ms):
    path = disk.make(t.path("disk"), SIZE)
    run = boot(t, f"job=fill bs=16k timeout_ms={timeout_ms}", disks=[disk.slow(path, 24 * KIB)])
    run.check(0, result={"ok": 4, "device_resets": 0})
    expect(run.seconds > 1, "the disk is quick")
    expect_equal("warnings", run.starting("warning: "), [])


@test("recovery: a disk that is slow once: it is reset, and all is well")
def slow_once(t):
    """Throttled until it is reset, and then no more."""
    path = disk.make(t.path("disk"), SIZE)
    with Machine(t, "job=rw rw=write number_ios=16 iodepth=4 timeout_ms=2000", disks=[disk.slow(path, 100)], gdb=True, qmp=True) as machine:
        for place in ("virtio_blk_stop", "virtio_blk_start"):
            start.run_to(machine, place)
        disk.let_go(machine)
        machine.gdb.go()
        run = machine.wait()
    run.check(0, result={"ok": 16, "mismatch": 0, "device_resets": 1})
    expect_equal("why it is reset", reasons(run), [OVERDUE])


def spoil_last(machine):
    """The last answer is to a request that nobody made; whether it is too late is not known."""
    ring = Ring(machine)
    machine.gdb.write(ring.element(ring.used_index - 1), struct.pack("<I", 5000))


@both("recovery: resets at any time, 64 tasks on a ring of 8", device="")
@both("recovery: resets at any time, without indirect", device="indirect_desc=off")
@test("recovery: resets at any time, 4 queues", device="num-queues=4", transport="modern")
@test("recovery: resets at any time, each request an interrupt", device="event_idx=off", transport="modern")
def at_any_time(t, transport, device):
    """With enough time between two of them that no request is lost in both."""
    path = disk.make(t.path("disk"), SIZE)
    with Machine(t, "job=rw rw=randrw number_ios=2000 iodepth=64 queue_size=8 bs=512", disks=[disk.image(path, device)],
                 transport=transport, gdb=True, qmp=True) as machine:
        for interrupts in (1, 70, 41, 83, 56):
            for _ in range(interrupts):
                start.run_to(machine, "irq_dispatch")
            spoil_last(machine)
        machine.gdb.go()
        run = machine.wait()
    run.check(0, result={"ok": 2000, "mismatch": 0})
    expect_equal("device_resets", run.only("result")["device_resets"], len(reasons(run)))
    expect(reasons(run), "it was never reset")


for interrupts in range(1, 10):
    @test(f"recovery: a reset in the middle of the self-tests, at interrupt {interrupts}", interrupts=interrupts, device="")
    @test(f"recovery: a reset in the middle of the self-tests, at interrupt {interrupts}, without indirect",
          interrupts=interrupts, device="indirect_desc=off")
    def in_pieces(t, interrupts, device):
        """Of requests in pieces some may be done, some with the device, and some not yet cut."""
        path = disk.make(t.path("disk"), SIZE, bytes(range(200)) * 100)
        before = disk.content(path)
        with Machine(t, "job=selftest queue_size=8", disks=[disk.image(path, device)], gdb=True, qmp=True) as machine:
            for _ in range(interrupts):
                start.run_to(machine, "irq_dispatch")
            while Ring(machine).is_seen:        # by the interrupt before, while this one was on its way
                start.run_to(machine, "irq_dispatch")
            spoil_last(machine)
            machine.gdb.go()
            run = machine.wait()
        check_ktap(run)
        expect_equal("why it is reset", reasons(run), [NOT_IN_FLIGHT])
        expect(disk.content(path) == before, "what was on the disk is not put back")


def ask_for_reset(machine, slot):
    """Have the disk that nobody uses ask for a reset: its avail.idx is beyond all measure, and it is told to look."""
    ring = Ring(machine, "/idle")
    ring.set_half(ring.avail + 2, ring.half(ring.avail + 2) + 0x8001)
    set_register(machine, SLOTS + slot * SLOT_SIZE + NOTIFY, 0)


@test("recovery: a disk that nobody uses asks for a reset", times=1)
@test("recovery: a disk that nobody uses asks for a reset again and again", times=4)
def idle_disk(t, times):
    """It is reset, up to three times; the one that is used goes on and does not notice."""
    disks = [disk.image(disk.make(t.path(name), SIZE), f"id={name},bus=virtio-mmio-bus.{slot}")
             for name, slot in (("used", 0), ("idle", 7))]
    with Machine(t, "job=rw rw=randrw number_ios=3000 iodepth=4 disk=1", disks=disks, gdb=True, qmp=True) as machine:
        start.run_to(machine, "job_run")
        slot = slot_of(machine)
        for _ in range(times):
            ask_for_reset(machine, slot)
            start.run_to(machine, "virtio_blk_stop")
            for _ in range(3):          # until the reset is over, and some more
                start.run_to(machine, "irq_dispatch")
        machine.gdb.go()
        run = machine.wait()
    run.check(0, result={"ok": 3000, "mismatch": 0, "device_resets": times}, provoked=PROVOKED)
    expect_equal("why it is reset", reasons(run), [ASKED] * times)
    expect_equal("whether it is given up", [line for line in run.lines if "not used any more" in line] != [], times > 3)


@test("recovery: the monitor, and a disk that is not used any more")
def monitor(t):
    idle = disk.image(disk.make(t.path("idle"), SIZE), "id=idle,bus=virtio-mmio-bus.7")
    with Machine(t, "job=monitor", disks=[idle], gdb=True, qmp=True, typed=True) as machine:
        machine.gdb.go()
        machine.until("squall> ")
        slot = slot_of(machine)
        for times in range(1, 5):
            machine.gdb.interrupt()
            ask_for_reset(machine, slot)
            machine.gdb.go()
            machine.until(rf"(?s)(it is reset.*?){{{times}}}")
            machine.type("mem\r")      # a sign that the reset is over
            machine.until(rf"(?s)(KiB in all.*?){{{times}}}")
            if times == 1:              # a change of its size is no other reset
                machine.qmp.command("block_resize", **{"node-name": "d0", "size": 2 * SIZE})
                machine.until("disk 0 has 256 sectors now, 128 before")
        machine.until("error: disk 0 .*: it is not used any more$")
        for line, answer in (("virtq", "no ring: disk 0 is not used any more"), ("read 3", "error: read of sector 3: the device is gone"),
                             ("spawn 20", "load 1: 20 reads, 20 failed: the end")):
            machine.type(f"{line}\r")
            machine.until(answer)
        machine.type("exit\r")
        run = machine.wait().check(0, provoked=PROVOKED)
    expect_equal("why it is reset", reasons(run), [ASKED] * 4)
