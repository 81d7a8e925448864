# SPDX-License-Identifier: MIT
"""job=demo: what a newcomer sees, and that it is true."""
import re

import disk
import record
from machine import boot
from tap import expect, expect_equal, test

LINES_MAX = 25

# The story, in the order in which it must be told, on a disk however fast.
READ = [r"task A .*read is submitted", r"task B .*runs", r"interrupt ", r"task A .*resumed"]
STORY = [r"task A .*write is submitted", r"task B .*runs", r"interrupt ", r"task A .*resumed",
         *READ[:3], r"task A .*resumed.*is what was written", r"task A .*as it was before"]


def story_lines(run):
    """The demo's lines that begin with a time, without it."""
    lines = [re.match(r" *(\d+\.\d{3}) ms  (.*)", line) for line in run.lines]
    times = [float(match[1]) for match in lines if match]
    expect_equal("the order of the times", times, sorted(times))
    return [match[2] for match in lines if match]


def check_story(run, story):
    lines = story_lines(run)
    at = 0
    for part in story:
        place = next((i for i in range(at, len(lines)) if re.match(part, lines[i])), None)
        expect(place is not None, f"{part!r} is not told in its place; told:\n" + "\n".join(lines))
        at = place + 1


def noise(sectors):
    """Something on the disk that is worth keeping."""
    return record.filled(7, sectors, seed=99)


def turns(run):
    (line,) = run.starting("task B had")
    return int(re.search(r"\d+", line)[0])


@test("demo: modern", transport="modern")
@test("demo: legacy", transport="legacy")
def demo(t, transport):
    path = disk.make(t.path("disk"), data=noise(64))
    before = disk.content(path)
    run = boot(t, "job=demo", disks=[disk.image(path)], transport=transport)
    run.check(0, result={"ok": 4, "device_resets": 0})
    expect_equal("transport", run.only("disk")["transport"], f"mmio-{transport}")
    expect(len(run.lines) <= LINES_MAX, f"{len(run.lines)} lines on the console, more than {LINES_MAX}")
    check_story(run, STORY)
    expect(turns(run) > 0, "task B had no turn")
    expect_equal("the image", record.first_difference(disk.content(path), before), None)


@test("demo: it is the default job", append="")
@test("demo: offset= says which sector", append="offset=64k")
@test("demo: a disk of one sector", append="size=512", size=512)
def demo_variants(t, append, size=disk.MIB):
    path = disk.make(t.path("disk"), size)
    run = boot(t, append, disks=[disk.image(path)])
    run.check(0, result={"job": "demo", "ok": 4})
    check_story(run, STORY)
    (told,) = run.starting("Two tasks")
    expect(f"sector {128 if append.startswith('offset') else 0} " in told, told)
    expect_equal("the image", disk.content(path), bytes(size))


@test("demo: read-only disk, modern", transport="modern")
@test("demo: read-only disk, legacy", transport="legacy")
def demo_read_only(t, transport):
    path = disk.make(t.path("disk"), data=noise(8))
    run = boot(t, "job=demo", disks=[disk.image(path, read_only=True)], transport=transport)
    run.check(0, result={"ok": 2})
    expect_equal("ro", run.only("disk")["ro"], 1)
    expect(any("read-only" in line for line in run.lines), "it does not say that the disk is read-only")
    check_story(run, READ)
    expect(not any("written" in line for line in run.lines), "it speaks of writing to a read-only disk")


@test("demo: a disk that takes 2 s for an answer, modern", long=True, transport="modern")
@test("demo: a disk that takes 2 s for an answer, legacy", long=True, transport="legacy")
def demo_slow(t, transport):
    path = disk.make(t.path("disk"), data=noise(8))
    before = disk.content(path)
    run = boot(t, "job=demo", disks=[disk.slow(path, 256)], transport=transport)
    run.check(0, result={"ok": 4, "timeout": 0})
    check_story(run, STORY)
    # The first request has the throttle's credit, each other one waits for two seconds' worth.
    expect(run.seconds > 5, f"the throttled demo took only {run.seconds:.1f} s")
    expect(turns(run) > 10000, f"task B had {turns(run)} turns while A waited for seconds")
    expect_equal("the image", record.first_difference(disk.content(path), before), None)
    t.note(f"turns of the other task: {turns(run)}")


@test("demo: a disk that forgets what was written is found out")
def demo_forgetful(t):
    run = boot(t, "job=demo", disks=[disk.null(disk.MIB)])
    run.check(1, result={"ok": 4, "mismatch": 1})


@test("demo: under the barest QEMU command")
def demo_bare(t):
    """-M virt -kernel -append and a disk: legacy then, and no option of ours."""
    path = disk.make(t.path("disk"))
    run = boot(t, "job=demo", disks=[disk.image(path)], transport="legacy", bare=True)
    run.check(0, result={"ok": 4})


@test("bare QEMU: the exit code is QEMU's, 0", append="job=probe", code=0)
@test("bare QEMU: the exit code is QEMU's, 3", append="job=demo", code=3)
@test("bare QEMU: the exit code is QEMU's, 4", append="job=nonsense", code=4)
@test("bare QEMU: the exit code is QEMU's, 5", append="job=panic", code=5)
def bare(t, append, code):
    run = boot(t, append, transport="legacy", bare=True)
    run.check(code)
    expect_equal("QEMU's status", run.status, code)
