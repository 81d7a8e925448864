# SPDX-License-Identifier: MIT
"""What the README promises: its first task compiles and runs, its console is the real one, its files exist."""
import os
import re

from machine import ROOT
from tap import expect, test
from work import copy_tree, make, must


def readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


def replace(folder, name, old, new):
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if "hello" in text:         # somebody has followed the README
        return
    expect(old in text, f"{name} has no {old!r} to add to")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))


@test("README: the first task, as it says to write it", long=True)
def first_task(t):
    code = re.search(r"```c\n(/\* (kernel/jobs/hello\.c) \*/.*?)```", readme(), re.S)
    expect(code, "there is no example of a job")
    folder = copy_tree(t.path("squall"))
    with open(os.path.join(folder, code[2]), "w", encoding="utf-8") as file:
        file.write(code[1])
    replace(folder, "Makefile", "JOBS := jobs.c", "JOBS := jobs.c hello.c")
    replace(folder, "include/jobs/jobs.h", "extern const struct job ", "extern const struct job hello_job, ")
    replace(folder, "kernel/jobs/jobs.c", "jobs[] = { ", "jobs[] = { &hello_job, ")
    done = must(make(folder, "qemu", "JOB=hello"))
    said = [line for line in done.output.splitlines() if re.match(r"\d$|hello|exit", line)]
    expect(said == ["3", "2", "1", "hello: the first byte is 0x00", "exit 0"], f"it says {said}")
    must(make(folder, "lint"))


def shape(line):
    """A console line without what differs from run to run."""
    return re.sub(r"build=\w+|\d+ turns|[\d.]+ ms", "", line).split()


@test("README: its console is what the demo prints")
def console(t):
    shown = re.search(r"```\n(squall .*?exit 0)\n```", readme(), re.S)[1].splitlines()
    folder = copy_tree(t.path("squall"))
    printed = must(make(folder, "qemu")).output
    printed = printed[printed.index("squall "):].strip().splitlines()
    expect([shape(line) for line in shown] == [shape(line) for line in printed],
           "README:\n" + "\n".join(shown) + "\nthe demo:\n" + "\n".join(printed))
    expect(len(shown) <= 25, "more lines than a beginner can follow")


@test("README: the files and jobs that it names are there")
def names(_t):
    text = readme()
    for name in set(re.findall(r"`((?:kernel|drivers|include|scripts|tests|docs)/[\w./]*)`", text)):
        expect(os.path.exists(os.path.join(ROOT, name)) or name == "kernel/jobs/hello.c", f"there is no {name}")
    with open(os.path.join(ROOT, "kernel/jobs/jobs.c"), encoding="utf-8") as file:
        jobs = {name.replace("_", "-") for name in re.findall(r"&(\w+)_job", file.read())}
    told = re.search(r"The jobs are (.*?)\.", text, re.S)[1]
    expect(set(re.findall(r"`([\w-]+)`", told)) == jobs - {"hello"}, f"README: {told}; the kernel: {jobs}")
