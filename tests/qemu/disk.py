# SPDX-License-Identifier: MIT
"""Disks for a machine: block nodes of QEMU's, and the device in front of them."""
import json

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40


class Disk:
    """A virtio disk over `node`, a dictionary as blockdev-add has it.

    device: more properties of the device. objects: QEMU objects that the node needs.
    """

    def __init__(self, node, device="", objects=()):
        self.node, self.device, self.objects = node, device, objects

    def arguments(self, name):
        for definition in self.objects:
            yield from ("-object", definition)
        yield from ("-blockdev", json.dumps({**self.node, "node-name": name}))
        # What the machine cannot do without is said of the device, not of all that may be there.
        properties = f",{self.device}" if self.device else ""
        yield from ("-device", f"virtio-blk-device,drive={name}{properties}")


def file_node(path):
    # The page cache is enough for what a test wants to find again.
    return {"driver": "file", "filename": path, "cache": {"no-flush": True}}


def raw(node, **options):
    return {"driver": "raw", "file": node, **options}


def image(path, device="", read_only=False):
    """The file at `path`."""
    node = {**file_node(path), **({"read-only": True} if read_only else {})}
    return Disk(raw(node, **({"read-only": True} if read_only else {})), device)


def null(size, device="", latency_ns=0):
    """A disk that forgets what is written to it, and reads as zeroes."""
    return Disk({"driver": "null-co", "size": size, "read-zeroes": True, "latency-ns": latency_ns}, device)


def faulty(path, *rules, states=(), device=""):
    """The file at `path` behind blkdebug, with its rules for injected errors."""
    node = {"driver": "blkdebug", "image": file_node(path)}
    # It takes no list that is empty.
    node.update({key: list(value) for key, value in (("inject-error", rules), ("set-state", states)) if value})
    return Disk(raw(node), device)


def slow(path, bytes_a_second, device=""):
    """The file at `path`, throttled."""
    limits = f"throttle-group,id=slow,x-bps-total={bytes_a_second}"
    node = {"driver": "throttle", "throttle-group": "slow", "file": file_node(path)}
    return Disk(raw(node), device, [limits])


def let_go(machine):
    """What was slow is no more."""
    machine.qmp.command("qom-set", path="/objects/slow", property="limits", value=dict.fromkeys(("bps-total", "bps-read", "bps-write"), 0))


def logged(path, log, device=""):
    """The file at `path`, and every write, flush and discard in the file `log`."""
    node = {"driver": "blklogwrites", "file": file_node(path), "log": file_node(log), "log-super-update-interval": 1}
    return Disk(raw(node), device)


def make(path, size=MIB, data=b""):
    """Make an image that begins with `data`; the rest is a hole. Returns the path."""
    with open(path, "wb") as file:
        file.write(data)
        file.truncate(size)
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def patch(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)
