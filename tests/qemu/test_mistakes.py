# SPDX-License-Identifier: MIT
"""Tasks as they must not be written: what the kernel says of each. And a time-out on a slow disk."""
import os
import re

import disk
import work
from machine import ROOT, boot
from tap import expect, expect_equal, test

SOURCE = os.path.join(ROOT, "tests", "qemu", "mistakes.c")


def add_job(tree):
    """As the README says to."""
    os.symlink(SOURCE, os.path.join(tree, "kernel/jobs/mistakes.c"))
    work.replace(tree, "Makefile", "JOBS := jobs.c", "JOBS := jobs.c mistakes.c")
    work.replace(tree, "include/jobs/jobs.h", "extern const struct job ", "extern const struct job mistakes_job, ")
    work.replace(tree, "kernel/jobs/jobs.c", "jobs[] = { ", "jobs[] = { &mistakes_job, ")


KERNEL = work.Built(change=add_job)


def mistake(t, number, *more, one=None, **options):
    return boot(t, " ".join(["job=mistakes", f"number_ios={number}", *more]),
                disks=[one or disk.null(disk.MIB)], kernel=KERNEL.file("squall.elf"), **options)


def line_of(what):
    """The number of the line of mistakes.c that is marked."""
    with open(SOURCE, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if f"/* HERE: {what} */" in line)


def check_chain(run, task, coroutine, what):
    """The task is named, and its await chain has the marked line."""
    text = "\n".join(run.lines)
    found = re.search(rf"^task {task}:\n(?:  .*\n)*?  +{coroutine}\S*: .*\bline {line_of(what)} of kernel/jobs/mistakes.c$", text, re.M)
    expect(found, f"no chain of {task} with line {line_of(what)} of {coroutine} in:\n{text}")


@test("mistakes: two tasks embrace, and both are named", long=True)
def embrace(t):
    run = mistake(t, 0)
    run.check(1)
    expect(run.starting("error: deadlock: "), "it is not called a deadlock")
    for task in ("hume", "kant"):
        check_chain(run, task, "philosopher_poll", "embrace")
    expect(run.seconds < 30, f"{run.seconds:.1f} s until it was told")


@test("mistakes: an event that nobody sets")
def lonely(t):
    run = mistake(t, 1)
    run.check(1)
    check_chain(run, "lonely", "lonely_poll", "wait")


@test("mistakes: what a join waits for in vain: its own state is no line")
def join(t):
    run = mistake(t, 11)
    run.check(1)
    check_chain(run, "joiner", "joiner_poll", "join")
    expect(re.search(r"^    join_poll\S*: state \d$", "\n".join(run.lines), re.M), f"{run.lines}")


@test("mistakes: a task that runs the executor")
def nest(t):
    run = mistake(t, 12)
    run.check(5)
    expect(run.only("panic")["cause"].startswith("task nested runs the executor that runs it"), f"{run.lines}")


@test("mistakes: a task that does not yield")
def hog(t):
    run = mistake(t, 2)
    run.check(0)
    (line,) = run.starting("warning: task greedy keeps all others waiting")
    expect("1000 ms" in line, line)
    expect(re.search(rf"hog_poll\S*: .*line {line_of('hog')} of \S+$", "\n".join(run.lines), re.M), "its line is not named")


@test("mistakes: a long poll is told under log=debug", append="log=debug", told=1)
@test("mistakes: and not without", append="log=info", told=0)
def long_poll(t, append, told):
    run = mistake(t, 3, append).check(0)
    lines = [line for line in run.lines if "task greedy has kept all others waiting for" in line]
    expect_equal("times", len(lines), told)
    if told:
        expect(int(re.search(r"(\d+) ticks", lines[0])[1]) >= 500000, f"less than 50 ms: {lines[0]}")


@test("mistakes: a poll that keeps no waker, under log=debug", append="log=debug", told=1)
@test("mistakes: and without, the deadlock alone", append="log=info", told=0)
def forgetful(t, append, told):
    run = mistake(t, 4, append)
    run.check(1)
    expect_equal("times", len(run.starting("warning: task forgetful: a poll has returned pending, and nobody")), told)
    check_chain(run, "forgetful", "outer_forgetful_poll", "forget")


@test("mistakes: a place that is awaited again while pending")
def again(t):
    run = mistake(t, 5)
    run.check(5)
    cause = run.only("panic")["cause"]
    expect(cause.startswith(f"at line {line_of('twice')} ") and "still pending" in cause, cause)
    expect("task again was running:" in run.lines and run.starting("  twice_poll"), "the task is not named")


@test("with_timeout: on a slow disk, it comes with the buffer")
def slow_disk(t):
    path = disk.make(t.path("disk"), disk.MIB, b"\x5a" * 4096)
    reads = mistake(t, 6, one=disk.slow(path, 1024)).check(0).starting("read ")
    expect_equal("a read in time", reads[0].split(" after ")[0], "read 1: timeout=0 result=0 byte=5a")
    words, _, milliseconds = reads[1].removesuffix(" ms").partition(" after ")
    expect_equal("one too late", words, "read 2: timeout=-110 result=0 byte=5a")
    expect(int(milliseconds) > 2500, f"after {milliseconds} ms, when the disk still has the buffer")
