# SPDX-License-Identifier: MIT
"""The kernel's requests and the device's, held against each other, and the host's clock against the guest's."""
import bisect
import collections

from .model import SECTORS

LOGGED = ("read", "write")      # the others QEMU logs only when they end


def key_of(operation, sector, sectors):
    return operation, sector % SECTORS, sectors


def words(key):
    operation, sector, sectors = key
    return f"{operation} of {sectors} sector{'s' if sectors != 1 else ''} at {sector}"


def pair_logged(model, log):
    """Reads and writes: the n-th of a kind, a place and a size is the n-th there; from the end, should the beginning be lost."""
    ours, theirs = collections.defaultdict(list), collections.defaultdict(list)
    for piece in model.pieces:
        if piece.operation in LOGGED:
            ours[key_of(piece.operation, piece.sector, piece.sectors)].append(piece)
    for seen in log.requests:
        theirs[key_of(seen.operation, seen.sector, seen.sectors)].append(seen)
    for key, pieces in ours.items():
        for piece, seen in zip(pieces[::-1], theirs[key][::-1]):
            piece.seen = seen
    return ours, theirs


def pair_others(model, log):
    """In the order in which they end."""
    pieces = sorted((piece for piece in model.pieces if piece.operation not in LOGGED and piece.used is not None),
                    key=lambda piece: piece.used)
    for piece, seen in zip(pieces[::-1], log.others[::-1]):
        piece.seen = seen
    return pieces


def problems(model, log):
    """After pair(): what one side has and the other has not, in words."""
    for piece in model.pieces:
        if piece.seen is None and piece.reset is None and (piece.operation in LOGGED or piece.used is not None):
            yield f"request {piece.request.number}, a {words(key_of(piece.operation, piece.sector, piece.sectors))}, " \
                  f"is not in QEMU's trace"
    taken = {id(piece.seen) for piece in model.pieces if piece.seen}
    # Of what came before the oldest event that the ring still has, the kernel's side is gone.
    known = [piece.seen.begin for piece in model.pieces if piece.seen and piece.seen.begin is not None]
    for seen in log.requests:
        if id(seen) not in taken and not (model.lost and (not known or seen.begin <= known[0])):
            yield f"QEMU's trace has a {words(key_of(seen.operation, seen.sector, seen.sectors))} that the kernel never submitted"
    if not model.lost:
        for seen in log.others:
            if id(seen) not in taken:
                yield "QEMU's trace has a request that is no read and no write, and that the kernel never submitted"


class Clock:
    """Guest ns of a host's us. One offset where that fits all that is known, else from one known moment to the next."""

    def __init__(self, model, log):
        # The kernel records a notification just before it makes it, and an acknowledgement; and a used entry after the device's end.
        self.known = sorted([*pairs_at_end(notifies_of_disk(model), [time for time, vdev in log.notifies if vdev in vdevs(log)]),
                             *pairs_at_end([one.acked for one in model.interrupts if one.acked is not None], log.acks)],
                            key=lambda pair: pair[1])
        least = max((guest - 1000 * host for guest, host in self.known), default=None)
        most = min((piece.used - 1000 * piece.seen.end for piece in model.pieces
                    if piece.used is not None and piece.seen and piece.seen.end is not None), default=None)
        if least is None:
            least = most if most is not None else 0
        # The host's clock is cut to a microsecond.
        self.offset = least if most is None or least <= most + 2000 else None

    def guest(self, host):
        if self.offset is not None:
            return round(1000 * host + self.offset)
        hosts = [pair[1] for pair in self.known]
        at = bisect.bisect_right(hosts, host)
        if at == 0 or at == len(hosts):
            guest, near = self.known[max(at - 1, 0)]
            return round(guest + 1000 * (host - near))
        (guest, near), (next_guest, far) = self.known[at - 1:at + 1]
        return round(guest + (next_guest - guest) * (host - near) / ((far - near) or 1))


def pairs_at_end(ours, theirs):
    count = min(len(ours), len(theirs))
    return list(zip(ours[len(ours) - count:], theirs[len(theirs) - count:]))


def vdevs(log):
    return {seen.vdev for seen in (*log.requests, *log.others)}


def notifies_of_disk(model):
    """Times of those that the disk got: the device of the first notification after a request was added."""
    added = model.pieces[0].added if model.pieces else 0
    device = next((device for time, device, _ in model.notifies if time >= added), None)
    return [time for time, which, _ in model.notifies if which == device]


def place_in_time(model, clock):
    """When the device had each piece, and which notification told it so."""
    by_queue = collections.defaultdict(list)
    for time, _, queue in model.notifies:
        by_queue[queue].append(time)
    for piece in model.pieces:
        until = next(time for time in (piece.used, piece.reset, model.last) if time is not None)
        if piece.seen:
            if piece.seen.end is not None:
                piece.device_end = max(min(clock.guest(piece.seen.end), until), piece.added)
            if piece.seen.begin is not None:
                piece.device_begin = max(min(clock.guest(piece.seen.begin), piece.device_end or until), piece.added)
        times = by_queue[piece.queue]
        at = bisect.bisect_left(times, piece.added)
        limit = piece.device_begin + 2000 if piece.device_begin is not None else until
        # One that comes later was for others: this piece the device has found by itself.
        if at < len(times) and times[at] <= limit:
            piece.notified = times[at]
            if piece.device_begin is not None:
                piece.device_begin = max(piece.device_begin, times[at])
        if piece.seen and piece.device_begin is None:
            piece.device_begin = piece.notified if piece.notified is not None else piece.added


def match(model, log):
    """Give each piece what the device saw of it; the problems."""
    pair_logged(model, log)
    pair_others(model, log)
    place_in_time(model, Clock(model, log))
    return list(problems(model, log))
