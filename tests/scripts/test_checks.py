# SPDX-License-Identifier: MIT
"""The checks of the sources and of the image: each must find the mistake that it is for."""
import os
import struct

import work
from machine import ROOT
from tap import expect, expect_equal, test

SOURCES = ("Makefile", "linker.ld", "kernel", "drivers", "include", "scripts", "tests", ".ci")


def passes(done):
    expect_equal(f"status, with {done.error!r}", done.status, 0)


def fails(done, *words):
    expect(done.status != 0, f"it passes: {done.output}{done.error}")
    for word in words:
        expect(word in done.error, f"{word!r} is not in: {done.error}")


# check_coro -------------------------------------------------------------------------------------

CORO = """
static enum poll one_poll(struct future *future, struct waker *waker)
{
        struct one *self = container_of(future, struct one, future);
%(before)s
        CORO_BEGIN(self, waker);
%(body)s
        AWAIT(self->yield, yield_now());
        CORO_END();
}
%(behind)s
"""

CORO_MISTAKES = [
    ("a local before CORO_BEGIN", {"before": "        int i = 0;\n"}, "one_poll"),
    ("a call before CORO_BEGIN", {"before": "        count(self);\n"}, "one_poll"),
    ("an AWAIT inside a switch",
     {"body": "switch (self->x) { case 1ull: AWAIT(self->yield, yield_now()); }"}, "switch"),
    ("a local beside an AWAIT", {"body": "{ int i = 0; AWAIT(self->yield, yield_now()); use(i); }"}, "local"),
    ("a loop's counter across an AWAIT",
     {"body": "for (int i = 0; i < 2; i++) AWAIT(self->yield, yield_now());"}, "local"),
    ("a static local is no better", {"body": "{ static int i; AWAIT(self->yield, yield_now()); i++; }"}, "local"),
    ("an AWAIT inside a macro", {"behind": "#define NAP(self) AWAIT((self)->yield, yield_now())"}, "macro"),
    ("a local beside a CORO_SUSPEND", {"body": "{ int i = 0; CORO_SUSPEND(); use(i); }"}, "beside CORO_SUSPEND"),
    ("a CORO_YIELD inside a macro", {"behind": "#define NAP() CORO_YIELD()"}, "CORO_YIELD inside a macro"),
    ("an AWAIT outside of a coroutine", {"behind": "static void f(void)\n{\n        AWAIT(a, b);\n}\n"}, "CORO_BEGIN"),
    ("two CORO_BEGINs", {"body": "CORO_BEGIN(self, waker);"}, "CORO_BEGIN"),
]


def coroutine(**parts):
    return CORO % {"before": "", "body": "", "behind": "", **parts}


@test("check_coro: a coroutine as it should be", body="")
@test("check_coro: a local in a block without an AWAIT", body="{ int i = 0; use(i); }")
def coro_passes(t, body):
    path = work.write(t.folder, "one.c", coroutine(body=body))
    passes(work.command("scripts/check_coro", path))


for name, parts, word in CORO_MISTAKES:
    @test(f"check_coro: {name}", parts=parts, word=word)
    def coro_fails(t, parts, word):
        path = work.write(t.folder, "one.c", coroutine(**parts))
        fails(work.command("scripts/check_coro", path), path + ":", word)


# check_layers, check_budget, lint ---------------------------------------------------------------

def filler(lines):
    return "static int f(void)\n{\n" + "        g();\n" * (lines - 4) + "        return 0;\n}\n"


PLANTED = [
    ("check_layers", "an include that the table does not allow", "kernel/block.c", '#include "virtio.h"\n', "virtio.h"),
    ("check_layers", "a driver that looks into the device tree", "drivers/virtio_blk.c", '#include "devicetree.h"\n',
     "devicetree.h"),
    ("check_layers", "libfdt where it is not to be", "kernel/irq.c", "#include <libfdt.h>\n", "libfdt.h"),
    ("check_layers", "a coroutine that sees interrupts", "kernel/jobs/demo.c", '#include "irq.h"\n', "irq.h"),
    ("check_layers", "assembly", "kernel/irq.c", 'static inline void f(void) { __asm__("nop"); }\n', "__asm__"),
    ("check_layers", "a register in the block driver",
     "drivers/virtio_blk.c", "int x = mmio_read32(0);\n", "mmio_read32"),
    ("check_layers", "a register in the entropy driver",
     "drivers/virtio_rng.c", "int x = mmio_read32(0);\n", "mmio_read32"),
    ("check_layers", "a ring in the kernel", "kernel/block.c", "int x = virtq_publish(0);\n", "virtq_publish"),
    ("check_layers", "a header that is not in include", "kernel/new.h", "\n", "new.h"),
    ("check_layers", "a file that has no row", "kernel/new.c", "\n", "new.c"),
    ("check_budget", "a function of 61 lines", "kernel/irq.c", filler(61), "61 lines"),
    ("check_budget", "a file of 400 lines", "kernel/new.c", "\n" * 400, "new.c: 400 lines"),
    ("check_budget", "an example that outgrows itself", "drivers/virtio_rng.c", "int x;\n" * 2, "91 lines of code"),
    ("check_budget", "a script of 400 lines", "scripts/new", "\n" * 400, "new: 400 lines"),
    ("check_budget", "a kernel that is too large", "include/new.h", "int x;\n" * 5000, "lines of code, more than"),
    ("lint", "an error of shellcheck's", "scripts/new.sh", "#!/bin/sh\necho $1\n", None),
    ("lint", "a Python file that is none", "scripts/new.py", "def f(:\n", "new.py"),
    ("lint", "a planted mistake in a coroutine",
     "kernel/jobs/demo.c", coroutine(before="        int i;\n"), "one_poll"),
]


@test("check_layers passes", script="check_layers")
@test("check_budget passes", script="check_budget")
def check_passes(t, script):
    passes(work.command(os.path.join(ROOT, "scripts", script)))


for script, name, file, text, word in PLANTED:
    @test(f"{script}: {name}", script=script, file=file, text=text, word=word)
    def check_fails(t, script, file, text, word):
        folder = work.copy_tree(t.path("copy"), SOURCES)
        work.append(folder, file, text)
        done = work.command(os.path.join(folder, "scripts", script), where=folder)
        fails(work.Done(done.status, done.output, done.output + done.error), *([word] if word else []))


# check_image ------------------------------------------------------------------------------------

class Image:
    """An ELF file whose headers can be changed."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        self.phoff, self.shoff = struct.unpack_from("<QQ", self.data, 32)
        self.phnum, _, self.shnum = struct.unpack_from("<HHH", self.data, 56)

    def segment(self, writable):
        """The offset of the first program header that loads something with these rights."""
        for number in range(self.phnum):
            at = self.phoff + 56 * number
            kind, flags = struct.unpack_from("<II", self.data, at)
            if kind == 1 and bool(flags & 2) == writable:
                return at
        raise LookupError

    def write(self, path):
        with open(path, "wb") as file:
            file.write(self.data)
        return path


def put(offset, layout, value):
    def change(image, at):
        struct.pack_into(layout, image.data, at + offset, value)
    return change


def entry(image, _at):
    struct.pack_into("<Q", image.data, 24, 0x80200004)


def mixed_page(image, _at):
    """A writable section is said to begin on the text's page."""
    for number in range(image.shnum):
        at = image.shoff + 64 * number
        flags, _, _, size = struct.unpack_from("<QQQQ", image.data, at + 8)
        if flags & 3 == 3 and size:
            struct.pack_into("<Q", image.data, at + 16, 0x80200010)
            return


@test("check_image: a segment to be written and executed", change=put(4, "<I", 7), word="written and executed")
@test("check_image: something is loaded below _start", change=put(24, "<Q", 0x80100000), word="lowest load address")
@test("check_image: nothing is loaded", change=put(0, "<I", 0), word=None)
@test("check_image: the entry point is not _start", change=entry, word="entry point")
@test("check_image: text and data on one page", change=mixed_page, word="different rights")
def image_fails(t, change, word):
    pass1, final = work.GCC.file("pass1.elf"), Image(work.GCC.file("squall.elf"))
    change(final, final.segment(writable=word != "lowest load address" and change is not entry))
    path = final.write(t.path("squall.elf"))
    done = work.command("scripts/check_image", pass1, path)
    if word:
        fails(done, word)


@test("check_image: the image as it is")
def image_passes(t):
    passes(work.command("scripts/check_image", work.GCC.file("pass1.elf"), work.GCC.file("squall.elf")))


@test("check_image: text that moved between the two links")
def moved_text(t):
    """As if one function had another address in the first."""
    pass1 = Image(work.GCC.file("pass1.elf"))
    for number in range(pass1.shnum):
        at = pass1.shoff + 64 * number
        if struct.unpack_from("<I", pass1.data, at + 4)[0] == 2:        # the symbol table
            offset, size = struct.unpack_from("<QQ", pass1.data, at + 24)
            for symbol in range(offset, offset + size, 24):
                if pass1.data[symbol + 4] & 15 == 2:                    # a function
                    value = struct.unpack_from("<Q", pass1.data, symbol + 8)[0]
                    struct.pack_into("<Q", pass1.data, symbol + 8, value + 2)
                    break
    done = work.command("scripts/check_image", pass1.write(t.path("pass1.elf")), work.GCC.file("squall.elf"))
    fails(done, "moved")


@test("check_image: files that are no images", data=b"")
@test("check_image: text for an image", data=b"#!/bin/sh\n")
@test("check_image: half an image", data=None)
def no_image(t, data):
    final = work.GCC.file("squall.elf")
    if data is None:
        with open(final, "rb") as file:
            data = file.read(100)
    path = t.path("image")
    with open(path, "wb") as file:
        file.write(data)
    done = work.command("scripts/check_image", final, path)
    expect(done.status != 0 and "Traceback" not in done.error, done.error)


@test("the link is refused when the first instruction is not _start")
def wrong_first(t):
    folder = work.copy_tree(t.path("copy"))
    work.replace(folder, "linker.ld", "*(.text.start)", "*(.text.kernel_main) *(.text.start)")
    done = work.make(folder, "-j2")
    fails(done, "_start")


@test("make sizes: the kernel is within its budget")
def sizes(t):
    done = work.must(work.make(work.GCC.get(), "sizes"))
    (line,) = [line for line in done.output.split("\n") if "without libfdt" in line]
    t.note(line.strip())
    for name in ("(libfdt)", "(symbol table)", "kernel/executor.c"):
        expect(name in done.output, f"{name} is not in the table")


@test("make sizes: a kernel over its budget fails")
def too_large(t):
    folder = work.copy_tree(t.path("copy"))
    work.append(folder, "kernel/irq.c", "\nconst char *ballast(int i);\nconst char *ballast(int i)\n{\n"
                "        static const char bytes[40000] = { 1 };\n\n        return &bytes[i];\n}\n")
    work.replace(folder, "linker.ld", "ENTRY(_start)", "ENTRY(_start)\nEXTERN(ballast)")
    fails(work.make(folder, "-j2", "sizes"), "over its size budget")
