# SPDX-License-Identifier: MIT
"""docs/trace.md and its still: what they say is what the kernel and the scripts do."""
import os
import re
import xml.etree.ElementTree

from machine import ROOT
from recorded import DEMO
from tap import expect, expect_equal, test
from tracing import dump, svg, words


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


@test("docs: the table of events has the kernel's kinds, in its order")
def kinds(_t):
    table = read("docs/trace.md").split("| kind |")[1].split("\n\n")[0]
    told = [kind for row in table.split("\n")[2:] for kind in re.findall(r"`([\w-]+)`", row.split("|")[1])]
    expect_equal("kinds", told, list(dump.KINDS))


@test("docs: the dump that is shown is one")
def shown(_t):
    example = re.search(r"```\n(trace begin.*?)```", read("docs/trace.md"), re.S)[1].strip().split("\n")
    expect(dump.BEGIN.match(example[0]) and dump.END.match(example[-1]), "its frame is another")
    events = [line for line in example[1:-1] if line != "..."]
    expect([dump.event_of(line, 0).kind for line in events] == ["spawn", "poll-begin"], f"{events}")
    console = DEMO.get()[0]
    count = int(dump.BEGIN.search(console[console.index("trace begin"):].split("\n")[0])[1])
    expect(count > 100, f"the demo has {count} events")


@test("docs: trace.svg is what make trace draws of the command beside it")
def still(_t):
    text = read("docs/trace.svg")
    job, append = re.search(r'make trace JOB=(\w+) APPEND="(.*?)"', read("docs/trace.md")).groups()
    root = xml.etree.ElementTree.fromstring(text)
    said = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    expect_equal("its title", said[0], f"job={job} {append}")
    expect(f"<style>{svg.style_sheet()}</style>" in text, "it was drawn in other colours: draw it again")
    for kind, line in svg.SHORT.items():
        expect(kind in ("queue", "found") or (line in said and words.STEPS[kind][0] in said), f"it does not tell of “{line}”: draw it again")
    expect("100 % found in QEMU’s own trace" in said[1], said[1])
    expect("trace.svg" in read("README.md"), "the README does not show it")


@test("docs: every step of a path is told, also where there is little room")
def steps(_t):
    expect_equal("steps", list(svg.SHORT), list(words.STEPS))
    known = {"task", "place", "seat", "queue", "batch", "status"}
    for title, layer, text in words.STEPS.values():
        expect(title and layer and set(re.findall(r"\{(\w+)\}", text)) <= known, f"“{title}” has a brace that nobody fills")
