# SPDX-License-Identifier: MIT
"""The debugger's view: what gdb says of a stopped kernel, held against what the kernel says itself."""
import os
import random
import re
import shutil
import subprocess
import time

import disk
import work
from machine import KERNEL, ROOT, Machine
from screen import render
from tap import Skip, expect, expect_equal, test
from test_slow import throttled

STOPS = 50
GDB = "gdb-multiarch"
SCRIPT = os.path.join(ROOT, "scripts", "squall_gdb.py")
STATE = re.compile(r"(\S+): (running|ready|waiting)(?:, (\d+) polls)?")
PLACE = re.compile(r"awaits at (?:line |\S+:)(\d+)")


def socket_arguments(path):
    return ["-chardev", f"socket,id=stub,server=on,wait=off,path={path}", "-gdb", "chardev:stub"]


def gdb(socket_path, commands, environment=None, seconds=300):
    """What gdb prints for `commands` at the machine behind that socket."""
    if not shutil.which(GDB):
        raise Skip(f"there is no {GDB}")
    deadline = time.monotonic() + seconds
    while not os.path.exists(socket_path):      # QEMU makes it before the machine runs, but in its own time
        expect(time.monotonic() < deadline, "QEMU makes no socket")
        time.sleep(0.05)
    line = [GDB, "-q", "-nx", "-batch", "-iex", "set auto-load no", "-ex", "set architecture riscv:rv64",
            "-ex", "set pagination off", "-ex", "set remotetimeout 60", "-ex", f"target remote {socket_path}", "-ex", f"source {SCRIPT}"]
    for command in commands:
        line += ["-ex", command]
    result = subprocess.run(line + [KERNEL], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=seconds, env={**os.environ, **(environment or {})}, check=False)
    return result.stdout + result.stderr


def views(lines):
    """{(task, state): the lines of its awaits}, as a sorted list; of the kernel's ps or of gdb's await."""
    found = []
    for line in lines:
        state, place = STATE.match(line), PLACE.search(line)
        if state:
            found.append((state[1], state[2], []))
        elif place and found:
            found[-1][2].append(int(place[1]))
    return sorted(found)


def stop(text, number):
    match = re.search(rf"<stop {number}>\n(.*?)(?=<stop|\Z)", text, re.S)
    expect(match, f"stop {number} is missing:\n{text[-2000:]}")
    return match[1].splitlines()


def kernels_answers(machine):
    """What its ps said at each stop."""
    while True:
        after_boot = render(machine.raw).partition("squall> ")[2]
        answers = re.findall(r"disk 0 node=.*\n((?:.*\n)*?)disk 0 node=.*\n", after_boot)
        if len(answers) == STOPS:
            return answers
        expect(machine.read() and time.monotonic() < machine.deadline, f"the kernel answered only {len(answers)} times")


@test("gdb: at 50 random stops it sees the tasks that the kernel's own ps sees", long=True)
def random_stops(t):
    seed, path, control = str(random.randrange(1 << 32)), t.path("gdb.sock"), t.path("control.sock")
    t.note(f"seed {seed}")
    with Machine(t, "job=monitor", disks=[disk.null(64 * disk.MIB)], typed=True, limit=600,
                 arguments=[*socket_arguments(path), "-qmp", f"unix:{control},server=on,wait=off"]) as machine:
        machine.until("squall> ")
        for _ in range(3):
            machine.type("spawn\r")
        machine.until(r"(?:spawn\n(?:.*\n)*?squall> ){2}")
        said = gdb(path, [f"source {os.path.join(ROOT, 'tests/qemu/gdb_stops.py')}"],
                   {"STOPS": str(STOPS), "SEED": seed, "CONTROL": control, "ROOT": ROOT}, 500)
        stops = [stop(said, number) for number in range(STOPS)]
        answers = kernels_answers(machine)
    states = set()
    for number in range(STOPS):
        ours = views(line for line in stops[number] if "; " not in line)
        expect_equal(f"stop {number}", ours, views(answers[number].splitlines()))
        states |= {state for _, state, _ in ours}
    expect({"running", "waiting"} & states, f"all tasks were always {states}")
    t.note(f"{STOPS} stops; states seen: {', '.join(sorted(states))}")


def stopped_bench(t, commands):
    """With a disk that has answered some requests at once, and from then on none."""
    path, image = t.path("gdb.sock"), disk.make(t.path("disk"), 64 * disk.MIB)
    with Machine(t, "job=bench iodepth=8 number_ios=100000000 timeout_ms=0", limit=600,
                 disks=[throttled(image, "x-bps-total=1,x-bps-total-max=65536")], arguments=socket_arguments(path)) as machine:
        machine.until("^disk 0 ")
        while "bench: waiting" not in gdb(path, ["squall tasks"]):
            expect(time.monotonic() < machine.deadline, "the requests are never under way")
        return gdb(path, commands)


def at_notification(t, commands, append="", device=""):
    """Where the device has been given eight requests at once, and is about to be told: it has seen none of them."""
    path = t.path("gdb.sock")
    with Machine(t, f"job=bench iodepth=8 number_ios=16 timeout_ms=0 {append}", limit=600,
                 disks=[disk.null(64 * disk.MIB, device)], arguments=[*socket_arguments(path), "-S"]):
        return gdb(path, ["tbreak drivers/virtio_mmio.c:notify", "continue", *commands])


@test("gdb: the chain of a task ends at its request; rings, requests and interrupts are shown")
def whole_view(t):
    said = stopped_bench(t, ["squall tasks", "squall await bench", "squall virtq 0", "squall requests", "squall irq"])
    expect(len(re.findall(r"(?m)^bench: waiting; reader_poll: awaits at kernel/jobs/bench.c:\d+$", said)) == 8,
           f"not eight tasks: {said}")
    expect(len(re.findall(r"(?m)^    block_poll: state 2: read of sector \d+, 8 sectors, disk 0$", said)) == 8, said)
    expect(re.search(r"(?m)^queue 0: split, 1024 entries; (\d+) added, \1 published, \1 shown, \d+ used; not broken$", said), said)
    expect_equal("requests", len(re.findall(r"(?m)^queue 0 descriptor \d+: read of sector \d+, 8 sectors, disk 0; task bench$", said)), 8)
    expect(re.search(r"(?m)^ +8  virtio_mmio@10008000 +\d+ interrupts, the last [01] for nothing", said), said)
    expect(re.search(r"(?m)^the hart takes interrupts: ", said), said)


REQUEST = r"read of sector \d+, 8 sectors, disk 0; task bench; the device's\n"
TABLE = (r" +table\[0\]: 0x\w+, 16 bytes, NEXT\n +table\[1\]: 0x\w+, 4096 bytes, NEXT WRITE\n"
         r" +table\[2\]: 0x\w+, 1 bytes, WRITE\n")
CHAIN = (r" +descriptor \d+: 0x\w+, 16 bytes, NEXT{0}\n +descriptor \d+: 0x\w+, 4096 bytes, NEXT WRITE{0}\n"
         r" +descriptor \d+: 0x\w+, 1 bytes, WRITE{0}\n")
# A packed ring's descriptors on the first lap of its wrap counter, and on the second; its tables have no NEXT (2.8.19).
LAP = "(?: AVAIL| USED)"


@test("gdb: the rings are drawn, split, with tables", entry=r"avail\.ring\[(\d+)\] \d+",
      request=r" +descriptor \d+: 0x\w+, 48 bytes, INDIRECT\n" + TABLE)
@test("gdb: the rings are drawn, split, with chains", entry=r"avail\.ring\[(\d+)\] \d+", request=CHAIN.format(""),
      device="indirect_desc=off")
@test("gdb: the rings are drawn, packed, with tables", entry=r"descriptor (\d+): id \d+",
      request=rf" +descriptor \d+: 0x\w+, 48 bytes, INDIRECT{LAP}\n" + TABLE.replace("NEXT WRITE", "WRITE").replace(", NEXT", ""), append="ring=packed", device="packed=on")
@test("gdb: the rings are drawn, packed, with lists", entry=r"descriptor (\d+): id \d+", request=CHAIN.format(LAP),
      append="ring=packed", device="packed=on,indirect_desc=off")
def rings(t, entry, request, **options):
    said = at_notification(t, ["squall virtq 0"], **options)
    found = re.findall(rf"(?m)^  {entry}: {REQUEST}(?:{request})", said)
    expect_equal("places of requests with their descriptors", len(set(found)), 8)
    expect(re.search(r"(?m)^queue 0: \w+, 1024 entries; (8|24) added, \1 published, \1 shown, 0 used; not broken$", said), said)
    expect(re.search(r"(?m)^  avail: (?:idx 8, flags 0, used_event 0; used: idx 0, flags 0, avail_event 0|"
                     r"\d+, wrap counter 1; used: 0, wrap counter 1; .*DESC 0 wrap 1, ENABLE 0 wrap 0)$", said), said)
    expect(re.search(r"(?m)^  seats \(# the device's, \+ the driver's, \. free: \d+ of \d+\):\n +0 #{8}\.{56}$", said), said)


@test("gdb: whose a request is, by the ring, split", entry=r"avail\.ring\[\d\] \d")
@test("gdb: whose a request is, by the ring, packed", entry=r"descriptor \d: id \d", append="ring=packed", device="packed=on")
def owners(t, entry, **options):
    """A little earlier, when two were not shown to the device; and a little later, where its answers have come."""
    shown = "((struct virtio_blk *)block_devices)->queues[0].ring.shown"
    said = at_notification(t, [f"set var {shown} -= 2", "squall virtq 0", f"set var {shown} += 2", "tbreak drivers/virtio_blk.c:used_buffers",
                               "continue", "squall virtq 0"], **options)
    _, first, second = re.split("(?m)^queue 0: ", said)
    expect_equal("not shown", len(re.findall(rf"(?m)^  {entry}: .*; the driver's: not shown to the device yet$", first)), 2)
    expect_equal("the device's", len(re.findall(rf"(?m)^  {entry}: .*; the device's$", first)), 6)
    expect(re.search(r"(?m)^ +0 #{6}\+\+\.", first), first)
    answered = [int(one) for one in re.findall(r"(?m)^  used\[\d+\]: id (\d+), len 4097, not looked at yet$", second)]
    expect(answered, f"no answer has come: {second}")
    expect_equal("answered", len(re.findall(r"(?m); the driver's: answered, and not looked at yet$", second)), len(answered))
    for seat in answered:
        expect(re.search(rf"(?m)^ +0 [#+]{{{seat}}}\+", second), second)


@test("gdb: of a list that is damaged it says so, and comes to an end")
def damaged(t):
    said = stopped_bench(t, ["set var block_executor->tasks->all_next = block_executor->tasks", "squall tasks", "squall virtq 0"])
    expect(re.search(r"(?m)^damaged: the list comes back to 0x\w+, by its all_next$", said), said)
    expect("queue 0: split" in said and "Traceback" not in said, said)


@test("gdb: without a machine every command says so")
def no_machine(t):
    if not shutil.which(GDB):
        raise Skip(f"there is no {GDB}")
    commands = ["squall tasks", "squall await A", "squall virtq 0", "squall requests", "squall irq"]
    done = work.command(GDB, "-q", "-nx", "-batch", "-iex", "set auto-load no", "-ex", f"source {SCRIPT}",
                        *(word for command in commands for word in ("-ex", command)), KERNEL)
    expect_equal("times", done.error.count("there is no running machine"), len(commands))
    expect("Python Exception" not in done.error + done.output, done.error)


@test("gdb: what is not there is refused in words", command="squall await nobody", words="there is no task 'nobody'; there are: bench")
@test("gdb: what is not there is refused in words", command="squall virtq 7", words="there is no disk 7")
@test("gdb: what is not there is refused in words", command="squall virtq x", words="not a number: x")
def refusals(t, command, words):
    said = stopped_bench(t, [command])
    expect(words in said and "Traceback" not in said, said)


@test("gdb: before the kernel has an executor it says so")
def too_early(t):
    path = t.path("gdb.sock")
    with Machine(t, "job=demo", arguments=[*socket_arguments(path), "-S"]):
        said = gdb(path, ["squall tasks", "squall requests"])
    expect("it is still coming up" in said and "Traceback" not in said, said)
