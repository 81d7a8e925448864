# SPDX-License-Identifier: MIT
"""Flattened device trees: taken apart, put together again, and bent on the way."""
import struct

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
HEADER = ("magic", "totalsize", "off_struct", "off_strings", "off_reservations", "version",
          "last_compatible", "boot_cpu", "size_strings", "size_struct")


def cells(*values):
    return struct.pack(f">{len(values)}I", *values)


def wide(*values):
    """64-bit values, as two cells each."""
    return struct.pack(f">{len(values)}Q", *values)


class Node:
    def __init__(self, name, properties=None, children=None):
        self.name, self.properties, self.children = name, dict(properties or {}), list(children or [])

    def __getitem__(self, name):
        return self.properties[name]

    def __setitem__(self, name, value):
        self.properties[name] = value

    def __delitem__(self, name):
        del self.properties[name]

    def everything(self):
        """This node and all below."""
        yield self
        for child in self.children:
            yield from child.everything()

    def parent_of(self, node):
        return next(one for one in self.everything() if node in one.children)

    def compatible(self, word):
        """The nodes of that `compatible`, in the order of the tree."""
        return [one for one in self.everything()
                if word.encode() in one.properties.get("compatible", b"").split(b"\0")]

    def child(self, name):
        return next(one for one in self.children if one.name.split("@")[0] == name)

    def remove(self, node):
        self.parent_of(node).children.remove(node)


def header_of(blob):
    return dict(zip(HEADER, struct.unpack_from(">10I", blob)))


def with_header(blob, **fields):
    header = {**header_of(blob), **fields}
    return struct.pack(">10I", *(header[name] for name in HEADER)) + blob[40:]


def string_at(blob, at):
    return blob[at:blob.index(b"\0", at)].decode()


def tokens(blob):
    """(offset in the blob, tag, name or property name, value) of each token."""
    header = header_of(blob)
    at = header["off_struct"]
    while True:
        (tag,) = struct.unpack_from(">I", blob, at)
        name, value, length = None, None, 4
        if tag == BEGIN_NODE:
            name = string_at(blob, at + 4)
            length += len(name) + 1
        elif tag == PROP:
            size, offset = struct.unpack_from(">II", blob, at + 4)
            name, value = string_at(blob, header["off_strings"] + offset), blob[at + 12:at + 12 + size]
            length += 8 + size
        yield at, tag, name, value
        if tag == END:
            return
        at += (length + 3) & ~3


def parse(blob):
    """The root Node."""
    stack = [Node("(above the root)")]
    for _, tag, name, value in tokens(blob):
        if tag == BEGIN_NODE:
            node = Node(name)
            stack[-1].children.append(node)
            stack.append(node)
        elif tag == END_NODE:
            stack.pop()
        elif tag == PROP:
            stack[-1][name] = value
    return stack[0].children[0]


def padded(data):
    return data + bytes(-len(data) % 4)


def structure(node, strings):
    """A node's tokens; `strings`, a bytearray, gets the property names."""
    data = cells(BEGIN_NODE) + padded(node.name.encode() + b"\0")
    for name, value in node.properties.items():
        word = name.encode() + b"\0"
        if word not in strings:
            strings += word
        data += cells(PROP, len(value), strings.index(word)) + padded(value)
    for child in node.children:
        data += structure(child, strings)
    return data + cells(END_NODE)


def assemble(struct_block, strings, reservations=()):
    """A blob out of a structure block (without FDT_END, should that be wanted) and the names."""
    reserved = b"".join(wide(*one) for one in reservations) + wide(0, 0)
    off_struct = 40 + len(reserved)
    off_strings = off_struct + len(struct_block)
    total = off_strings + len(strings)
    header = struct.pack(">10I", MAGIC, total, off_struct, off_strings, 40, 17, 16, 0, len(strings),
                         len(struct_block))
    return header + reserved + struct_block + bytes(strings)


def flatten(root, reservations=()):
    strings = bytearray()
    return assemble(structure(root, strings) + cells(END), strings, reservations)
