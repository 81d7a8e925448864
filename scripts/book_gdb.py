# SPDX-License-Identifier: MIT
"""Run inside gdb by scripts/book: the bytes of the demo's first request, before the device sees it and after.

Prints three blocks, each after a line `block NAME`. Every byte is read from the stopped machine.
"""
import struct

import gdb

F_NEXT, F_WRITE, F_INDIRECT = 1, 2, 4


def value(expression):
    return int(gdb.parse_and_eval(expression))


def memory(address, length):
    return gdb.selected_inferior().read_memory(address, length).tobytes()


def title(text, note):
    print(f"{text:<42}{note}")


def row(address, length, meaning):
    """A line of bytes and what they mean; the number that they are, little-endian."""
    data = memory(address, length)
    print(f"  {address:08x}  {data.hex(' '):<28}{meaning.format(n=int.from_bytes(data, 'little'))}")


def flags_of(address):
    (flags,) = struct.unpack("<H", memory(address + 12, 2))
    return flags, " ".join(name for bit, name in ((F_NEXT, "NEXT"), (F_WRITE, "WRITE"), (F_INDIRECT, "INDIRECT"))
                           if flags & bit)


def descriptor(address, what):
    flags, names = flags_of(address)
    row(address, 8, f"address of {what}")
    row(address + 8, 4, "length: {n}")
    row(address + 12, 2, f"flags: {names}")
    row(address + 14, 2, "next: descriptor {n}" if flags & F_NEXT else "next: not used")


def published():
    ring, seat = "$disk->queues[0].ring", "$disk->queues[0].seats[0]"
    print("block published")
    title("the request's header", "the driver's, in seat 0")
    header = value(f"&{seat}.header")
    row(header, 4, "type: {n}, VIRTIO_BLK_T_IN, a read")
    row(header + 4, 4, "reserved")
    row(header + 8, 8, "sector: {n}")
    title("its status byte", "preset to what no device writes")
    row(value(f"&{seat}.status"), 1, "{n}: not written yet")
    title("the seat's indirect table", "three segments")
    table = value(f"{ring}.tables")
    for index, what in enumerate(("the header", "the task's buffer", "the status byte")):
        descriptor(table + 16 * index, what)
    title("the descriptor table", "entry 0 belongs to seat 0, for ever")
    descriptor(value(f"{ring}.descriptors"), "the indirect table")
    title("the avail ring", "written by the driver, read by the device")
    avail = value(f"{ring}.driver_area")
    row(avail, 2, "flags")
    row(avail + 2, 2, "idx: {n} entry is there to be taken")
    row(avail + 4, 2, "ring[0]: descriptor {n}")
    title("the used ring", "written by the device, read by the driver")
    used = value(f"{ring}.device_area")
    row(used, 2, "flags")
    row(used + 2, 2, "idx: {n} entries are used")


def used():
    ring = "$disk->queues[0].ring"
    print("block used")
    title("the used ring", "written by the device, read by the driver")
    address = value(f"{ring}.device_area")
    row(address, 2, "flags")
    row(address + 2, 2, "idx: {n} entry is used")
    row(address + 4, 4, "ring[0].id: descriptor {n}, and so seat 0")
    row(address + 8, 4, "ring[0].len: {n} bytes written, status included")
    title("the status byte", "of seat 0")
    row(value("&$disk->queues[0].seats[0].status"), 1, "{n}: VIRTIO_BLK_S_OK")
    title("the task's buffer", "its first bytes")
    row(struct.unpack("<Q", memory(value(f"{ring}.tables") + 16, 8))[0], 8, "what is on the disk")


gdb.execute("tbreak drivers/virtio_mmio.c:notify", to_string=True)
gdb.execute("continue", to_string=True)
gdb.execute("set $disk = (struct virtio_blk *)device->driver_data")
published()
print("block await")
print("(gdb) squall await A")
gdb.execute("squall await A")
gdb.execute("tbreak drivers/virtio_blk.c:used_buffers", to_string=True)
gdb.execute("continue", to_string=True)
used()
