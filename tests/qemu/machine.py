# SPDX-License-Identifier: MIT
"""A QEMU with the kernel in it: started, bounded, watched, never left behind."""
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import time

import gdbstub
import qmp
import screen
from result import Result

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
KERNEL = os.path.join(ROOT, os.environ.get("O") or "build", "squall.elf")
QEMU = "qemu-system-riscv64"
LIMIT = 120             # seconds for a run; most take a fifth of one, but the host may be slow, and busy
GRACE = 20              # seconds for QEMU to end after its console is closed

running = set()         # process ids of our own children, for a suite that is told to stop


def kill_all():
    for pid in list(running):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Machine:
    """A context manager; inside it the machine runs, or stands still at first with gdb=True.

    disks: of disk.py, the first on the first slot that QEMU gives out. qmp, gdb: connect the
    clients of that name. typed: what type() is given goes to the console. reset: let the guest reset the machine. bare: QEMU's own defaults.
    arguments: QEMU's, after all the others.
    """

    def __init__(self, t, append="", disks=(), transport="modern", smp=1, mem="128M", board="virt",
                 arguments=(), kernel=KERNEL, qmp=False, gdb=False, reset=False, bare=False,
                 typed=False, limit=LIMIT):
        self.legacy = transport == "legacy"
        self.limit = limit
        self.log = os.path.join(t.folder, f"qemu-{id(self)}.log")
        self.stderr = os.path.join(t.folder, f"qemu-{id(self)}.stderr")
        self.sockets = {}               # name: (ours, QEMU's)
        self.typed = typed
        self.raw = b""                  # the whole console
        self.text = ""                  # the same without carriage returns
        self.qmp = self.gdb = self.process = self.result = None
        self.command = [QEMU, "-M", board, "-kernel", kernel, "-append", append]
        self.command += ["-display", "none", "-monitor", "none", "-serial", "stdio"]
        self.command += ["-d", "guest_errors", "-trace", "virtio_mmio_*", "-D", self.log]
        self.command += [] if self.legacy else ["-global", "virtio-mmio.force-legacy=false"]
        if not bare:
            self.command += ["-m", mem] + ([] if reset else ["-no-reboot"])
            # QEMU before 8.1 skips fences where there can be no second hart: now and then an interrupt is lost.
            self.command += ["-smp", f"{smp},maxcpus={max(smp, 2)}"] if board.startswith("virt") else []
        for number, disk in enumerate(disks):
            self.command += disk.arguments(f"d{number}")
        if qmp:
            self.command += [*self._socket("qmp"), "-mon", "chardev=qmp,mode=control"]
        if gdb:
            self.command += [*self._socket("gdb"), "-gdb", "chardev:gdb", "-S"]
        self.command += arguments
        t.on_failure.append(self.details)

    def _socket(self, name):
        """A connected pair, so that nobody has to wait for somebody to listen."""
        ours, theirs = socket.socketpair()
        self.sockets[name] = (ours, theirs)
        return "-chardev", f"socket,id={name},fd={theirs.fileno()}"

    def __enter__(self):
        passed = [theirs.fileno() for _, theirs in self.sockets.values()]
        # Should we be killed ourselves, QEMU is not to stay.
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self.started = time.monotonic()
        self.deadline = self.started + self.limit
        with open(self.stderr, "wb") as stderr:
            self.process = subprocess.Popen(guard + self.command,
                                            stdin=subprocess.PIPE if self.typed else subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=stderr, pass_fds=passed,
                                            start_new_session=True)
        running.add(self.process.pid)
        for _, theirs in self.sockets.values():
            theirs.close()
        try:
            if "qmp" in self.sockets:
                self.qmp = qmp.Qmp(self.sockets["qmp"][0])
            if "gdb" in self.sockets:
                self.gdb = gdbstub.Gdb(self.sockets["gdb"][0])
        except BaseException:
            self._end(0)
            raise
        return self

    def __exit__(self, *_):
        if self.result is None:
            self._end(0)

    def read(self):
        """Take what the console has, waiting a little; False when it is closed."""
        ready, _, _ = select.select([self.process.stdout], [], [], 0.05)
        if ready:
            data = os.read(self.process.stdout.fileno(), 65536)
            self.raw += data
            self.text = self.raw.decode(errors="replace").replace("\r", "")
            return bool(data)
        return True

    def type(self, keys):
        """Type at the console; a carriage return ends a line."""
        self.process.stdin.write(keys.encode("latin-1"))
        self.process.stdin.flush()

    def until(self, pattern):
        """Wait for a line of the console; its match."""
        while True:
            match = re.search(pattern, self.text, re.M)
            if match:
                return match
            open_still = self.read()
            if not open_still or time.monotonic() > self.deadline:
                self._end(0 if open_still else GRACE, hung=open_still)
                raise TimeoutError(f"the console never showed {pattern!r}")

    def wait(self):
        """The Result, once QEMU has ended, or has had to be ended."""
        while self.read():
            if time.monotonic() > self.deadline:
                return self._end(0, hung=True)
        return self._end(GRACE)

    def cpu_seconds(self):
        """Processor time that QEMU has used so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _reap(self, patience):
        """(wait status, resource usage); status None when QEMU had to be killed."""
        give_up = time.monotonic() + patience
        pid = self.process.pid
        killed = False
        while True:
            found, status, usage = os.wait4(pid, os.WNOHANG)
            if found:
                return None if killed else os.waitstatus_to_exitcode(status), usage
            if time.monotonic() >= give_up and not killed:
                os.kill(pid, signal.SIGKILL)    # SIGTERM an idle guest under icount ignores
                killed = True
            time.sleep(0.005)

    def _end(self, patience, hung=False):
        status, usage = self._reap(patience)
        running.discard(self.process.pid)
        self.process.returncode = -1 if status is None else status
        self.process.stdout.close()
        if self.typed:
            self.process.stdin.close()
        for client in (self.qmp, self.gdb):
            if client:
                client.close()
        for ours, _ in self.sockets.values():
            ours.close()
        text = screen.render(self.raw) if self.typed else self.text
        self.result = Result(text, status, hung, self.legacy, read(self.log), read(self.stderr))
        self.result.usage, self.result.limit = usage, self.limit
        self.result.seconds = time.monotonic() - self.started
        return self.result

    def details(self):
        """For the diagnostics of a failed test: how to see it again, and what was seen."""
        yield "command: " + shlex.join(self.command)
        if self.result:
            yield from self.result.details()


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def descendants_named(pid, name):
    """The processes below `pid` whose command's name begins with `name`."""
    children, names = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                head, _, fields = file.read().rpartition(")")
        except OSError:
            continue                    # it has ended meanwhile
        names[int(entry)] = head.partition("(")[2]
        children.setdefault(int(fields.split()[1]), []).append(int(entry))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return [one for one in found if names.get(one, "").startswith(name)]


def boot(t, append="", **options):
    """Run to the end; the Result, not yet checked."""
    with Machine(t, append, **options) as machine:
        return machine.wait()
