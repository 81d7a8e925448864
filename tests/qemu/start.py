# SPDX-License-Identifier: MIT
"""A machine that is stopped at the kernel's first instruction, to be given another tree."""
import functools
import importlib.machinery
import importlib.util
import os

import tree
from machine import KERNEL, ROOT, Machine


@functools.lru_cache(maxsize=None)
def elf(path=KERNEL):
    """The kernel's file; the reader is the one of the check after linking."""
    name = os.path.join(ROOT, "scripts/check_image")
    loader = importlib.machinery.SourceFileLoader("check_image", name)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_image", loader))
    loader.exec_module(module)
    return module.Elf(path)


@functools.lru_cache(maxsize=None)
def all_symbols(path=KERNEL):
    """(name, address) of each symbol."""
    return [(name, value) for name, _, value in elf(path).symbols()]


def symbols():
    return dict(all_symbols())


def run_to(machine, symbol):
    machine.gdb.run_to(symbols()[symbol])


def tree_of(machine):
    """The tree that the firmware hands over: where it lies, and its bytes."""
    address = machine.gdb.register("a1")
    size = tree.header_of(machine.gdb.read(address, 40))["totalsize"]
    return address, machine.gdb.read(address, size)


def with_tree(t, change, append="job=demo", **options):
    """Boot with change(blob) as the tree, which may also be (blob, where it is said to lie)."""
    with Machine(t, append, gdb=True, **options) as machine:
        run_to(machine, "_start")
        address, blob = tree_of(machine)
        changed = change(blob)
        claimed = address
        if isinstance(changed, tuple):
            changed, claimed = changed[0], changed[1](address)
        machine.gdb.write(claimed if claimed else address, changed)
        machine.gdb.set_register("a1", claimed)
        machine.gdb.go()
        return machine.wait()


def edited(edit):
    """For with_tree: a change of the tree's nodes."""
    def change(blob):
        root = tree.parse(blob)
        return tree.flatten(edit(root) or root)
    return change
