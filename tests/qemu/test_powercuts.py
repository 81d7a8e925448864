# SPDX-License-Identifier: MIT
"""Power cuts at random points of runs that are drawn by a number: every `durable` line is kept."""
import random

import disk
import numbered
import powercut
import start
from gdbstub import GdbError
from machine import Machine, boot, read
from tap import Failure, expect, expect_equal, test
from test_device import reasons
from test_errors import REPORT
from test_recovery import spoil_last

KIB = disk.KIB
SIZE = 128 * KIB
CACHES = [("write-cache=on,config-wce=on", True), ("write-cache=on,config-wce=off", True),
          ("write-cache=off,config-wce=on", False), ("write-cache=off,config-wce=off", False)]


class Scenario:
    """Run number `number`: its boot arguments, its disk, and what its durable lines promise."""

    def __init__(self, number):
        rng = random.Random(number)
        self.number, self.figures = number, {}
        self.bs = rng.choice([512, KIB, 2 * KIB, 4 * KIB, 4 * KIB, 6 * KIB])
        self.span = rng.choice([16 * KIB, 64 * KIB, 96 * KIB])
        self.offset = rng.choice([0, 0, 24 * KIB])
        self.rw = rng.choice([None, None, "write", "randwrite", "randrw"])
        self.slow, fails = rng.random() < 0.3, rng.random() < 0.3
        self.device, self.cached = rng.choice(CACHES)
        self.ios = rng.choice([50, 150, 300])
        self.transport = rng.choice(["modern", "modern", "legacy"])
        self.append = (f"offset={self.offset} size={self.span} seed={number} bs={self.bs} iodepth={rng.choice([1, 2, 4, 8, 16, 32])} "
                       f"fsync={rng.choice([1, 1, 2, 3, 5, 11])} queue_size={rng.choice([0, 8, 64])} timeout_ms=60000 ")
        self.append += f"job=rw rw={self.rw} number_ios={self.ios}" if self.rw else "job=fill"
        if self.transport == "modern" and rng.random() < 0.3:
            self.device += rng.choice([",packed=on", ",packed=on,num-queues=2"])
            self.append += " ring=packed"
        if self.bs == 4 * KIB:
            self.device += rng.choice(["", ",logical_block_size=4096,physical_block_size=4096"])
        self.device += rng.choice(["", ",event_idx=off", ",indirect_desc=off", ",num-queues=4"][:3 if "queues" in self.device else 4])
        # A throttled disk that is reset twice hangs QEMU 7.2; and only of a split ring it is known where to spoil it.
        resets = self.rw and not self.slow and "packed" not in self.device and rng.random() < 0.4
        self.resets = [rng.randrange(1, 9) for _ in range(rng.randrange(1, 4))] if resets else []
        # Not both: a request that has failed may be sent again before anybody has looked.
        self.rules = [self.rule(rng) for _ in range(rng.randrange(1, 5))] if fails and not self.resets else []

    def rule(self, rng):
        """An error of a place, or of a flush; of a disk that writes through a flush is the second half of a write."""
        kind = rng.choice(["read", "write", "write", "flush"] if self.cached else ["read", "write"])
        rule = {"event": "none", "iotype": kind, "once": rng.random() < 0.7, "errno": rng.choice([5, 28])}
        return rule if kind == "flush" else {**rule, "sector": (self.offset + rng.randrange(self.span)) // 512}

    def disk(self, t):
        made = disk.logged(disk.make(t.path("disk"), SIZE), disk.make(t.path("log"), 0), self.device)
        if self.slow:                   # so that more is on its way at a time
            made.node["file"] = {"driver": "throttle", "throttle-group": "slow", "file": made.node["file"]}
            made.objects = ["throttle-group,id=slow,x-bps-total=1000000,x-bps-total-max=2000000"]
        if self.rules:
            made.device += f",{REPORT}"
            made.node["file"] = {"driver": "blkdebug", "inject-error": self.rules, "image": made.node["file"]}
        return made

    def run(self, t):
        """(History, Promise)"""
        with Machine(t, self.append, disks=[self.disk(t)], transport=self.transport, arguments=powercut.TRACE,
                     gdb=bool(self.resets), qmp=bool(self.resets)) as machine:
            try:
                for interrupts in self.resets:
                    for _ in range(interrupts):
                        start.run_to(machine, "irq_dispatch")
                    spoil_last(machine) # so the device is reset, and what it has is sent again
                if self.resets:
                    machine.gdb.go()
            except (GdbError, OSError):
                pass                    # it has ended with fewer interrupts
            run = machine.wait()
            history = powercut.History(read(machine.log), disk.content(t.path("log")), self.cached)
        self.check(run, history)
        promise = powercut.Promise(history, self.number, None if self.rw else (self.offset // 512, self.span // 512))
        expect(history.claimed(history.end) <= promise.most, "a durable line passes a write that failed")
        return history, promise

    def check(self, run, history):
        """Counted as failed is what the device has failed, and nothing else."""
        requests = sorted(history.reads + history.writes, key=lambda one: one.begun)
        failed = [one for one in requests + history.flushes if one.ended is None]
        counted = sum(one.ended is None for one in (requests[:self.ios] if self.rw else requests))
        # Where FLUSH is not offered each write is durable, and nobody asks (5.2.5.1).
        expect_equal("whether flushes were sent", history.flushes != [], self.cached or "config-wce=on" in self.device)
        result = run.only("result")
        expect(result["reset"] == 0 or self.resets, "a request is lost to a reset")
        # Of two answers that are spoilt the kernel may see one.
        expect(result["device_resets"] == len(reasons(run)) <= len(self.resets), f"{result['device_resets']} resets")
        run.check(2 if failed or result["reset"] else 0, result={"ioerr": counted, "mismatch": 0})
        self.figures = {"requests_failed": len(failed), "device_resets": result["device_resets"]}

    def verify(self, t, left):
        """Boot job=verify on what a power cut has left: each sector is zero or a record."""
        image = bytearray(SIZE)
        for lba, data in left.items():
            image[lba * 512:lba * 512 + 512] = data
        path = disk.make(t.path("left"), SIZE, image)
        boot(t, f"job=verify iodepth=4 seed={self.number}", disks=[disk.image(path)]).check(0, result={"mismatch": 0})


def cut(history, promise, rng, cuts):
    """(figures, complaints, what the cuts left)"""
    figures = {"runs": 1, "power_cuts": cuts, "durable_lines": len(history.claims), "durable_records_checked": 0, "lost": 0}
    complaints, all_left = [], []
    for _ in range(cuts):
        when = rng.randrange(history.end + 1)
        left = powercut.cut_power(history, when, rng)
        claim = history.claimed(when)
        checked, lost = promise.check(left, claim)
        figures["durable_records_checked"] += checked
        figures["lost"] += len(lost)
        if lost:
            lba, found, owed = lost[0]
            complaints.append(f"a cut before event {when}: durable seq={claim} was printed, but sector {lba} has seq={found}, not {owed}")
        all_left.append(left)
    return figures, complaints, all_left


def run_number(t, number, cuts, boots):
    """Run number `number`; its figures."""
    t.on_failure.clear()
    scenario, rng = Scenario(number), random.Random(number)
    history, promise = scenario.run(t)
    figures, complaints, all_left = cut(history, promise, rng, cuts)
    if complaints:
        raise Failure("\n".join([*complaints[:5], f"{len(complaints)} cuts of {cuts} lose something",
                                 f"again: tests/qemu/powercuts --first {number} --runs 1 --cuts {cuts}"]))
    for left in rng.sample(all_left, boots):
        scenario.verify(t, left)
    return {**figures, "verify_boots": boots, **scenario.figures}


@test("power cuts: runs 1 to 10", first=1)
@test("power cuts: runs 11 to 20", first=11)
@test("power cuts: runs 21 to 30", first=21)
@test("power cuts: runs 31 to 40", first=31)
def runs(t, first, count=10, cuts=250, boots=1):
    figures = numbered.total(run_number(t, number, cuts, boots) for number in range(first, first + count))
    expect_equal("lost", figures["lost"], 0)
    t.note(numbered.words(figures))


# What finds nothing may look for nothing: each of these is a mistake in what is a good run.

def too_early(history):
    """As if each line were printed when its flush is submitted."""
    history.claims = [(flush.begun, seq) for flush, (_, seq) in zip(history.flushes, history.claims)]


def no_flush(history):
    history.flushes.clear()


def early_flush(history):
    """As if each flush were taken while the write before it is under way."""
    for write in history.writes:
        write.ended = next((flush.begun + 1 for flush in history.flushes if flush.begun > write.ended), history.end)


def too_much(history):
    history.claims = [(when, seq + 8) for when, seq in history.claims]


@test("power cuts: found: a line at the flush's beginning, fill", mistake=too_early, job="job=fill")
@test("power cuts: found: a line at the flush's beginning, rw", mistake=too_early, job="job=rw rw=randwrite")
@test("power cuts: found: no flush, fill", mistake=no_flush, job="job=fill")
@test("power cuts: found: no flush, rw", mistake=no_flush, job="job=rw rw=write")
@test("power cuts: found: a flush before the write's end", mistake=early_flush, job="job=rw rw=write")
@test("power cuts: found: a line that promises too much", mistake=too_much, job="job=fill")
def found(t, mistake, job):
    scenario = Scenario(1)
    scenario.append = f"{job} seed=1 number_ios=64 fsync=1 size=64k"
    scenario.offset, scenario.span, scenario.rw = 0, 64 * KIB, None if "fill" in job else "rw"
    scenario.device, scenario.cached, scenario.slow, scenario.rules, scenario.resets, scenario.ios = "", True, False, [], [], 64
    history, promise = scenario.run(t)
    expect_equal("losses of a good run", cut(history, promise, random.Random(1), 200)[1], [])
    mistake(history)
    figures, complaints, _ = cut(history, promise, random.Random(1), 200)
    expect(complaints and figures["lost"] > 0, "nothing is found")
