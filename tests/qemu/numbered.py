# SPDX-License-Identifier: MIT
"""Runs that are drawn from a number, as many as one likes: what the long tools have in common."""
import argparse
import collections
import concurrent.futures
import os
import signal
import sys

import machine
import tap


def words(figures):
    return " ".join(f"{name}={count}" for name, count in figures.items())


def total(figures):
    result = collections.Counter()
    for one in figures:
        result.update(one)              # not +=, which forgets what is 0
    return result


def examine(function, number, options):
    """(figures or None, what is wrong)"""
    context = tap.Context()
    try:
        return function(context, number, **options), ""
    except Exception as error:          # whatever it is, the others go on
        lines = [f"number {number}: {type(error).__name__}: {error}"]
        for details in context.on_failure:
            lines += details()
        return None, "\n".join(lines)
    finally:
        context.close()


def stop(number, _frame):
    machine.kill_all()
    os._exit(128 + number)


def main(text, function, runs, **options):
    """A tool's whole program: function(context, number, **options) gives a run's figures, or raises. `text` is its help."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, stop)
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("first", 1), ("runs", runs), *options.items()):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N")
    asked = vars(parser.parse_args())
    first, count = asked.pop("first"), asked.pop("runs")
    found, failed = [], 0
    told = sys.stderr.isatty() and not os.environ.get("CI")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(examine, function, number, asked) for number in range(first, first + count)]
        for done, end in enumerate(concurrent.futures.as_completed(waiting), 1):
            figures, problem = end.result()
            if problem:
                failed += 1
                print(problem, flush=True)
            else:
                found.append(figures)
            if told:
                print(f"\r{done} of {count} runs, {failed} failed ", end="", file=sys.stderr, flush=True)
    print(end="\n" if told else "", file=sys.stderr)
    print(f"{words(total(found))}; {count - failed} passed, {failed} failed")
    return 1 if failed else 0
