# SPDX-License-Identifier: MIT
"""gdb's view of the kernel: `make gdb` loads this, and `help squall` lists what it adds.

Everything is read from the stopped machine's memory, by the names and types of the image's own debug
information; nothing in the machine is called or changed.
"""
import struct

import gdb

CHAIN_MAX = 16
FUTURE_NEW, FUTURE_DONE = 0, 0xFFFFFFFF
OPERATIONS = ["read", "write", "flush", "discard", "write zeroes", "get id", "get lifetime"]
LINES_SHOWN = 1024
FLAGS = {"NEXT": 1, "WRITE": 2, "INDIRECT": 4, "AVAIL": 1 << 7, "USED": 1 << 15}
EVENTS = ["ENABLE", "DISABLE", "DESC", "?"]     # of a packed ring (2.8.10)
NEWEST = 4              # of the used ring's entries


def evaluate(expression):
    return gdb.parse_and_eval(expression)


def pointer_to(address, type_name):
    return gdb.Value(address).cast(gdb.lookup_type(type_name).pointer())


def executor():
    """The kernel's one executor; an error in words where the kernel has not got so far."""
    value = evaluate("block_executor")
    if int(value) == 0:
        raise gdb.GdbError("the kernel has no executor yet: it is still coming up")
    return value.dereference()


def linked(first, link="next"):
    """A list's members; of one that is damaged, as far as it is one."""
    seen = set()
    while int(first) != 0:
        if int(first) in seen:
            print(f"damaged: the list comes back to {int(first):#x}, by its {link}")
            return
        seen.add(int(first))
        yield first.dereference()
        first = first[link]


def memory(address, layout):
    size = struct.calcsize(layout)
    return struct.unpack(layout, gdb.selected_inferior().read_memory(int(address), size))


def source_of(function):
    """(name, file, first line) of the function at an address."""
    block = gdb.block_for_pc(int(function))
    while block and not block.function:
        block = block.superblock
    if not block:
        return f"{int(function):#x}", "?", 0
    return block.function.name, block.function.symtab.filename.removeprefix("./"), block.function.line


# Tasks ------------------------------------------------------------------------------------------------


def tasks():
    own = executor()
    for first in (own["tasks"], own["daemons"]):
        yield from linked(first, "all_next")


def state_of(task):
    if int(executor()["current"]) == int(task.address):
        return "running"
    return "ready" if int(task["queued"]) else "waiting"


def polls_of(task):
    """Where they are counted: with log=debug, and by the monitor."""
    return f", {int(task['polls'])} polls" if int(executor()["accounting"]) & 1 else ""


def chain(future):
    """The futures from a task's root down to the leaf that it waits for."""
    for _ in range(CHAIN_MAX):
        yield future.dereference()
        if int(future["child"]) == 0 or int(future["state"]) in (FUTURE_NEW, FUTURE_DONE):
            return
        future = pointer_to(int(future) + int(future["child"]), "struct future")


def is_in_await(future):
    """Whether it is a coroutine that has begun: its state is a line; another future's is a small number of its own."""
    return source_of(future["poll"])[2] < int(future["state"]) < FUTURE_DONE


def describe_future(future):
    name, file, _ = source_of(future["poll"])
    state = int(future["state"])
    if state == FUTURE_NEW:
        return f"{name}: not polled yet"
    if state == FUTURE_DONE:
        return f"{name}: done"
    if is_in_await(future):
        return f"{name}: awaits at {file}:{state}"
    return f"{name}: state {state}{describe_leaf(name, future)}"


def describe_leaf(name, future):
    address = int(future.address)
    if name == "block_poll":
        return ": " + describe_request(pointer_to(address, "struct block_future").dereference())
    if name == "timer_poll":
        timer = pointer_to(address, "struct timer_future")
        return f": until tick {int(timer['deadline'])}"
    return ""


def owners():
    """{address of a leaf: the name of the task that waits for it}."""
    return {int(list(chain(task["root"]))[-1].address): task["name"].string() for task in tasks()}


# Requests and rings -----------------------------------------------------------------------------------


def disks():
    yield from linked(evaluate("block_devices"))


def describe_request(request):
    operation = OPERATIONS[int(request["operation"])]
    where = f" of sector {int(request['sector'])}, {int(request['sectors'])} sectors" if operation not in (
        "flush", "get id", "get lifetime") else ""
    return f"{operation}{where}, disk {int(request['device']['number'])}"


def queues(disk):
    """The virtqueues of a disk; none for one that is not virtio's, or not used any more."""
    if not disk["transport"].string().startswith("mmio"):
        return
    if "gone" in source_of(disk["operations"]["submit"])[0]:
        return
    whole = pointer_to(int(disk.address), "struct virtio_blk").dereference()
    for index in range(int(disk["queues"])):
        yield whole["queues"][index]


class Ring:
    """A queue's ring as it lies in memory: `taken` {seat: how many places it has}, `places` {seat: where it was put},
    `answers` [(place, id, length)], those that the driver has not looked at yet in `fresh`, the ids."""

    def __init__(self, queue):
        self.queue, self.ring = queue, queue["ring"]
        layout = self.ring["layout"]
        self.size, self.seats, self.packed = int(layout["size"]), int(self.ring["seats"]), bool(int(layout["packed"]))
        self.added, self.published, self.shown, self.last_used = (
            int(self.ring[name]) & 0xffff for name in ("added", "published", "shown", "last_used"))
        self.taken = {seat: count for seat, count in enumerate(memory(self.ring["taken"], f"{self.seats}B")) if count}
        self.places, self.answers, self.fresh = {}, [], set()

    def mask(self, place):
        return place & (self.size - 1)

    def lap(self, place):
        """A packed ring's wrap counter at a place (2.8.1)."""
        return int(place & self.size == 0)

    def owner(self, seat):
        place = self.places.get(seat)
        if seat in self.fresh:
            return "the driver's: answered, and not looked at yet"
        if place is not None and 0 < (self.added - place) & 0xffff <= (self.added - self.shown) & 0xffff:
            return "the driver's: not shown to the device yet"
        return "the device's"

    def descriptor(self, table, index):
        """(address, length, flags, the next one or the id)"""
        address, length, *rest = memory(int(table) + 16 * index, "<QIHH")
        return (address, length, *(rest[::-1] if self.packed else rest))

    def descriptors(self, seat):
        """(what, descriptor) of all that a request has in the ring, and in a table beside it."""
        index = self.places[seat] if self.packed else seat
        for _ in range(self.taken[seat] if self.packed else self.size):
            index = self.mask(index)
            address, length, flags, following = one = self.descriptor(self.ring["descriptors"], index)
            yield f"descriptor {index}", one
            for entry in range(min(length // 16, self.size) if flags & FLAGS["INDIRECT"] else 0):
                yield f"  table[{entry}]", self.descriptor(address, entry)
            if not flags & FLAGS["NEXT"]:
                break
            index = index + 1 if self.packed else following


class Split(Ring):
    entry = "avail.ring[{}]"

    def __init__(self, queue):
        super().__init__(queue)
        avail, used, tail = self.ring["driver_area"], self.ring["device_area"], 2 * self.size + 4
        self.avail_flags, self.avail_idx, *heads = memory(avail, f"<{self.size + 2}H")
        self.used_flags, self.used_idx = memory(used, "<HH")
        self.events = [memory(int(avail) + tail, "<H")[0], memory(int(used) + 8 * self.size + 4, "<H")[0]] if int(
            self.ring["used_event"]) else ["-", "-"]
        fresh = min((self.used_idx - self.last_used) & 0xffff, self.size)
        for place in range(self.used_idx - min(max(fresh, NEWEST), self.used_idx or fresh), self.used_idx):
            self.answers.append((self.mask(place), *memory(int(used) + 4 + 8 * self.mask(place), "<II")))
        self.fresh = {number for _, number, _ in self.answers[len(self.answers) - fresh:]} if fresh else set()
        for place in range(self.added - 1, self.added - 1 - self.size, -1):     # the newest that names a seat counts
            if heads[self.mask(place)] in self.taken:
                self.places.setdefault(heads[self.mask(place)], place & 0xffff)

    def state(self):
        return (f"avail: idx {self.avail_idx}, flags {self.avail_flags}, used_event {self.events[0]}; "
                f"used: idx {self.used_idx}, flags {self.used_flags}, avail_event {self.events[1]}")


class Packed(Ring):
    entry = "descriptor {}: id"

    def __init__(self, queue):
        super().__init__(queue)
        place = self.last_used
        while len(self.answers) < self.size:            # both flags are the wrap counter: used
            _, length, flags, number = self.descriptor(self.ring["descriptors"], self.mask(place))
            if {bool(flags & FLAGS["AVAIL"]), bool(flags & FLAGS["USED"])} != {bool(self.lap(place))}:
                break
            self.answers.append((self.mask(place), number, length))
            place += self.taken.get(number, 1)
        self.fresh = {number for _, number, _ in self.answers}
        for at in range(self.added - 1, self.added - 1 - ((self.added - place) & 0xffff), -1):
            number = self.descriptor(self.ring["descriptors"], self.mask(at))[3]
            if number in self.taken and self.places.get(number, at) - at < self.taken[number]:
                self.places[number] = at                # the first of its newest

    def state(self):
        wishes = [memory(self.ring[area], "<HH") for area in ("driver_area", "device_area")]
        return (f"avail: {self.mask(self.added)}, wrap counter {self.lap(self.added)}; "
                f"used: {self.mask(self.last_used)}, wrap counter {self.lap(self.last_used)}; wishes of the driver, the device: " +
                ", ".join(f"{EVENTS[flags & 3]} {wish & 0x7fff} wrap {wish >> 15}" for wish, flags in wishes))


def ring_of(queue):
    return (Packed if int(queue["ring"]["layout"]["packed"]) else Split)(queue)


def in_flight(disk):
    """(queue index, seat, request) of each piece that the device has."""
    for queue in queues(disk):
        for seat in ring_of(queue).taken:
            yield int(queue["index"]), seat, queue["seats"][seat]["owner"].dereference()


def draw(view):
    """The ring's seats, 64 in a row, in rows that have any; then each request's descriptors."""
    cells = "".join("." if seat not in view.taken else "#" if view.owner(seat) == "the device's" else "+" for seat in range(view.seats))
    yield f"{view.state()}"
    yield f"seats (# the device's, + the driver's, . free: {view.seats - len(view.taken)} of {view.seats}):"
    yield from (f"{row:5} {cells[row:row + 64]}" for row in range(0, view.seats, 64) if row == 0 or cells[row:row + 64].strip("."))
    for place, number, length in view.answers:
        yield f"used[{place}]: id {number}, len {length}{', not looked at yet' if number in view.fresh else ''}"


def draw_request(view, seat, owner):
    request = view.queue["seats"][seat]["owner"].dereference()
    place = view.places.get(seat)
    where = f"{view.entry.format(view.mask(place))} {seat}" if place is not None else f"id {seat}, whose entry is written over by now"
    yield f"{where}: {describe_request(request)}; task {owner.get(int(request.address), '?')}; {view.owner(seat)}"
    if place is not None or not view.packed:
        for what, (address, length, flags, _) in view.descriptors(seat):
            names = " ".join(name for name, bit in FLAGS.items() if flags & bit)
            yield f"  {what}: {address:#x}, {length} bytes{', ' if names else ''}{names}"


# The commands -----------------------------------------------------------------------------------------


class Squall(gdb.Command):
    """Look at the kernel: squall tasks | await TASK | virtq DISK | requests | irq"""

    def __init__(self):
        super().__init__("squall", gdb.COMMAND_DATA, prefix=True)


class Command(gdb.Command):
    """What it is called is its first words; what it shows, show()."""

    def __init__(self):
        super().__init__(f"squall {type(self).__name__.lower()}", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if not gdb.selected_thread():
            raise gdb.GdbError("there is no running machine: start one with make debug, and attach with make gdb")
        try:
            self.show(argument)
        except (gdb.MemoryError, UnicodeDecodeError) as error:
            raise gdb.GdbError(f"damaged, or not yet made: {error}") from None


class Tasks(Command):
    """squall tasks: each task, its state, and the line of the await that it is in"""

    def show(self, argument):
        for task in tasks():
            futures = list(chain(task["root"]))
            awaits = [future for future in futures if is_in_await(future)]
            print(f"{task['name'].string()}: {state_of(task)}{polls_of(task)}; "
                  f"{describe_future(awaits[-1] if awaits else futures[-1])}")


class Await(Command):
    """squall await TASK: the chain of futures from a task down to what it waits for"""

    def complete(self, text, word):
        return [task["name"].string() for task in (tasks() if gdb.selected_thread() else ()) if task["name"].string().startswith(word)]

    def show(self, argument):
        found = [task for task in tasks() if task["name"].string() == argument]
        if not found:
            names = ", ".join(sorted({task["name"].string() for task in tasks()}))
            raise gdb.GdbError(f"there is no task {argument!r}; there are: {names or 'none'}")
        for task in found:
            print(f"{task['name'].string()}: {state_of(task)}")
            for depth, future in enumerate(chain(task["root"])):
                print(f"{'  ' * (depth + 1)}{describe_future(future)}")


class Virtq(Command):
    """squall virtq [DISK]: the rings of a disk, and who owns each descriptor"""

    def show(self, argument):
        try:
            number = int(argument or "0", 0)
        except ValueError:
            raise gdb.GdbError(f"not a number: {argument}") from None
        disk = next((disk for disk in disks() if int(disk["number"]) == number), None)
        if disk is None:
            raise gdb.GdbError(f"there is no disk {number}")
        owner = owners()
        for queue in queues(disk):
            ring, view = queue["ring"], ring_of(queue)
            print(f"queue {int(queue['index'])}: {'packed' if view.packed else 'split'}, {view.size} entries; "
                  f"{view.added} added, {view.published} published, {view.shown} shown, {view.last_used} used; "
                  f"{ring['broken'].string() if int(ring['broken']) else 'not broken'}")
            print(*("  " + line for line in draw(view)), sep="\n")
            for seat in sorted(view.taken, key=lambda seat: (view.places.get(seat, view.added) - view.added) % 0x10000):
                print(*("  " + line for line in draw_request(view, seat, owner)), sep="\n")


class Requests(Command):
    """squall requests: what each disk has, and what waits for a seat"""

    def show(self, argument):
        owner, any_request = owners(), False
        for disk in disks():
            for index, seat, request in in_flight(disk):
                any_request = True
                print(f"queue {index} descriptor {seat}: {describe_request(request)}; task {owner.get(int(request.address), '?')}")
            for request in linked(disk["waiting"]):
                any_request = True
                print(f"waits for a seat: {describe_request(request)}; task {owner.get(int(request.address), '?')}")
        if not any_request:
            print("no request is under way")


class Irq(Command):
    """squall irq: the interrupt lines, their counts, and whether the hart takes interrupts"""

    def show(self, argument):
        lines = evaluate("'kernel/irq.c'::lines")
        for source in range(min(int(evaluate("'kernel/irq.c'::chip")["sources"]) + 1, LINES_SHOWN)):
            line = lines[source]
            if int(line["handler"]) != 0 or int(line["count"]) != 0:
                name = line["name"].string() if int(line["name"]) else "nobody's"
                idle = int(line["idle"]) if int(line["last_idle"]) == int(line["count"]) & 0xffffffff else 0
                print(f"{source:4}  {name:24} {int(line['count'])} interrupts, the last {idle} for nothing")
        spurious = int(evaluate("'kernel/irq.c'::spurious"))
        print(f"{spurious} of all interrupts found nothing to do")
        enabled, pending = int(evaluate("$sstatus")) >> 1 & 1, int(evaluate("$sip"))
        print(f"the hart takes interrupts: {'yes' if enabled else 'no'}; pending: "
              f"{' '.join(name for bit, name in ((5, 'timer'), (9, 'external')) if pending >> bit & 1) or 'none'}")


for command in (Squall, Tasks, Await, Virtq, Requests, Irq):
    command()
