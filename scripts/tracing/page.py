# SPDX-License-Identifier: MIT
"""trace.html: the picture to move about in, in one file that asks nobody for anything."""
import collections
import json
import os
import re
from html import escape

from .layout import name_of, window
from .words import COLOURS, STEPS, STYLES, status_words

KINDS = list(STEPS)
HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


class Strings(list):
    """Each once; number 0 is the empty one."""

    def __init__(self):
        super().__init__([""])
        self.numbers = {"": 0}

    def number(self, text):
        if text not in self.numbers:
            self.numbers[text] = len(self)
            self.append(text)
        return self.numbers[text]


def of_request(request, path, batch, strings):
    """A row; draw.js names its columns. Times are from the first step on."""
    piece = request.pieces[0]
    what = name_of(piece) if len(request.pieces) == 1 else f"{request.operation} {request.sectors} @ {request.sector}"
    task = f"task {request.task.label}" if request.task else "the caller"
    place, source = (f"at {request.place}", request.place.text) if request.place else ("in a function that waits without a task", "")
    begin = path[0].time if path else 0
    steps = [number for step in path for number in (KINDS.index(step.kind), step.time - begin, step.lane)]
    return [request.number, what, len(request.pieces), strings.number(task), strings.number(place), strings.number(source), piece.seat, piece.queue, batch,
            strings.number(status_words(request.status)), begin, steps]


def of_bars(bars, strings, single):
    """Rows; draw.js names their columns. A bar's beginning is told from that of the one before it."""
    styles, before = list(STYLES), 0
    for bar in bars:
        text, (head, _, tip) = bar.text, bar.tip.partition("\n")
        if bar.request in single:               # the page makes them of the request
            text, head = "*" if text else "", ""
        row = [bar.lane, bar.begin - before, bar.end - bar.begin, styles.index(bar.style), strings.number(text),
               strings.number(head), strings.number(tip), bar.request]
        while row[-1] == 0:
            row.pop()
        before = bar.begin
        yield row


def data(picture, facts, example):
    strings = Strings()
    batches = collections.Counter(piece.notified for piece in picture.model.pieces)
    requests = [of_request(one, picture.paths[one.number], batches[one.pieces[0].notified], strings)
                for one in picture.model.requests if one.number in picture.paths]
    single = {one.number for one in picture.model.requests if len(one.pieces) == 1}
    used = {bar.style for bar in picture.bars}
    return {"facts": facts, "begin": picture.model.first, "end": picture.model.last, "window": window(picture), "example": example,
            "styles": STYLES, "key": [name for name in STYLES if name in used and name != "over"], "colours": COLOURS,
            "steps": STEPS, "lanes": picture.lanes, "bars": list(of_bars(picture.bars, strings, single)), "requests": requests, "strings": strings}


def variables(dark):
    pairs = {**COLOURS, **{name: colours for name, (_, *colours) in STYLES.items()}}
    return "; ".join(f"--{name}: {pair[dark]}" for name, pair in pairs.items())


def document(picture, title, facts, still):
    # "</script" would end the script that the data is in.
    told = json.dumps(data(picture, facts, still.story), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    css = read("page.css").replace("@LIGHT@", variables(0)).replace("@DARK@", variables(1))
    parts = {"TITLE": escape(title), "CSS": css, "JS": read("draw.js") + read("page.js"), "SVG": still.document(), "DATA": told}
    # In one pass, for what is put in may hold anything.
    return re.sub("@([A-Z]+)@", lambda name: parts[name[1]], read("page.html"))
