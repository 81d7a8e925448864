# SPDX-License-Identifier: MIT
"""Traces to look at: real ones, each recorded once for all tests."""
import collections
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import tempfile
import threading

import disk
from machine import KERNEL, ROOT
from tap import Failure
from tracing import dump, layout, match, model, page, qemu_log, svg, symbols

SCRIPT = os.path.join(ROOT, "scripts/trace")
RUNNER = os.path.join(ROOT, "scripts/qemu")
LIMIT = 300             # seconds
TRIES = 20

Done = collections.namedtuple("Done", "status output error folder")


class Recorded:
    """What a kernel and its QEMU have recorded of a job, as text."""

    def __init__(self, append):
        self.append, self.lock, self.console, self.log = append, threading.Lock(), None, None

    def get(self):
        """(console, QEMU's log)."""
        with self.lock:
            # Where the host is busy the demo's second task has turns without end, more than the ring holds.
            for _ in range(TRIES):
                if self.console is not None and " lost=0 " in self.console:
                    break
                with tempfile.TemporaryDirectory(prefix="squall-trace-") as folder:
                    self.record(folder)
        return self.console, self.log

    def record(self, folder):
        path, log = disk.make(os.path.join(folder, "disk"), 1 << 20), os.path.join(folder, "log")
        done = subprocess.run([RUNNER, "--kernel", KERNEL, "--disk", path, "--append", f"{self.append} trace=1", "--",
                               *qemu_log.ARGUMENTS, "-D", log], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)
        if done.returncode != 0:
            raise Failure(f"{self.append} ended with {done.returncode}: {done.stderr.decode()}")
        self.console = done.stdout.decode().replace("\r", "")
        with open(log, encoding="utf-8") as file:
            self.log = file.read()


DEMO, BENCH = Recorded("job=demo"), Recorded("job=bench iodepth=4 rw=randread number_ios=60")
# With pieces of several segments, flushes, and more tasks than seats.
RW = Recorded("job=rw iodepth=4 fsync=4 number_ios=12 size=32k")
CROWDED = Recorded("job=bench iodepth=24 number_ios=72 queue_size=8")


def draw(folder, append, *options, disk_bytes=1 << 20, kernel=KERNEL, **environment):
    """What scripts/trace does, told as to a user without a terminal."""
    path = disk.make(os.path.join(folder, "disk"), disk_bytes) if disk_bytes else "none"
    done = subprocess.run([SCRIPT, os.path.join(folder, "out"), "--kernel", kernel, "--disk", path, "--append", append, *options],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False, env={**os.environ, **environment})
    return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), os.path.join(folder, "out"))


def lines_of(console):
    """(the lines before the dump's events, the events, what is behind them)."""
    lines = console.split("\n")
    begin = next(number for number, line in enumerate(lines) if line.startswith("trace begin"))
    end = next(number for number, line in enumerate(lines) if line.startswith("trace end"))
    return lines[:begin + 1], lines[begin + 1:end], lines[end:]


def with_events(console, events, lost=0):
    """The console with other events, its counts and its checksum put right."""
    before, _, after = lines_of(console)
    head = before[-1].split()
    head[2:4] = [f"events={len(events)}", f"lost={lost}"]
    images = [dump.image_of(dump.event_of(line, number)) for number, line in enumerate(events)]
    return "\n".join([*before[:-1], " ".join(head), *events, f"trace end crc32c={dump.crc32c(b''.join(images)):08x}", *after[1:]])


def evenly(console):
    """The console as if from each event to the next it had been a microsecond: so all is wide enough to be seen, on a busy host too."""
    before, events, _ = lines_of(console)
    spaced = [re.sub(r"^event \w+", f"event {1000 * number:x}", line) for number, line in enumerate(events)]
    end = 1000 * len(spaced)
    before[-1] = f"trace begin events=0 lost=0 hz=1000000000 cycles=0/{end:x} ticks=0/{end:x}"
    return with_events("\n".join([*before, *spaced, "trace end", "exit 0"]), spaced)


def draw_recorded(recorded):
    """{"html": text, "svg": text} of a trace that was spaced evenly, as scripts/trace makes them."""
    console, log = recorded.get()
    told = dump.parse(evenly(console))
    found = model.Model(told, symbols.Symbols(KERNEL, {event.request for event in told.events if event.kind in ("await", "resume")}))
    problems = match.match(found, qemu_log.parse(log))
    picture, facts = layout.Picture(found), script().facts_of(found, problems)
    still = svg.Still(picture, recorded.append, facts)
    return {"html": page.document(picture, recorded.append, facts, still), "svg": still.document()}


def script():
    loader = importlib.machinery.SourceFileLoader("trace_script", SCRIPT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("trace_script", loader))
    loader.exec_module(module)
    return module
