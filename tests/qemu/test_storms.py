# SPDX-License-Identifier: MIT
"""The machine is reset again and again, at any point of a boot or a job; what its disk had is there, and it boots anew."""
import random
import re
import time

import disk
import numbered
import record
from machine import LIMIT, Machine
from qmp import QmpError
from result import own_lines
from tap import Failure, expect, expect_equal, test

FILLED, WRITES, PLACES = 4096, 10000, 128       # so much that a job has not ended in the time that it is let run


class Storm:
    """Storm number `number`: a machine that is reset before its job has ended, but for the last time."""

    def __init__(self, t, number):
        self.rng = random.Random(number)
        self.number, self.t = number, t
        self.rw = self.rng.random() < 0.5
        self.sectors = PLACES if self.rw else FILLED
        self.path = disk.make(t.path("disk"), self.sectors * 512)
        self.append = (f"seed={number} bs=512 iodepth={self.rng.choice([1, 2, 7, 16])} fsync={self.rng.choice([1, 2, 5, 20])} "
                       f"queue_size={self.rng.choice([0, 8])} timeout_ms=60000 ")
        self.append += f"job=rw rw=write number_ios={WRITES}" if self.rw else "job=fill"
        self.transport = self.rng.choice(["modern", "legacy"])
        self.device = self.rng.choice(["", "event_idx=off", "indirect_desc=off", "num-queues=4"])
        if self.transport == "modern" and self.rng.random() < 0.4:
            self.device, self.append = "packed=on", f"{self.append} ring=packed"
        self.harts = self.rng.choice([1, 1, 4])
        self.machine = None
        self.begun = 0                  # where on the console this boot begins
        self.figures = {"resets": 0, "durable_lines": 0, "durable_records_checked": 0, "lost": 0}

    def text(self):
        """The whole lines of this boot, from the firmware's on: before those may come what is left of the last."""
        return self.machine.text[self.begun:].partition("\nOpenSBI v")[2].rpartition("\n")[0]

    def let_run(self):
        """For some time, which may end in the firmware, or until the job has said something a few times."""
        lines = self.rng.choice([0, 0, 1, 3, 10, 40])
        time.sleep(self.rng.random() * 0.08)
        patience = time.monotonic() + LIMIT
        while lines > 0 and self.text().count("durable ") < lines and self.machine.read():
            expect(time.monotonic() < patience, "a hang")

    def stop(self):
        """What is under way comes to its end, and then nothing moves."""
        self.machine.qmp.command("stop")
        size = -1
        while size != len(self.machine.raw):
            size = len(self.machine.raw)
            self.machine.read()

    def check(self):
        """Each sector is zero or a record, and what this boot called durable is there."""
        lines = own_lines(self.text())
        wrong = [line for line in lines if line.startswith(("error:", "warning:", "panic ")) or re.match("exit [^0]", line)]
        expect_equal("complaints", wrong, [])
        claims = [int(line.partition("=")[2]) for line in lines if line.startswith("durable ")]
        image, claim = disk.content(self.path), max(claims, default=0)
        for lba in range(self.sectors):
            data = image[lba * 512:lba * 512 + 512]
            seq = 0 if data == record.ZERO else record.seq_of(data, lba, self.number)
            owed = self.owed(lba, claim)
            self.figures["durable_records_checked"] += owed > 0
            if seq < owed:
                self.figures["lost"] += 1
                raise Failure(f"durable seq={claim} was printed, but sector {lba} has seq={seq}, not {owed}")
        self.figures["durable_lines"] += len(claims)

    def owed(self, lba, claim):
        """The least seq that a sector must have; rw=write writes the places in order, from the start again and again."""
        if lba >= claim:
            return 0
        return claim - (claim - lba - 1) % PLACES if self.rw else lba + 1

    def reset(self):
        self.machine.qmp.command("system_reset")
        self.machine.qmp.wait_event("RESET")
        self.begun = len(self.machine.text)
        self.figures["resets"] += 1
        if self.rng.random() < 0.5:     # else nobody could tell a record of this boot from one of the last
            disk.patch(self.path, 0, bytes(self.sectors * 512))
        self.machine.qmp.command("cont")

    def storm(self, resets):
        """Until all resets are done, or the job has ended before its reset came."""
        try:
            self.machine.qmp.command("cont")
            while self.figures["resets"] < resets:
                self.let_run()
                self.stop()
                self.check()
                self.reset()
        except QmpError:
            pass                        # how it ended is looked at then

    def start(self, resets):
        self.begun = 0
        self.machine = Machine(self.t, self.append, disks=[disk.image(self.path, self.device)], transport=self.transport,
                               smp=self.harts, reset=True, qmp=True, arguments=["-S"], limit=LIMIT * (1 + resets // 10))
        return self.machine

    def run(self, resets):
        while True:
            with self.start(resets):
                self.storm(resets)
                run = self.machine.wait()
            self.check()
            # Of the last boot only: those before were cut off.
            run.lines, run.accesses = own_lines(self.text()), []
            run.check(0, result={"ok": WRITES if self.rw else FILLED, "mismatch": 0, "device_resets": 0})
            if self.figures["resets"] == resets:
                return self.figures


def run_number(t, number, resets):
    t.on_failure.clear()
    try:
        return Storm(t, number).run(resets)
    except Failure as failure:
        raise Failure(f"{failure}\nagain: tests/qemu/storms --first {number} --runs 1 --resets {resets}") from failure


@test("storms: 1 and 2", first=1)
@test("storms: 3 and 4", first=3)
def storms(t, first, count=2, resets=30):
    t.note(numbered.words(numbered.total(run_number(t, number, resets) for number in range(first, first + count))))


@test("storms: found: a sector that is lost", data=record.ZERO, words="sector 3 has seq=0, not 4")
@test("storms: found: a sector of an older run", data=record.record(3, 4, 99), words="sector 3 holds no record")
def found(t, data, words):
    storm = Storm(t, 2)
    storm.rw, storm.sectors, storm.append = False, 16 * FILLED, f"job=fill bs=512 fsync=1 seed={storm.number}"
    disk.make(storm.path, storm.sectors * 512)
    with storm.start(0) as machine:
        machine.qmp.command("cont")
        machine.until("^durable seq=20$")
        storm.stop()
        storm.check()
        disk.patch(storm.path, 3 * 512, data)
        try:
            storm.check()
        except Failure as failure:
            expect(words in str(failure), str(failure))
            return
    raise Failure("nothing is found")
