# SPDX-License-Identifier: MIT
"""What the events tell of: tasks, requests, interrupts and sleeps, each with its times in ns."""
import bisect
import collections

OPERATIONS = ("read", "write", "flush", "discard", "write-zeroes", "get-id", "get-lifetime")    # enum block_operation
SECTORS = 1 << 32       # a sector in the dump is modulo that

# A stretch of a task's life: kind is "ready", "running" or "waiting"; places are its coroutines, outermost first.
Stretch = collections.namedtuple("Stretch", "kind begin end places")


class Task:
    def __init__(self, address, name, begin, state=None):
        self.address, self.name, self.label = address, name, ""
        self.stretches, self.state, self.since, self.places = [], state, begin, []
        self.ended, self.resumes = None, []     # resumes: when it was polled, after a wake

    def enter(self, state, time, places=()):
        if self.state and time > self.since:
            self.stretches.append(Stretch(self.state, self.since, time, self.places))
        self.state, self.since, self.places = state, time, list(places)


class Piece:
    """What has a seat of a ring, from there to its entry in the used ring. A request is one, or several."""

    def __init__(self, request, sector, submitted):
        self.request, self.sector, self.submitted = request, sector, submitted
        self.sectors = 0
        self.queue = self.seat = self.added = self.notified = self.used = self.status = None
        self.interrupt = self.seen = None       # an Interrupt, and a qemu_log.Seen
        self.device_begin = self.device_end = None
        self.reset = None                       # when it was taken from the device by a reset

    @property
    def operation(self):
        return self.request.operation


class Request:
    """number: in the order of the first look at it. Times that are not known are None."""

    def __init__(self, number, operation, sector, task):
        self.number, self.operation, self.sector, self.task = number, operation, sector, task
        self.sectors = 0
        self.queued = self.completed = self.woken = self.resumed = None
        self.failed = 0             # errno of a request that recovery has ended
        self.place = None           # where its task awaits it
        self.pieces = []

    @property
    def begin(self):
        return self.queued if self.queued is not None else self.pieces[0].submitted

    @property
    def end(self):
        return next((time for time in (self.resumed, self.woken, self.completed, *(piece.used for piece in self.pieces[::-1]))
                     if time is not None), None)

    @property
    def status(self):
        return self.failed or next((piece.status for piece in self.pieces if piece.status), 0)


class Interrupt:
    def __init__(self, begin, source):
        self.begin, self.source, self.end, self.handled = begin, source, None, False
        self.acked, self.used = None, 0


class Model:
    """Of a dump, whose places are named by `symbols`."""

    def __init__(self, dump, symbols):
        self.symbols, self.lost = symbols, dump.lost
        self.first, self.last = dump.events[0].time, dump.events[-1].time
        self.tasks, self.requests, self.pieces = [], [], []
        self.interrupts, self.sleeps, self.notifies, self.marks = [], [], [], []
        self.live, self.active, self.seats, self.chain = {}, {}, {}, []
        self.polled = self.interrupt = self.asleep = self.ending = None
        self.rewoken = False                    # the task that is polled has been woken meanwhile
        self.kicks, told = [], None             # of a notification, and of what is recorded next
        for event in dump.events:
            if told is not None:
                self.kicks.append((told, event.time))
            told = event.time if event.kind == "notify" else None
            getattr(self, event.kind.replace("-", "_"))(event)
        self.finish()

    # Tasks -----------------------------------------------------------------------------------------

    def task_at(self, address, time):
        """Also one whose spawn was lost."""
        if address == 0:
            return None
        if address not in self.live:
            self.live[address] = Task(address, "", time)
            self.tasks.append(self.live[address])
        return self.live[address]

    def spawn(self, event):
        self.live[event.task] = Task(event.task, event.name or "", event.time, "ready")
        self.tasks.append(self.live[event.task])

    def poll_begin(self, event):
        self.polled = self.task_at(event.task, event.time)
        self.polled.enter("running", event.time)
        self.polled.resumes.append(event.time)
        self.chain, self.rewoken = [], False

    def resume(self, event):
        if self.polled:
            self.polled.places.append(self.symbols.place(event.request, event.argument))

    def await_(self, event):
        self.chain.append(self.symbols.place(event.request, event.argument))

    def poll_end(self, event):
        task = self.task_at(event.task, event.time)
        if event.argument:
            task.enter(None, event.time)
            task.ended = event.time
        else:
            task.enter("ready" if self.rewoken else "waiting", event.time, self.chain)
        self.polled = None

    def wake(self, event):
        task = self.task_at(event.task, event.time)
        if task.state == "waiting" or (task.state is None and task.ended is None):
            task.enter("ready", event.time, task.places)
        elif task is self.polled:
            self.rewoken = True
        if self.ending:
            self.ending.woken, self.ending.waker = event.time, task
            self.ending = None

    # Requests --------------------------------------------------------------------------------------

    def request_at(self, event):
        request = self.active.get(event.request)
        if request is None:
            operation = OPERATIONS[event.detail] if event.detail < len(OPERATIONS) else f"operation {event.detail}"
            request = Request(len(self.requests), operation, event.argument, self.task_at(event.task, event.time))
            self.active[event.request] = request
            self.requests.append(request)
        return request

    def queue(self, event):
        request = self.request_at(event)
        if request.queued is None and not request.pieces:
            request.queued = event.time

    def submit(self, event):
        request = self.request_at(event)
        request.pieces.append(Piece(request, event.argument, event.time))

    def add(self, event):
        request = self.active.get(event.request)
        if request is None or not request.pieces:
            return                              # its submission was lost
        piece = request.pieces[-1]
        request.sectors = event.argument
        piece.added, piece.queue, piece.seat = event.time, event.detail >> 12, event.detail & 0xfff
        self.pieces.append(piece)
        self.seats[event.detail] = piece

    def notify(self, event):
        self.notifies.append((event.time, event.request, event.argument))

    def used(self, event):
        piece = self.seats.pop(event.detail, None)
        if piece:
            piece.used, piece.status, piece.interrupt = event.time, event.argument, self.interrupt
        if self.interrupt:
            self.interrupt.used += 1

    def complete(self, event):
        request = self.active.pop(event.request, None)
        self.ending = request
        if request:
            request.completed = event.time
            request.failed = event.argument if event.detail else 0

    def reset(self, event):
        for piece in self.seats.values():
            piece.reset = event.time
        self.seats.clear()
        self.marks.append((event.time, "reset"))

    def timeout(self, event):
        self.marks.append((event.time, "timeout"))

    # The processor ---------------------------------------------------------------------------------

    def interrupt_begin(self, event):
        self.interrupt = Interrupt(event.time, event.argument)
        self.interrupts.append(self.interrupt)

    def ack(self, event):
        if self.interrupt:
            self.interrupt.acked = event.time

    def interrupt_end(self, event):
        if self.interrupt:
            self.interrupt.end, self.interrupt.handled = event.time, bool(event.detail)
        self.interrupt = None

    def sleep_begin(self, event):
        self.asleep = event.time

    def sleep_end(self, event):
        self.sleeps.append((self.asleep if self.asleep is not None else self.first, event.time))
        self.asleep = None

    def timer_arm(self, event):
        self.marks.append((event.time, "timer-arm"))

    def timer_fire(self, event):
        self.marks.append((event.time, "timer-fire"))

    # What is known only at the end -----------------------------------------------------------------

    def finish(self):
        for task in self.tasks:
            if task.state:
                task.enter(None, self.last)
        if self.asleep is not None:
            self.sleeps.append((self.asleep, self.last))
        for interrupt in self.interrupts:
            interrupt.end = interrupt.end if interrupt.end is not None else self.last
        self.requests = [request for request in self.requests if request.pieces or request.queued is not None]
        for number, request in enumerate(self.requests):
            request.number = number + 1
            self.measure_pieces(request)
            self.find_task(request)
        self.name_tasks()

    def measure_pieces(self, request):
        """A piece ends where the next begins."""
        edges = sorted({*(piece.sector for piece in request.pieces), (request.sector + request.sectors) % SECTORS})
        for piece in request.pieces:
            after = bisect.bisect_right(edges, piece.sector)
            piece.sectors = (edges[after] if after < len(edges) else request.sector + request.sectors) - piece.sector

    def find_task(self, request):
        """Where it was awaited, and when its task goes on."""
        woken = getattr(request, "waker", None)
        request.task = request.task or woken
        if request.woken is not None:
            at = bisect.bisect_left(woken.resumes, request.woken)
            request.resumed = woken.resumes[at] if at < len(woken.resumes) else None
        if request.task:
            for stretch in request.task.stretches:
                if stretch.kind != "running" and stretch.end > request.begin and stretch.places:
                    request.place = next((place for place in stretch.places[::-1] if place.line), stretch.places[-1])
                    break

    def name_tasks(self):
        counts = collections.Counter(task.name for task in self.tasks)
        numbers = collections.Counter()
        for task in self.tasks:
            numbers[task.name] += 1
            task.label = task.name if counts[task.name] == 1 else f"{task.name} {numbers[task.name]}".strip()
            task.label = task.label or "1"


setattr(Model, "await", Model.await_)   # a word that Python keeps for itself
