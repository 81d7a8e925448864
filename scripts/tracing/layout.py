# SPDX-License-Identifier: MIT
"""The picture: lanes one below the other, bars in them, and the path of each request through them."""
import collections

from .words import STYLES, status_words

Lane = collections.namedtuple("Lane", "group label height")
# text is what the bar says, tip what it tells when it is asked, request a number or 0.
Bar = collections.namedtuple("Bar", "lane begin end style text tip request")
# A step of a request's path: its kind (words.STEPS), its time and its lane.
Step = collections.namedtuple("Step", "kind time lane")

MOST_TASKS = 200        # lanes for them; more than that nobody can read
TALL, LOW, THIN = 24, 18, 12


def rows_of(spans):
    """A row for each (begin, end), the first that is free: so few rows as are needed at once."""
    free, rows = [], []
    for begin, end in spans:
        row = next((row for row, until in enumerate(free) if until <= begin), len(free))
        if row == len(free):
            free.append(0)
        free[row] = end
        rows.append(row)
    return rows, len(free)


def chain_words(places):
    return " › ".join(place.short for place in places)


def tip_of(places):
    return "\n".join(f"{place}  {place.text}".strip() for place in places)


class Picture:
    """lanes, bars and paths ({request's number: [Step]}) of a model that was matched with the device's side."""

    def __init__(self, model):
        self.lanes, self.bars, self.paths, self.left_out = [], [], {}, 0
        self.model = model
        self.add_processor()
        self.task_lanes = self.add_tasks()
        rings = self.add_requests()
        interrupts = self.add_interrupts()
        devices = self.add_device()
        for request in model.requests:
            if request.pieces:
                self.paths[request.number] = self.path(request, rings, interrupts, devices)
        self.bars.sort(key=lambda bar: (bar.lane, bar.begin, bar.end))

    def lane(self, group, label, height):
        self.lanes.append(Lane(group, label, height))
        return len(self.lanes) - 1

    def bar(self, lane, begin, end, style, text="", tip="", request=0):
        assert style in STYLES
        self.bars.append(Bar(lane, begin, max(begin, end), style, text, tip, request))

    def add_processor(self):
        lane = self.lane("Processor", "hart 0", TALL)
        for task in self.model.tasks:
            for stretch in task.stretches:
                if stretch.kind == "running":
                    self.bar(lane, stretch.begin, stretch.end, "run", task.label, f"runs task {task.label}")
        for one in self.model.interrupts:
            self.bar(lane, one.begin, one.end, "interrupt", "interrupt", f"handles interrupt {one.source}")
        for begin, end in self.model.kicks:
            self.bar(lane, begin, end, "notify", "notify", "tells the device: a write to a register, in which QEMU begins to work")
        for begin, end in self.model.sleeps:
            self.bar(lane, begin, end, "sleep", "asleep", "asleep (wfi): nobody has anything to do")

    def add_tasks(self):
        shown = self.model.tasks
        if len(shown) > MOST_TASKS:
            shown = sorted(shown, key=lambda task: -len(task.stretches))[:MOST_TASKS]
            shown.sort(key=self.model.tasks.index)
            self.left_out = len(self.model.tasks) - MOST_TASKS
        height = TALL if len(shown) <= 40 else LOW
        lanes = {}
        for task in shown:
            lanes[id(task)] = lane = self.lane("Tasks", task.label if task.name else f"task {task.label}", height)
            for stretch in task.stretches:
                if stretch.kind == "running":
                    self.bar(lane, stretch.begin, stretch.end, "run", "", "running" + (", from\n" + tip_of(stretch.places)
                                                                                    if stretch.places else ""))
                elif stretch.kind == "ready":
                    self.bar(lane, stretch.begin, stretch.end, "ready", "", "ready: it has been woken, and waits for its turn")
                else:
                    self.bar(lane, stretch.begin, stretch.end, "wait", chain_words(stretch.places),
                             "waits at\n" + tip_of(stretch.places))
        return lanes

    def span_of(self, piece):
        last = piece is piece.request.pieces[-1]
        begin = piece.request.begin if piece is piece.request.pieces[0] else piece.submitted
        end = piece.reset if piece.reset is not None else piece.request.end if last else piece.used
        return begin, end if end is not None else self.model.last

    def add_requests(self):
        """{id of a piece: its lane}."""
        pieces = sorted(self.model.pieces, key=lambda piece: self.span_of(piece)[0])
        rows, count = rows_of([self.span_of(piece) for piece in pieces])
        first = len(self.lanes)
        for row in range(count):
            self.lane("Requests, in their seats of the ring", f"row {row + 1}", LOW)
        for piece, row in zip(pieces, rows):
            self.add_piece(piece, first + row)
        return {id(piece): first + row for piece, row in zip(pieces, rows)}

    def add_piece(self, piece, lane):
        request, (begin, end) = piece.request, self.span_of(piece)
        what = f"request {request.number}: {name_of(piece)}, in seat {piece.seat} of queue {piece.queue}"
        used = piece.used if piece.used is not None else end    # or reset, or still there
        heard = next((time for time in (piece.notified, piece.device_begin) if time is not None), used)
        if begin < piece.submitted:
            self.bar(lane, begin, piece.submitted, "fifo", "", f"{what}\nthe ring is full: it waits for the seat", request.number)
        self.bar(lane, piece.submitted, heard, "ring", "", f"{what}\nthe device has not heard of it yet", request.number)
        self.bar(lane, heard, used, "flight", f"{name_of(piece)} · seat {piece.seat}", f"{what}\nits buffer is the device's" +
                 (", until it is reset" if piece.reset is not None else ""), request.number)
        if end > used:
            self.bar(lane, used, end, "over", "", f"{what}\nit has ended ({status_words(request.status)}), and its task has yet to go on",
                     request.number)

    def add_interrupts(self):
        lane = self.lane("Interrupts", "disk, timer", LOW)
        for one in self.model.interrupts:
            count = f"{one.used} request{'s' if one.used != 1 else ''} ended" if one.used else "nothing to do" if not one.handled else ""
            self.bar(lane, one.begin, one.end, "interrupt", "", f"interrupt {one.source}: {count}".rstrip(": "))
        for time, kind in self.model.marks:
            self.bar(lane, time, time, "mark", "", kind.replace("-", " "))
        return lane

    def add_device(self):
        """{id of a piece: its lane}."""
        pieces = [piece for piece in self.model.pieces if piece.device_begin is not None]
        pieces.sort(key=lambda piece: piece.device_begin)
        ends = [next(time for time in (piece.device_end, piece.reset, self.model.last) if time is not None) for piece in pieces]
        rows, count = rows_of([(piece.device_begin, end) for piece, end in zip(pieces, ends)])
        first = len(self.lanes)
        for _ in range(count):
            self.lane("Device, as QEMU saw it", "", THIN)
        for piece, end, row in zip(pieces, ends, rows):
            self.bar(first + row, piece.device_begin, end, "device", "", f"request {piece.request.number}: {name_of(piece)}, in seat {piece.seat} of "
                     f"queue {piece.queue}\nthe device works on it", piece.request.number)
        return {id(piece): first + row for piece, row in zip(pieces, rows)}

    def path(self, request, rings, interrupts, devices):
        """Down with the first piece, up with the last."""
        first, last = request.pieces[0], request.pieces[-1]
        task = self.task_lanes.get(id(request.task))
        ring, device = rings.get(id(first)), devices.get(id(first))
        at_end, device_at_end = rings.get(id(last)), devices.get(id(last))
        steps = [("await", request.begin, task), ("queue", request.queued, ring), ("add", first.added, ring),
                 ("notify" if first.notified is not None else "found",
                  first.notified if first.notified is not None else first.device_begin, ring),
                 ("device", first.device_begin, device), ("done", last.device_end, device_at_end),
                 ("interrupt", last.interrupt.begin if last.interrupt else None, interrupts),
                 ("used", last.used, at_end), ("wake", request.woken, task), ("resume", request.resumed, task)]
        steps = [Step(*step) for step in steps if None not in step]
        # One that ends while an interrupt for others is handled is found by that.
        return sorted(steps, key=lambda step: step.time)


def name_of(piece):
    if piece.operation in ("flush", "get-id", "get-lifetime"):
        return piece.operation
    return f"{piece.operation} {piece.sectors} @ {piece.sector}"


def window(picture, most=6):
    """(begin, end) of the story to tell first: some requests, whole, with a little air."""
    whole = [request for request in picture.model.requests if request.pieces and request.end is not None]
    if not whole:
        turns = sorted(time for task in picture.model.tasks for time in task.resumes)[:8 * most]
        first, last = picture.model.first, turns[-1] if turns else picture.model.last
    else:
        # What runs for the first time is translated first, and slow; where there is enough, begin behind that.
        skip = len(whole) // 3 if len(whole) > 3 * most else 0
        chosen = sorted(whole, key=lambda request: request.begin)[skip:skip + most]
        first, last = min(request.begin for request in chosen), max(request.end for request in chosen)
    air = max((last - first) // 25, 500)
    return first - air, last + air
