# SPDX-License-Identifier: MIT
"""The record in a sector, made from the contract's words and not from the kernel's source."""
import functools
import struct

from tap import Failure

SECTOR = 512
ZERO = bytes(SECTOR)
MASK = (1 << 64) - 1
MAGIC = 0x31304C4C41555153


def splitmix64(state):
    """Yields word after word."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC_TABLE = list(crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def record(lba, seq, seed):
    words = splitmix64(seed ^ (lba * 0x9E3779B97F4A7C15 & MASK) ^ (seq * 0xBF58476D1CE4E5B9 & MASK))
    pattern = b"".join(struct.pack("<Q", next(words)) for _ in range(60))[:476]
    body = struct.pack("<QQQQ", MAGIC, lba, seq, seed) + pattern
    return body + struct.pack("<I", crc32c(body))


@functools.lru_cache(maxsize=None)
def seq_of(data, lba, seed):
    """The seq of the record in a sector, which must be one."""
    seq = int.from_bytes(data[16:24], "little")
    if data != record(lba, seq, seed):
        raise Failure(f"sector {lba} holds no record of seed {seed}: {data.hex()}")
    return seq


@functools.lru_cache(maxsize=None)
def filled(first, count, seed=1):
    """What job=fill writes to a span of `count` sectors that begins at sector `first`."""
    return b"".join(record(first + i, i + 1, seed) for i in range(count))


def first_difference(found, expected):
    """Where two images differ, in words; None: nowhere."""
    if found == expected:
        return None
    if len(found) != len(expected):
        return f"the image has {len(found)} bytes, not {len(expected)}"
    at = next(i for i in range(len(found)) if found[i] != expected[i])
    return (f"the image differs at byte {at % SECTOR} of sector {at // SECTOR}: "
            f"{found[at:at + 8].hex()}, not {expected[at:at + 8].hex()}")
