# SPDX-License-Identifier: MIT
"""Device trees that are no trees: each ends in one sentence, in time, and without a trap."""
import random
import struct

import disk
import tree
from start import with_tree
from tap import Failure, expect, test
from tree import BEGIN_NODE, END, END_NODE, NOP, PROP, cells, header_of, with_header

NAMES = bytearray(b"reg\0compatible\0")
MUTANTS = 24            # trees of one fuzz test


def node(name, inner=b""):
    return cells(BEGIN_NODE) + tree.padded(name.encode() + b"\0") + inner + cells(END_NODE)


def prop(length, name_offset=0, data=b""):
    return cells(PROP, length, name_offset) + tree.padded(data)


def block(*pieces, end=True):
    """A tree of this structure block alone."""
    return lambda blob: tree.assemble(b"".join(pieces) + (cells(END) if end else b""), NAMES)


def header(**fields):
    """The true tree with other header fields, each made from the tree's own header."""
    return lambda blob: with_header(blob, **{name: make(header_of(blob)) for name, make in fields.items()})


def cut_structure(share):
    """The structure block ends early, by its size and by what the bytes say."""
    def change(blob):
        size = int(header_of(blob)["size_struct"] * share) & ~3
        return with_header(blob, size_struct=size)
    return change


def overwrite(words):
    """Words over the structure block, from the token in its middle on."""
    def change(blob):
        places = [at for at, *_ in tree.tokens(blob)]
        start = places[len(places) // 2]
        return blob[:start] + words + blob[start + len(words):]
    return change


def word(blob, at, value):
    return blob[:at] + struct.pack(">I", value) + blob[at + 4:]


def token_word(tag, number, position, value):
    """Another word in the `number`th token of a kind: position 1 is a property's length, 2 its name."""
    def change(blob):
        places = [at for at, found, _, _ in tree.tokens(blob) if found == tag]
        return word(blob, places[number] + 4 * position, value)
    return change


def shifted(by):
    """The tree as it is, at an address that is not aligned."""
    return lambda blob: (blob, lambda address: address + by)


def endless_reservations(blob):
    """Reservations up to the end of the tree, and no zero after them."""
    fields = header_of(blob)
    space = fields["totalsize"] - 48 & ~15
    return with_header(blob[:48] + tree.wide(0x84000000, 16) * (space // 16) + blob[48 + space:], off_reservations=48)


def nested(blob):
    """The true tree with one very deep branch."""
    root = tree.parse(blob)
    node = root
    for _ in range(DEEP):
        node.children.append(tree.Node("deep"))
        node = node.children[-1]
    return tree.flatten(root)


DEEP = 200
BROKEN = [
    ("no tree: a1 is 0", lambda blob: (blob, lambda address: 0)),
    ("a1 misaligned by 1", shifted(1)),
    ("a1 misaligned by 4", shifted(4)),
    ("nothing but zeroes", lambda blob: bytes(len(blob))),
    ("nothing but ones", lambda blob: b"\xff" * len(blob)),
    ("magic: wrong", header(magic=lambda h: 0xD00DFEEE)),
    ("magic: the other byte order", header(magic=lambda h: 0xEDFE0DD0)),
    ("version: 1", header(version=lambda h: 1, last_compatible=lambda h: 1)),
    ("version: made for readers of the future", header(version=lambda h: 99, last_compatible=lambda h: 99)),
    ("totalsize: 0", header(totalsize=lambda h: 0)),
    ("totalsize: the header", header(totalsize=lambda h: 40)),
    ("totalsize: less than the blocks", header(totalsize=lambda h: h["off_strings"])),
    ("totalsize: 2 GiB", header(totalsize=lambda h: 0x7fffffff)),
    ("totalsize: 4 GiB", header(totalsize=lambda h: 0xffffffff)),
    ("structure: misaligned", header(off_struct=lambda h: h["off_struct"] + 2)),
    ("structure: beyond the tree", header(off_struct=lambda h: h["totalsize"])),
    ("structure: its offset wraps around", header(off_struct=lambda h: 0xfffffffc)),
    ("structure: in the header", header(off_struct=lambda h: 0)),
    ("structure: a size of 0", header(size_struct=lambda h: 0)),
    ("structure: a size beyond the tree", header(size_struct=lambda h: h["totalsize"])),
    ("structure: a size that wraps around", header(size_struct=lambda h: 0xfffffffc)),
    ("structure: a size that is not whole words", header(size_struct=lambda h: h["size_struct"] - 2)),
    ("structure: cut to its first word", cut_structure(0.0001)),
    ("structure: cut at a tenth", cut_structure(0.1)),
    ("structure: cut in half", cut_structure(0.5)),
    ("structure: without FDT_END", header(size_struct=lambda h: h["size_struct"] - 4)),
    ("strings: beyond the tree", header(off_strings=lambda h: h["totalsize"] + 4)),
    ("strings: of no size", header(size_strings=lambda h: 0)),
    ("strings: a size beyond the tree", header(size_strings=lambda h: 0x7fffffff)),
    ("reservations: misaligned", header(off_reservations=lambda h: 44)),
    ("reservations: beyond the tree", header(off_reservations=lambda h: h["totalsize"] + 8 & ~7)),
    ("reservations: without an end", endless_reservations),
    ("FDT_END at once", block()),
    ("an empty root", block(node(""))),
    ("two roots", block(node(""), node(""))),
    ("a node that does not end", block(cells(BEGIN_NODE, 0))),
    ("a node that ends twice", block(node(""), cells(END_NODE))),
    ("a node ends that never began", block(cells(END_NODE), node(""))),
    ("a property before the root", block(prop(4, 0, b"abcd"), node(""))),
    ("a property after the root", block(node(""), prop(4, 0, b"abcd"))),
    (f"{DEEP} nodes deep", block(cells(BEGIN_NODE, 0) * DEEP, cells(END_NODE) * DEEP)),
    (f"{DEEP} nodes deep, and no end", block(cells(BEGIN_NODE, 0) * DEEP, end=False)),
    ("a name without an end", block(cells(BEGIN_NODE), b"abcd" * 100, end=False)),
    ("nothing but NOPs", block(cells(NOP) * 1000, end=False)),
    ("an unknown token", block(cells(BEGIN_NODE, 0), cells(5), cells(END_NODE))),
    ("a length of 4 GiB", block(cells(BEGIN_NODE, 0), prop(0xffffffff), cells(END_NODE))),
    ("a length of 2 GiB", block(cells(BEGIN_NODE, 0), prop(0x7fffffff), cells(END_NODE))),
    ("a length that overflows what was read", block(cells(BEGIN_NODE, 0), prop(0xfffffff4), cells(END_NODE))),
    ("a length one beyond the block", block(cells(BEGIN_NODE, 0), prop(9), cells(END_NODE))),
    ("a name offset beyond the strings", block(cells(BEGIN_NODE, 0), prop(4, 0x1000000, b"abcd"), cells(END_NODE))),
    ("a negative name offset", block(cells(BEGIN_NODE, 0), prop(4, 0xfffffff0, b"abcd"), cells(END_NODE))),
    (f"the true tree: a branch of {DEEP} nodes", nested),
    ("the true tree: a first length of 4 GiB", token_word(PROP, 0, 1, 0xffffffff)),
    ("the true tree: a last length of 2 GiB", token_word(PROP, -1, 1, 0x7fffffff)),
    ("the true tree: a length to the very end", token_word(PROP, 10, 1, 0x2000)),
    ("the true tree: a name offset beyond the strings", token_word(PROP, 20, 2, 0x7fffffff)),
    ("the true tree: a node that does not begin", token_word(BEGIN_NODE, 5, 0, NOP)),
    ("the true tree: a node that does not end", token_word(END_NODE, 5, 0, NOP)),
    ("the true tree: ends in the middle", token_word(END_NODE, 5, 0, END)),
    ("the true tree: zeroes in the middle", overwrite(bytes(64))),
    ("the true tree: ones in the middle", overwrite(b"\xff" * 64)),
]

for name, change in BROKEN:
    @test(f"broken tree: {name}", change=change)
    def broken(t, change):
        run = with_tree(t, change)
        run.check_refusal(4, "device tree", statuses=(0, 4))


def mutant(blob, chance):
    """Another tag, length or name offset somewhere: a broken tree, or one that says less."""
    places = [at + 4 * i for at, tag, _, _ in tree.tokens(blob) for i in range(3 if tag == PROP else 1)]
    for at in chance.sample(places, chance.choice((1, 1, 2, 5))):
        old = struct.unpack_from(">I", blob, at)[0]
        blob = word(blob, at, chance.choice((
            old ^ 1 << chance.randrange(32), chance.randrange(10), old + 4, old - 4 & 0xffffffff,
            chance.randrange(1 << 32), chance.choice((0x7fffffff, 0x80000000, 0xffffffff)))))
    return blob


for seed in range(4):
    @test(f"broken tree: {MUTANTS} mutants, seed {seed}", long=True, seed=seed)
    def mutants(t, seed):
        """Any outcome in words will do; a panic, a hang or silence will not."""
        chance = random.Random(seed)
        outcomes = []
        for number in range(MUTANTS):
            state = random.Random(chance.randrange(1 << 32))
            run = with_tree(t, lambda blob: mutant(blob, state), append="job=demo",
                            disks=[disk.null(disk.MIB)], limit=15)
            if run.hung or run.all("panic") or len(run.all("exit")) != 1:
                raise Failure(f"mutant {number}:\n" + "\n".join([*run.problems(), *run.details()]))
            outcomes.append(run.only("exit")["code"])
            # 1: the disk forgets, and the demo says so.
            expect(outcomes[-1] in (0, 1, 3, 4), f"mutant {number}: exit {outcomes[-1]}")
        t.note("exit codes: " + ", ".join(f"{code}: {outcomes.count(code)}" for code in sorted(set(outcomes))))
