# SPDX-License-Identifier: MIT
"""Tests that are functions, run by a few workers at once and reported as TAP.

A test is a function with @test("name", ...) above it, once for each set of arguments that it
is to run with. It gets a Context, raises Failure (or anything else) to fail, Skip to be left
out. The environment variable TEST_FILTER holds a part of the names that are wanted.
"""
import concurrent.futures
import os
import tempfile
import threading
import traceback

TESTS = []


class Failure(Exception):
    """What was expected, and what came instead."""


class Skip(Exception):
    """Why a test cannot be run here."""


class Context:
    """What a test has to itself: a folder, and remarks that are printed with its outcome."""

    def __init__(self):
        self.notes = []
        self.on_failure = []        # functions that return lines for a failed test's diagnostics
        self._folder = None

    def note(self, text):
        self.notes.append(text)

    @property
    def folder(self):
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="squall-test-")
        return self._folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def close(self):
        if self._folder is not None:
            self._folder.cleanup()


def test(name, long=False, **arguments):
    """Register the function below under `name`; a `long` one is started before the others."""
    def register(function):
        TESTS.append((name, function, arguments, long))
        return function
    return register


def expect(condition, text):
    if not condition:
        raise Failure(text)


def expect_equal(what, found, expected):
    if found != expected:
        raise Failure(f"{what}: {found!r}, not {expected!r}")


def run_one(function, arguments):
    """("ok" or "not ok", directive, diagnostics)."""
    context = Context()
    try:
        function(context, **arguments)
        return "ok", "", context.notes
    except Skip as skip:
        return "ok", f" # SKIP {skip}", context.notes
    except Failure as failure:
        told = str(failure)
    except Exception:               # whatever it is, it is this test's, and the others go on
        told = traceback.format_exc()
    finally:
        context.close()
    lines = told.splitlines() + context.notes
    for details in context.on_failure:
        lines += details()
    return "not ok", "", lines


def main(workers):
    """Run what was registered; returns how many tests failed."""
    wanted = os.environ.get("TEST_FILTER", "")
    selected = [one for one in TESTS if wanted in one[0]]
    selected.sort(key=lambda one: not one[3])
    lock = threading.Lock()
    numbers = iter(range(1, len(selected) + 1))
    print(f"1..{len(selected)}", flush=True)

    def run_and_print(name, function, arguments, _long):
        outcome, directive, lines = run_one(function, arguments)
        with lock:
            print(f"{outcome} {next(numbers)} - {name}{directive}")
            for line in lines:
                print(f"# {line}")
            print(end="", flush=True)
        return outcome != "ok"

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(lambda one: run_and_print(*one), selected))
