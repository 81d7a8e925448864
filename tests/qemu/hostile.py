# SPDX-License-Identifier: MIT
"""A block device that lies: the honest one of vhost_user.py, and a menu of what it may say instead of the truth.

Each lie says what may come of it. What no lie may do: hang the kernel, panic it, or touch another disk.
"""
import collections
import random

import vring
from vhost_user import S_OK, Backend

TIMEOUT = 1200          # milliseconds: what is honest comes before that on a busy host, too
LATE = 3                # seconds: later than the deadline of a request in runs that have one of TIMEOUT
DEPTH = 4               # tasks
UNSEEN = 16             # no fewer answers than a slow driver may not have seen yet: back by less, and it is told nothing new
LIES = []


class Lie:
    """tell(device, queue, request): instead of doing what is asked for, and answering.

    once, always: the exit codes that may come of it when it is told once, or from some request on. resets: how many
    are made when it is told once; None: it depends. why: the kernel's words for them. slow: it takes the deadline to
    find out. harms: the device itself does not find its way afterwards, so what it calls a fault of the driver is none.
    only: a format of the ring. says: parts of what QEMU complains of. retires: told from some request on, it is given up.
    """

    def __init__(self, name, tell, once=(0,), always=(2,), resets=None, slow=False, harms=False, only=None, says=(), why=None, retires=False):
        self.name, self.tell, self.once, self.always, self.resets, self.why = name, tell, once, always, resets, why
        self.slow, self.harms, self.only, self.says, self.retires = slow, harms, only, says, retires


def lie(name, **expected):
    def register(function):
        LIES.append(Lie(name, function, **expected))
        return function
    return register


def answered(name, number=None, length=None, **expected):
    """The element in the used ring is not what it should be: functions of the device, the ring and the request."""
    @lie(name, **expected)
    def tell(device, queue, request):
        device.execute(request)
        queue.ring.push(request, number and number(device, queue.ring, request), length and length(device, request))
        device.show(queue)


def free_number(device, ring, request):
    """One of which the driver has not come yet, if the ring is large enough for that."""
    busy = {one.number for one in device.held} | {request.number}
    return next((number for number in range(ring.size - 1, 200, -1) if number not in busy), ring.size)


BREAKS = {"resets": 1}
NO_ID = {**BREAKS, "retires": True, "why": "a used id is not in flight"}
NO_INDEX = {**BREAKS, "retires": True, "why": "used.idx is beyond what is in flight"}
answered("id beyond the ring", lambda device, ring, _: ring.size + device.random.randrange(1000), **NO_ID)
answered("id just beyond the ring", lambda _, ring, __: ring.size, **NO_ID)
answered("id of all ones", lambda _, ring, __: 0xFFFF if ring.packed else 0xFFFFFFFF, **NO_ID)
answered("id right but for its high half", lambda _, __, request: request.number | 0x10000, **NO_ID, only="split")
answered("id that is not in flight", free_number, **NO_ID)
answered("length of 0", length=lambda *_: 0, always=(0,), resets=0)
answered("length of 1", length=lambda *_: 1, always=(0,), resets=0)
answered("length too large", length=lambda _, request: request.written + 1, always=(0,), resets=0)
answered("length of all ones", length=lambda *_: 0xFFFFFFFF, always=(0,), resets=0)


@lie("the same answer twice", **BREAKS, always=(0, 2), harms=True)
def twice(device, queue, request):
    """In a packed ring it takes the place of the next question."""
    device.execute(request)
    queue.ring.push(request)
    queue.ring.push(request)
    device.show(queue)


@lie("the answer before, once more", **BREAKS, always=(0, 2), harms=True)
def replayed(device, queue, request):
    """When the driver has already looked at it, or no task of its could have made another; and has not taken its seat again."""
    device.execute(request)
    queue.ring.push(request)
    device.show(queue)
    ring = queue.ring

    def again():
        if queue.ring is ring:
            ring.push(request)
            device.show(queue)
    device.after_requests(DEPTH, again)


@lie("another one's id, which is in flight", once=(0, 1, 2), always=(1, 2))
def exchanged(device, queue, request):
    """So one ends that was not even begun, and then ends again."""
    if not queue.ring.has_work():
        device.put_off(queue, request)
        return
    other = queue.ring.pop()
    device.execute(request)
    queue.ring.push(request, other.number)
    device.show(queue)
    device.put_off(queue, other)


def index(name, change):
    @lie(name, **NO_INDEX, only="split")
    def tell(device, queue, _):
        """After which it says no more, or the driver might never see it."""
        ring = queue.ring
        ring.memory.store(ring.device + 2, ring.used + change(device), 2)
        device.call(queue)
        device.deaf = True


index("used.idx far ahead", lambda device: 100 + device.random.randrange(1000))
index("used.idx half around", lambda _: 0x8000)
index("used.idx goes back", lambda _: -UNSEEN)
index("used.idx anywhere", lambda device: device.random.randrange(200, 0xFF00))


@lie("used flags in places that were never asked for", **BREAKS, once=(0, 2), only="packed")
def flags_ahead(device, queue, _):
    ring = queue.ring
    for place in range(ring.used, ring.used + ring.size):
        ring.memory.store(ring.address(place) + 14, 0 if ring.lap(place) else vring.AVAIL | vring.USED, 2)
    device.call(queue)
    device.deaf = True


def status(name, value, once=(2,), **expected):
    @lie(name, once=once, resets=0, **expected)
    def tell(device, queue, request):
        device.status_of(request)
        if value:
            request.set_status(value(device))
        device.answer(queue, request)


status("status never written", None)
status("status 1", lambda _: 1)
status("status 2", lambda _: 2)
status("status beyond 2", lambda device: device.random.randrange(3, 255))
status("status of all ones", lambda _: 255)


@lie("status written after the answer", once=(0, 2), always=(0, 2), resets=0)
def status_late(device, queue, request):
    value = device.status_of(request)
    device.answer(queue, request)
    device.after(0.02, lambda: request.set_status(value))


@lie("data written after the answer", once=(0, 1), always=(0, 1), resets=0)
def data_late(device, queue, request):
    request.set_status(S_OK)
    device.answer(queue, request)
    device.after(0.005, lambda: device.status_of(request))


@lie("data never written", once=(0, 1), always=(0, 1), resets=0)
def data_never(device, queue, request):
    request.set_status(S_OK)
    device.answer(queue, request)


@lie("out of order", always=(0,), resets=0)
def out_of_order(device, queue, request):
    device.put_off(queue, request, device.random.random() * 0.01)


@lie("later than its deadline", slow=True, retires=True)
def late(device, queue, request):
    device.put_off(queue, request, LATE)


@lie("never answered", slow=True, retires=True)
def never(*_):
    pass


@lie("answered after the reset", once=(0, 1, 2), always=(1, 2), slow=True, harms=True)
def after_the_reset(device, queue, request):
    """By then the ring is another one, in the same place."""
    ring = queue.ring

    def answer():
        request.set_status(S_OK)
        ring.push(request)
        ring.show()
        device.call(queue)
    device.after(LATE, answer)


@lie("no interrupt", always=(0,), slow=True, resets=0)
def no_interrupt(device, queue, request):
    device.execute(request)
    queue.ring.push(request)
    device.counts["dropped"] += queue.ring.show()


@lie("a hundred interrupts", always=(0,), resets=0)
def many_interrupts(device, queue, request):
    device.execute(request)
    device.answer(queue, request)
    for _ in range(100):
        device.call(queue)


@lie("interrupts long before the answer", always=(0,), resets=0)
def early_interrupt(device, queue, request):
    device.call(queue)
    device.put_off(queue, request, 0.002)
    device.after(0.001, lambda: device.call(queue))


@lie("used.flags", once=(0,), always=(0,), only="split", resets=0)
def used_flags(device, queue, request):
    """The driver may keep its notifications to itself, and a device that wants it so has to look."""
    queue.ring.memory.store(queue.ring.device, device.random.choice([1, 2, 0xFFFF, 0x8001]), 2)
    device.keep_looking(queue)
    device.execute(request)
    device.answer(queue, request)


@lie("notifications wanted far away", always=(0,), resets=0)
def event_far(device, queue, request):
    ring = queue.ring
    at, width = (ring.device, 4) if ring.packed else (ring.device + 4 + 8 * ring.size, 2)
    device.execute(request)
    device.answer(queue, request)
    ring.event_idx = False              # so that it does not put it right
    ring.memory.store(at, device.random.getrandbits(32), width)
    device.keep_looking(queue)


@lie("notifications never wanted, and it does not look", slow=True, always=(0, 2))
def event_never(device, queue, request):
    """What it was not told of is overdue."""
    ring = queue.ring
    device.execute(request)
    device.answer(queue, request)
    device.deaf = True
    ring.memory.store(ring.device, 1, 4 if ring.packed else 2)


def flickering(name, change, **expected):
    """A value changes again and again while the driver looks: one that it reads twice it may find to be two."""
    @lie(name, resets=None, **expected)
    def tell(device, queue, request):
        ring, place = queue.ring, queue.ring.used
        device.execute(request)
        ring.push(request)
        if not ring.packed:
            ring.memory.store(ring.device + 2, ring.used, 2)
        for turn in range(300):
            change(device, ring, request, place, turn % 3)
            if turn % 100 == 50:
                device.call(queue)
        device.call(queue)


flickering("used.idx flickers", lambda device, ring, _, __, turn: ring.memory.store(
    ring.device + 2, ring.used + (device.random.choice([1, 100, -1, 0x8000]) if turn < 2 else 0), 2), once=(0, 1, 2),
           always=(0, 1, 2), only="split")
flickering("the id flickers", lambda device, ring, request, place, turn: ring.memory.store(
    ring.element(place), (ring.size, 0xFFFFFFFF, request.number)[turn], 4), always=(0, 2), only="split")
flickering("the length flickers", lambda device, ring, request, place, turn: ring.memory.store(
    ring.element(place) + 4, (0, 0xFFFFFFFF, request.written)[turn], 4), always=(0,), only="split")
flickering("the status flickers", lambda device, _, request, __, turn: request.set_status((1, 255, S_OK)[turn]),
           once=(0, 2), always=(0, 2))


def scribble(name, where, **expected):
    """The device writes to what is not its own, once it has read it: where -> (address, length). Perhaps nobody looks at it any more."""
    @lie(name, slow=True, harms=True, **expected)
    def tell(device, queue, request):
        address, length = where(queue.ring, request)
        device.execute(request)
        request.memory.write(address, device.random.randbytes(length))
        device.answer(queue, request)


scribble("descriptors written over", lambda ring, _: (ring.descriptors, 16 * ring.size), once=(0,), always=(0, 2))
scribble("avail ring written over", lambda ring, _: (ring.driver, 4 if ring.packed else 6 + 2 * ring.size), once=(0, 1, 2), always=(0, 1, 2))
scribble("the table of a request written over", lambda ring, request: (request.table or ring.descriptors, 48), once=(0, 2), always=(0, 1, 2))
scribble("the header written over", lambda _, request: (request.header, 16), once=(0, 1, 2), always=(0, 1, 2))
scribble("the used ring written over", lambda ring, _: (ring.device, 4 if ring.packed else 4 + 8 * ring.size), once=(0, 1, 2), always=(0, 1, 2))


@lie("the capacity changes all the time", always=(0, 2), resets=0)
def capacity(device, queue, request):
    device.execute(request)
    device.change_capacity(device.random.choice([2048, 4096, 1 << 40]))
    device.answer(queue, request)


@lie("the disk becomes very small", once=(2,), always=(2,), resets=0)
def shrinks(device, queue, request):
    device.execute(request)
    device.change_capacity(device.random.randrange(1, 100))
    device.answer(queue, request)


GONE = ["vhost", "Failed to ", "Unexpected end-of-file", "Error", "Broken pipe", "Connection reset", "restore failed"]


@lie("the device is gone", once=(2,), always=(2,), slow=True, says=GONE, retires=True)
def gone(device, *_):
    if device.connection:               # there may have been more work in the ring
        device.poll.unregister(device.listener)
        device.listener.close()
        device.leave()


@lie("the device is gone for a second", once=(0,), always=(0, 2), says=GONE)
def away(device, *_):
    device.leave()


@lie("it says that it stopped elsewhere", slow=True, retires=True)
def stopped_elsewhere(device, *_):
    device.stops_at = device.random.getrandbits(16)


class Liar(Backend):
    """A device that tells `lie` where when(n) says so of the n-th request, from 0 on; all it does follows from `seed`."""

    def __init__(self, path, one=None, when=lambda _: False, seed=1, **options):
        super().__init__(path, **options)
        self.lie, self.when, self.random = one, when, random.Random(seed)
        self.told = collections.Counter()
        self.held = []
        self.deaf = False
        self.stops_at = self.last = None
        self.waiting = {}               # number of a request: what is to be done before it

    def choose(self, number, _ring):
        return self.lie if self.when(number) else None

    def take(self, queue, request):
        if self.deaf:
            return
        self.waiting.pop(self.counts["requests"], lambda: None)()
        one = self.choose(self.counts["requests"], queue.ring)
        if one is None:
            self.honest(queue, request)
            return
        self.counts["requests"] += 1
        self.told[one.name] += 1
        one.tell(self, queue, request)

    def honest(self, queue, request):
        super().take(queue, request)

    def serve(self, queue):
        if not self.deaf:
            super().serve(queue)

    def start_queue(self, queue, kick):
        self.deaf = False
        super().start_queue(queue, kick)

    def stop_queue(self, queue):
        stopped = super().stop_queue(queue)
        return stopped if self.stops_at is None else self.stops_at

    def after_requests(self, count, function):
        """When so many more have come: other than time, that says what the driver has done."""
        self.waiting[self.counts["requests"] + count] = function

    def put_off(self, queue, request, seconds=0.002):
        """Answer it later, if the ring is the same then."""
        ring = queue.ring
        self.held.append(request)

        def answer():
            self.held.remove(request)
            if queue.ring is ring:
                self.execute(request)
                self.answer(queue, request)
        self.after(seconds, answer)

    def keep_looking(self, queue):
        """At the ring, for as long as it runs, since the driver may say nothing."""
        ring = queue.ring

        def look():
            if queue.ring is ring:
                self.serve(queue)
                self.after(0.002, look)
        if not getattr(ring, "looked_at", False):
            ring.looked_at = True
            look()

    def leave(self):
        if self.connection:
            self.poll.unregister(self.connection)
            self.disconnect()
