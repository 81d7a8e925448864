# SPDX-License-Identifier: MIT
"""The kernel's dump of its trace ring (docs/trace.md): parsed, and held against its checksum."""
import collections
import re
import struct

# As enum trace_kind has them, with the names of trace_kind_name().
KINDS = ("spawn", "poll-begin", "resume", "await", "poll-end", "wake", "queue", "submit", "add", "notify",
         "interrupt-begin", "ack", "used", "complete", "interrupt-end", "sleep-begin", "sleep-end", "timer-arm",
         "timer-fire", "reset", "timeout")
IMAGE = struct.Struct("<QQQIHBB")       # struct trace_event

BEGIN = re.compile(r"trace begin events=(\d+) lost=(\d+) hz=(\d+) cycles=([0-9a-f]+)/([0-9a-f]+) ticks=([0-9a-f]+)/([0-9a-f]+)$")
EVENT = re.compile(r"event ([0-9a-f]+) ([a-z-]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)(?: (.*))?$")
END = re.compile(r"trace end crc32c=([0-9a-f]{8})$")

Event = collections.namedtuple("Event", "time kind task request argument detail name")

EXITS = {1: "its data did not match, or its tasks were stuck", 2: "a request failed", 3: "it found no device that the job needs",
         4: "its boot arguments or its device tree are wrong", 5: "it panicked"}


class TraceError(Exception):
    """Why there is no picture, in a sentence."""


class NothingRecorded(TraceError):
    """The dump is as it should be, and empty."""


class Dump:
    """events: in the order of their times, in ns from the first one. lost: how many older ones were overwritten."""

    def __init__(self, events, lost, began, now, hz):
        (cycles, ticks), (last_cycles, last_ticks) = began, now
        if not hz or last_cycles <= cycles or last_ticks <= ticks:
            raise TraceError("the dump's clocks stand still: they cannot be told in nanoseconds")
        scale = (last_ticks - ticks) * 1e9 / hz / (last_cycles - cycles)
        # An interrupt between a place's taking and the look at the clock leaves two events in the wrong order.
        events = sorted(events, key=lambda event: event.time)
        self.events = [event._replace(time=round((event.time - events[0].time) * scale)) for event in events]
        self.lost = lost


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value = value >> 8 ^ CRC_TABLE[(value ^ byte) & 0xff]
    return value ^ 0xffffffff


def crc_of_byte(value):
    for _ in range(8):
        value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value


CRC_TABLE = [crc_of_byte(byte) for byte in range(256)]


def why_none(lines):
    """Why a console has no dump."""
    ends = [match for match in map(re.compile(r"exit (\d+)$").match, lines) if match]
    if not ends:
        return "the console has no trace: the kernel did not come to the end of the job"
    code = int(ends[-1][1])
    if code in EXITS:
        return f"the console has no trace: the kernel ended with exit {code} before the job was over: {EXITS[code]}"
    return "the console has no trace: the kernel was not told to record (trace=1), or is an older one"


def event_of(line, number):
    match = EVENT.match(line)
    if not match:
        raise TraceError(f"event {number} of the dump cannot be read: {line[:80]!r}")
    if match[2] not in KINDS:
        raise TraceError(f"event {number} of the dump is of a kind that this script does not know: {match[2]!r}")
    return Event(int(match[1], 16), match[2], *(int(match[n], 16) for n in (3, 4, 5, 6)), match[7])


def image_of(event):
    try:
        return IMAGE.pack(event.time, event.task, event.request, event.argument, event.detail, KINDS.index(event.kind), 0)
    except struct.error:
        return b""              # a number that its field cannot hold: the checksum will not be right


def parse(console):
    """The Dump in what a kernel has printed, or a TraceError."""
    lines = [line.rstrip("\r") for line in console.split("\n")]
    begins = [number for number, line in enumerate(lines) if line.startswith("trace begin")]
    if not begins:
        raise TraceError(why_none(lines))
    head = BEGIN.match(lines[begins[-1]])
    if not head:
        raise TraceError(f"the dump's first line cannot be read: {lines[begins[-1]][:100]!r}")
    count, lost, hz = (int(head[n]) for n in (1, 2, 3))
    clocks = [int(head[n], 16) for n in (4, 5, 6, 7)]
    # An interrupt may have had something to say in between.
    rest = [line for line in lines[begins[-1] + 1:] if not line.startswith(("warning: ", "error: ", "debug: "))]
    ends = [number for number, line in enumerate(rest) if line.startswith("trace end")]
    if not ends:
        raise TraceError("the dump is cut off: it has no last line")
    end = END.match(rest[ends[0]])
    if not end:
        raise TraceError(f"the dump's last line cannot be read: {rest[ends[0]][:100]!r}")
    events = [event_of(line, number) for number, line in enumerate(rest[:ends[0]])]
    if len(events) != count:
        raise TraceError(f"the dump has {len(events)} events, and says that it has {count}")
    if crc32c(b"".join(map(image_of, events))) != int(end[1], 16):
        raise TraceError("the dump's checksum is wrong: something on the way has changed it")
    if not events:
        raise NothingRecorded("there is nothing to draw, for this job runs no task: take one that does, such as JOB=demo")
    return Dump(events, lost, (clocks[0], clocks[2]), (clocks[1], clocks[3]), hz)
