# SPDX-License-Identifier: MIT
"""Copies of the tree, and commands run in them as a user would."""
import collections
import contextlib
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import threading

from machine import ROOT
from tap import Failure, Skip, expect

PARTS = ["Makefile", "linker.ld", "kernel", "drivers", "include", "scripts", "tests", ".ci"]
# What a user does not have set, and make hands down to us.
FOREIGN = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MAKEFILES", "O", "V", "T", "JOB", "APPEND", "DISK",
           "SMP", "MEM", "TRANSPORT", "QEMU_EXTRA", "TIMEOUT", "LLVM", "LIBFDT", "TEST_FILTER", "TEST_LIMIT",
           "TEST_SUITES"}
LIMIT = 600             # seconds for a command

Done = collections.namedtuple("Done", "status output error")


def environment(**changes):
    """Ours without what is not a user's, with changes; a value of None takes a variable away."""
    kept = {**{name: value for name, value in os.environ.items() if name not in FOREIGN}, **changes}
    return {name: value for name, value in kept.items() if value is not None}


def command(*words, where=ROOT, limit=LIMIT, stdin=subprocess.DEVNULL, **changes):
    done = subprocess.run(words, cwd=where, env=environment(**changes), stdin=stdin, capture_output=True,
                          timeout=limit, check=False)
    return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def make(where, *words, **options):
    return command("make", *words, where=where, **options)


def must(done):
    expect(done.status == 0, f"status {done.status}\n{done.output}{done.error}")
    return done


@contextlib.contextmanager
def at_terminal(*words, where=ROOT, **changes):
    """A command at a terminal of its own: the process, and the terminal's other side."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:        # a container without devpts
        raise Skip(str(error)) from error
    # Opened by the leader of a session that has none, it is the terminal that Ctrl-C comes from.
    process = subprocess.Popen(["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(theirs), *words], cwd=where,
                               env=environment(**changes), start_new_session=True)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def copy_tree(folder, parts=tuple(PARTS)):
    """The sources, in a folder of their own."""
    os.makedirs(folder)
    for part in parts:
        source = os.path.join(ROOT, part)
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(folder, part), ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder)
    return folder


class Built:
    """A copy of the tree, perhaps changed, that is built once, for all tests that only look at it."""

    def __init__(self, *words, change=lambda folder: None):
        self.words, self.change, self.lock, self.folder, self.done = words, change, threading.Lock(), None, None

    def get(self):
        with self.lock:
            if self.folder is None:
                self.folder = tempfile.TemporaryDirectory(prefix="squall-built-")
                self.change(copy_tree(self.path))
                self.done = make(self.path, "-j2", *self.words)
        if self.done.status != 0:
            raise Failure(f"it does not build:\n{self.done.output}{self.done.error}")
        return self.path

    @property
    def path(self):
        return os.path.join(self.folder.name, "squall")

    def file(self, name):
        return os.path.join(self.get(), "build", name)


GCC, CLANG = Built(), Built("LLVM=1")


def clean_up():
    for built in (GCC, CLANG):
        if built.folder is not None:
            built.folder.cleanup()


def has_clang():
    return any(shutil.which(f"clang{version}") for version in ("", *(f"-{n}" for n in range(14, 20))))


def tools_without(folder, *gone):
    """A folder for PATH with all the tools of this machine except some, by the ends of their names."""
    os.makedirs(folder)
    for path in ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"):
        for name in os.listdir(path) if os.path.isdir(path) else ():
            link = os.path.join(folder, name)
            if not name.endswith(gone) and not os.path.lexists(link):
                os.symlink(os.path.join(path, name), link)
    python = os.path.join(folder, "python3")
    if "python3" not in gone:
        if os.path.lexists(python):
            os.remove(python)
        os.symlink(os.path.realpath(sys.executable), python)
    return folder


def replace(folder, name, old, new):
    """Change a text in a file of a copy; it must be there."""
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    expect(old in text, f"{name} has no {old!r} to be changed")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def append(folder, name, text):
    with open(os.path.join(folder, name), "a", encoding="utf-8") as file:
        file.write(text)
