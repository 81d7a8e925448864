# SPDX-License-Identifier: MIT
"""job=tasks, and what the executor's parts cost."""
import glob
import re
import subprocess

import start
from machine import boot, read
from tap import expect, expect_equal, test

ICOUNT = ("-icount", "shift=0,sleep=off")


@test("tasks: none", count=0)
@test("tasks: one", count=1)
@test("tasks: two", count=2)
@test("tasks: a group and one", count=17, seed=3)
@test("tasks: a thousand", count=1000, seed=0xffffffffffffffff)
@test("tasks: a thousand, through SBI's timer", count=1000, cpu="rv64,sstc=off")
@test("tasks: a thousand, on two harts", count=1000, smp=2)
@test("tasks: 100,000 in 64 MiB", count=100000, mem="64M")
def tasks(t, count, seed=1, cpu="rv64", **options):
    run = boot(t, f"job=tasks number_ios={count} seed={seed}", arguments=["-cpu", cpu], **options)
    run.check(0)
    (line,) = run.starting("tasks: ")
    expect(line.startswith(f"tasks: {count} lived at once") and line.endswith("all as planned"), line)
    done = [int(number) for number in re.findall(r"(\d+) (?:sleeps|yields|locks|messages)", line)]
    expect_equal("steps", sum(done), 8 * count)
    expect(count < 1000 or min(done) > count, f"not much of something: {line}")


@test("tasks: too many for the memory", count=1000000)
@test("tasks: more than 64 bits of bytes", count=0x1000000000000000)
def too_many(t, count):
    boot(t, f"job=tasks number_ios={count}", mem="64M").check_refusal(4, f"number_ios={count}", "too little memory")


@test("tasks: the same seed, the same run; another seed, another")
def repeats(t):
    texts = [boot(t, f"job=tasks number_ios=200 seed={seed} log=debug", arguments=ICOUNT).check(0).lines[1:]
             for seed in (1, 1, 2)]
    expect_equal("the second run", texts[1], texts[0])
    expect(texts[2] != texts[0], "another seed makes no difference")


@test("timer: with Sstc the firmware is not asked", cpu="rv64", least=0, most=20)
@test("timer: without it, it is", cpu="rv64,sstc=off", least=40, most=100000)
def firmware(t, cpu, least, most):
    """Exceptions that QEMU logs: calls to the firmware. Until the kernel prints by itself there are a few."""
    run = boot(t, "job=tasks number_ios=100", arguments=["-cpu", cpu, "-d", "guest_errors,int", *ICOUNT])
    run.check(0, provoked=["riscv_cpu_do_interrupt"])
    calls = sum(read(path).count("supervisor_ecall") for path in glob.glob(t.folder + "/qemu-*.log"))
    expect(least <= calls <= most, f"{calls} calls of the firmware")


@test("costs: as docs/costs.md says, and within the bars")
def costs(_t):
    run = subprocess.run(["scripts/costs", start.KERNEL, "--check"], capture_output=True, text=True, check=False, cwd=start.ROOT)
    expect(run.returncode == 0, run.stdout + run.stderr)
