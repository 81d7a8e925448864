# SPDX-License-Identifier: MIT
"""Memory, harts, and boards that are not quite the one we know."""
import os
import subprocess

import disk
from machine import KERNEL, ROOT, boot
from tap import Skip, expect, expect_equal, test

MIB = disk.MIB


def one_disk(t):
    return [disk.image(disk.make(t.path("disk")))]


@test("memory: 32M", mem="32M", size=32 * MIB)
@test("memory: 64M", mem="64M", size=64 * MIB)
@test("memory: 128M", mem="128M", size=128 * MIB)
@test("memory: 1G", mem="1G", size=1024 * MIB)
@test("memory: 4G", mem="4G", size=4096 * MIB)
@test("memory: an odd amount", mem="77M", size=77 * MIB)
def memory(t, mem, size):
    for transport in ("modern", "legacy"):
        run = boot(t, "job=demo", disks=one_disk(t), mem=mem, transport=transport).check(0)
        expect_equal("mem", run.only("squall")["mem"], size)


@test("memory: buffers in all of 32M", mem="32M", append="bs=1m iodepth=24")
@test("memory: buffers in all of 4G", mem="4G", append="bs=256m iodepth=15")
def much_memory(t, mem, append):
    boot(t, f"job=verify size=16m {append}", disks=[disk.null(16 * disk.GIB)], mem=mem).check(0)


@test("memory: 32M, and iodepth= asks for more", mem="32M", append="bs=1m iodepth=64", word="iodepth=64")
@test("memory: iodepth= that no machine has memory for", mem="128M", append="iodepth=4294967295",
      word="iodepth=4294967295")
def too_little(t, mem, append, word):
    run = boot(t, f"job=fill {append}", disks=[disk.null(disk.GIB)], mem=mem)
    run.check_refusal(4, word)


# Which hart boots is decided by a race, so each number of harts is tried several times.
@test("harts: 1", harts=1, times=2)
@test("harts: 2", harts=2, times=4)
@test("harts: 4", harts=4, times=6)
@test("harts: 8", harts=8, times=8)
def harts_and_boot_hart(t, harts, times):
    booted = []
    for i in range(times):
        run = boot(t, "job=demo", disks=one_disk(t), smp=harts, transport=("modern", "legacy")[i % 2])
        line = run.check(0).only("squall")
        expect_equal("harts", line["harts"], harts)
        expect(line["hart"] < harts, f"hart {line['hart']} of {harts}")
        booted.append(line["hart"])
    t.note(f"boot harts: {booted}")


@test("aia=aplic: no interrupt controller that we drive, demo", append="job=demo")
@test("aia=aplic: no interrupt controller that we drive, fill", append="job=fill")
@test("aia=aplic: no interrupt controller that we drive, probe", append="job=probe")
def aplic(t, append):
    run = boot(t, append, disks=one_disk(t), board="virt,aia=aplic")
    expect("interrupt controller" in run.check_words(3, "interrupt controller").starting("error: ")[-1],
           "the last error line does not say what is missing")


@test("aclint=on works")
def aclint(t):
    boot(t, "job=demo", disks=one_disk(t), board="virt,aclint=on").check(0, result={"ok": 4})


def run_script(arguments, limit=120):
    """scripts/qemu, with no terminal; (status, output lines, error lines)."""
    command = [os.path.join(ROOT, "scripts/qemu"), "--kernel", KERNEL, "--timeout", str(limit), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit + 20, check=False)
    return done.returncode, done.stdout.decode().split("\n"), done.stderr.decode().split("\n")


@test("sifive_u: no virtio and no way to power off, in words", append="job=demo", code=3)
@test("sifive_u: probe", append="job=probe", code=0)
def sifive_u(t, append, code):
    status, lines, _ = run_script(["--append", append, "--", "-M", "sifive_u"])
    lines = [line.strip() for line in lines if line.strip()]
    expect_equal("the last line", lines[-1], f"exit {code}")
    expect_equal("the runner's status", status, code)
    expect_equal("error lines", sum(line.startswith("error: ") for line in lines), int(code != 0))
    expect(lines[0].startswith("squall "), f"it begins with: {lines[0]}")


@test("sifive_u: the boot hart is hart 1")
def sifive_u_hart(t):
    status, lines, _ = run_script(["--append", "job=idle timeout_ms=20", "--", "-M", "sifive_u"])
    expect_equal("status", status, 0)
    expect(any(" hart=1 " in line for line in lines), "no line says hart=1")


@test("an initrd is not overwritten", data=b"initrd" * 200000)
def initrd(t, data):
    path = disk.make(t.path("initrd"), len(data), data)
    run = boot(t, "job=fill bs=64k iodepth=16 size=1m", disks=[disk.null(16 * MIB)], arguments=["-initrd", path])
    run.check(0)


@test("other virtio devices beside the disk")
def other_devices(t):
    run = boot(t, "job=demo", disks=one_disk(t),
               arguments=["-device", "virtio-rng-device", "-device", "virtio-serial-device"])
    # Devices without a driver are left as they are: not even reset.
    run.check(0, result={"ok": 4})


@test("cpu without Sstc", cpu="rv64,sstc=off")
@test("cpu with fewer PMP entries and no F or D", cpu="rv64,f=false,d=false")
@test("cpu: sifive-u54", cpu="sifive-u54")
def cpus(t, cpu):
    run = boot(t, "job=idle timeout_ms=20", arguments=["-cpu", cpu])
    if run.status == 1 and not run.lines:
        raise Skip(f"this QEMU has no such processor: {run.stderr[:1]}")
    run.check(0)
