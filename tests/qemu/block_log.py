# SPDX-License-Identifier: MIT
"""The log that QEMU's blklogwrites keeps: that of Linux's dm-log-writes, a superblock and then the entries."""
import struct

MAGIC, VERSION = 0x6A736677736872, 1
FLUSH, DISCARD = 1, 4


def entries(log):
    """(kind, first sector, number of sectors, data) of each write, flush and discard, in the order in which they ended."""
    if not log:                         # nothing has been written
        return
    magic, version, count, size = struct.unpack_from("<QQQI", log)
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError(f"no log of writes: it begins with {magic:#x}, version {version}")
    at = size
    for _ in range(count):
        sector, sectors, flags, _ = struct.unpack_from("<QQQQ", log, at)
        at += size
        length = 0 if flags & DISCARD else sectors * size
        yield "flush" if flags & FLUSH else "discard" if flags & DISCARD else "write", sector, sectors, log[at:at + length]
        at += length


def log_entries(log):
    """The same without the data."""
    return (entry[:3] for entry in entries(log))
