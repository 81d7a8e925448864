# SPDX-License-Identifier: MIT
"""trace.json is loaded by speedscope itself, in a browser."""
import base64
import html
import json
import os
import re
import subprocess

import browser
from machine import ROOT
from recorded import draw
from tap import Skip, expect, expect_equal, test


def speedscope():
    folder = subprocess.run([os.path.join(ROOT, "scripts/deps"), "--speedscope"], capture_output=True, check=True).stdout.decode().strip()
    page = os.path.join(folder, "dist/release/index.html")
    if not os.path.exists(page):
        raise Skip("no speedscope here; where there is npm, get it with: make deps test")
    return page


def seconds(text):
    """Of "4.15ms"; speedscope rounds to two places."""
    number, unit = re.fullmatch(r"([\d.]+)(ns|µs|ms|s)", text).groups()
    return float(number) * {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1}[unit]


def covered(spans):
    """How long there is any of them: the rest speedscope does not count."""
    total = until = 0
    for begin, end in sorted(spans):
        total += max(end - max(begin, until), 0)
        until = max(until, end)
    return total


@test("make trace: speedscope reads trace.json", long=True)
def loads(t):
    page = speedscope()
    done = draw(t.folder, "job=bench iodepth=4 rw=randread number_ios=60")
    with open(os.path.join(done.folder, "trace.json"), "rb") as file:
        data = file.read()
    # As speedscope's own command hands a file over.
    handed = t.path("profile.js")
    with open(handed, "w", encoding="utf-8") as file:
        file.write(f'speedscope.loadFileFromBase64("trace.json", "{base64.b64encode(data).decode()}")')
    text = browser.dom(t, f"file://{page}#localProfilePath={handed}")
    expect_equal("its title", re.search(r"<title>(.*?)</title>", text)[1], "trace.json - speedscope")
    shown = {html.unescape(name): seconds(html.unescape(length)) for name, length in
             re.findall(r'<tr title="([^"]*)".*?<td[^>]*>([\d.]+(?:ns|µs|ms|s))</td></tr>', text)}
    events = json.loads(data)["traceEvents"]
    names = {(event["pid"], event["tid"], event["name"]): event["args"]["name"] for event in events if event["ph"] == "M"}
    expected = {}
    for event in events:
        if event["ph"] == "X":
            pid, tid = event["pid"], event["tid"]
            name = f"{names[pid, 0, 'process_name']} (pid {pid}), {names[pid, tid, 'thread_name']} (tid {tid})"
            expected.setdefault(name, []).append((event["ts"], event["ts"] + event["dur"]))
    expect_equal("threads", sorted(shown), sorted(expected))
    for name, times in expected.items():
        length = covered(times) / 1e6
        expect(abs(shown[name] - length) < 0.01 * length + 1e-6, f"{name} is {shown[name]} s long there, and {length} s in the file")
