# SPDX-License-Identifier: MIT
"""The oracle of virtio-mmio traces must find each mistake that a driver can make."""
import virtio_trace
from tap import expect, expect_equal, test

R = None                        # a read
SLOT = [(0x0, R), (0x4, R), (0x8, R)]
BEGIN = [*SLOT, (0x70, 0), (0x70, R), (0x70, 1), (0x70, 3)]
READ_FEATURES = [(0x14, 0), (0x10, R), (0x14, 1), (0x10, R)]
WRITE_FEATURES = [(0x24, 0), (0x20, 0x30000240), (0x24, 1), (0x20, 1)]
CONFIRM = [(0x70, 0xb), (0x70, R)]
CONFIG = [(0xfc, R), (0x100, R), (0x104, R), (0x114, R), (0xfc, R)]
LOOK = [(0x30, 0), (0x44, R), (0x34, R)]
QUEUE = [(0x38, 256), (0x80, 4096), (0x84, 0), (0x90, 8192), (0x94, 0), (0xa0, 12288), (0xa4, 0), (0x44, 1)]
USE = [*SLOT, (0x50, 0), (0x60, R), (0x64, 1), (0x50, 0), (0x60, R)]
MODERN = [*BEGIN, *READ_FEATURES, *WRITE_FEATURES, *CONFIRM, *CONFIG, *LOOK, *QUEUE, (0x70, 0xf), *USE]

LEGACY_FEATURES = [(0x14, 0), (0x10, R), (0x24, 0), (0x20, 0x240)]
LEGACY_QUEUE = [(0x30, 0), (0x40, R), (0x34, R), (0x28, 4096), (0x38, 256), (0x3c, 4096), (0x40, 0x80089)]
LEGACY = [*BEGIN, *LEGACY_FEATURES, (0x100, R), (0x104, R), *LEGACY_QUEUE, (0x70, 7), *USE]

# As after a reset: there is a device, and it is known.
AGAIN = [*MODERN[3:-len(USE)]]
LEGACY_AGAIN = [*LEGACY[3:-len(USE)]]
USED = [*USE[3:]]


@test("oracle: a modern driver as it should be", accesses=MODERN, legacy=False)
@test("oracle: a legacy driver as it should be", accesses=LEGACY, legacy=True)
@test("oracle: eight empty slots", accesses=SLOT * 8, legacy=False)
@test("oracle: two devices and empty slots", accesses=[*SLOT, *MODERN[:-len(USE)], *SLOT, *MODERN], legacy=False)
@test("oracle: a device that is given up", accesses=[*BEGIN, (0x70, 0x83)], legacy=False)
@test("oracle: a device that is retired", accesses=[*MODERN, (0x70, 0), (0x70, R), (0x70, 0x80)], legacy=False)
@test("oracle: the machine starts over", accesses=MODERN * 2, legacy=False)
@test("oracle: a device that is reset and used again", accesses=[*MODERN, *AGAIN, *USED], legacy=False)
@test("oracle: a legacy device that is reset and used again", accesses=[*LEGACY, *LEGACY_AGAIN, *USED], legacy=True)
@test("oracle: one of two devices is reset", accesses=[*MODERN[:-len(USE)], *MODERN, *AGAIN, *USED], legacy=False)
@test("oracle: a device that is reset and left alone", accesses=[*MODERN, (0x70, 0), (0x70, R)], legacy=False)
def good(t, accesses, legacy):
    expect_equal("problems", list(virtio_trace.problems(accesses, legacy)), [])


def without(accesses, *gone):
    rest = list(accesses)
    for one in gone:
        rest.remove(one)
    return rest


def instead(accesses, old, *new):
    at = accesses.index(old)
    return [*accesses[:at], *new, *accesses[at + 1:]]


def moved(accesses, what, before):
    rest = without(accesses, what)
    return instead(rest, before, what, before)


WRONG = [
    ("no reset first", without(MODERN, (0x70, 0), (0x70, R))),
    ("a reset whose end is not awaited", without(MODERN, (0x70, R))),
    ("no ACKNOWLEDGE", instead(without(MODERN, (0x70, 1)), (0x70, 3), (0x70, 2))),
    ("DRIVER before ACKNOWLEDGE", instead(MODERN, (0x70, 1), (0x70, 2))),
    ("FEATURES_OK without DRIVER", instead(instead(MODERN, (0x70, 3), (0x70, 1)), (0x70, 0xb), (0x70, 9))),
    ("a bit taken away", instead(MODERN, (0x70, 0xf), (0x70, 4))),
    ("only the low half of the features read", without(MODERN, (0x14, 1), (0x10, R))),
    ("only the low half of the features written", without(MODERN, (0x24, 1), (0x20, 1))),
    ("a half used without its selector", without(MODERN, (0x24, 1))),
    ("a half read without its selector", without(MODERN, (0x14, 0))),
    ("FEATURES_OK not read again", [one for at, one in enumerate(MODERN) if one != (0x70, R) or at < 6]),
    ("no FEATURES_OK", instead(without(MODERN, (0x70, 0xb)), (0x70, 0xf), (0x70, 7))),
    ("features after FEATURES_OK", instead(MODERN, (0xfc, R), (0x24, 0), (0x20, 0), (0xfc, R))),
    ("the configuration read too early", moved(MODERN, (0x114, R), (0x14, 0))),
    ("the configuration written too early", instead(MODERN, (0x14, 0), (0x120, 1), (0x14, 0))),
    ("the queue before FEATURES_OK", moved(MODERN, (0x38, 256), (0x70, 0xb))),
    ("the queue after DRIVER_OK", moved(MODERN, (0x70, 0xf), (0x44, 1))),
    ("no queue", without(MODERN, *LOOK, *QUEUE)),
    ("a queue without the high half of an address", without(MODERN, (0x94, 0))),
    ("a queue without a size", without(MODERN, (0x38, 256))),
    ("a queue that nobody looked at", without(MODERN, (0x44, R))),
    ("a queue that starts with 0", instead(MODERN, (0x44, 1), (0x44, 0))),
    ("QueueNotify before DRIVER_OK", instead(MODERN, (0x70, 0xf), (0x50, 0), (0x70, 0xf))),
    ("a driver that stops half way", MODERN[:20]),
    ("QueueReset", instead(MODERN, (0x70, 0xf), (0xc0, 1), (0x70, 0xf))),
    ("a read of a register for writing", instead(MODERN, (0x70, 0xf), (0x38, R), (0x70, 0xf))),
    ("a write of a register for reading", instead(MODERN, (0x70, 0xf), (0x10, 1), (0x70, 0xf))),
    ("a legacy register", instead(MODERN, (0x38, 256), (0x28, 4096), (0x38, 256))),
    ("InterruptACK of undefined bits", instead(MODERN, (0x64, 1), (0x64, 5))),
    ("InterruptACK of nothing", instead(MODERN, (0x64, 1), (0x64, 0))),
    ("InterruptACK before InterruptStatus", moved(MODERN, (0x64, 1), (0x60, R))),
    ("an empty slot that is read", [*SLOT, (0x34, R), *SLOT]),
    ("an empty slot that is reset", [*SLOT, (0x70, 0), *SLOT]),
    ("the version read before the magic number", [(0x4, R), *MODERN]),
    ("the device read before the version", [(0x0, R), (0x8, R), (0x4, R), *MODERN[3:]]),
]

WRONG += [(f"after a reset: {name}", [*MODERN, *accesses]) for name, accesses in (
    ("its end is not awaited", without(AGAIN, (0x70, R))),
    ("left alone before its end", [(0x70, 0)]),
    ("no ACKNOWLEDGE", instead(without(AGAIN, (0x70, 1)), (0x70, 3), (0x70, 2))),
    ("no FEATURES_OK", instead(without(AGAIN, (0x70, 0xb)), (0x70, 0xf), (0x70, 7))),
    ("the old features", without(AGAIN, *READ_FEATURES, *WRITE_FEATURES)),
    ("no queue", without(AGAIN, *LOOK, *QUEUE)),
    ("a queue that nobody looked at", without(AGAIN, (0x44, R))),
    ("QueueNotify before DRIVER_OK", instead(AGAIN, (0x70, 0xf), (0x50, 0), (0x70, 0xf))),
    ("stopped half way", AGAIN[:12]))]

LEGACY_WRONG = [
    ("FEATURES_OK", instead(LEGACY, (0x100, R), (0x70, 0xb), (0x70, R), (0x100, R))),
    ("the high half of the features", instead(LEGACY, (0x100, R), (0x24, 1), (0x20, 1), (0x100, R))),
    ("ConfigGeneration", instead(LEGACY, (0x100, R), (0xfc, R), (0x100, R))),
    ("a modern queue register", instead(LEGACY, (0x38, 256), (0x38, 256), (0x80, 4096))),
    ("QueueReady", instead(LEGACY, (0x38, 256), (0x38, 256), (0x44, 1))),
    ("no page size", without(LEGACY, (0x28, 4096))),
    ("no alignment", without(LEGACY, (0x3c, 4096))),
    ("a page number of 0", instead(LEGACY, (0x40, 0x80089), (0x40, 0))),
    ("a queue that nobody looked at", without(LEGACY, (0x40, R))),
    ("QueueNotify before DRIVER_OK", instead(LEGACY, (0x70, 7), (0x50, 0), (0x70, 7))),
]

for name, accesses in WRONG:
    @test(f"oracle: {name}", accesses=accesses)
    def wrong(t, accesses):
        expect(list(virtio_trace.problems(accesses, False)), "nothing is found")

for name, accesses in LEGACY_WRONG:
    @test(f"oracle: legacy, {name}", accesses=accesses)
    def legacy_wrong(t, accesses):
        expect(list(virtio_trace.problems(accesses, True)), "nothing is found")
