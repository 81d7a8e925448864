# SPDX-License-Identifier: MIT
"""Building the simulator, running its worlds, and making a failure small."""
import importlib.machinery
import importlib.util
import os
import re
import signal
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(os.environ.get("O") or "build", "sim")
SECONDS = 120           # for a world: most take some milliseconds
ALL = tuple("cancel loss spurious power resize errors slow deaf break reset used wish status register".split())

KERNEL = "trace block block_check block_device block_pieces block_recovery executor future timer printk combinators watchdog"
DRIVERS = "plic virtio virtio_mmio virtio_blk virtio_blk_setup virtqueue virtqueue_split virtqueue_packed"


def host_suite():
    """tests/host/suite, whose compilers these are."""
    loader = importlib.machinery.SourceFileLoader("host_suite", os.path.join(ROOT, "tests", "host", "suite"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


host = host_suite()


def sources():
    ours = sorted(name for name in os.listdir(os.path.join(ROOT, "tests", "sim")) if name.endswith(".c"))
    return [*(f"tests/sim/{name}" for name in ours), "tests/host/host.c", *(f"kernel/{name}.c" for name in KERNEL.split()),
            *(f"drivers/{name}.c" for name in DRIVERS.split())]


class Builder(host.Compiler):
    """The host tests' compiler, in a folder of its own; `build` "" is with the sanitizers, "plain" without."""

    def __init__(self, name="gcc", build=""):
        super().__init__(name, build)
        self.folder = os.path.join(BUILD, f"{name}-{build or 'sanitized'}")
        self.flags += ["-O2", "-D_GNU_SOURCE"]

    def program(self):
        for source in sources():
            self.compile(source)
        return os.path.join(ROOT, self.link("sim", sources()))


class Run:
    """Worlds of one kind: how many, what was counted in them, and the first that failed."""

    def __init__(self):
        self.seeds, self.counters, self.hashes, self.failed, self.words = 0, {}, [], None, ""

    def add(self, other):
        self.seeds += other.seeds
        for name, count in other.counters.items():
            self.counters[name] = self.counters.get(name, 0) + count
        self.failed, self.words = (self.failed, self.words) if self.failed is not None else (other.failed, other.words)


def command(program, operations, first, count=1, world=None, faults=(), flags=()):
    return [program, *flags, *(["--world", world] if world else []), *(["--faults", ",".join(faults)] if faults else []),
            str(operations), str(first), str(count)]


def run(program, operations, first, count=1, **kind):
    """Worlds from seed `first` on, until one fails."""
    result = Run()
    words = command(program, operations, first, count, **kind)
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
                          env={**os.environ, **host.ENVIRONMENT}, start_new_session=True) as child:
        with host.running_lock:
            host.running.add(child)
        try:
            output = child.communicate(timeout=SECONDS + count)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            child.kill()
            output = child.communicate()[0].decode("utf-8", "replace") + f"\nfailed: no end after {SECONDS + count} s\n"
        finally:
            with host.running_lock:
                host.running.discard(child)
    seeds = re.findall(r"^seed (\d+)$", output, re.M)
    result.hashes = re.findall(r"^hash (\w+)$", output, re.M)
    counters = re.search(r"^counters (.*)$", output, re.M)
    if counters:
        result.counters = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", counters[1])}
    result.seeds = len(seeds)
    if child.returncode != 0:
        result.failed = int(seeds[-1]) if seeds else first
        result.words = failure_of(output, child.returncode)
    return result


def end_all():
    """Whatever runs still, at once."""
    for child in list(host.running):
        child.kill()


def failure_of(output, status):
    """What a failed world, or a sanitizer, said."""
    for pattern in (r"^failed: (.*)$", r"^.*(?:ERROR: AddressSanitizer|runtime error): (.*)$"):
        found = re.search(pattern, output, re.M)
        if found:
            return found[1]
    return f"it died with {signal.Signals(-status).name}" if status < 0 else f"it ended with status {status}"


def shrink(program, operations, seed, world, faults, patience=60):
    """The smallest number of operations, and faults, with which the seed still fails: at most `patience` runs."""
    def fails(fewer, fewer_faults):
        nonlocal patience
        patience -= 1
        return patience >= 0 and run(program, fewer, seed, world=world, faults=fewer_faults).failed is not None

    smaller = True
    while smaller:
        smaller = False
        for fault in tuple(faults):
            fewer = tuple(one for one in faults if one != fault)
            if fails(operations, fewer):
                faults, smaller = fewer, True
        step = operations // 2
        while step > 0:
            if operations > step and fails(operations - step, faults):
                operations, smaller = operations - step, True
            else:
                step //= 2
    return operations, faults


def replay(operations, seed, world, faults):
    """What has that world again."""
    return (f"make sim SEED={seed} OPS={operations}" + (f" WORLD={world}" if world else "") +
            (f" FAULTS={','.join(faults)}" if faults else ""))
