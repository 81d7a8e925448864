# SPDX-License-Identifier: MIT
"""scripts/trace and make trace, from the boot to the files; and what they say when there is nothing to draw."""
import json
import os
import re
import signal
import subprocess
import time
import xml.etree.ElementTree

import disk
import machine
import work
from recorded import LIMIT, SCRIPT, draw, script
from tap import expect, expect_equal, test
from tracing import dump

FILES = ["trace.html", "trace.json", "trace.svg"]


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def spans(events, category):
    """{id: (begin, end)} of async events, which may overlap."""
    found = {}
    for event in events:
        if event.get("cat") == category:
            found.setdefault(event["id"], []).append((event["ph"], event["ts"]))
    expect(all([phase for phase, _ in one] == ["b", "e"] for one in found.values()), f"{category}: a span is not begun and ended once")
    return {key: (one[0][1], one[1][1]) for key, one in found.items()}


def check_json(text, requests, tasks):
    """Chrome's format, and what each tool needs of it."""
    document = json.loads(text)
    events = document["traceEvents"]
    for event in events:
        expect(event["ph"] in "XbeMi" and event["ts"] >= 0 and {"pid", "tid", "name"} <= event.keys(), f"not an event: {event}")
        expect(event["ph"] != "X" or event["dur"] >= 0, f"it ends before it begins: {event}")
    by_thread = {}
    for event in events:
        if event["ph"] == "X":
            by_thread.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    for thread, times in by_thread.items():
        nested(thread, times)
    names = [event["args"]["name"] for event in events if event["name"] == "thread_name"]
    expect_equal("threads that are tasks", sorted(name for name in names if name.startswith("task ")), sorted(f"task {task}" for task in tasks))
    ours, device = spans(events, "request"), spans(events, "device")
    expect_equal("requests", (len(ours), len(device)), (requests, requests))
    return events


def nested(thread, times):
    """What Perfetto and speedscope make a stack of must be one."""
    stack = []
    for begin, end in sorted(times, key=lambda one: (one[0], -one[1])):
        while stack and stack[-1] <= begin + 1e-6:
            stack.pop()
        expect(not stack or end <= stack[-1] + 1e-3, f"in thread {thread} {begin} to {end} goes beyond {stack[-1:]}")
        stack.append(end)


@test("make trace: bench with 8 tasks", append="job=bench iodepth=8 rw=randread number_ios=80", requests=80, tasks=[f"bench {n}" for n in range(1, 9)])
@test("make trace: rw with flushes", append="job=rw iodepth=2 fsync=4 number_ios=10 size=16k rw=randwrite bs=4k", requests=None, tasks=None)
@test("make trace: sleeping tasks, and no disk", append="job=idle timeout_ms=50", requests=0, tasks=["idle"], disk_bytes=0)
@test("make trace: four queues", append="job=bench iodepth=8 bs=64k number_ios=40 rw=randwrite", requests=40, tasks=[f"bench {n}" for n in range(1, 9)],
      extra=["-global", "virtio-blk-device.num-queues=4"])
@test("make trace: legacy", append="job=bench iodepth=2 number_ios=10 rw=randwrite", requests=10, tasks=["bench 1", "bench 2"],
      extra=["-global", "virtio-mmio.force-legacy=true"])
@test("make trace: a packed ring", append="job=bench iodepth=2 number_ios=10 ring=packed", requests=10, tasks=["bench 1", "bench 2"],
      extra=["-global", "virtio-blk-device.packed=on"])
def drawn(t, append, requests, tasks, disk_bytes=1 << 20, extra=()):
    done = draw(t.folder, append, "--", *extra, disk_bytes=disk_bytes)
    expect(done.status == 0, f"status {done.status}\n{done.output}{done.error}")
    expect_equal("on standard error", done.error, "")
    expect_equal("files", sorted(os.listdir(done.folder)), FILES)
    expect(not re.search(r"^event ", done.output, re.M), "it shows the events")
    expect(requests == 0 or "100 % found in QEMU’s own trace" in done.output, done.output)
    if tasks is not None and requests is not None:
        check_json(read(done.folder, "trace.json"), requests, tasks)
    still = xml.etree.ElementTree.fromstring(read(done.folder, "trace.svg"))
    expect(still.tag.endswith("svg") and still.get("role") == "img", "the still is no picture")
    expect_equal("the still's title", next(still.iter("{http://www.w3.org/2000/svg}text")).text, append)


@test("make trace: a ring that has run over", long=True)
def run_over(t):
    done = draw(t.folder, "job=bench iodepth=16 number_ios=3000 bs=512")
    expect(done.status == 0, f"status {done.status}\n{done.output}{done.error}")
    told = re.search(r"8192 events: (\d+) requests .* · 100 % found in QEMU’s own trace · the oldest (\d+) events overwritten", done.output)
    expect(told and int(told[1]) > 400 and int(told[2]) > 10000, done.output)
    page = read(done.folder, "trace.html")
    expect(len(page.encode()) < 500_000, f"the page has {len(page.encode())} bytes")
    t.note(f"{told[1]} requests: a page of {len(page.encode()) // 1000} KB")


@test("make trace: the make target, the demo", long=True)
def target(t):
    image, out = disk.make(t.path("disk"), 1 << 20), os.path.relpath(t.folder, machine.ROOT)
    elf = os.path.join(t.folder, "squall.elf")
    done = work.command("make", "-n", "trace", f"O={out}", f"DISK={image}", "APPEND=seed=7", "QEMU_EXTRA=-S", where=machine.ROOT)
    command = next((line for line in done.output.splitlines() if "scripts/trace" in line), "")
    expect(f"scripts/trace {out} --kernel {os.path.relpath(elf, machine.ROOT)}" in command and command.endswith("-- -S"), done.output + done.error)


@test("make trace: the kernel's exit code is ours", append="job=demo", code=3, words=["it found no device that the job needs"], disk_bytes=0)
@test("make trace: wrong arguments", append="job=dmo", code=4, words=["its boot arguments or its device tree are wrong"])
@test("make trace: a panic", append="job=panic", code=5, words=["it panicked"])
@test("make trace: trace=0 is refused", append="job=demo trace=0", code=1, words=["trace= is for this script to set"])
@test("make trace: no kernel", append="", code=125, words=["cannot be read"], kernel="/nowhere")
@test("make trace: a job without a task has nothing to be drawn, and is well", append="job=probe", code=0,
      words=["no picture: there is nothing to draw", "JOB=demo"])
def refused(t, append, code, words, disk_bytes=1 << 20, kernel=machine.KERNEL):
    done = draw(t.folder, append, disk_bytes=disk_bytes, kernel=kernel)
    expect_equal("status", done.status, code)
    expect(all(word in done.error for word in words), f"it says: {done.error}")
    expect(not os.path.exists(done.folder), "it has drawn something")


@test("make trace: a ring without any of the requests is not drawn")
def none_left(_t):
    over = script().has_run_over
    head, begun = "trace begin events=1 lost={} hz=1\n", "1@2.000003:virtio_blk_handle_read vdev 1 req 2 sector 3 nsectors 4\n"
    expect(over(head.format(5) + "event 1 wake 1 0 0 0\n", begun), "it would draw a spinning task")
    expect(not over(head.format(5) + "event 1 add 0 1 8 0\n", begun), "there is a request left")
    expect(not over(head.format(0) + "event 1 wake 1 0 0 0\n", begun), "it is whole")
    expect(not over(head.format(5) + "event 1 wake 1 0 0 0\n", ""), "there was no request")


@test("make trace: a request that fails is drawn, and the exit code kept")
def failed(t):
    rule = t.path("rule")
    with open(rule, "w", encoding="utf-8") as file:
        file.write('[inject-error]\nevent = "read_aio"\nerrno = "5"\nonce = "on"\nsector = "8"\n')
    image = disk.make(t.path("image"), 1 << 20)
    done = draw(t.folder, "job=bench rw=read number_ios=8", "--", "-drive",
                f"file=blkdebug:{rule}:{image},if=none,id=bad,format=raw", "-device", "virtio-blk-device,drive=bad", disk_bytes=0)
    expect_equal("status", done.status, 2)
    expect("8 requests" in done.output and "100 % found" in done.output, done.output + done.error)
    expect("an I/O error" in read(done.folder, "trace.html").replace("\\u2019", ""), "the page does not tell of the error")


@test("make trace: a picture that QEMU's trace contradicts ends in a failure")
def contradicted(t):
    told = script()
    from recorded import BENCH
    console, log = BENCH.get()
    lines = log.split("\n")
    lines.remove(next(line for line in lines if "virtio_blk_handle_read" in line))
    problems = told.draw(t.path("out"), machine.KERNEL, "job=bench", console, "\n".join(lines), told.Progress())
    expect(len(problems) == 2, f"{problems}")
    expect("not all found in QEMU’s own trace" in read(t.path("out"), "trace.html"), "the page claims that all is well")


@test("make trace: what the monitor was asked for is shown, and its dump is not")
def monitors_tail(t):
    words = [SCRIPT, t.path("out"), "--kernel", machine.KERNEL, "--disk", disk.make(t.path("disk"), 1 << 20), "--append", "job=monitor"]
    done = subprocess.run(words, input=b"sleep 1\rtrace tail 3\rexit\r", capture_output=True, timeout=LIMIT, check=False)
    expect_equal("status", done.returncode, 0)
    said = re.split(r"squall> ", done.stdout.decode(errors="replace").replace("\r", ""))
    expect_equal("events shown", [len(re.findall(r"(?m)^event \w+ ", part)) for part in said if "trace tail" in part], [3])
    expect_equal("in all", len(re.findall(r"(?m)^event ", "\n".join(said))), 3)


@test("make trace: Ctrl-C ends it, and QEMU with it", number=signal.SIGINT)
@test("make trace: SIGTERM ends it, and QEMU with it", number=signal.SIGTERM)
def interrupted(t, number):
    child = subprocess.Popen([SCRIPT, t.path("out"), "--kernel", machine.KERNEL, "--append", "job=idle timeout_ms=60000"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        # From here on the kernel sleeps, and nobody would notice of himself that we are gone.
        expect(child.stdout.readline().startswith(b"squall "), "it shows no kernel")
        found = machine.descendants_named(child.pid, "qemu-system")
        expect(found, "it starts no QEMU")
    finally:
        child.send_signal(number)
        _, error = child.communicate(timeout=100)
    expect(child.returncode == 128 + number, f"it ended with {child.returncode}")
    expect("Traceback" not in error.decode(), error.decode())
    give_up = time.monotonic() + 100
    while any(os.path.exists(f"/proc/{pid}") for pid in found):
        expect(time.monotonic() < give_up, "QEMU is still there")
        time.sleep(0.01)


@test("trace: the script's kinds are the kernel's, in its order")
def kinds(_t):
    with open(os.path.join(machine.ROOT, "include/trace.h"), encoding="utf-8") as file:
        of_header = re.findall(r"TRACE_(\w+)", re.search(r"enum trace_kind \{(.*?)\}", file.read(), re.S)[1])
    with open(os.path.join(machine.ROOT, "kernel/jobs/trace_dump.c"), encoding="utf-8") as file:
        of_source = dict(re.findall(r'\[TRACE_(\w+)\] = "([\w-]+)"', file.read()))
    expect_equal("kinds", [of_source[kind] for kind in of_header if kind != "KINDS"], list(dump.KINDS))
