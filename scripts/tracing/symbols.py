# SPDX-License-Identifier: MIT
"""Names for addresses: functions and their source files, out of the kernel's debug information."""
import os
import re
import shutil
import subprocess

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TOOLS = ["riscv64-unknown-elf-addr2line", "riscv64-linux-gnu-addr2line", "riscv64-elf-addr2line", "llvm-addr2line",
         *(f"llvm-addr2line-{version}" for version in range(19, 13, -1))]


class Place:
    """Where a future waits: `what` for a reader, and the text of the source line, which may be empty."""

    def __init__(self, function, file="", line=0, text=""):
        self.function, self.file, self.line, self.text = function, file, line, text

    def __str__(self):
        return f"{self.file}:{self.line}" if self.line else self.function

    @property
    def short(self):
        return f"{os.path.basename(self.file)}:{self.line}" if self.line else self.function.removesuffix("_poll")


class Symbols:
    """Looks all addresses up at once, for each call of addr2line reads the whole image."""

    def __init__(self, kernel, addresses):
        self.found, self.sources = {}, {}
        tool = next(filter(shutil.which, TOOLS), None)
        addresses = sorted(addresses)
        if tool is None or not addresses:
            return
        try:
            done = subprocess.run([tool, "-f", "-e", kernel, *map(hex, addresses)], capture_output=True, check=False)
        except OSError:
            return
        lines = done.stdout.decode(errors="replace").split("\n")
        for address, function, where in zip(addresses, lines[::2], lines[1::2]):
            match = re.match(r"(.*):(\d+)", where)
            if match and not function.startswith("?"):
                self.found[address] = (function, os.path.normpath(match[1]), int(match[2]))

    def place(self, poll, state):
        """Where a future with this poll function and this state is: a coroutine's state is a source line."""
        function, file, begins = self.found.get(poll, (f"{poll:#x}", "", 0))
        # A hand-written future counts its states from 1; no function begins so early in a file.
        if not begins or state <= begins:
            return Place(function)
        return Place(function, file, state, self.source(file, state))

    def source(self, file, line):
        if file not in self.sources:
            try:
                with open(os.path.join(ROOT, file), encoding="utf-8") as opened:
                    self.sources[file] = opened.read().split("\n")
            except (OSError, UnicodeDecodeError):
                self.sources[file] = []
        lines = self.sources[file]
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""
