# SPDX-License-Identifier: MIT
"""A screenshot's pixels, out of a PNG of 8 bits a channel (PNG specification, 9 and 10)."""
import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {2: 3, 6: 4}


def chunks(data):
    at = len(SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def paeth(left, up, corner):
    guess = left + up - corner
    far = abs(guess - left), abs(guess - up), abs(guess - corner)
    return left if far[0] <= far[1] and far[0] <= far[2] else up if far[1] <= far[2] else corner


def unfilter(kind, row, before, step):
    """In place; the first pixel of a row has nothing on its left."""
    if kind == 1:
        for at in range(step, len(row)):
            row[at] = row[at] + row[at - step] & 255
    elif kind == 2:
        row[:] = bytes((one + up) & 255 for one, up in zip(row, before))
    elif kind == 3:
        for at, up in enumerate(before):
            row[at] = row[at] + ((row[at - step] if at >= step else 0) + up >> 1) & 255
    elif kind == 4:
        for at, up in enumerate(before):
            left, corner = (row[at - step], before[at - step]) if at >= step else (0, 0)
            row[at] = row[at] + paeth(left, up, corner) & 255


class Picture:
    def __init__(self, data):
        assert data.startswith(SIGNATURE), "this is no PNG"
        parts = list(chunks(data))
        self.width, self.height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", parts[0][1])
        assert depth == 8 and colour in CHANNELS and not interlaced, "a PNG of another form"
        self.step, self.rows = CHANNELS[colour], []
        packed = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
        length, before = self.width * self.step, bytearray(self.width * self.step)
        for at in range(0, len(packed), length + 1):
            row = bytearray(packed[at + 1:at + 1 + length])
            unfilter(packed[at], row, before, self.step)
            self.rows.append(row)
            before = row

    def pixel(self, x, y):
        return tuple(self.rows[y][x * self.step:x * self.step + 3])

    def count(self, colour, near=0):
        """How many pixels have a colour, or one near it in each channel."""
        if near == 0:
            wanted = bytes(colour)
            return sum(bytes(row[at:at + 3]) == wanted for row in self.rows for at in range(0, len(row), self.step))
        return sum(all(abs(row[at + n] - colour[n]) <= near for n in range(3)) for row in self.rows for at in range(0, len(row), self.step))


def colour(text):
    """Of "#rrggbb"."""
    return tuple(int(text[at:at + 2], 16) for at in (1, 3, 5))
