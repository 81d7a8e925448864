# SPDX-License-Identifier: MIT
"""The trees that QEMU really hands over."""
import os
import shutil
import struct
import subprocess

from base import CASES, Case

COMMAND = "qemu-system-riscv64"
SLOTS = [f"virtio_mmio@{0x10001000 + i * 0x1000:x}" for i in range(8)]


def dump(folder, name, machine, *arguments):
    path, kernel = os.path.join(folder, name), os.path.join(folder, "kernel")
    with open(kernel, "wb") as file:    # without one there are no bootargs
        file.write(bytes(4096))
    subprocess.run([COMMAND, "-M", f"{machine},dumpdtb={path}", *arguments, "-bios", "none", "-kernel", kernel,
                    "-nographic"],
                   check=True, timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with open(path, "rb") as file:
        blob = file.read()
    return blob[:struct.unpack_from(">I", blob, 4)[0]]      # the rest is not the tree's


def name_in(blob, *names):
    """The node's name, which differs between versions of QEMU."""
    return next(name for name in names if name.encode() + b"\0" in blob)


def add_virt(folder, harts, megabytes):
    bootargs = f"job=probe seed={harts}"
    blob = dump(folder, f"virt{harts}.dtb", "virt", "-smp", str(harts), "-m", f"{megabytes}M", "-append", bootargs)
    plic = name_in(blob, "plic@c000000", "interrupt-controller@c000000")
    devices = {plic: "c000000+600000 interrupt 11 of cpu@0/interrupt-controller context %u",
               "serial@10000000": f"10000000+100 interrupt 10 of soc/{plic}", "test@100000": "100000+1000",
               **{slot: f"{slot[12:]}+1000 interrupt {slot[16]} of soc/{plic}" for slot in SLOTS}}
    sstc = "; sstc" if b"sstc" in blob else ""
    names = sorted(devices, key=lambda name: blob.index(name.encode() + b"\0"))
    for hart in range(harts):
        lines = [f"hart {hart} of {harts}: " + " ".join(str(one) for one in range(harts)) + sstc, "clock 10000000",
                 f'bootargs "{bootargs}"', "stdout serial@10000000", f"memory 80000000+{megabytes << 20:x}"]
        for name in names:
            lines.append(f"{name} {devices[name]}".replace("%u", str(2 * hart + 1)))
        CASES.append(Case(f"QEMU's virt, hart {hart} of {harts}", None, hart, lines, blob))


def add_sifive_u(folder):
    """A machine without anything that we drive, but a PLIC; hart 0 has no S-mode."""
    blob = dump(folder, "sifive_u.dtb", "sifive_u")
    plic = name_in(blob, "plic@c000000", "interrupt-controller@c000000")
    first = "interrupt 11 of cpu@0/interrupt-controller"
    for hart, context in ((0, -2), (1, 2)):
        CASES.append(Case(f"QEMU's sifive_u, hart {hart}", None, hart, [
            f"hart {hart} of 2: 0 1", "clock 1000000", 'bootargs ""', "stdout serial@10010000",
            "memory 80000000+8000000",
            f"{plic} c000000+4000000 {first} context {context}"], blob))


def all_of_them(folder):
    if not shutil.which(COMMAND):
        return
    for harts, megabytes in ((1, 128), (4, 32), (8, 4096)):
        add_virt(folder, harts, megabytes)
    add_sifive_u(folder)
