# SPDX-License-Identifier: MIT
"""scripts/bench: what it finds fault with, its pictures, and that it leaves nothing behind."""
import importlib.machinery
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

import machine
import work
from tap import expect, expect_equal, test

sys.path.insert(0, os.path.join(machine.ROOT, "scripts"))
import bench_report  # noqa: E402 - found in the folder above

SCRIPT = os.path.join(machine.ROOT, "scripts/bench")


def script():
    loader = importlib.machinery.SourceFileLoader("bench_script", SCRIPT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_script", loader))
    loader.exec_module(module)
    return module


@test("make bench: the loop is close to the limit")
def loop(t):
    bench = script()
    work.must(work.make(machine.ROOT, f"O={os.path.relpath(t.folder, machine.ROOT)}", *(
        f"{os.path.relpath(t.folder, machine.ROOT)}/limit-{depth}.elf" for depth in (1, 32))))
    for depth, most in ((1, 130), (32, 46)):
        cost = bench.limit(t.folder, depth, 6400)["instr"]
        expect(cost < most, f"{cost} instructions per request at depth {depth}")


@test("make bench: --check finds a count that is 3 % off", figure="instr-32", factor=1.05)
@test("make bench: --check finds a count that is 3 % better, and not written down", figure="instr-1", factor=0.95)
def regression(t, figure, factor):
    bench = script()
    with open(bench.TABLE, encoding="utf-8") as file:
        text = file.read()
    changed, count = re.subn(rf"(\(`{figure}`\) \|[^|]*\|) ([\d,]+) ",
                             lambda match: f"{match[1]} {int(int(match[2].replace(',', '')) / factor):,} ", text)
    expect_equal("places that were changed", count, 1)
    bench.TABLE = t.path("bench.md")
    with open(bench.TABLE, "w", encoding="utf-8") as file:
        file.write(changed)
    problems = [line for line in bench.check(machine.KERNEL) if "docs/bench.md says" in line]
    expect(len(problems) == 1 and problems[0].startswith(f"{figure}: "), f"it says {problems}")


@test("make bench: Ctrl-C ends it, and QEMU with it", number=signal.SIGINT)
@test("make bench: SIGTERM ends it, and QEMU with it", number=signal.SIGTERM)
@test("make bench: SIGKILL ends it, and QEMU with it", number=signal.SIGKILL)
def interrupted(t, number):
    child = subprocess.Popen([SCRIPT, machine.KERNEL, t.folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
    try:
        give_up = time.monotonic() + 100
        while not (found := machine.descendants_named(child.pid, "qemu")):
            expect(time.monotonic() < give_up, "it starts no QEMU")
            time.sleep(0.01)
    finally:
        child.send_signal(number)
        output, _ = child.communicate(timeout=100)
    expect(child.returncode in (-number, 128 + number), f"it ended with {child.returncode}")
    expect_equal("what it says", output, b"" if number == signal.SIGKILL else b"bench: stopped\n")
    give_up = time.monotonic() + 100
    while any(os.path.exists(f"/proc/{pid}") for pid in found):
        expect(time.monotonic() < give_up, "QEMU is still there")
        time.sleep(0.01)


def report_of(t):
    """The pictures of made-up figures; (svg, html)."""
    depths = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    rising = {depth: 1000.0 * depth for depth in depths}
    charts = bench_report.charts({"Squall": rising, "loop": {depth: 2 * rate for depth, rate in rising.items()}},
                                 {name: rising for name in ("p50", "p90", "p99", "p99.9")},
                                 {"Squall": rising, "loop": rising}, {"Peer": ({1: 0.5}, {1: 700, 32: 600})})
    bench_report.write(t.path("bench.svg"), t.path("bench.html"), charts)
    with open(t.path("bench.svg"), encoding="utf-8") as svg, open(t.path("bench.html"), encoding="utf-8") as page:
        return svg.read(), page.read()


@test("bench: its pictures have a point for each figure, and say what was published by others")
def pictures(t):
    svg, page = report_of(t)
    root = xml.etree.ElementTree.fromstring(svg)
    circles = [one for one in root.iter() if one.tag.endswith("circle")]
    expect(len(circles) == 8 * 9 + 3, f"{len(circles)} points")
    titles = [title.text for one in circles for title in one]
    expect("Peer (published), 1 in flight: 1,000" in titles and "Squall, 256 in flight: 256,000" in titles, titles)
    dashed = [one for one in root.iter() if "published" in one.get("class", "")]
    expect(len(dashed) == 2, f"{len(dashed)} lines are drawn as published")
    expect("http" not in page.replace("http://www.w3.org/2000/svg", ""), "the page wants the network")
    expect(page.count("<table>") == 3 and "Peer (published)" in page, "a table is missing")
