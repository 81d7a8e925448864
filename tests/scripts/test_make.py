# SPDX-License-Identifier: MIT
"""The build: the same everywhere, with either compiler, and plain about what is wrong."""
import json
import os
import re
import shlex

import disk
import record
import work
from machine import ROOT, boot
from tap import Skip, expect, expect_equal, test

COMPILERS = {"gcc": (work.GCC, []), "clang": (work.CLANG, ["LLVM=1"])}


def with_compiler(compiler):
    if compiler == "clang" and not work.has_clang():
        raise Skip("there is no clang")
    return COMPILERS[compiler]


def content(path):
    with open(path, "rb") as file:
        return file.read()


@test("make: two builds in different folders are equal, gcc", long=True, compiler="gcc")
@test("make: two builds in different folders are equal, clang", long=True, compiler="clang")
def reproducible(t, compiler):
    """Another folder, another name for the objects' folder, another order of compiling."""
    built, words = with_compiler(compiler)
    other = work.copy_tree(t.path("the-name-of-a-folder-may-be-long"))
    work.must(work.make(other, *words, "O=made/elsewhere"))
    first, second = content(built.file("squall.elf")), content(os.path.join(other, "made/elsewhere/squall.elf"))
    # The debugger's names of files and folders are part of the image as well.
    expect(ROOT.encode() not in first and other.encode() not in second, "a folder's name is in the image")
    expect(first == second, f"the images differ: {len(first)} and {len(second)} bytes")


@test("make: not a word on standard error, gcc", compiler="gcc")
@test("make: not a word on standard error, clang", compiler="clang")
def no_warning(t, compiler):
    built, _ = with_compiler(compiler)
    built.get()
    expect_equal("what make says on standard error", built.done.error, "")
    expect("warning" not in built.done.output, built.done.output)


@test("make: the kernel by clang does its work, modern", transport="modern")
@test("make: the kernel by clang does its work, legacy", transport="legacy")
def clang_kernel(t, transport):
    built, _ = with_compiler("clang")
    path = disk.make(t.path("disk"))
    options = {"kernel": built.file("squall.elf"), "transport": transport, "disks": [disk.image(path)]}
    boot(t, "job=demo", **options).check(0, result={"ok": 4})
    boot(t, "job=fill iodepth=7 bs=12k fsync=3", **options).check(0)
    expect_equal("the image", record.first_difference(disk.content(path), record.filled(0, 2048)), None)
    boot(t, "job=verify iodepth=7 bs=20k", **options).check(0, result={"mismatch": 0})
    boot(t, "job=panic", **options).check(5)


@test("make: a second time there is nothing to do")
def nothing_to_do(t):
    done = work.must(work.make(work.GCC.get()))
    expect_equal("what make prints", done.output + done.error, "make: Nothing to be done for 'all'.\n")


@test("make: a header that changes is noticed, and so is a flag")
def rebuild(t):
    folder = work.copy_tree(t.path("copy"))
    work.must(work.make(folder, "-j2"))
    work.append(folder, "include/block.h", "/* changed */\n")
    done = work.must(work.make(folder))
    expect("kernel/block.c" in done.output and "kernel/string.c" not in done.output, done.output)
    work.replace(folder, "Makefile", "-O2", "-O1")
    expect("kernel/string.c" in work.must(work.make(folder, "-j2")).output, "other flags, and nothing is compiled")


@test("make: clean removes what was made, and nothing else")
def clean(t):
    folder = work.copy_tree(t.path("copy"), ("Makefile", "scripts"))
    work.write(folder, "made/kernel/x.o", "")
    work.must(work.make(folder, "O=made", "clean"))
    expect_equal("what is left", sorted(os.listdir(folder)), ["Makefile", "scripts"])


@test("make lint passes", long=True)
def lint(t):
    work.must(work.make(ROOT, "lint"))


# Variables --------------------------------------------------------------------------------------

@test("make: a misspelt variable is reported, QEMUEXTRA", word="QEMUEXTRA=x", hint="QEMU_EXTRA")
@test("make: a misspelt variable is reported, job", word="job=probe", hint="JOB")
@test("make: a misspelt variable is reported, TRANSPROT", word="TRANSPROT=legacy", hint="TRANSPORT")
@test("make: a misspelt variable is reported, LIBFDTSRC", word="LIBFDTSRC=/tmp", hint="LIBFDT_SRC")
@test("make: a variable like no other is reported", word="COLOUR=red", hint="SMP")
def misspelt(t, word, hint):
    for target in ("all", "qemu", "help", "lint", "clean"):
        done = work.make(ROOT, "-n", target, word)
        expect_equal(f"status of make {target}", done.status, 2)
        expect(word.split("=")[0] in done.error and hint in done.error, done.error)


@test("make: bad values are refused", words=[
    "TRANSPORT=pci", "TRANSPORT=", "SMP=0", "SMP=two", "SMP=-1", "MEM=lots", "MEM=128X", "MEM=", "TIMEOUT=1h",
    "TIMEOUT=-1", "V=2", "V=yes", "LLVM=yes", "O=a b", "O=", "O=a%b", "LIBFDT_SRC=a b"])
def bad_values(t, words):
    for word in words:
        done = work.make(ROOT, "-n", "help", word)
        expect_equal(f"status with {word!r}", done.status, 2)
        expect(word.split("=")[0] in done.error, f"{word!r}: {done.error}")
        expect_equal(f"lines with {word!r}", done.error.count("\n"), 1)


@test("make: good values are taken", words=[
    "TRANSPORT=legacy", "SMP=8", "MEM=1G", "MEM=64m", "TIMEOUT=", "TIMEOUT=0", "V=1", "V=0", "LLVM=0",
    "APPEND=a b 'c'"])
def good_values(t, words):
    for word in words:
        work.must(work.make(ROOT, "-n", "help", word))


@test("make: fuzz wants to know for how many seconds", words=["T=long", "T=0", "T=-1", "T=1.5"])
def fuzz_seconds(t, words):
    for word in words:
        done = work.make(ROOT, "fuzz", word)
        expect_equal(f"status with {word!r}", done.status, 2)
        expect(f"'{word[2:]}' is no number of seconds" in done.error, f"{word!r}: {done.error}")


@test("make help lists every target and every variable")
def help_is_complete(t):
    told = work.must(work.make(ROOT, "help")).output
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        makefile = file.read()
    variables = set(re.findall(r"^([A-Z_]+) +\?=", makefile, re.M))
    targets = {word for line in re.findall(r"^\.PHONY:(.*)$", makefile, re.M) for word in line.split()} - {"FORCE"}
    expect(len(variables) > 10 and len(targets) > 8, f"found only {variables} and {targets}")
    wanted = {"JOB", "APPEND", "DISK", "SMP", "MEM", "TRANSPORT", "QEMU_EXTRA", "O", "V", "CROSS_COMPILE", "TOOLPREFIX",
              "LLVM", "LIBFDT_SRC"}
    for name in variables | wanted:
        expect(re.search(rf"^ +{name}=", told, re.M), f"help does not know {name}")
    for name in targets | {"deps", "qemu", "test", "gdb", "debug", "lint", "help", "clean"}:
        expect(re.search(rf"^ +{name} ", told, re.M), f"help does not know make {name}")


@test("compile_commands.json is JSON, and its commands work")
def compile_commands(t):
    folder = work.copy_tree(t.path("copy"))
    work.must(work.make(folder, "compile_commands.json"))
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    sources = {os.path.relpath(os.path.join(where, name), folder) for part in ("kernel", "drivers")
               for where, _, names in os.walk(os.path.join(folder, part)) for name in names if name.endswith(".c")}
    expect_equal("the files", {entry["file"] for entry in entries}, sources)
    for entry in entries:
        expect_equal("directory", entry["directory"], folder)
    one = next(entry for entry in entries if entry["file"] == "kernel/block.c")
    work.must(work.command(*shlex.split(one["command"]), "-fsyntax-only", where=folder))


# Missing tools ----------------------------------------------------------------------------------

@test("make: no compiler", gone=("gcc",), words=["-gcc", "make deps"], goal=[])
@test("make: no linker", gone=("-ld", "-ld.bfd"), words=["-ld", "make deps"], goal=[])
@test("make: no nm", gone=("-nm",), words=["-nm", "make deps"], goal=[])
@test("make: no python3", gone=("python3",), words=["python3", "make deps"], goal=[])
@test("make: no clang", gone=tuple(f"clang{v}" for v in ("", *(f"-{n}" for n in range(11, 20)))),
      words=["clang", "make deps"], goal=["LLVM=1"])
@test("make: no QEMU", gone=("qemu-system-riscv64",), words=["qemu-system-riscv64", "make deps"], goal=["qemu"])
@test("make: no shellcheck", gone=("shellcheck",), words=["shellcheck", "make deps"], goal=["lint"])
def missing_tool(t, gone, words, goal):
    """The word names the tool, and the command that installs it."""
    folder = work.copy_tree(t.path("copy"))
    if goal == ["qemu"]:                # the kernel is there, so that only QEMU is asked for
        work.must(work.make(folder, "-j2"))
    done = work.make(folder, *goal, PATH=work.tools_without(t.path("bin"), *gone))
    expect(done.status != 0, f"it passes:\n{done.output}")
    for word in words:
        expect(word in done.error, f"{word!r} is not in:\n{done.error}")


@test("make: no sources of libfdt")
def no_libfdt(t):
    folder = work.copy_tree(t.path("copy"))
    done = work.make(folder, XDG_CACHE_HOME=t.path("empty"), LIBFDT_SRC=None)
    expect(done.status != 0 and "libfdt" in done.error and "make deps" in done.error, done.error)
    done = work.make(folder, f"LIBFDT_SRC={t.folder}")
    expect(done.status != 0 and "LIBFDT_SRC" in done.error and "fdt.c" in done.error, done.error)


@test("make deps: nothing happens where all is there")
def deps_is_quiet(t):
    # Should something be missing, this is not the place to install it.
    for name in ("apt-get", "sudo"):
        os.chmod(work.write(t.folder, f"bin/{name}", "#!/bin/sh\necho called; exit 1\n"), 0o755)
    done = work.make(ROOT, "deps", PATH=t.path("bin") + ":" + os.environ["PATH"])
    if "called" in done.output:
        raise Skip("something is missing here; get it with: make deps")
    expect_equal("what it says", work.must(done).output + done.error, "")


# make qemu --------------------------------------------------------------------------------------

@test("make qemu: a disk is made, the demo runs")
def make_qemu(t):
    folder, path = work.GCC.get(), t.path("new.img")
    done = work.must(work.make(folder, "qemu", f"DISK={path}", "TIMEOUT=60"))
    expect_equal("size of the disk", os.path.getsize(path), 16 << 20)
    lines = done.output.split("\n")
    expect(lines[0].startswith("squall "), f"it begins with {lines[0]!r}")
    expect_equal("the last line", lines[-2:], ["exit 0", ""])
    work.must(work.make(folder, "qemu", f"DISK={path}", "TRANSPORT=legacy", "SMP=2", "MEM=64M", "JOB=fill",
                        "APPEND=size=64k bs=8k", "TIMEOUT=60"))
    expect_equal("the image", content(path)[:65536], record.filled(0, 128))


@test("make qemu: any other exit code fails, and is in the exit line")
def make_qemu_fails(t):
    for words, code in ((["JOB=panic"], 5), (["JOB=demo", "DISK=none"], 3), (["APPEND=colour=red"], 4)):
        done = work.make(work.GCC.get(), "qemu", "TIMEOUT=60", *words)
        expect_equal("status", done.status, 2)
        expect(f"\nexit {code}\n" in done.output, done.output)


@test("make fuzz: a target that does not compile keeps no other one from running, and fails the whole")
def one_target_less(t):
    if not work.has_clang():
        raise Skip("there is no clang")
    folder = work.copy_tree(t.path("squall"))
    work.append(folder, "tests/fuzz/fuzz_line.c", "#error broken\n")
    done = work.command("tests/fuzz/run", "1", "line", "args", where=folder)
    expect_equal("status", done.status, 1)
    expect("fuzz: line does not compile" in done.error and "#error broken" in done.error, done.error)
    expect(re.search(r"^args: \d+ inputs", done.output, re.M), f"the other one has not run: {done.output}")


@test("scripts: --help is the usage, and no mistake", commands=["scripts/costs", "scripts/bench", "tests/nightly"])
def usage(t, commands):
    for name in commands:
        done = work.must(work.command(name, "--help"))
        expect(f"usage: {name}" in done.output and not done.error, done.output + done.error)
