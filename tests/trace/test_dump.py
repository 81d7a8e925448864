# SPDX-License-Identifier: MIT
"""The dump: what is damaged is refused in words, and what has lost its beginning is still a picture."""
import random
import re

from machine import KERNEL
from recorded import BENCH, CROWDED, DEMO, RW, lines_of, script, with_events
from tap import Failure, expect, expect_equal, test
from tracing import dump, layout, match, model, page, qemu_log, svg, symbols


def refusal(console):
    try:
        dump.parse(console)
    except dump.TraceError as error:
        return str(error)
    raise Failure("it was taken")


DAMAGES = {
    "is empty": ("", "", "no trace: the kernel did not come to the end"),
    "has no dump": (r"(?s)trace begin.*crc32c=\w+\n", "", "was not told to record"),
    "is of a job without a disk": (r"(?s)trace begin.*", "exit 3\n", "exit 3 before the job was over: it found no device"),
    "is of wrong arguments": (r"(?s)trace begin.*", "exit 4\n", "exit 4 before the job was over: its boot arguments"),
    "is of a panic": (r"(?s)trace begin.*", "exit 5\n", "it panicked"),
    "has a first line of another form": (r"trace begin events=", "trace begin count=", "first line cannot be read"),
    "is cut off": (r"(?s)trace end.*", "", "cut off"),
    "has a last line of another form": (r"trace end crc32c=", "trace end crc=", "last line cannot be read"),
    "has a garbled event": (r"event (\w+) poll-end", r"event \1 poll-?nd", "cannot be read"),
    "has an event of no kind": (r"event (\w+) poll-end", r"event \1 pull-end", "a kind that this script does not know: 'pull-end'"),
    "has an event too few": (r"(trace begin.*\n)event.*\n", r"\1", "and says that it has"),
    "has an event twice": (r"(trace begin.*\n)(event.*\n)", r"\1\2\2", "and says that it has"),
    "has an event in which a digit is wrong": (r"(event \w+ submit \w+ \w+ )0", r"\g<1>1", "checksum is wrong"),
    "has another checksum": (r"trace end crc32c=\w{8}", "trace end crc32c=00000000", "checksum is wrong"),
    "has a number beyond its field": (r"(event \w+ submit \w+ \w+ )0", r"\g<1>123456789abc", "checksum is wrong"),
    "has clocks that stand": (r"ticks=(\w+)/\w+", r"ticks=\1/\1", "stand still"),
}


@test("trace: a dump that was not damaged")
def whole(_t):
    console, _ = DEMO.get()
    parsed = dump.parse(console)
    expect_equal("lost", parsed.lost, 0)
    expect_equal("the first event, and its task", (parsed.events[0].kind, parsed.events[0].name, parsed.events[0].time), ("spawn", "A", 0))
    expect(parsed.events[-1].kind == "poll-end" and len(parsed.events) > 100, f"{len(parsed.events)} events, {parsed.events[-1]}")
    expect_equal("with the line ends of a terminal", dump.parse(console.replace("\n", "\r\n")).events, parsed.events)
    expect_equal("the second of two", len(dump.parse(with_events(console, lines_of(console)[1][:3]) + console).events), len(parsed.events))


def damaged(_t, pattern, change, words):
    console, _ = DEMO.get()
    changed, count = re.subn(pattern, change, console, count=1) if pattern else ("", 1)
    expect_equal("places that were changed", count, 1)
    expect(words in refusal(changed), f"it says: {refusal(changed)}")


for name, (a_pattern, a_change, some_words) in DAMAGES.items():
    test(f"trace: a console that {name}", pattern=a_pattern, change=a_change, words=some_words)(damaged)


@test("trace: any letter of a dump changed or lost is refused, or changes nothing")
def any_letter(t):
    console, _ = DEMO.get()
    console = with_events(console, lines_of(console)[1][:40])
    events, chance, refused = dump.parse(console).events, random.Random(6), 0
    start, end = console.index("trace begin"), console.index("trace end") + 30
    for _ in range(1500):
        at = chance.randrange(start, end)
        changed = console[:at] + chance.choice(["", chr(chance.randrange(32, 127))]) + console[at + 1:]
        try:
            parsed = dump.parse(changed)
        except dump.TraceError:
            refused += 1
            continue
        # The head's clocks and a task's name are not under the checksum.
        same = [event[1:6] for event in parsed.events] == [event[1:6] for event in events]
        expect(same, f"taken, with other events, after a change at {at - start}: {changed[at - 20:at + 20]!r}")
    t.note(f"{refused} of 1500 refused")


def all_of(console, log):
    told = dump.parse(console)
    found = model.Model(told, symbols.Symbols(KERNEL, {event.request for event in told.events if event.kind in ("await", "resume")}))
    return found, match.match(found, qemu_log.parse(log))


@test("trace: a ring that has lost its beginning, anywhere", recorded=DEMO)
@test("trace: a ring that has lost its beginning, anywhere, of many requests", recorded=BENCH)
@test("trace: a ring that has lost its beginning, anywhere, with flushes", recorded=RW)
def lost(_t, recorded):
    console, log = recorded.get()
    events = lines_of(console)[1]
    for first in [*range(1, min(len(events), 160)), *range(160, len(events), max(len(events) // 40, 1))]:
        told = dump.parse(with_events(console, events[first:], lost=first))
        found = model.Model(told, symbols.Symbols(KERNEL, ()))
        problems = match.match(found, qemu_log.parse(log))
        expect(not problems, f"without the first {first}: {problems[:3]}")
        picture = layout.Picture(found)
        page.document(picture, "", "", svg.Still(picture, "", ""))


@test("trace: the requests are QEMU's: demo", recorded=DEMO, count=4)
@test("trace: the requests are QEMU's: bench, 4 tasks", recorded=BENCH, count=60)
@test("trace: the requests are QEMU's: rw with flushes", recorded=RW, count=None)
@test("trace: the requests are QEMU's: bench, 24 tasks and 8 seats", recorded=CROWDED, count=72)
def matched(_t, recorded, count):
    console, log = recorded.get()
    found, problems = all_of(console, log)
    expect(not problems, f"it says {problems[:3]}")
    seen = qemu_log.parse(log)
    theirs = len(seen.requests) + len(seen.others)
    expect_equal("requests", (len(found.pieces), theirs), (theirs if count is None else count,) * 2)
    expect(all(piece.seen and piece.device_begin <= piece.device_end <= piece.used for piece in found.pieces), "a piece has no time at the device")
    told = len({id(piece.seen) for piece in found.pieces})
    expect_equal("one for one", told, theirs)
    for request in found.requests:
        times = [request.begin, request.pieces[0].added, request.pieces[0].notified, request.pieces[0].device_begin, request.pieces[-1].device_end,
                 request.pieces[-1].used, request.completed, request.woken, request.resumed]
        times = [time for time in times if time is not None]
        expect(times == sorted(times), f"request {request.number} goes backwards: {times}")
    waited = [request for request in found.requests if request.queued is not None]
    expect(bool(waited) == (recorded is CROWDED), f"{len(waited)} requests wait for a seat")


@test("trace: a request that QEMU has not seen is told", take_ours=False, words="is not in QEMU's trace")
@test("trace: a request of QEMU's that the kernel has not made is told", take_ours=True, words="that the kernel never submitted")
def missing(_t, take_ours, words):
    console, log = BENCH.get()
    if take_ours:
        events = lines_of(console)[1]
        last = max(number for number, line in enumerate(events) if " add " in line)
        console = with_events(console, events[:last] + events[last + 1:])
    else:
        lines = log.split("\n")
        lines.remove(next(line for line in lines if "virtio_blk_handle_read" in line))
        log = "\n".join(lines)
    problems = all_of(console, log)[1]
    # QEMU's end of a request whose beginning is gone looks like that of a flush.
    expect(len(problems) == (1 if take_ours else 2) and words in problems[0], f"it says {problems}")


@test("trace: another sector in QEMU's trace is told from both sides")
def moved(_t):
    console, log = BENCH.get()
    changed = re.sub(r"(handle_read .* sector )(\d+)", r"\g<1>2047", log, count=1)
    problems = all_of(console, changed)[1]
    expect(len(problems) == 2 and "2047" in problems[1], f"it says {problems}")


PIECES = """spawn a0 b0 0 0 T
poll-begin a0 0 0 0
submit a0 c0 64 1
add 0 c0 14 0
submit a0 c0 6c 1
add 0 c0 14 1
await a0 d0 5 0
poll-end a0 0 0 0
notify 0 e0 0 0
reset 0 f0 0 0
submit 0 c0 64 1
add 0 c0 14 2
submit 0 c0 6c 1
add 0 c0 14 3
notify 0 e0 0 0
interrupt-begin 0 0 8 0
ack 0 e0 1 0
used 0 c0 0 3
used 0 c0 0 2
complete 0 c0 0 0
wake a0 0 0 0
interrupt-end 0 0 8 1
poll-begin a0 0 0 0
poll-end a0 0 1 0"""


@test("trace: a request in pieces of 8 and 12 sectors, once more after a reset")
def pieces(_t):
    events = [f"event {1000 * number:x} {line}" for number, line in enumerate(PIECES.split("\n"))]
    head = "trace begin events=0 lost=0 hz=1000000000 cycles=0/10000 ticks=0/10000\ntrace end\nexit 0"
    log = []
    for number, (sector, count) in enumerate(((100, 8), (108, 12)) * 2):
        log.append(f"1@5.0000{8 if number < 2 else 14:02}:virtio_queue_notify vdev 0x1 n 0 vq 0x2")
        log.append(f"1@5.0000{8 if number < 2 else 14:02}:virtio_blk_handle_write vdev 0x1 req 0x{number} sector {sector} nsectors {count}")
    log += [f"1@5.000015:virtio_blk_req_complete vdev 0x1 req 0x{number} status 0" for number in (2, 3)]
    unseen = all_of(with_events(head, events), "\n".join([log[4], log[5], *log[7:]]))   # the reset was before the device had a look
    expect(script().facts_of(*unseen).endswith("100 % found in QEMU’s own trace, but for 2 that a reset took back"), script().facts_of(*unseen))
    found, problems = all_of(with_events(head, events), "\n".join([log[0], log[1], log[3], log[4], log[5], *log[7:]]))
    expect(script().facts_of(found, problems).endswith("100 % found in QEMU’s own trace"), script().facts_of(found, problems))
    expect(not problems, f"it says {problems}")
    expect_equal("requests, and sectors of their pieces", [[piece.sectors for piece in one.pieces] for one in found.requests], [[8, 12, 8, 12]])
    expect_equal("taken away by the reset", [piece.reset for piece in found.pieces], [9000, 9000, None, None])
    expect_equal("its end, and its task's next turn", (found.requests[0].completed, found.requests[0].resumed), (19000, 22000))
    expect_equal("steps of its path", [step.kind for step in layout.Picture(found).paths[1]],
                 ["await", "add", "notify", "device", "done", "interrupt", "used", "wake", "resume"])


@test("trace: tasks, their names, and where they wait")
def tasks(_t):
    found, _ = all_of(*DEMO.get())
    expect_equal("tasks", [task.label for task in found.tasks], ["A", "B"])
    places = {str(place): place.text for task in found.tasks for stretch in task.stretches for place in stretch.places if place.line}
    with open(symbols.ROOT + "/kernel/jobs/demo.c", encoding="utf-8") as file:
        source = file.read().split("\n")
    expected = {f"kernel/jobs/demo.c:{number + 1}": line.strip() for number, line in enumerate(source) if line.strip().startswith("AWAIT(")}
    expect(places and places.items() <= expected.items(), f"they wait at {places}")
    leaves = {stretch.places[-1].function for task in found.tasks for stretch in task.stretches if stretch.kind == "waiting"}
    expect("block_poll" in leaves, f"they wait for {leaves}")
    for task in found.tasks:
        for one, other in zip(task.stretches, task.stretches[1:]):
            expect(one.end == other.begin and one.begin < one.end, f"task {task.label} has a gap: {one}, {other}")
    follow = {(one.kind, other.kind) for one, other in zip(found.tasks[1].stretches, found.tasks[1].stretches[1:])}
    expect(follow == {("ready", "running"), ("running", "ready"), ("running", "waiting"), ("waiting", "ready")}, f"B goes {follow}")
