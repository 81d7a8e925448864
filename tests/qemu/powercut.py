# SPDX-License-Identifier: MIT
"""What a power cut leaves of a disk, by what QEMU's device saw and by its log of all writes.

QEMU's trace has everything in one order: when the device took a request and when it answered, and each byte that the
kernel printed. A cut comes between two of these events. What then must be on the disk, the specification says (virtio
1.2, 5.2.6.2): each write that was answered before a flush was taken which was answered before the cut; of a disk that
writes through (5.2.5.1) each write that was answered. Of all others each sector may be there or not, also when a later
write to it is.
"""
import bisect
import itertools
import re

import record
from block_log import entries
from tap import expect_equal

TRACE = ["-trace", "virtio_blk_*", "-trace", "virtqueue_pop", "-trace", "serial_write"]
EVENT = re.compile(r"virtqueue_pop vq \S+ elem (?P<flush>\S+) in_num 1 out_num 1$"
                   r"|virtio_blk_handle_(?P<kind>read|write) vdev \S+ req (?P<data>\S+) sector (?P<sector>\d+) nsectors (?P<sectors>\d+)"
                   r"|virtio_blk_req_complete vdev \S+ req (?P<end>\S+) status (?P<status>\d+)"
                   r"|serial_write write addr 0x00 val 0x(?P<byte>..)")


class Request:
    """A flush, or a read or write of the `sectors` sectors from `sector` on; `ended` is None as long as it has not ended well."""

    def __init__(self, begun, sector=0, sectors=0):
        self.begun, self.ended, self.sector, self.sectors = begun, None, sector, sectors


class History:
    """A run: reads, writes, flushes, and claims, which are (when, seq) of the durable lines. `end`: how many events there were.

    versions: of each sector, the writes to it in their order, and what each wrote there.
    """

    def __init__(self, trace, log, cached=True):
        self.cached = cached
        self.reads, self.writes, self.flushes, self.claims, self.end = [], [], [], [], 0
        self._read(trace)
        self.versions = {}
        self._take_data(log)

    def _read(self, trace):
        pending, line = {}, bytearray()
        for event in filter(None, map(EVENT.match, trace.splitlines())):
            if event["byte"]:
                line.append(int(event["byte"], 16))
                if line[-1:] != b"\n":
                    continue
                if claim := re.match(rb"durable seq=(\d+)\s", line):
                    self.claims.append((self.end, int(claim[1])))
                line.clear()
            elif event["flush"]:
                pending[event["flush"]] = Request(self.end)
                self.flushes.append(pending[event["flush"]])
            elif event["data"]:
                pending[event["data"]] = Request(self.end, int(event["sector"]), int(event["sectors"]))
                (self.reads if event["kind"] == "read" else self.writes).append(pending[event["data"]])
            elif (request := pending.pop(event["end"], None)) and event["status"] == "0":
                request.ended = self.end
            self.end += 1

    def _take_data(self, log):
        """Writes to one sector are never in flight together, so both have them in one order."""
        data = {}
        for kind, sector, sectors, written in entries(log):
            for i in range(sectors if kind == "write" else 0):
                data.setdefault(sector + i, []).append(written[512 * i:512 * i + 512])
        for write in self.writes:
            for lba in range(write.sector, write.sector + write.sectors) if write.ended is not None else ():
                self.versions.setdefault(lba, []).append((write, data[lba].pop(0)))
        expect_equal("writes that only the log has", [lba for lba, rest in data.items() if rest], [])

    def claimed(self, cut):
        """What is called durable by then."""
        return max((seq for when, seq in self.claims if when < cut), default=0)

    def candidates(self, cut):
        """{sector: [(write, data)]} of what each may hold after a power cut before event number `cut`; what is safe comes first."""
        synced = max((flush.begun for flush in self.flushes if (flush.ended or cut) < cut), default=0)
        safe_before = synced if self.cached else cut
        for lba, versions in self.versions.items():
            begun = bisect.bisect_left(versions, cut, key=lambda version: version[0].begun)
            safe = bisect.bisect_left(versions, safe_before, 0, begun, key=lambda version: version[0].ended)
            yield lba, [versions[safe - 1] if safe else (None, record.ZERO), *versions[safe:begun]]


def cut_power(history, cut, rng):
    """{sector: data} of what a cut may leave: nothing that need not be there, all, some sectors, or some requests."""
    how = rng.choice(["nothing", "all", "sectors", "requests"])
    kept = {}
    left = {}
    for lba, candidates in history.candidates(cut):
        if how == "nothing":
            chosen = candidates[0]
        elif how == "all":
            chosen = candidates[-1]
        elif how == "sectors":
            chosen = rng.choice(candidates)
        else:
            chosen = next((one for one in reversed(candidates) if kept.setdefault(one[0], rng.random() < 0.5)), candidates[0])
        left[lba] = chosen[1]
    return left


class Promise:
    """What `durable seq=` means for a job: which record each sector must have at least.

    fill: (first sector, sectors) of its span; None: rw, whose records are told by what was written.
    """

    def __init__(self, history, seed, fill=None):
        self.seqs = {record.ZERO: 0}    # data: its seq
        self.order = {}                 # sector: the seqs that belong there, ascending
        for lba, versions in history.versions.items():
            for _, data in versions:
                self.seqs[data] = record.seq_of(data, lba, seed)
                self.order.setdefault(lba, []).append(self.seqs[data])
        seqs = set(self.seqs.values())
        self.most = next(seq for seq in itertools.count(1) if seq not in seqs) - 1      # up to it no write is missing
        if fill:
            self.order = {fill[0] + i: [i + 1] for i in range(fill[1])}

    def check(self, left, claim):
        """(how many records must be there, [(sector, the seq there, the least that it must be)] of the lost)."""
        checked, lost = 0, []
        for lba, order in self.order.items():
            owed = order[bisect.bisect_right(order, claim) - 1] if order[0] <= claim else 0
            found = self.seqs[left.get(lba, record.ZERO)]
            checked += owed > 0
            if found < owed:
                lost.append((lba, found, owed))
        return checked, lost
