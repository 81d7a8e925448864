# SPDX-License-Identifier: MIT
"""What recording costs, in exact instructions: nothing else of a run differs."""
import re

import disk
from machine import boot
from tap import expect, test

IOS = 4000


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
    off, on = counted(t, depth, 0)[0], counted(t, depth, 1)
    expect(on[1] > 8, f"only {on[1]:.1f} events to a request")
    cost = (on[0] - off) / on[1]
    t.note(f"depth {depth}: {off} instructions without, {on[0]} with {on[1]:.1f} events: {cost:.1f} each")
    expect(cost <= 40, f"{cost:.1f} instructions for each event")
