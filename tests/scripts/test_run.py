# SPDX-License-Identifier: MIT
"""tests/run: it counts, and it notices a suite that fails in any way."""
import os
import time

import work
from machine import ROOT
from tap import expect, expect_equal, test

RUN = os.path.join(ROOT, "tests/run")
SUITES = ("scripts", "reject", "models", "proof", "mutants", "host", "coverage", "fuzz", "sim", "qemu", "trace", "sabotage")
ALL, OTHERS = 2 * len(SUITES), 2 * len(SUITES) - 2      # tests, when each suite has two: all, and without those of one suite
GOOD = "echo '1..2'; echo 'ok 1 - one'; echo '# a figure'; echo 'ok 2 - two'\n"


def suites(t, **bodies):
    """A folder of suites, all good but for those whose shell commands are given; None: missing."""
    for name in SUITES:
        body = bodies.get(name, GOOD)
        if body is not None:
            os.chmod(work.write(t.folder, f"{name}/suite", f"#!/bin/sh\n{body}\n"), 0o755)
    return t.folder


def run(t, *arguments, limit=None, **bodies):
    return work.command(RUN, *arguments, TEST_SUITES=suites(t, **bodies), TEST_LIMIT=limit)


def last_line(done):
    expect(done.output.endswith("\n"), "the last line has no end")
    return done.output.split("\n")[-2]


def ended(done, status, line):
    expect_equal("the last line", last_line(done), line)
    expect_equal("status", done.status, status)


@test("run: everything passes")
def good(t):
    done = run(t)
    ended(done, 0, f"{ALL} passed, 0 failed")
    expect("ok     qemu: two" in done.output and "a figure" in done.output, done.output)


@test("run: a failure is shown at once and again in the end, with its diagnostics")
def failure(t):
    done = run(t, reject="echo 'not ok 1 - it is red'; echo '# red, not green'; exit 1")
    ended(done, 1, f"{OTHERS} passed, 1 failed")
    expect_equal("times that it is shown", done.output.count("it is red"), 2)
    expect_equal("times that its diagnostics are shown", done.output.count("red, not green"), 2)


@test("run: skipped tests are counted")
def skipped(t):
    done = run(t, host="echo 'ok 1 - later # SKIP not here'")
    ended(done, 0, f"{OTHERS} passed, 0 failed, 1 skipped")
    expect("not here" in done.output, "the reason is not shown")


for name, body, word in (
        ("is missing", None, "does not start"),
        ("prints no test", "echo hello", "no test at all"),
        ("prints nothing", "", "no test at all"),
        ("ends with an error, and no test had failed", GOOD + "echo oh dear >&2; exit 3", "status 3"),
        ("dies of a signal", GOOD + "kill -SEGV $$", "SIGSEGV"),
        ("prints fewer tests than it planned", "echo 1..3; echo 'ok 1 - one'; echo 'ok 2 - two'", "planned 3"),
        ("prints more tests than it planned", "echo 1..1; echo 'ok 1 - one'; echo 'ok 2 - two'", "planned 1")):
    @test(f"run: a suite that {name}", body=body, word=word)
    def bad_suite(t, body, word):
        done = run(t, host=body)
        passed = OTHERS + (2 if body and "ok 2" in body else 0)
        ended(done, 1, f"{passed} passed, 1 failed")
        expect(word in done.output, f"{word!r} is not in:\n{done.output}")
        expect("oh dear" not in (body or "") or "oh dear" in done.output, "its last words are not shown")


@test("run: a suite that hangs is killed, with all that it has started")
def hang(t):
    """Also what has made a session of its own."""
    mark = f"{os.getpid()}{int(time.time())}"
    body = f"echo 'ok 1 - one'; setsid sleep {mark} & sleep {mark}"
    done = run(t, limit="4", scripts=body)
    ended(done, 1, f"{OTHERS + 1} passed, 1 failed")
    expect("a hang: no end within 4 s" in done.output, done.output)
    expect(not sleeping(mark), "what it had started is still there")


def sleeping(mark):
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if file.read() == f"sleep\0{mark}\0".encode():
                    return True
        except OSError:
            continue
    return False


@test("run: what a suite leaves behind is ended, and does not hold it up")
def left_behind(t):
    mark = f"{os.getpid()}{int(time.time())}1"
    done = run(t, limit="20", qemu=GOOD + f"sleep {mark} & exit 0")
    ended(done, 0, f"{ALL} passed, 0 failed")
    expect(not sleeping(mark), "what it had left is still there")


@test("run: only a suite", arguments=["host"], line="2 passed, 0 failed")
@test("run: two suites", arguments=["host", "qemu"], line="4 passed, 0 failed")
@test("run: a part of a name, in every suite", arguments=["tw"], line=f"{len(SUITES)} passed, 0 failed")
@test("run: a part of a name, in one suite", arguments=["qemu/tw"], line="1 passed, 0 failed")
def selected(t, arguments, line):
    ended(run(t, *arguments), 0, line)


@test("run: no test has such a name")
def nothing_selected(t):
    done = run(t, "qemu/three")
    ended(done, 1, "0 passed, 0 failed")
    expect("no test has such a name: qemu/three" in done.output, f"it does not say why: {done.output}")


@test("run: a failure that was not asked for does not count")
def not_selected(t):
    done = run(t, "host/two", host="echo 'not ok 1 - one'; echo '# why'; echo 'ok 2 - two'; exit 1")
    expect_equal("the last line", last_line(done).split(",")[0], "1 passed")


@test("run: a suite knows which tests are wanted")
def told(t):
    done = run(t, "host/two", host='echo "ok 1 - two, and $TEST_FILTER"')
    ended(done, 0, "1 passed, 0 failed")
    expect("two, and two" in done.output, done.output)
