# SPDX-License-Identifier: MIT
"""A block device that lies at random: hostile.py's menu, and any value that it shares with the driver, at any time."""
import random

from hostile import LIES, Liar
from vhost_user import F_PROTOCOL, F_VERSION_1, FEATURES

# Values of the configuration that no device has.
ODD = [(field, value) for field, values in (
    ("capacity", (0, 1, 100, 1 << 63, (1 << 64) - 1)), ("blk_size", (0, 1, 3, 511, 1 << 12, 1 << 22, 1 << 31, (1 << 32) - 1)),
    ("size_max", (0, 1, 511, 512, (1 << 32) - 1)), ("seg_max", (0, 1, 65535, (1 << 32) - 1)), ("writeback", (0, 2, 255)),
    ("max_discard_sectors", (0, 1, (1 << 32) - 1)), ("max_discard_seg", (0, (1 << 32) - 1)),
    ("discard_sector_alignment", (0, 3, (1 << 32) - 1)), ("max_write_zeroes_sectors", (0, (1 << 32) - 1))) for value in values]


class Mutant(Liar):
    """A device that lies at random, and changes at any time what it shares with the driver, all as `seed` has it.

    What tells the device where to read and write it does not use any more once it has changed it: that it would
    follow such an address anywhere is a lie that no driver survives without an IOMMU.
    """

    def __init__(self, path, seed):
        dice = random.Random(seed)
        features = FEATURES if dice.random() < 0.5 else FEATURES & (dice.getrandbits(64) | F_PROTOCOL | F_VERSION_1)
        super().__init__(path, seed=seed, features=features)
        for field in dice.sample(ODD, dice.choice([0, 0, 0, 1, 2])):
            self.config[field[0]] = field[1]
            self.counts["mutations"] += 1
        self.rate, self.pause = dice.choice([0, 0.02, 0.1, 0.5]), dice.choice([None, 0.0005, 0.002, 0.01])
        self.lies = [one for one in LIES if not one.says]

    def choose(self, number, ring):
        if self.random.random() >= self.rate:
            return None
        return self.random.choice([one for one in self.lies if one.only in (None, "packed" if ring.packed else "split")])

    def start_queue(self, queue, kick):
        super().start_queue(queue, kick)
        ring = queue.ring

        def go_on():
            if queue.ring is ring:
                self.mutate(ring)
                if self.random.random() < 0.1:
                    self.call(queue)
                self.after(self.random.random() * 2 * self.pause, go_on)
        if self.pause is not None and ring is not None:
            self.after(self.random.random() * self.pause, go_on)

    def take(self, queue, request):
        self.last = request
        super().take(queue, request)

    def mutate(self, ring):
        """One value, of some width, somewhere."""
        last = self.last
        places = [(ring.device, 4 if ring.packed else 6 + 8 * ring.size), (ring.device, 4)]
        places += [(last.status, 1), (last.header, 16)] if last else []
        if self.random.random() < 0.1:
            self.deaf = True
            places = [(ring.descriptors, 16 * ring.size), (ring.driver, 4 if ring.packed else 6 + 2 * ring.size)]
            places += [(last.table, 48)] if last and last.table else []
        address, length = self.random.choice(places)
        width = self.random.choice([width for width in (1, 2, 4, 8) if width <= length])
        at = address + self.random.randrange(length // width) * width
        old = ring.memory.load(at, width)
        ring.memory.store(at, self.random.choice([0, 1, old + 1, old - 1, old ^ 1 << self.random.randrange(8 * width), ~0,
                                                  1 << 8 * width - 1, self.random.getrandbits(64)]), width)
        self.counts["mutations"] += 1
