# SPDX-License-Identifier: MIT
"""What helps against what a run has said: for scripts/qemu, which tells it, and docs/troubleshooting.md, which lists it."""
import re

# (what QEMU, the kernel or the runner says, what helps); the first that matches is told.
REMEDIES = [
    (r'Failed to get "(?:write|consistent read|shared .*)" lock',
     "another QEMU has this disk: end it, or take another image with DISK="),
    (r"Failed to find an available port|Address already in use",
     "another process has this port or socket: end it, or name another"),
    (r"Unable to load the RISC-V firmware", "leave -bios out, and QEMU takes its own OpenSBI; install it with: make deps"),
    (r"driver requires .* to be a regular file|Could not open '.*': (?:No such file|Permission denied|Is a directory)",
     "DISK= is a raw image that you may read and write: truncate -s 16M disk.img makes one"),
    (r"can't find value|is not a valid device model|Property '.*' not found|invalid option",
     "look at what is in QEMU_EXTRA="),
    (r"unable to find CPU model|unsupported machine type|implicitly requires|requires .* extension",
     "leave -cpu and -M as they are, or give what this QEMU has: qemu-system-riscv64 -cpu help, -M help"),
    (r"regions overlap|ROM regions are overlapping",
     "the kernel, the firmware and the device tree must not lie on each other: more memory with MEM=, and linker.ld as it is"),
    (r"the kernel (?:is (?:no|cut off)|cannot be read)", "build it anew: make clean all"),
    (r"the tree that -dtb names is another machine's", "leave -dtb out, or give the tree of this machine: -M virt,dumpdtb=virt.dtb writes it"),
    (r"QEMU has not started the machine", "the back end of a disk does not answer: look at where its image lies"),
    (r"the kernel has not said a word",
     "leave -bios and -cpu out, build anew with make clean all, and compare linker.ld with what is committed"),
    (r"it has no interrupt\b|its interrupt .* none of its controller's", "give each virtio_mmio node its interrupts property again"),
    (r"no interrupt controller that we drive", "run it on -M virt with a PLIC: without aia=, and with its node in the tree"),
    (r"FDT_ERR_\w+|error: device tree: ", "the device tree is damaged or not ours: leave -dtb out"),
    (r"needs a disk and there is none", "give it one: DISK=build/disk.img"),
    (r"needs a source of entropy", 'give it one: QEMU_EXTRA="-device virtio-rng-device"'),
    (r"no such job|boot arguments: ", "docs/contract.md lists the boot arguments, and what each may be"),
    (r"stack overflow", "a task is no thread: what is large belongs into its structure, not on the stack"),
    (r"still pending", "await what is pending, or cancel it, before its place is used again"),
    (r"no AWAIT of its own", "move the AWAIT out of the switch: make lint says which it is"),
    (r"keeps all others waiting", "have the task yield: CORO_YIELD() in its loop"),
    (r"nobody holds its waker", "poll must keep the waker before it returns POLL_PENDING: waker_register()"),
    (r"error: deadlock: ", "somebody must set the event, give the lock back, or send: the lines above name who waits, and where"),
    (r"nothing to do \d+ times running: disabled",
     "a device holds its interrupt line, so the kernel has shut it: acknowledge all that InterruptStatus shows, and look whether it is the device's own line"),
    (r"an interrupt was lost",
     "look whether the PLIC enables the source and completes what it claimed, and whether the device is acknowledged before the ring is looked at"),
    (r"a request is overdue", "the device does not answer: look at its back end, or give it longer with timeout_ms="),
    (r"the write is to a read-only|the disk is read-only", "take a disk that may be written"),
    (r"^panic cause=", "docs/book/5-running.md shows how to stop the kernel there: make debug, make gdb, break panic_at"),
]


def remedy(text):
    """What helps, or None where nothing is known."""
    return next((words for pattern, words in REMEDIES if re.search(pattern, text, re.M)), None)
