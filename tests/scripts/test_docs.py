# SPDX-License-Identifier: MIT
"""docs/writing-a-driver.md: what it shows is in the tree, and the driver can be put together from it, and compiled.
docs/book: what it shows is what there is, and its links lead somewhere."""
import glob
import os
import re
import subprocess

from machine import KERNEL, ROOT
from tap import expect, test
from work import copy_tree, make, must, write

DRIVER = "drivers/virtio_rng.c"


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def page():
    return read("docs/writing-a-driver.md")


def snippets():
    """(language, file, text) of each piece of code on the page."""
    found = re.findall(r"^```(\w*) ?(\S*)\n(.*?)^```$", page(), re.M | re.S)
    expect(len(found) * 2 == len(re.findall(r"^```", page(), re.M)), "the fences are not in pairs")
    return found


def assembled():
    """The driver, from its pieces on the page in the order of the file."""
    code = read(DRIVER)
    pieces = [text for _, name, text in snippets() if name == DRIVER]
    return "\n".join(sorted(pieces, key=code.find))


@test("docs: each snippet stands in the file that it names, word for word")
def verbatim(_t):
    for language, name, text in snippets():
        expect(name, f"a snippet names no file:\n{text}")
        expect(language == "c" or not name.endswith((".c", ".h")), f"{name} is not {language or 'nothing'}")
        expect(f"\n{text}" in read(name), f"this is not in {name}:\n{text}")


@test("docs: the page has the whole driver, and nothing twice")
def whole(_t):
    code = read(DRIVER)
    expect(assembled() == code[code.index("#include"):], f"its pieces, in order, are not {DRIVER}")


@test("docs: what the page says compiles", long=True)
def compiles(t):
    folder = copy_tree(t.path("squall"))
    write(folder, DRIVER, assembled())
    must(make(folder, f"build/{DRIVER}.o"))


@test("docs: the files, and the size, that the page names")
def names(_t):
    for name in set(re.findall(r"`((?:kernel|drivers|include|scripts|tests|docs)/[\w./]*)`", page())):
        expect(os.path.exists(os.path.join(ROOT, name)), f"there is no {name}")
    lines = sum(bool(line.strip()) for line in re.sub(r"/\*.*?\*/", "", read(DRIVER), flags=re.S).splitlines())
    expect(f"`{DRIVER}`, {lines} lines\nof code" in page(), f"the driver has {lines} lines of code")


def book_check(folder, elf):
    done = subprocess.run([os.path.join(folder, "scripts/book"), "--check", elf], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@test("book: it shows the console, the bytes and the code that there are", long=True)
def book(_t):
    status, said = book_check(ROOT, KERNEL)
    expect(status == 0, said)


@test("book: a page that is stale is named", page="3-a-request.md", old="idx: 1 entry is there", new="idx: 2 entries are there")
@test("book: a page that is stale is named", page="2-virtio.md", old="add_status(device, VIRTIO_STATUS_DRIVER);", new="add_status(device, 2);")
@test("book: a page that is stale is named", page="figures/framework.svg", old="lines of code", new="lines")
def stale_book(t, page, old, new):
    folder = copy_tree(t.path("squall"), ("scripts", "kernel", "drivers", "include", "docs"))
    name = f"docs/book/{page}"
    text = read(name)
    expect(old in text, f"{name} has no {old!r}")
    write(folder, name, text.replace(old, new))
    status, said = book_check(folder, KERNEL)
    expect(status == 1 and name in said and "make book" in said, f"{status}: {said}")


@test("docs: links lead somewhere, and files that are named are there")
def links(_t):
    for path in glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            expect(os.path.exists(os.path.join(os.path.dirname(path), link)), f"{path}: {link} leads nowhere")
        for name in set(re.findall(r"`((?:kernel|drivers|include|scripts|tests|docs)/[\w./-]*)`", text)):
            expect(os.path.exists(os.path.join(ROOT, name)), f"{path}: there is no {name}")
