# SPDX-License-Identifier: MIT
"""docs/trust.md: each row stands, and scripts/trust finds the one that does not."""
import os

import work
from machine import ROOT
from tap import expect, expect_equal, test

ROW = """7 No write to the configuration before FEATURES_OK (3.1.1)
  code drivers/virtio_blk_setup.c | if (again && block->write_cache != had_cache)
  test host/disk: test_cache_is_switched
  mutant cache-switched-before-features-ok
"""
FAMILY = """* A length that is checked too strictly: devices get it wrong
  mutant packed-length-over-strict
  test host/virtqueue_packed_lies: length_counts_without_the_flag
"""


def table():
    with open(os.path.join(ROOT, "docs/trust.in"), encoding="utf-8") as file:
        return file.read()


@test("trust: the table stands, and the page is what is made of it")
def stands(_t):
    work.must(work.command("scripts/trust"))


@test("trust: a row without a test", old="  test host/disk: test_cache_is_switched\n", word="no test")
@test("trust: a row without code", old="  code drivers/virtio_blk_setup.c | if (again && block->write_cache != had_cache)\n",
      word="no line of code")
@test("trust: a line that is not there", old="if (again &&", new="if (never &&", word="0 times")
@test("trust: a line that is there twice", old="if (again && block->write_cache != had_cache)", new="if (error != 0)",
      word="times, not once")
@test("trust: a file that is not there", old="drivers/virtio_blk_setup.c", new="drivers/nothing.c", word="drivers/nothing.c")
@test("trust: a host test that is not there", old="test_cache_is_switched", new="test_nothing", word="test_nothing")
@test("trust: a QEMU test that is not there", old="host/disk: test_cache_is_switched", new="qemu: nothing", word="qemu: nothing")
@test("trust: a mutant that is not there", old="cache-switched-before", new="nothing-before", word="no mutant nothing-before")
@test("trust: a mutant of another file", old="mutant cache-switched-before-features-ok", new="mutant no-reset-at-first",
      word="drivers/virtio.c")
@test("trust: a mutant that no test of the row finds", old="mutant cache-switched-before-features-ok",
      new="mutant needs-reset-unheard", word="host/reset")
@test("trust: a requirement that is left out", old=ROW, word="requirement 7 is there 0 times")
@test("trust: a requirement that is there twice", old=ROW, new=ROW + ROW, word="requirement 7 is there 2 times")
@test("trust: requirements out of order", old=ROW + "8 ", new="8 ", behind=ROW, word="not in order")
@test("trust: a line that is nothing", old="  mutant cache-switched", new="  mutnat cache-switched", word="no row")
@test("trust: a family of which nothing was planted", whole=FAMILY, old="  mutant packed-length-over-strict\n"
      "  test host/virtqueue_packed_lies: length_counts_without_the_flag\n", word="nothing of it was planted")
def mistakes(t, old, word, new="", whole=ROW, behind=""):
    text = table()
    expect(text.count(whole) == 1, f"the table has this {text.count(whole)} times:\n{whole}")
    if old.startswith(whole):
        text = text.replace(old, new) + behind
    else:
        expect(old in whole, f"the row has no {old}")
        text = text.replace(whole, whole.replace(old, new))
    path = t.path("trust.in")
    work.write(t.folder, "trust.in", text)
    done = work.command("scripts/trust", path)
    expect_equal("status", done.status, 1)
    expect(word in done.error, f"{word!r} is not in:\n{done.error}")


@test("trust: a page that is not what the table says, and one that is made anew")
def outdated(t):
    folder = work.copy_tree(t.path("squall"), (*work.PARTS, "docs"))
    with open(os.path.join(folder, "drivers/virtio.c"), encoding="utf-8") as file:
        code = file.read()
    work.write(folder, "drivers/virtio.c", "/* One line more. */\n" + code)
    done = work.command("scripts/trust", where=folder)
    expect(done.status == 1 and "scripts/trust --write" in done.error, f"status {done.status}: {done.error}")
    work.must(work.command("scripts/trust", "--write", where=folder))
    work.must(work.command("scripts/trust", where=folder))
