# SPDX-License-Identifier: MIT
"""What QEMU's block device saw: an oracle that the kernel cannot talk round."""
import re

from machine import Machine, read
from tap import expect

TRACE = ["-trace", "virtio_blk_*"]
BEGIN = re.compile(r"virtio_blk_handle_(read|write) vdev \S+ req (\S+) sector (\d+) nsectors (\d+)")
END = re.compile(r"virtio_blk_req_complete vdev \S+ req (\S+) status (\d+)")


class Requests:
    """all: (kind, sector, sectors) in the order of submission; most: how many there were at once.

    failed: those that the device ended with an error. flushes: how many ended. overlaps: pairs that were in flight together and share a sector.
    """

    def __init__(self, log):
        self.all, self.failed, self.most, self.flushes, self.overlaps = [], [], 0, 0, []
        in_flight = {}
        for line in log.splitlines():
            if match := BEGIN.match(line):
                one = (match[1], int(match[3]), int(match[4]))
                self.overlaps += [(one, other) for other in in_flight.values() if share(one, other)]
                in_flight[match[2]] = one
                self.all.append(one)
                self.most = max(self.most, len(in_flight))
            elif match := END.match(line):
                one = in_flight.pop(match[1], None)
                if one is None:         # of the ones that are no read and no write, the only one
                    self.flushes += 1
                elif match[2] != "0":
                    self.failed.append(one)

    def of(self, kind):
        return [one for one in self.all if one[0] == kind]


def share(one, other):
    return one[1] < other[1] + other[2] and other[1] < one[1] + one[2]


def boot_traced(t, append, **options):
    """(Result not yet checked, Requests)."""
    options.setdefault("arguments", [])
    options["arguments"] = [*TRACE, *options["arguments"]]
    with Machine(t, append, **options) as machine:
        run = machine.wait()
        return run, Requests(read(machine.log))


def check_places(requests, bs, offset, length):
    """Each is `bs` bytes at a multiple of it, within the span."""
    for kind, sector, sectors in requests:
        where = sector * 512 - offset
        expect(sectors * 512 == bs and where % bs == 0 and 0 <= where <= length - bs,
               f"{kind} of {sectors} sectors at {sector} is not as asked")
