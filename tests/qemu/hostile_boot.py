# SPDX-License-Identifier: MIT
"""Boots with a disk that lies, beside an honest one, and what must be true of all of them."""
import os
import random
import struct

import disk
import work
from hostile import DEPTH, TIMEOUT, Liar
from machine import ROOT, Machine
from mutant import Mutant
from tap import Failure, expect

RAM, RAM_BASE = 32, 0x80000000      # MiB, and where it begins
SIZE = 64 * disk.KIB
TRAFFIC = "rw=randrw size=64k bs=4k fsync=16"
COUNT, SLOW_COUNT = 60, 36      # requests; fewer where many of them take a deadline
LIMIT = 200             # seconds; a device that is given up takes some deadlines


def add_job(tree):
    os.symlink(os.path.join(ROOT, "tests/qemu/neighbour.c"), os.path.join(tree, "kernel/jobs/neighbour.c"))
    work.replace(tree, "Makefile", "JOBS := jobs.c", "JOBS := jobs.c neighbour.c")
    work.replace(tree, "include/jobs/jobs.h", "extern const struct job ", "extern const struct job neighbour_job, ")
    work.replace(tree, "kernel/jobs/jobs.c", "jobs[] = { ", "jobs[] = { &neighbour_job, ")


KERNEL = work.Built(change=add_job)


def constant_segments(path):
    """(address, bytes) of what an ELF file has loaded and nobody may write: text and constants."""
    with open(path, "rb") as file:
        image = file.read()
    (start,) = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    for at in range(start, start + size * count, size):
        kind, flags, offset, _, address, length = struct.unpack_from("<IIQQQQ", image, at)
        if kind == 1 and not flags & 2 and length:
            yield address, image[offset:offset + length]


def check_memory(ram, kernel):
    """Of the guest's memory, after its end; `ram` is closed."""
    segments = list(constant_segments(kernel))
    expect(len(segments) >= 2, f"{len(segments)} segments of text and constants")
    with open(ram, "rb") as file:
        for address, expected in segments:
            file.seek(address - RAM_BASE)
            found = file.read(len(expected))
            if found != expected:
                at = next(i for i in range(len(expected)) if found[i] != expected[i])
                raise Failure(f"text or constants have changed at {address + at:#x}: {found[at:at + 8].hex()}, not {expected[at:at + 8].hex()}")


def with_memory():
    """The guest's memory as a file that has no name, and nobody need remove, and a Machine's options for it."""
    ram = os.memfd_create("ram")
    path = f"/proc/{os.getpid()}/fd/{ram}"
    return ram, {"mem": f"{RAM}M", "board": "virt,memory-backend=m0",
                 "arguments": ["-object", f"memory-backend-file,id=m0,size={RAM}M,share=on,mem-path={path}"]}


def boot(t, liar, append=f"iodepth={DEPTH}", transport="modern", device="", reconnect=False, count=COUNT, other=None):
    """A Result, with the disk of `liar` as the first and an honest one as the last."""
    ram, options = with_memory()
    kernel = KERNEL.file("squall.elf")
    other = other or disk.image(disk.make(t.path("honest"), disk.MIB))
    t.on_failure[:] = [lambda: [f"told: {dict(liar.told)}; {dict(liar.counts)}; of the driver: {liar.faults[:3]}"]]
    with liar, Machine(t, f"job=neighbour {TRAFFIC} number_ios={count} {append}", disks=[liar.disk(device, reconnect), other], kernel=kernel,
                       transport=transport, limit=LIMIT, **options) as machine:
        run = machine.wait()
    check_memory(ram, kernel)
    return run


def check_run(run, codes, provoked=()):
    """It has ended in an allowed way, and the other disk has worked all the time; returns the exit code."""
    found = list(run.problems(provoked))
    if found:
        raise Failure("\n".join(found))
    code = run.only("exit")["code"]
    expect(code in codes, f"exit {code}, not one of {codes}")
    run.check(code, provoked=provoked)
    if code in (0, 1, 2):
        run.only("result")
        (line,) = run.starting("neighbour: ")
        expect(line.endswith(", 20 after, 0 wrong"), f"the other disk: {line}")
    return code


def run_lie(t, lie, when, transport, device="", ring="", seed=1, count=None):
    """Boot with one lie; (Result, Liar)."""
    append = f"iodepth={DEPTH} {ring}" + (f" timeout_ms={TIMEOUT}" if lie.slow else "")
    liar, away = Liar(t.path("socket"), lie, when, seed), lie.name.endswith("for a second")
    run = boot(t, liar, append, transport, device, reconnect=away, count=count or (SLOW_COUNT if lie.slow or away else COUNT))
    os.remove(t.path("socket"))
    return run, liar


def run_seed(t, seed):
    """Boot with a disk whose every lie follows from a number; (Result, Mutant)."""
    dice = random.Random(seed)
    device = ",".join(word for word in ("indirect_desc=off", "event_idx=off", "num-queues=4") if dice.random() < 0.3)
    packed = dice.random() < 0.25
    if packed:
        device = ",".join(["packed=on"] + [device] * bool(device))
    append = f"timeout_ms=500 iodepth={dice.choice([1, 4, 16])} queue_size={dice.choice([0, 4, 16, 128])}{' ring=packed' * packed}"
    mutant = Mutant(t.path("socket"), seed)
    run = boot(t, mutant, append, "modern" if packed else dice.choice(["modern", "legacy"]), device, count=40)
    os.remove(t.path("socket"))
    return run, mutant
