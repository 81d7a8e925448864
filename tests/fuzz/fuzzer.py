# SPDX-License-Identifier: MIT
"""Build the fuzz targets, run them, and tell what came of it; docs/fuzzing.md.

Each tests/fuzz/fuzz_*.c is a target, which names its sources as a host test does, and libFuzzer's options in a
comment `options: -max_len=256`. It is built by clang with libFuzzer and the sanitizers, with the host suite's own code.
"""
import glob
import importlib.machinery
import importlib.util
import os
import random
import re
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

loader = importlib.machinery.SourceFileLoader("host_suite", os.path.join(ROOT, "tests", "host", "suite"))
host = importlib.util.module_from_spec(importlib.util.spec_from_loader("host_suite", loader))
loader.exec_module(host)

BUILD = os.path.join(os.environ.get("O") or "build", "fuzz")
FOUND = os.path.join(BUILD, "found")
# An input that takes longer, or more memory, is a finding as well.
LIMITS = ["-timeout=10", "-rss_limit_mb=1024", "-detect_leaks=0", "-print_final_stats=1"]
PROGRESS = re.compile(r"^#(\d+)\s+\w+ +cov: (\d+) .* exec/s: (\d+)", re.M)


class Compiler(host.Compiler):
    """The host suite's clang, with libFuzzer for the kernel's sources. What stands around them is only to be quick; of the
    simulator the branches count, but not what it compares."""

    def __init__(self):
        super().__init__("clang", "")
        self.beside, self.simulator = host.Compiler("clang", ""), host.Compiler("clang", "")
        for one in (self, self.beside, self.simulator):
            one.flags += ["-O2", "-funsigned-char", "-D_GNU_SOURCE", "-Itests/fuzz"]    # characters as on RISC-V
        self.flags.append("-fsanitize=fuzzer")
        self.simulator.flags += ["-fsanitize=fuzzer-no-link", "-fno-sanitize-coverage=trace-cmp"]
        self.keep_in(os.path.join(BUILD, "objects"))

    def keep_in(self, folder):
        self.folder = self.beside.folder = self.simulator.folder = folder

    def compile(self, source):
        if source.startswith(("tests/host/", "tests/fuzz/")):
            self.beside.compile(source)
        elif source.startswith("tests/sim/"):
            self.simulator.compile(source)
        else:
            super().compile(source)


class Target(host.Program):
    def __init__(self, path):
        super().__init__(path)
        # A folder's, but for the one that has a main() of its own.
        self.sources = [one for source in self.sources for one in sorted(glob.glob(source)) or [source] if not one.endswith("/main.c")]
        options = re.search(r"/\* options: (.*) \*/", self.text[:2000])
        self.options = options[1].split() if options else []
        dictionary = os.path.join("tests/fuzz", f"{self.name}.dict")
        if os.path.exists(dictionary):
            self.options.append(f"-dict={dictionary}")
        self.path = None

    def make(self, compiler):
        for source in self.sources:
            compiler.compile(source)
        self.path = os.path.abspath(compiler.link(self.name, self.sources))

    def seeds(self):
        """The folders of inputs that are there already."""
        folders = [os.path.join("tests/fuzz/corpus", self.name)]
        if self.name == "tree":
            folders.append(generated_trees())
        return [folder for folder in folders if os.path.isdir(folder)]

    def command(self, *arguments):
        os.makedirs(FOUND, exist_ok=True)
        return [self.path, *LIMITS, *self.options, f"-artifact_prefix={FOUND}/{self.name}-", *arguments]

    def replay(self, *files):
        """Each file, or all of the corpus, once; (exit status, what was said)."""
        return host.execute(self.command(*(files or ["-runs=0", *self.seeds()])), 600, env=environment())

    def minimise(self):
        """Keep in the tree, of what is there and what was found, as few inputs as reach every edge; how many those are."""
        kept, new = os.path.join("tests/fuzz/corpus", self.name), os.path.join(BUILD, "minimised", self.name)
        beside = [folder for folder in self.seeds() if folder != kept]
        shutil.rmtree(new, ignore_errors=True)
        os.makedirs(new)
        for folder in beside:           # what those reach need not be kept again
            shutil.copytree(folder, new, dirs_exist_ok=True)
        there = set(os.listdir(new))
        sources = [folder for folder in (kept, os.path.join(BUILD, "corpus", self.name)) if os.path.isdir(folder)]
        status, text = host.execute(self.command("-merge=1", "-use_counters=0", "-use_cmp=0", new, *sources), 1200, env=environment())
        if status != 0:
            sys.exit(f"fuzz: {self.name}: {text[-2000:]}")
        shutil.rmtree(kept, ignore_errors=True)
        os.makedirs(kept)
        names = sorted(set(os.listdir(new)) - there)
        for name in names:
            shutil.copy(os.path.join(new, name), os.path.join(kept, name[:12]))
        return len(names)

    def log(self):
        return os.path.join(BUILD, f"{self.name}.log")

    def start(self, seconds, seed):
        """Search for new inputs; what is of use is kept in the build folder."""
        corpus = os.path.join(BUILD, "corpus", self.name)
        os.makedirs(corpus, exist_ok=True)
        with open(self.log(), "w", encoding="utf-8") as log:
            return subprocess.Popen(self.command(f"-max_total_time={seconds}", f"-seed={seed}", corpus, *self.seeds()),
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                    start_new_session=True, env=environment())


def environment():
    # The kernel's memcmp() stops at the first difference: so does what libfdt may compare beyond the end of a string.
    return {**os.environ, **host.ENVIRONMENT, "ASAN_OPTIONS": host.ENVIRONMENT["ASAN_OPTIONS"] + ":abort_on_error=1:strict_memcmp=0"}


def targets():
    return [Target(os.path.join("tests/fuzz", name)) for name in sorted(os.listdir("tests/fuzz"))
            if re.fullmatch(r"fuzz_\w+\.c", name)]


def compiler():
    """The compiler, or None and why there is none."""
    if not shutil.which("clang"):
        return None, "there is no clang; install it with: make deps"
    made = Compiler()
    if not made.knows("-fsanitize=fuzzer"):
        return None, "this clang has no libFuzzer"
    return made, None


def new_seed():
    return random.SystemRandom().randrange(1, 1 << 31)


def generated_trees():
    """The host tests' device trees, a file each."""
    folder = os.path.join(BUILD, "seeds", "tree")
    if os.path.isdir(folder):
        return folder
    text = subprocess.run(["tests/host/trees/generate"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          check=True).stdout
    os.makedirs(folder + ".new", exist_ok=True)
    while text:
        head, _, rest = text.partition(b"\n")
        _, _, _, lines, size, name = head.decode().split(" ", 5)
        start, end = int(lines), int(lines) + int(size)
        if int(size) < 8192:        # QEMU's own are no better, and slower
            with open(os.path.join(folder + ".new", re.sub(r"\W+", "_", name)[:60]), "wb") as file:
                file.write(rest[start:end])
        text = rest[end:]
    os.rename(folder + ".new", folder)
    return folder


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def executed(text):
    """How many inputs were run."""
    count = re.search(r"^stat::number_of_executed_units: (\d+)", text, re.M)
    return int(count[1]) if count else 0


def findings(text):
    return re.findall(r"Test unit written to (\S+)", text)


def summary(text, seconds):
    """In words, what a run did."""
    progress = PROGRESS.findall(text)
    words = f"{executed(text)} inputs"
    if seconds:
        words += f", {executed(text) // max(seconds, 1)} a second"
    if progress:
        words += f"; {progress[-1][1]} edges"
    counts = re.search(r"^\d+ taken, .*", text, re.M)
    return words + (f"; {counts[0]}" if counts else "")


def explanation(target, text):
    """The lines of a finding: what, where, and how to have it again."""
    begin = re.search(r"^(finding: |.*runtime error|==\d+== ?ERROR|ALARM)", text, re.M)
    lines = text[begin.start():].splitlines() if begin else text.splitlines()[-20:]
    if host.SHADOW in lines:
        lines = lines[:lines.index(host.SHADOW)]
    noise = re.compile(r"NOTE: |      Combine|stat::|Base64|artifact_prefix|0x\w\w?,|MS: |$")
    lines = [line[:160].replace(ROOT + "/", "") for line in lines if not noise.match(line) and
             (not re.match(r" +#\d", line) or re.search(r" (kernel|drivers|include|tests)/|libfdt/", line.replace(ROOT + "/", "")))]
    return lines[:40] + [f"again: tests/fuzz/run {target.name} {path}" for path in dict.fromkeys(findings(text))]


def interrupt(children):
    """libFuzzer stops at once, and says how far it was."""
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
