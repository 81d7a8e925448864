# SPDX-License-Identifier: MIT
"""What recording costs, in exact instructions: nothing else of a run differs."""
import re

import disk
from machine import boot
from tap import expect, test

IOS, MOST, RUNS_MAX = 4000, 40, 10


def counted(t, depth, trace):
    """(instructions, events) of a request."""
    run = boot(t, f"job=bench iodepth={depth} number_ios={IOS} trace={trace}", mem="512M", disks=[disk.null(64 * disk.MIB)],
               arguments=["-icount", "shift=0,sleep=off"])
    run.check(0)
    events = re.search(r"^trace begin events=(\d+) lost=(\d+) ", run.text, re.M)
    expect(bool(events) == bool(trace), "there is a dump where none was asked for, or none where one was")
    return int(re.search(r" instr=(\d+) ", run.text)[1]), sum(map(int, events.groups())) / IOS if events else 0


@test("cost: an event takes 40 instructions at most, with all that there is around it", depth=1)
@test("cost: an event takes 40 instructions at most, with all that there is around it", depth=32)
def per_event(t, depth):
    without, traced, cost = [], [], MOST + 1
    while cost > MOST and len(traced) < RUNS_MAX:       # the least of each: on a busy host an answer may come late
        without.append(counted(t, depth, 0)[0])
        traced.append(counted(t, depth, 1))
        off, on = min(without), min(traced)
        cost = (on[0] - off) / on[1]
    expect(on[1] > 8, f"only {on[1]:.1f} events to a request")
    t.note(f"depth {depth}: {off} instructions without, {on[0]} with {on[1]:.1f} events: {cost:.1f} each")
    expect(cost <= MOST, f"{cost:.1f} instructions for each event")
