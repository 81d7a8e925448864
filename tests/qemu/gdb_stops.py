# SPDX-License-Identifier: MIT
"""Run inside gdb by test_gdb.py: stop at random, look, and have the kernel itself say what its tasks are.

Prints for each stop what `squall tasks` and `squall await` say; the kernel's own ps goes to its console, between two
lines about the disk: no text of ours can be given to it. The environment: STOPS, SEED, CONTROL, the socket of QEMU's monitor.
"""
import os
import random
import socket
import sys
import threading
import time

import gdb

sys.path.append(os.path.join(os.environ["ROOT"], "tests/qemu"))
import qmp  # noqa: E402 - found in the folder above

PS = "call (void)'kernel/jobs/monitor.c'::print_tasks(block_executor, block_executor->{0})"
SIE = 2


def run_for(control, seconds):
    """QEMU is told to stop, for a signal to gdb might come before that goes on, or behind; and told again, for so may this."""
    stopped = threading.Event()

    def stop():
        time.sleep(seconds)
        while not stopped.is_set():
            control.command("stop")
            stopped.wait(0.1)
    thread = threading.Thread(target=stop)
    thread.start()
    gdb.execute("continue", to_string=True)
    stopped.set()
    thread.join()


def in_kernel():
    """Not in the firmware, which has another stack and another mode."""
    return gdb.block_for_pc(int(gdb.parse_and_eval("$pc"))) is not None


def look(number):
    print(f"<stop {number}>")
    gdb.execute("squall tasks")
    for name in sorted({task["name"].string() for task in tasks()}):
        gdb.execute(f"squall await {name}")
    for command in ("squall virtq 0", "squall requests", "squall irq"):
        gdb.execute(command)


def ask_the_kernel():
    """Its code is called where it stands, with interrupts off, so that nothing goes on meanwhile."""
    status = int(gdb.parse_and_eval("$sstatus"))
    gdb.execute(f"set $sstatus = {status & ~SIE}")
    gdb.execute("call (void)block_print()")
    gdb.execute(PS.format("tasks"))
    gdb.execute(PS.format("daemons"))
    gdb.execute("call (void)block_print()")
    gdb.execute(f"set $sstatus = {status}")


def main():
    rng = random.Random(os.environ["SEED"])
    done = 0
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ["CONTROL"])
    control = qmp.Qmp(connection)
    while done < int(os.environ["STOPS"]):
        run_for(control, rng.uniform(0.002, 0.05))
        if in_kernel():
            look(done)
            ask_the_kernel()
            done += 1


main()
