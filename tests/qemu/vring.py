# SPDX-License-Identifier: MIT
"""The device's side of a virtqueue, in memory that is shared with the guest (virtio 1.2, 2.7 and 2.8).

It is what a device has to be, and no more forgiving: what the driver may not do is a Fault.
"""
import mmap
import os
import struct
import threading

INDIRECT_DESC, EVENT_IDX, PACKED = 1 << 28, 1 << 29, 1 << 34
NEXT, WRITE, INDIRECT = 1, 2, 4
USED, AVAIL = 1 << 15, 1 << 7
NO_INTERRUPT, EVENT_DISABLE, EVENT_DESC = 1, 1, 2
MASK = 0xFFFF
BARRIER = threading.Lock()


class Fault(Exception):
    """What the driver did that a driver must not do."""


def barrier():
    """A store before it is seen before any load after it: taking a lock is that."""
    with BARRIER:
        pass


class Region:
    def __init__(self, guest, size, user, offset, fd):
        self.guest, self.size, self.user = guest, size, user
        memory = mmap.mmap(fd, offset + size)
        os.close(fd)
        self.bytes = memoryview(memory)[offset:]
        # One access each, for what both sides look at: struct would store a byte at a time.
        self.views = {1: self.bytes, 2: self.bytes.cast("H"), 4: self.bytes.cast("I"), 8: self.bytes.cast("Q")}


class Memory:
    def __init__(self):
        self.regions = []

    def find(self, address, length):
        for region in self.regions:
            if region.guest <= address and address + length <= region.guest + region.size:
                return region, address - region.guest
        raise Fault(f"{length} bytes at {address:#x} are not in the guest's memory")

    def guest_address(self, user):
        for region in self.regions:
            if region.user <= user < region.user + region.size:
                return user - region.user + region.guest
        raise Fault(f"{user:#x} is none of the front-end's addresses")

    def read(self, address, length):
        region, offset = self.find(address, length)
        return bytes(region.bytes[offset:offset + length])

    def write(self, address, data):
        region, offset = self.find(address, len(data))
        region.bytes[offset:offset + len(data)] = data

    def load(self, address, width):
        region, offset = self.find(address, width)
        return region.views[width][offset // width]

    def store(self, address, value, width):
        region, offset = self.find(address, width)
        region.views[width][offset // width] = value & ((1 << 8 * width) - 1)


class Request:
    """A chain of a block device: 16 bytes of header, data, a status byte (5.2.6)."""

    def __init__(self, memory, number, segments, places=1, table=None):
        self.memory, self.number, self.segments, self.places, self.table = memory, number, segments, places, table
        writable = [flags & WRITE for _, _, flags in segments]
        if writable != sorted(writable):
            raise Fault(f"what the device reads comes behind what it writes: {segments}")
        if len(segments) < 2 or segments[0][1] != 16 or segments[-1][1] != 1 or writable[0] or not writable[-1]:
            raise Fault(f"no header of 16 bytes, or no status of one: {segments}")
        if any(length == 0 for _, length, _ in segments):
            raise Fault(f"a segment of no bytes: {segments}")
        self.header, self.status = segments[0][0], segments[-1][0]
        self.type, self.reserved, self.sector = struct.unpack("<IIQ", memory.read(self.header, 16))
        self.data = segments[1:-1]
        self.length = sum(length for _, length, _ in self.data)
        self.reads = bool(self.data) and bool(writable[1])
        self.written = self.length + 1 if self.reads else 1

    def fetch(self):
        return b"".join(self.memory.read(address, length) for address, length, _ in self.data)

    def fill(self, data):
        for address, length, _ in self.data:
            self.memory.write(address, data[:length])
            data = data[length:]

    def set_status(self, value):
        self.memory.store(self.status, value, 1)


class Ring:
    """What both formats have in common. size, features: as negotiated; addresses: the guest's, of the three areas."""

    def __init__(self, memory, size, features, addresses, first=0):
        self.memory, self.size, self.features = memory, size, features
        self.descriptors, self.driver, self.device = addresses
        self.next, self.used = first & MASK, first & MASK
        self.event_idx = bool(features & EVENT_IDX)

    def table(self, address, length):
        """The segments of an indirect table."""
        if not self.features & INDIRECT_DESC or length == 0 or length % 16:
            raise Fault(f"an indirect table of {length} bytes, where features are {self.features:#x}")
        return [struct.unpack("<QIHH", self.memory.read(address + 16 * i, 16)) for i in range(length // 16)]


class Split(Ring):
    packed = False

    def has_work(self):
        ahead = (self.memory.load(self.driver + 2, 2) - self.next) & MASK
        if ahead > self.size:
            raise Fault(f"avail.idx is {ahead} ahead in a ring of {self.size}")
        return ahead > 0

    def pop(self):
        head = self.memory.load(self.driver + 4 + 2 * (self.next % self.size), 2)
        self.next = (self.next + 1) & MASK
        if head >= self.size:
            raise Fault(f"descriptor {head} in a ring of {self.size}")
        table, place, segments = self.descriptors, head, []
        address, length, flags, following = struct.unpack("<QIHH", self.memory.read(table + 16 * place, 16))
        indirect = flags & INDIRECT
        entries = None
        if indirect:
            if flags & NEXT:
                raise Fault("a descriptor that is indirect and goes on")
            table, entries = address, self.table(address, length)
            address, length, flags, following = entries[0]
        while True:
            segments.append((address, length, flags))
            if flags & INDIRECT or len(segments) > self.size:
                raise Fault("a table within a table, or a chain without an end")
            if not flags & NEXT:
                return Request(self.memory, head, segments, table=table if indirect else None)
            if following >= (len(entries) if indirect else self.size):
                raise Fault(f"next is {following}")
            address, length, flags, following = entries[following] if indirect else struct.unpack(
                "<QIHH", self.memory.read(table + 16 * following, 16))

    def element(self, index):
        return self.device + 4 + 8 * (index % self.size)

    def push(self, request, number=None, length=None):
        """Put an answer into the ring, which the driver sees after show()."""
        self.memory.write(self.element(self.used), struct.pack("<II", request.number if number is None else number,
                                                               request.written if length is None else length))
        self.used = (self.used + 1) & MASK

    def show(self):
        """Whether the driver wants to hear of it."""
        old = self.memory.load(self.device + 2, 2)
        self.memory.store(self.device + 2, self.used, 2)
        barrier()
        if not self.event_idx:
            return not self.memory.load(self.driver, 2) & NO_INTERRUPT
        event = self.memory.load(self.driver + 4 + 2 * self.size, 2)
        return (self.used - event - 1) & MASK < (self.used - old) & MASK

    def ask_for_notification(self):
        if self.event_idx:
            self.memory.store(self.device + 4 + 8 * self.size, self.next, 2)
        barrier()


class Packed(Ring):
    """Places are counted with the wrap counter above them, inverted: the first lap is 0."""
    packed = True

    def __init__(self, memory, size, features, addresses, first=0):
        super().__init__(memory, size, features, addresses)
        self.shown = 0
        del first                       # after a reset a ring begins anew; there is no other stop

    def address(self, place):
        return self.descriptors + 16 * (place % self.size)

    def lap(self, place):
        return place // self.size & 1

    def has_work(self):
        flags = self.memory.load(self.address(self.next) + 14, 2)
        return (flags & (AVAIL | USED)) == (USED if self.lap(self.next) else AVAIL)

    def pop(self):
        first, segments, number = self.next, [], None
        while True:
            address, length, number, flags = struct.unpack("<QIHH", self.memory.read(self.address(self.next), 16))
            self.next += 1
            segments.append((address, length, flags))
            if len(segments) > self.size:
                raise Fault("a list without an end")
            if not flags & NEXT:
                break
        table = None
        if segments[0][2] & INDIRECT:
            table = segments[0][0]
            segments = [(address, length, flags) for address, length, _, flags in self.table(*segments[0][:2])]
        return Request(self.memory, number, segments, places=self.next - first, table=table)

    def push(self, request, number=None, length=None):
        at = self.address(self.used)
        self.memory.store(at + 8, request.written if length is None else length, 4)
        self.memory.store(at + 12, request.number if number is None else number, 2)
        barrier()
        self.memory.store(at + 14, 0 if self.lap(self.used) else AVAIL | USED, 2)
        self.used += request.places

    def show(self):
        old, self.shown = self.shown, self.used
        barrier()
        wish = self.memory.load(self.driver, 4)
        if wish >> 16 & 3 != EVENT_DESC or not self.event_idx:
            return wish >> 16 & 3 != EVENT_DISABLE
        event = (wish & 0x7FFF) + (0 if wish & 0x8000 else self.size)
        return (self.used - event - 1) % (2 * self.size) < self.used - old

    def ask_for_notification(self):
        if self.event_idx:
            wrap = 0 if self.lap(self.next) else 0x8000
            self.memory.store(self.device, EVENT_DESC << 16 | wrap | self.next % self.size, 4)
        barrier()
