# SPDX-License-Identifier: MIT
"""Ctrl-C at a terminal: whatever make was asked for ends, with no traceback, and leaves nothing behind."""
import contextlib
import os
import re
import select
import signal
import time

import work
from machine import ROOT
from tap import Skip, expect, test

LIMIT = 300             # seconds to get under way, and again to end, and to be gone
LINES = 5               # that it may say of it, with what it was about to say anyhow
MARK = "SQUALL_TEST_MARK"


def marked(mark):
    """{process: its words} of all that were started with the mark in their environment, whatever sessions they have made."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if f"{MARK}={mark}".encode() not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{entry}/cmdline", encoding="utf-8", errors="replace") as file:
                found[int(entry)] = file.read().replace("\0", " ")
        except OSError:
            continue                    # another's, or it has ended meanwhile
    return found


def read_until(terminal, shown, done):
    """Add to `shown` what it says until done()."""
    deadline = time.monotonic() + LIMIT
    while not done():
        expect(time.monotonic() < deadline, f"it goes on: {shown.decode(errors='replace')[-2000:]}")
        if select.select([terminal], [], [], 0.05)[0]:
            shown += os.read(terminal, 65536)


# When to press it: a process with that among its words is there.
@test("Ctrl-C: make bench", words=["bench"], at="qemu-system")
@test("Ctrl-C: make fuzz, while it compiles", words=["fuzz"], at="clang")
@test("Ctrl-C: make fuzz", words=["fuzz", "T=600 args"], at="-artifact_prefix", kept=True)
@test("Ctrl-C: make soak", words=["soak"], at="plain/sim --world", kept=True)
@test("Ctrl-C: make sim", words=["sim", "OPS=4000000"], at="sanitized/sim", kept=True)
@test("Ctrl-C: make trace", words=["trace", "JOB=idle", "APPEND=timeout_ms=600000", "DISK=none"], at="qemu-system")
@test("Ctrl-C: make nightly", words=["nightly", "T=boots"], at="qemu-system")
@test("Ctrl-C: make coverage", words=["coverage"], at="--coverage")
@test("Ctrl-C: make test", words=["test", "T=qemu/demo"], at="qemu-system")
def pressed(t, words, at, kept=False):
    """kept: in the tree itself, where what it compiles serves the other suites."""
    mark = f"{os.getpid()}-{'-'.join(words)}"
    shown = bytearray()
    with work.at_terminal("make", "-s", *words, where=ROOT if kept else work.GCC.get(), **{MARK: mark}) as (process, terminal):
        try:
            read_until(terminal, shown, lambda: process.poll() is not None or
                       any(at in line for line in marked(mark).values()))
            for missing in (b"it is gcc 12 that counts", b"there is no clang", b"has no libFuzzer"):
                if missing in shown:
                    raise Skip(missing.decode())
            expect(process.poll() is None, f"it has ended by itself: {shown.decode(errors='replace')[-2000:]}")
            before = shown.count(b"\n")
            os.write(terminal, b"\x03")
            read_until(terminal, shown, lambda: process.poll() is not None)
            read_until(terminal, shown, lambda: not select.select([terminal], [], [], 0)[0])
            deadline = time.monotonic() + LIMIT
            while marked(mark) and time.monotonic() < deadline:
                time.sleep(0.05)            # what was killed may not yet be gone
            left = marked(mark)
        finally:
            for one in marked(mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
    text = shown.decode(errors="replace")
    t.note(f"status {process.returncode}: {text[-300:]!r}")
    expect("Traceback" not in text, f"a traceback: {text[-3000:]}")
    expect(not left, f"it has left {left}")
    # What make says of it: "Error 130", or "Interrupt" where a shell that it has put between dies of the signal itself.
    expect(not re.search(r"Error (?!130)", text), f"it does not end with 130: {text[-2000:]}")
    expect(text.count("\n") - before <= LINES, f"it says more than {LINES} lines: {text[-2000:]}")
