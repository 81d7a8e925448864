# SPDX-License-Identifier: MIT
"""QEMU's own trace: what the device saw, and when, by the host's clock."""
import re

from .dump import TraceError

# What QEMU is to log, and to put its clock before it.
ARGUMENTS = ["-msg", "timestamp=on"]
for _pattern in ("virtio_blk_handle_*", "virtio_blk_*_complete", "virtio_queue_notify", "virtio_notify",
                 "virtio_mmio_setting_irq", "virtio_mmio_write_offset"):
    ARGUMENTS += ["-trace", _pattern]

LINE = re.compile(r"\d+@(\d+)\.(\d{6}):(\w+) (.*)$")
HANDLE = re.compile(r"vdev (\S+) req (\S+) sector (\d+) nsectors (\d+)$")
COMPLETE = re.compile(r"vdev (\S+) req (\S+) status (\d+)$")
NOTIFY = re.compile(r"vdev (\S+) n (\d+) ")
INTERRUPT_ACK = 0x64


class Seen:
    """A request that the device saw: microseconds; begin is None where QEMU logs only the end (a flush)."""

    def __init__(self, vdev, operation, sector, sectors, begin):
        self.vdev, self.operation, self.sector, self.sectors = vdev, operation, sector, sectors
        self.begin, self.end, self.status = begin, None, None


class Log:
    """requests: reads and writes, as they came. others: the rest, as they ended. notifies: (us, vdev). acks: us."""

    def __init__(self, text):
        self.requests, self.others, self.notifies, self.acks, self.raised = [], [], [], [], []
        open_ones = {}
        for line in text.split("\n"):
            match = LINE.match(line)
            if match:
                self.take(int(match[1]) * 1000000 + int(match[2]), match[3], match[4], open_ones)

    def take(self, time, event, text, open_ones):
        if event.startswith("virtio_blk_handle_") and (match := HANDLE.match(text)):
            seen = Seen(match[1], event.rpartition("_")[2], int(match[3]), int(match[4]), time)
            self.requests.append(seen)
            open_ones[match[2]] = seen
        elif event == "virtio_blk_req_complete" and (match := COMPLETE.match(text)):
            seen = open_ones.pop(match[2], None)
            if seen is None:
                seen = Seen(match[1], "other", 0, 0, None)
                self.others.append(seen)
            seen.end, seen.status = time, int(match[3])
        elif event == "virtio_queue_notify" and (match := NOTIFY.match(text)):
            self.notifies.append((time, match[1]))
        elif event == "virtio_mmio_write_offset" and f" offset {INTERRUPT_ACK:#x} " in text:
            self.acks.append(time)
        elif event == "virtio_mmio_setting_irq" and text.endswith(" 1"):
            self.raised.append(time)


def parse(text):
    log = Log(text)
    if text.strip() and not (log.requests or log.others or log.notifies or log.acks):
        if not any(LINE.match(line) for line in text.split("\n")):
            raise TraceError("QEMU's log has no line of a trace with its time: this QEMU logs in another form")
    return log
