# SPDX-License-Identifier: MIT
"""tests/coverage/suite: it tells what is not covered, and it does not let exceptions rot."""
import importlib.machinery
import importlib.util
import os

from machine import ROOT
from tap import expect, expect_equal, test


def load():
    loader = importlib.machinery.SourceFileLoader("coverage_suite", os.path.join(ROOT, "tests", "coverage", "suite"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


coverage = load()

PATH = "kernel/some.c"
EXCEPTION = (PATH, "1 of 2 branches", "if (never)", "It never does.")


def lines_of(*counted):
    """{path: {number: Line}} of (count, counts of the branches, text)s."""
    lines = {}
    for number, (count, branches, text) in enumerate(counted, 7):
        lines[number] = coverage.Line(text)
        lines[number].add({"count": count, "branches": [{"count": branch} for branch in branches], "function_name": "f"})
    return {PATH: lines}


def outcome(found, exceptions=()):
    """Of the results of a run: {name: what is wrong}."""
    return dict(coverage.results(found, list(exceptions), []))


@test("coverage: all is covered")
def covered(_):
    wrong = outcome(lines_of((1, [], "a();"), (5, [2, 3], "if (b)")))
    expect_equal("what is wrong", {name: lines for name, lines in wrong.items() if lines},
                 {coverage.CURRENT: ["it is not; run: make coverage"]})


@test("coverage: a line that no test runs")
def line(_):
    wrong = outcome(lines_of((0, [], "a();")))[PATH]
    expect_equal("the first line", wrong[0], f"{PATH}:7: never run: a();")
    expect("tests/coverage/exceptions" in wrong[-1], f"it does not say what to do: {wrong[-1]}")


@test("coverage: a branch that no test takes")
def branch(_):
    wrong = outcome(lines_of((1, [], "a();"), (5, [5, 0, 2, 3], "if (b && c)")))[PATH]
    expect_equal("the first line", wrong[0], f"{PATH}:8: 1 of 4 branches never taken: if (b && c)")


@test("coverage: a function in two programs")
def merged(_):
    found = lines_of((1, [1, 0], "if (a)"))
    found[PATH][7].add({"count": 2, "branches": [{"count": 0}, {"count": 2}], "function_name": "f"})
    expect_equal("what is wrong", outcome(found)[PATH], [])


@test("coverage: an exception", left=[], found=[(5, [5, 0], "if (never)")])
@test("coverage: an exception is of one line", left=[f"{PATH}:8: 1 of 2 branches never taken: if (never)"],
      found=[(5, [5, 0], "if (never)")] * 2)
@test("coverage: an exception is of no more branches", left=[f"{PATH}:7: 2 of 4 branches never taken: if (never)"],
      found=[(5, [5, 0, 0, 5], "if (never)")])
def excepted(_, left, found):
    wrong = outcome(lines_of(*found), [EXCEPTION])[PATH]
    expect_equal("what is wrong", wrong[:-1], left)


@test("coverage: an exception for what is covered", found=[(5, [5, 1], "if (never)")])
@test("coverage: an exception for what is gone", found=[(5, [], "if_not(never);")])
def unneeded(_, found):
    wrong = outcome(lines_of(*found), [EXCEPTION])[coverage.NEEDED]
    expect_equal("what is wrong", wrong, [f"{coverage.EXCEPTIONS}: nothing needs: {PATH}: 1 of 2 branches: if (never)"])
