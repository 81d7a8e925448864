# SPDX-License-Identifier: MIT
"""What QEMU's virtio-mmio devices saw, held against what the specification asks of a driver.

The log names no device. But slots are probed one after the other, each beginning with its magic
number, so what comes between two of those concerns one slot; the first notification or interrupt
comes after all of that, and from there on everything concerns a device that is ready. One that is
reset then is brought up again without a pause, and so is a Slot of its own until it is ready.
"""
import re

MAGIC, VERSION, DEVICE_ID = 0x00, 0x04, 0x08
FEATURES, FEATURES_SEL, DRIVER_FEATURES, DRIVER_SEL = 0x10, 0x14, 0x20, 0x24
PAGE_SIZE, QUEUE_SEL, QUEUE_MAX, QUEUE_SIZE, QUEUE_ALIGN, PFN = 0x28, 0x30, 0x34, 0x38, 0x3c, 0x40
READY, NOTIFY, IRQ_STATUS, IRQ_ACK, STATUS = 0x44, 0x50, 0x60, 0x64, 0x70
ADDRESSES = (0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4)
QUEUE_RESET, GENERATION, CONFIG = 0xc0, 0xfc, 0x100
QUEUE_SETUP = {QUEUE_SIZE, QUEUE_ALIGN, PFN, READY, *ADDRESSES}
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, FAILED = 1, 2, 4, 8, 0x80

ACCESS = re.compile(r"virtio_mmio_(?:read virtio_mmio_read offset (0x[0-9a-f]+)"
                    r"|write_offset virtio_mmio_write offset (0x[0-9a-f]+) value (0x[0-9a-f]+))$")


def split_log(text):
    """The accesses, as (offset, value) with None for a read; the lines that are no trace."""
    accesses, others = [], []
    for line in text.splitlines():
        match = ACCESS.match(line)
        if match and match[1]:
            accesses.append((int(match[1], 16), None))
        elif match:
            accesses.append((int(match[2], 16), int(match[3], 16)))
        elif not re.match(r"(virtio|virtqueue|serial)_\w+ ", line):
            others.append(line)
    return accesses, others


class Slot:
    """One slot, from its magic number on; problems are collected in words."""

    def __init__(self, legacy, again=False):
        self.legacy = legacy
        self.problems = []
        self.again = again              # it was there before, and may be given up after its reset
        self.reads = [MAGIC, VERSION, DEVICE_ID] if again else []
        self.touched = False            # written to: so it is not an empty slot
        self.status = 0
        self.reset()

    def reset(self):
        self.status = 0
        self.reset_confirmed = False
        self.features_confirmed = self.legacy
        self.selected = {}              # the feature half that was selected and not yet used
        self.halves = {FEATURES: set(), DRIVER_FEATURES: set()}
        self.queue = set()              # registers of the selected queue that were written
        self.in_use_read = False

    def need(self, condition, text):
        if not condition:
            self.problems.append(f"{text} (status {self.status:#x})")

    @property
    def features_done(self):
        wanted = {0} if self.legacy else {0, 1}
        return self.features_confirmed and self.halves[DRIVER_FEATURES] == wanted

    def read(self, offset):
        self.reads.append(offset)
        if offset == STATUS:
            self.reset_confirmed = True
            self.features_confirmed |= bool(self.status & FEATURES_OK)
        elif offset == FEATURES:
            self.use_half(FEATURES, FEATURES_SEL)
        elif offset in (PFN, READY):
            self.in_use_read = True
        elif offset >= GENERATION:
            self.need(self.features_done, "the configuration is read before the features are settled")
            self.need(not (self.legacy and offset == GENERATION), "legacy has no ConfigGeneration")
        else:
            self.need(offset in (MAGIC, VERSION, DEVICE_ID, QUEUE_MAX, IRQ_STATUS),
                      f"register {offset:#x} is not for reading")

    def use_half(self, register, selector):
        half = self.selected.pop(selector, None)
        self.need(half is not None, f"{register:#x} is used without {selector:#x} before it")
        self.halves[register].add(half)

    def write(self, offset, value):
        self.touched = True
        if offset == STATUS:
            self.write_status(value)
        elif offset in (FEATURES_SEL, DRIVER_SEL):
            self.selected[offset] = value
        elif offset == DRIVER_FEATURES:
            self.use_half(DRIVER_FEATURES, DRIVER_SEL)
            self.need(not self.status & FEATURES_OK, "features are written after FEATURES_OK")
            self.need(self.status & DRIVER, "features are written before DRIVER")
        elif offset in (QUEUE_SEL, PAGE_SIZE) or offset in QUEUE_SETUP:
            self.write_queue(offset, value)
        elif offset == IRQ_ACK:
            self.need(value in (1, 2, 3), f"InterruptACK of {value:#x}")
            self.need(IRQ_STATUS in self.reads, "InterruptACK before InterruptStatus")
        elif offset >= CONFIG:
            self.need(self.features_done, "the configuration is written before the features are settled")
        else:
            self.need(offset == NOTIFY, f"register {offset:#x} is not for writing")

    def write_status(self, value):
        if value == 0:
            self.reset()
            return
        added = value & ~self.status
        self.need(value & self.status == self.status, f"Status {value:#x} takes a bit away")
        if not value & FAILED:
            self.need(self.reset_confirmed, "no reset, or one whose end was not awaited, came first")
            self.need(not added & DRIVER or self.status & ACKNOWLEDGE, "DRIVER before ACKNOWLEDGE")
            self.need(not added & ~(DRIVER | ACKNOWLEDGE) or self.status & DRIVER, "DRIVER is left out")
        if added & FEATURES_OK:
            self.need(not self.legacy, "legacy has no FEATURES_OK")
            self.need(self.halves[FEATURES] == {0, 1}, "FEATURES_OK before both halves were read")
            self.need(self.halves[DRIVER_FEATURES] == {0, 1}, "FEATURES_OK before both halves were written")
        if added & DRIVER_OK:
            self.need(self.features_done, "DRIVER_OK before the features are settled")
            self.need((PFN if self.legacy else READY) in self.queue, "DRIVER_OK without a queue")
        self.status = value

    def write_queue(self, offset, value):
        self.need(self.features_done, f"queue register {offset:#x} before the features are settled")
        self.need(not self.status & (DRIVER_OK | FAILED), f"queue register {offset:#x} is written too late")
        of_legacy = (PAGE_SIZE, QUEUE_ALIGN, PFN)
        self.need(offset in (QUEUE_SEL, QUEUE_SIZE) or self.legacy == (offset in of_legacy),
                  f"queue register {offset:#x} is the other version's")
        if offset in (PFN, READY):
            rest = {PAGE_SIZE, QUEUE_SIZE, QUEUE_ALIGN} if self.legacy else {QUEUE_SIZE, *ADDRESSES}
            missing = sorted(rest - self.queue)
            self.need(not missing, f"the queue starts without {[hex(one) for one in missing]}")
            self.need(self.in_use_read, "nobody looked whether the queue was in use")
            self.need(value, "the queue starts with 0")
        self.queue.add(offset)

    def end(self):
        first = [MAGIC, VERSION, DEVICE_ID]
        if self.touched:
            self.need(self.status & (DRIVER_OK | FAILED) or (self.again and self.reset_confirmed and not self.status),
                      "the driver stopped half way")
            self.need(self.reads[:3] == first, "magic, version, device: not in this order")
        else:                           # fewer where the tree is refused meanwhile
            self.need(self.reads == first[:len(self.reads)],
                      f"an empty slot sees {[hex(one) for one in self.reads]}")


def slots(accesses, legacy):
    """A Slot for each that was probed, in that order, with what happened there."""
    found, ready, running, again = [], [], False, None
    for offset, value in accesses:
        if offset == MAGIC and value is None:
            if running:                 # the machine starts over
                ready, running, again = [], False, None
            found.append(Slot(legacy))
        elif not found:
            begin_without_magic(found, legacy, offset)
        if offset in (NOTIFY, IRQ_STATUS) and not running:
            running = True
            ready = [slot for slot in found if slot.status & DRIVER_OK]
            found[-1].need(ready, f"register {offset:#x} before any DRIVER_OK")
        if running and (offset, value) == (STATUS, 0):
            again = Slot(legacy, again=True)
            found.append(again)
        # Whose status it is cannot be told when several devices run.
        elif running and not again and len(ready) > 1 and offset in (STATUS, GENERATION, CONFIG):
            continue
        elif again and again.status == 0 and len(ready) > 1 and offset >= GENERATION:
            continue                    # it may be given up, and this the other's
        slot = again or (ready[-1] if running and ready else found[-1])
        if value is None:
            slot.read(offset)
        else:
            slot.write(offset, value)
        if again and (again.status & (DRIVER_OK | FAILED) or offset in (NOTIFY, IRQ_STATUS)):
            again.need(again.status == 0 or again.status & (DRIVER_OK | FAILED),
                       f"register {offset:#x} before the DRIVER_OK after a reset")
            again = None
    return found


def begin_without_magic(found, legacy, offset):
    found.append(Slot(legacy))
    found[0].need(False, f"register {offset:#x} before any magic number")


def problems(accesses, legacy):
    found = slots(accesses, legacy)
    for slot in found:
        slot.end()
    for number, slot in enumerate(found):
        for text in slot.problems:
            yield f"virtio-mmio, slot {number} in the order of probing: {text}"
