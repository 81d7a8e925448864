# SPDX-License-Identifier: MIT
"""gdb's view of the kernel: `make gdb` loads this, and `help squall` lists what it adds.

Everything is read from the stopped machine's memory, by the names and types of the image's own debug
information; nothing in the machine is called or changed.
"""
import gdb

CHAIN_MAX = 16
FUTURE_NEW, FUTURE_DONE = 0, 0xFFFFFFFF
OPERATIONS = ["read", "write", "flush", "discard", "write zeroes", "get id", "get lifetime"]
LINES_SHOWN = 1024


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
    while int(first) != 0:
        yield first.dereference()
        first = first[link]


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


def taken_seats(queue):
    ring = queue["ring"]
    places = gdb.selected_inferior().read_memory(int(ring["taken"]), int(ring["seats"])).tobytes()
    return [seat for seat, taken in enumerate(places) if taken]


def in_flight(disk):
    """(queue index, seat, request) of each piece that the device has."""
    for queue in queues(disk):
        for seat in taken_seats(queue):
            yield int(queue["index"]), seat, queue["seats"][seat]["owner"].dereference()


def draw(queue):
    """The seats of a ring, 64 in a row: # the device has it, . it is free. Rows without any are left out."""
    taken, count = set(taken_seats(queue)), int(queue["ring"]["seats"])
    for row in range(0, count, 64):
        cells = "".join("#" if seat in taken else "." for seat in range(row, min(row + 64, count)))
        if "#" in cells or row == 0:
            yield f"  {row:5} {cells}"


# The commands -----------------------------------------------------------------------------------------


class Squall(gdb.Command):
    """Look at the kernel: squall tasks | await TASK | virtq DISK | requests | irq"""

    def __init__(self):
        super().__init__("squall", gdb.COMMAND_DATA, prefix=True)


class Tasks(gdb.Command):
    """squall tasks: each task, its state, and the line of the await that it is in"""

    def __init__(self):
        super().__init__("squall tasks", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for task in tasks():
            futures = list(chain(task["root"]))
            awaits = [future for future in futures if is_in_await(future)]
            print(f"{task['name'].string()}: {state_of(task)}{polls_of(task)}; "
                  f"{describe_future(awaits[-1] if awaits else futures[-1])}")


class Await(gdb.Command):
    """squall await TASK: the chain of futures from a task down to what it waits for"""

    def __init__(self):
        super().__init__("squall await", gdb.COMMAND_DATA)

    def complete(self, text, word):
        return [task["name"].string() for task in tasks() if task["name"].string().startswith(word)]

    def invoke(self, argument, from_tty):
        found = [task for task in tasks() if task["name"].string() == argument]
        if not found:
            names = ", ".join(sorted({task["name"].string() for task in tasks()}))
            raise gdb.GdbError(f"there is no task {argument!r}; there are: {names or 'none'}")
        for task in found:
            print(f"{task['name'].string()}: {state_of(task)}")
            for depth, future in enumerate(chain(task["root"])):
                print(f"{'  ' * (depth + 1)}{describe_future(future)}")


class Virtq(gdb.Command):
    """squall virtq [DISK]: the rings of a disk, and who owns each descriptor"""

    def __init__(self):
        super().__init__("squall virtq", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        try:
            number = int(argument or "0", 0)
        except ValueError:
            raise gdb.GdbError(f"not a number: {argument}") from None
        disk = next((disk for disk in disks() if int(disk["number"]) == number), None)
        if disk is None:
            raise gdb.GdbError(f"there is no disk {number}")
        owner = owners()
        for queue in queues(disk):
            ring = queue["ring"]
            kind = "packed" if int(ring["layout"]["packed"]) else "split"
            print(f"queue {int(queue['index'])}: {kind}, {int(ring['layout']['size'])} entries, {int(ring['seats'])} seats; "
                  f"{int(ring['added'])} added, {int(ring['published'])} published, {int(ring['last_used'])} used; "
                  f"{ring['broken'].string() if int(ring['broken']) else 'not broken'}")
            print("  seats (# the device has it, . free):")
            for row in draw(queue):
                print(row)
            for seat in taken_seats(queue):
                request = queue["seats"][seat]["owner"].dereference()
                print(f"  descriptor {seat}: {describe_request(request)}; task {owner.get(int(request.address), '?')}")


class Requests(gdb.Command):
    """squall requests: what each disk has, and what waits for a seat"""

    def __init__(self):
        super().__init__("squall requests", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
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


class Irq(gdb.Command):
    """squall irq: the interrupt lines, their counts, and whether the hart takes interrupts"""

    def __init__(self):
        super().__init__("squall irq", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
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
