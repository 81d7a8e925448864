# SPDX-License-Identifier: MIT
"""trace.json: Chrome's trace-event format, which Perfetto and speedscope read."""
from .layout import name_of
from .words import status_words

KERNEL, DEVICE = 1, 2           # processes
HART, FIRST_TASK = 1, 10        # threads of the kernel


def microseconds(time):
    return time / 1000


def whole(pid, tid, name, begin, end, category, **args):
    """A nanosecond short, or the sum of two fractions might be beyond the beginning of what comes next."""
    return {"ph": "X", "pid": pid, "tid": tid, "name": name, "cat": category, "ts": microseconds(begin),
            "dur": microseconds(max(end - begin - 1, 0)), "args": args}


def name(kind, pid, tid, text):
    return {"ph": "M", "pid": pid, "tid": tid, "ts": 0, "name": f"{kind}_name", "args": {"name": text}}


def spans(pid, tid, number, text, begin, end, category, **args):
    """An async event: such may overlap, and are told apart by their ids."""
    for phase, time in (("b", begin), ("e", end)):
        yield {"ph": phase, "pid": pid, "tid": tid, "id": number, "name": text, "cat": category, "ts": microseconds(time),
               "args": args if phase == "b" else {}}


def of_tasks(model):
    for number, task in enumerate(model.tasks):
        tid = FIRST_TASK + number
        yield name("thread", KERNEL, tid, f"task {task.label}")
        for stretch in task.stretches:
            if stretch.kind == "waiting":
                where = str(stretch.places[-1 if stretch.places[-1].line else 0]) if stretch.places else "?"
                yield whole(KERNEL, tid, f"waits: {where}", stretch.begin, stretch.end, "task",
                            awaits=[f"{place} {place.text}".strip() for place in stretch.places])
            else:
                yield whole(KERNEL, tid, stretch.kind, stretch.begin, stretch.end, "task")


def of_processor(model):
    yield name("thread", KERNEL, HART, "hart 0")
    for task in model.tasks:
        for stretch in task.stretches:
            if stretch.kind == "running":
                yield whole(KERNEL, HART, task.label, stretch.begin, stretch.end, "processor")
    for one in model.interrupts:
        yield whole(KERNEL, HART, f"interrupt {one.source}", one.begin, one.end, "interrupt", used=one.used)
    for begin, end in model.kicks:
        yield whole(KERNEL, HART, "notify", begin, end, "processor")
    for begin, end in model.sleeps:
        yield whole(KERNEL, HART, "asleep (wfi)", begin, end, "processor")
    for time, kind in model.marks:
        yield {"ph": "i", "s": "t", "pid": KERNEL, "tid": HART, "name": kind, "cat": "processor", "ts": microseconds(time), "args": {}}


def of_requests(model):
    yield name("process", DEVICE, 0, "disk, as QEMU saw it")
    yield name("thread", DEVICE, 1, "requests")
    for request in model.requests:
        end = request.end if request.end is not None else model.last
        tid = FIRST_TASK + model.tasks.index(request.task) if request.task in model.tasks else HART
        yield from spans(KERNEL, tid, f"request {request.number}", f"{request.operation} @ {request.sector}", request.begin, end,
                         "request", request=request.number, sectors=request.sectors, status=status_words(request.status),
                         seats=[f"{piece.queue}/{piece.seat}" for piece in request.pieces])
    for number, piece in enumerate(model.pieces):
        if piece.device_begin is not None:
            end = piece.device_end if piece.device_end is not None else model.last
            yield from spans(DEVICE, 1, f"piece {number + 1}", name_of(piece), piece.device_begin, end, "device",
                             request=piece.request.number)


def document(model, title):
    events = [name("process", KERNEL, 0, "squall"), *of_processor(model), *of_tasks(model), *of_requests(model)]
    # Of two that begin at once the longer one holds the other.
    events.sort(key=lambda event: (event["ph"] != "M", event["ts"], -event.get("dur", 0)))
    return {"traceEvents": events, "displayTimeUnit": "ns", "otherData": {"title": title, "lost": model.lost}}
