# SPDX-License-Identifier: MIT
"""The barriers that no run shows to be missing, for QEMU's devices are in order: they are in the code."""
import os
import re
import struct

import start
from machine import KERNEL
from tap import expect, test

FENCE = 0x0f
PREDECESSORS, SUCCESSORS = 24, 20       # of a fence: bits of the instruction


def letters(bits):
    return "".join(letter for letter, bit in zip("iorw", (8, 4, 2, 1)) if bits & bit)


def fences(code):
    """`before,after` of each fence, in order; an instruction of 2 bytes has not both low bits set."""
    at = 0
    while at + 2 <= len(code):
        word, = struct.unpack_from("<I", code + b"\0\0", at)
        if word & 0xf007f == FENCE and word >> 28 == 0:
            yield f"{letters(word >> PREDECESSORS & 15)},{letters(word >> SUCCESSORS & 15)}"
        at += 4 if word & 3 == 3 else 2


def functions(name):
    """The code of each function of that name."""
    elf = start.elf(KERNEL)
    functions_at = sorted(elf.functions(), key=lambda one: one[1])
    for (found, address), (_, end) in zip(functions_at, functions_at[1:]):
        if found == name:
            segment = next(one for one in elf.loads() if 0 <= address - one[3] < one[5])
            yield elf.data[segment[2] + address - segment[3]:segment[2] + end - segment[3]]


@test("fences: a notification comes after what it is about", function="notify", wanted="w,o")
@test("fences: an interrupt is acknowledged before anybody looks", function="interrupt", wanted="i,r w,o o,r")
@test("fences: a split ring's entry before its index, and that before the wish", function="publish", wanted="w,w rw,rw")
@test("fences: a split ring's index before the element", function="used_buffers", wanted="r,r")
@test("fences: a packed ring's list before its first flags, and those before the wish", function="virtq_packed_publish",
      wanted="w,w rw,rw")
@test("fences: a packed ring's flags before the element", function="virtq_packed_pop_used", wanted="r,r")
def barriers(_t, function, wanted):
    found = [" ".join(fences(code)) for code in functions(function)]
    pattern = ".*".join(map(re.escape, wanted.split()))
    expect(any(re.search(pattern, one) for one in found), f"{os.path.basename(KERNEL)}: {function}() has only {found}")
