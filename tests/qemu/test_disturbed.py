# SPDX-License-Identifier: MIT
"""A disk under load whose machine is paused, whose size changes, whose speed changes, at points drawn by a number."""
import os
import random
import re
import signal
import time

import disk
import numbered
from block_trace import TRACE, Requests
from machine import Machine, read
from qmp import QmpError
from tap import Failure, expect, expect_equal, test
from test_device import both, reasons
from test_slow import throttled

KIB = disk.KIB
SPAN, BS = 64 * KIB, 4 * KIB


class Disturbed:
    """Run number `number`: a machine with job=rw, and what is done to it meanwhile."""

    def __init__(self, t, number):
        self.rng = random.Random(number)
        path = disk.make(t.path("disk"), SPAN)
        self.sizes = [SPAN]
        self.shrinks, self.slow = self.rng.random() < 0.4, self.rng.random() < 0.4
        self.freezes = not self.slow and self.rng.random() < 0.3
        self.ios = self.rng.choice([4000, 10000])
        self.depth = self.rng.choice([1, 4, 16, 64])
        device = self.rng.choice(["", "event_idx=off", "indirect_desc=off", "num-queues=4"])
        transport, ring = self.rng.choice([("modern", "split"), ("modern", "packed"), ("legacy", "split")])
        if ring == "packed":
            device = self.rng.choice(["packed=on", "packed=on,indirect_desc=off", "packed=on,num-queues=2"])
        append = (f"job=rw rw=randrw number_ios={self.ios} size={SPAN} bs={BS} seed={number} iodepth={self.depth} "
                  f"fsync={self.rng.choice([0, 100])} queue_size={self.rng.choice([0, 8])} ring={ring} timeout_ms={5 if self.freezes else 20000}")
        self.machine = Machine(t, append, transport=transport, qmp=True, arguments=TRACE,
                               disks=[throttled(path, "x-bps-total=0", device) if self.slow else disk.image(path, device)])
        self.figures = dict.fromkeys(("pauses", "freezes", "resizes", "speeds", "refused", "failed", "device_resets", "lost_to_them"), 0)

    def pause(self):
        """Time stands still for the machine."""
        self.machine.qmp.command("stop")
        time.sleep(self.rng.random() * 0.03)
        self.machine.qmp.command("cont")
        self.figures["pauses"] += 1

    def freeze(self):
        """Time goes on, and QEMU does not: all that is under way is overdue when it does."""
        if self.freezes:
            os.kill(self.machine.process.pid, signal.SIGSTOP)
            time.sleep(0.02 + self.rng.random() * 0.06)
            os.kill(self.machine.process.pid, signal.SIGCONT)
            self.figures["freezes"] += 1

    def resize(self, sectors):
        self.machine.qmp.command("block_resize", **{"node-name": "d0", "size": sectors * 512})
        self.sizes.append(sectors * 512)
        self.figures["resizes"] += 1

    def grow(self):
        """Not after it has shrunk: what was cut off would be zero then, and found wrong."""
        if self.sizes[-1] >= SPAN:
            self.resize(self.sizes[-1] // 512 + self.rng.randrange(1, 100))

    def change_speed(self):
        if self.slow:
            limits = {"bps-total": self.rng.choice([0, 0, 10_000_000, 50_000_000])}
            self.machine.qmp.command("qom-set", path="/objects/slow", property="limits", value=limits)
            self.figures["speeds"] += 1

    def disturb(self):
        self.machine.until("^disk 0 ")
        for _ in range(self.rng.randrange(5, 25)):
            time.sleep(self.rng.random() * 0.02)
            self.rng.choice([self.pause, self.pause, self.freeze, self.freeze, self.grow, self.change_speed])()
            if self.shrinks and self.rng.random() < 0.15:
                self.resize(self.rng.randrange(1, SPAN // 512))
                self.shrinks = False

    def run(self):
        with self.machine as machine:
            try:
                self.disturb()
            except (QmpError, ProcessLookupError):
                pass                    # the job has ended; how, is looked at now
            run = machine.wait()
            requests = Requests(read(machine.log))
        result = run.only("result")
        self.check(run, result, requests)
        return self.figures

    def check(self, run, result, requests):
        code = run.only("exit")["code"]
        lost = result["timeout"] + result["reset"]
        expect(code == 0 or (code == 2 and (lost > 0 or self.sizes[-1] < SPAN)), f"exit {code}")
        run.check(code, result={"mismatch": 0, "unsup": 0})
        expect_equal("requests", result["ok"] + result["inval"] + result["ioerr"] + lost, self.ios)
        # QEMU asks its disk for neighbours at once, and for the last one's sake all of them fail.
        failed, starts = requests.failed, {(kind, sector) for kind, sector, _ in requests.failed}
        expect_equal("requests that failed without a reason",
                     [(kind, sector, count) for kind, sector, count in failed
                      if sector + count <= self.sizes[-1] // 512 and (kind, sector + count) not in starts], [])
        expect(result["ioerr"] <= len(failed) <= 2 * self.depth, f"{len(failed)} requests beyond the end of the disk were sent")
        expect(self.freezes or not run.starting("warning: "), "a warning")
        expect_equal("device_resets", result["device_resets"], len(reasons(run)))
        told = [int(size) * 512 for size in re.findall(r"disk 0 has (\d+) sectors now", run.text)]
        expect(set(told) <= set(self.sizes), f"it was never of the sizes {told}")
        self.figures.update(refused=result["inval"], failed=result["ioerr"], device_resets=result["device_resets"], lost_to_them=lost)


def run_number(t, number):
    t.on_failure.clear()
    try:
        return Disturbed(t, number).run()
    except Failure as failure:
        raise Failure(f"{failure}\nagain: tests/qemu/disturbances --first {number} --runs 1") from failure


@test("disturbances: runs 1 to 10", first=1)
@test("disturbances: runs 11 to 20", first=11)
def runs(t, first, count=10):
    t.note(numbered.words(numbered.total(run_number(t, number) for number in range(first, first + count))))


@both("disturbances: a pause longer than a deadline", slow=False)
@both("disturbances: a pause longer than a deadline, of a slow disk", slow=True)
def long_pause(t, transport, slow):
    """Time stands still meanwhile, so nothing is overdue."""
    path = disk.make(t.path("disk"), SPAN)
    with Machine(t, "job=rw rw=randrw number_ios=30000 iodepth=8 timeout_ms=2000", transport=transport, qmp=True, arguments=["-S"],
                 disks=[throttled(path, "x-bps-total=50000000") if slow else disk.image(path)]) as machine:
        machine.qmp.command("cont")
        machine.until("^disk 0 ")
        time.sleep(0.05)
        machine.qmp.command("stop")
        time.sleep(2.5)
        machine.qmp.command("cont")
        run = machine.wait()
    run.check(0, result={"ok": 30000, "mismatch": 0, "device_resets": 0})
    expect_equal("warnings", run.starting("warning: "), [])
