# SPDX-License-Identifier: MIT
"""Interrupts that never come, and interrupts for nothing: the device's, by the eventfd that raises them."""
import os
import statistics
import threading
import time

from hostile import DEPTH, TIMEOUT, Liar
from hostile_boot import boot, check_memory, check_run, with_memory
from machine import KERNEL as PLAIN
from machine import Machine
from tap import Context, expect, expect_equal, test
from test_recovery import IRQ_STATUS, lost_warnings
from vhost_user import Backend

DROPS = {"every second": lambda n, _: n % 2 == 1, "one in ten, at random": lambda _, dice: dice.random() < 0.1,
         "all": lambda *_: True}
IOS = {"every second": 30, "one in ten, at random": 100, "all": 12}


class Dropper(Liar):
    """Of the interrupts that are due, some are not raised."""

    def __init__(self, path, which):
        super().__init__(path)
        self.which, self.due = which, 0

    def call(self, queue):
        self.due += 1
        if self.which(self.due, self.random):
            self.counts["dropped"] += 1
        else:
            super().call(queue)


for _which in DROPS:
    @test(f"interrupts: {_which} dropped, modern", which=_which, transport="modern")
    @test(f"interrupts: {_which} dropped, legacy, without indirect", which=_which, transport="legacy", device="indirect_desc=off")
    @test(f"interrupts: {_which} dropped, without event_idx", which=_which, transport="modern", device="event_idx=off")
    @test(f"interrupts: {_which} dropped, packed", which=_which, transport="modern", device="packed=on", ring="ring=packed")
    def dropped(t, which, transport, device="", ring=""):
        """Every request is found by its deadline, and all is right."""
        liar = Dropper(t.path("socket"), DROPS[which])
        run = boot(t, liar, f"iodepth={DEPTH} timeout_ms={TIMEOUT} {ring}", transport, device, count=IOS[which])
        check_run(run, (0,))
        result = run.only("result")
        expect_equal("requests that ended well, and resets", (result["ok"], result["device_resets"]), (IOS[which], 0))
        lost = len(lost_warnings(run))
        expect(liar.counts["dropped"] > 0, "no interrupt was dropped")
        expect(lost > 0 if which == "all" else lost <= liar.counts["dropped"], f"{lost} found of {liar.counts['dropped']} dropped")


class Spurious(Backend):
    """An honest device, but for a thread that raises its interrupt each millisecond while there is a queue."""

    def __init__(self, path, pause):
        super().__init__(path)
        self.pause, self.over, self.thread = pause, threading.Event(), None

    def start_queue(self, queue, kick):
        super().start_queue(queue, kick)
        self.thread = threading.Thread(target=self.raise_interrupts, args=(queue.call,))
        if self.pause:
            self.thread.start()

    def raise_interrupts(self, call):
        while not self.over.wait(self.pause):
            os.eventfd_write(call, 1)
            self.counts["spurious"] += 1

    def stop_queue(self, queue):
        self.over.set()
        if self.thread and self.thread.is_alive():
            self.thread.join()
        return super().stop_queue(queue)


def boot_plain(t, append, pause):
    """(Result, Spurious): with the one disk, which raises an interrupt for nothing after each `pause`, in seconds."""
    ram, options = with_memory()
    device = Spurious(t.path("socket"), pause)
    with device, Machine(t, append, disks=[device.disk()], **options) as machine:
        run = machine.wait()
    run.check(0)
    check_memory(ram, PLAIN)
    os.remove(t.path("socket"))
    return run, device


def raise_each(machine, device, number):
    """Interrupts for nothing, each when the one before has been taken: so no two are one, however busy the host is."""
    with open(machine.log, encoding="utf-8") as log:
        seen = ""
        for count in range(1, number + 1):
            device.call(device.queues[0])
            while f"virtio_mmio_read offset {IRQ_STATUS:#x}\n" not in seen:
                expect(time.monotonic() < machine.deadline, f"interrupt {count} is not taken")
                time.sleep(0.0002)
                seen += log.read()
            seen = seen.partition(f" {IRQ_STATUS:#x}\n")[2]


@test("interrupts: for nothing, and nothing is going on, as many as are borne", number=999, shut=0)
@test("interrupts: for nothing, a thousand in a row: the line is shut", number=1000, shut=1)
def idle(t, number, shut):
    ram, options = with_memory()
    device = Spurious(t.path("socket"), 0)
    with device, Machine(t, "job=monitor", disks=[device.disk()], typed=True, **options) as machine:
        machine.until("squall> ")
        raise_each(machine, device, number)
        if shut:
            machine.until("warning: interrupt .* disabled")
            device.call(device.queues[0])
        machine.type("exit\r")
        run = machine.wait().check(0)
    check_memory(ram, PLAIN)
    expect_equal("interrupts taken", len([1 for access in run.accesses if access == (IRQ_STATUS, None)]), number)
    expect_equal("times that a line was shut", len([line for line in run.starting("warning: interrupt ") if "disabled" in line]), shut)


def bench(t, pause, count):
    """(seconds by the guest's clock, seconds of QEMU's processor time, interrupts for nothing) of `count` requests."""
    run, device = boot_plain(t, f"job=bench rw=randread bs=4k iodepth=4 number_ios={count}", pause)
    expect_equal("requests that ended well", run.only("result")["ok"], count)
    return count / run.only("bench")["iops"], run.usage.ru_utime + run.usage.ru_stime, device.counts["spurious"]


def pairs(t, number, count):
    """Of runs with and without 1,000 interrupts for nothing a second, in turns: ratios of both times; how many were raised."""
    elapsed, processor, raised = [], [], 0
    for turn in range(number):
        order = (0, 0.001) if turn % 2 else (0.001, 0)
        found = {pause: bench(t, pause, count) for pause in order}
        elapsed.append(found[0.001][0] / found[0][0])
        processor.append(found[0.001][1] / found[0][1])
        raised += found[0.001][2]
    return sorted(elapsed), sorted(processor), raised


@test("interrupts: a thousand for nothing each second, and much is going on")
def spurious(t):
    """What they cost is for hostile_soak --spurious to say: how busy this machine is otherwise, no test knows."""
    elapsed, _, raised = pairs(t, 3, 5000)
    expect(raised > 100, f"only {raised} were raised")
    expect(elapsed[0] < 4, f"the time with them, in times of that without: {elapsed}")


def measure(number):
    """For hostile_soak; its exit status. Where others use the machine, the processor time is the better measure."""
    context = Context()
    *ratios, raised = pairs(context, number, 20000)
    context.close()
    medians = [statistics.median(one) for one in ratios]
    print(f"{raised} interrupts for nothing; times with them over times without, of {number} pairs:")
    for what, one, median in zip(("elapsed", "processor"), ratios, medians):
        print(f"{what}: {one[0]:.3f} to {one[-1]:.3f}, median {median:.3f}, at most 1.25")
    return 0 if min(medians) <= 1.25 else 1
