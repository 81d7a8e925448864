# SPDX-License-Identifier: MIT
"""The tools that make as many numbered runs as one likes: what they print, and what they exit with."""
import os
import subprocess
import sys

from machine import ROOT
from tap import expect, expect_equal, test

FAILING = """
import sys
sys.path[:0] = ["tests/qemu", "tests"]
import numbered

def run(context, number, weight):
    if number == 3:
        raise ValueError("three is too much")
    return {"weight": weight, "zero": 0}

sys.exit(numbered.main("words", run, runs=5, weight=7))
"""


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    return done.returncode, done.stdout.splitlines(), done.stderr


@test("tools: powercuts", tool="powercuts", options=["--cuts", "20", "--boots", "1"], told="power_cuts=20")
@test("tools: storms", tool="storms", options=["--resets", "2"], told="resets=2")
@test("tools: disturbances", tool="disturbances", options=[], told="pauses=")
def tool(t, tool, options, told):
    status, lines, error = run(os.path.join("tests/qemu", tool), "--first", "5", "--runs", "1", *options)
    expect_equal("status and errors", (status, error), (0, ""))
    expect(lines[-1].endswith("; 1 passed, 0 failed") and told in lines[-1], lines[-1])


@test("tools: a run that fails is named, and the others go on")
def failing(t):
    status, lines, error = run(sys.executable, "-c", FAILING)
    expect_equal("status and errors", (status, error), (1, ""))
    expect_equal("lines", lines, ["number 3: ValueError: three is too much", "weight=28 zero=0; 4 passed, 1 failed"])


@test("tools: an option that is none")
def no_option(t):
    status, _, error = run("tests/qemu/storms", "--storms", "5")
    expect(status == 2 and "--resets" in error, error)
