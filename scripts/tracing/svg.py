# SPDX-License-Identifier: MIT
"""trace.svg: the first requests as a still, with the path of one of them."""
from xml.sax.saxutils import escape

from .layout import window
from .words import COLOURS, STEPS, STYLES

WIDTH, GUTTER, MARGIN = 1200, 118, 20
HEAD, AXIS, GAP = 90, 26, 22    # heights: the title and key, the axis, a group's heading
LETTER = 6.6                    # width of a letter of 11 px, about
MOST_ROWS = 8                   # of a group
MOST_DOTS = 15                  # px between two numbers on the path


def nice_step(span, most):
    """A round number of ns of which `most` make up the span."""
    size = 1
    while span / (5 * size) > most:
        size *= 10
    return next(size * factor for factor in (1, 2, 5) if span / (size * factor) <= most)


def time_words(time):
    """ns, to three figures."""
    for unit, size in (("s", 10 ** 9), ("ms", 10 ** 6), ("µs", 1000)):
        if abs(time) >= size:
            return f"{time / size:.3g} {unit}" if abs(time) < 1000 * size else f"{time / size:,.0f} {unit}"
    return f"{time} ns"


def style_sheet():
    def rules(dark):
        names = {name: pair[dark] for name, pair in COLOURS.items()}
        text = "".join(f".{name}{{fill:{colours[1 + dark]}}}" for name, colours in STYLES.items())
        return (text + f".paper{{fill:{names['paper']}}}.band{{fill:{names['band']}}}text{{fill:{names['ink']}}}"
                f".faint{{fill:{names['faint']}}}.line{{stroke:{names['line']}}}.path{{stroke:{names['path']}}}"
                f".dot{{fill:{names['path']}}}.number{{fill:{names['paper']}}}.on-run,.on-interrupt{{fill:{'#fff' if not dark else '#0c1420'}}}")
    return ("text{font:11px system-ui,'DejaVu Sans',sans-serif}.title{font-size:17px;font-weight:600}.small{font-size:10px}"
            ".head{font-size:10px;font-weight:600;letter-spacing:.04em}.number{font-size:9px;font-weight:700;text-anchor:middle}"
            ".axis{text-anchor:middle}.path{fill:none;stroke-width:1.6;stroke-linejoin:round}.step{font-weight:600}"
            f"{rules(0)}@media(prefers-color-scheme:dark){{{rules(1)}}}")


class Still:
    def __init__(self, picture, title, facts):
        self.picture, self.out, self.before = picture, [], (None, None, 0)
        self.begin, self.end = window(picture)
        self.scale = (WIDTH - GUTTER - 2 * MARGIN) / (self.end - self.begin)
        shown = {bar.lane for bar in picture.bars if bar.end >= self.begin and bar.begin <= self.end}
        self.tops, height = {}, HEAD + AXIS
        group, rows = None, 0
        for number, lane in enumerate(picture.lanes):
            if number not in shown:
                continue
            if lane.group != group:
                group, rows = lane.group, 0
                height += GAP
            rows += 1
            if rows <= MOST_ROWS:
                self.tops[number] = height
                height += lane.height + 2
        self.bottom = height
        self.story = self.choose()
        self.head(title, facts)
        self.axis()
        self.lanes()
        if self.story:
            self.path(picture.paths[self.story])
            height = self.steps(picture.paths[self.story], height + 34)
        self.height = height + MARGIN

    def put(self, text):
        self.out.append(text)

    def x(self, time):
        return MARGIN + GUTTER + (min(max(time, self.begin), self.end) - self.begin) * self.scale

    def text(self, x, y, words, style="", more=""):
        self.put(f'<text x="{x:.1f}" y="{y:.1f}"{f" class={chr(34)}{style}{chr(34)}" if style else ""}{more}>{escape(words)}</text>')

    def choose(self):
        """A request whose whole path is to be seen, with the most steps, and the longest."""
        seen = [(len(steps), steps[-1].time - steps[0].time, -number) for number, steps in self.picture.paths.items()
                if all(step.lane in self.tops and self.begin <= step.time <= self.end for step in steps)]
        return -max(seen)[2] if seen else 0

    def head(self, title, facts):
        self.text(MARGIN, MARGIN + 14, title, "title")
        self.text(WIDTH - MARGIN, MARGIN + 14, facts, "faint", ' text-anchor="end"')
        x, y = MARGIN, 61
        used = {bar.style for bar in self.picture.bars if bar.lane in self.tops and bar.end >= self.begin and bar.begin <= self.end}
        for name, (words, *_) in STYLES.items():
            if name not in used or name == "over":      # as "ready"
                continue
            width = 17 + len(words) * 5.2 + 12
            if x + width > WIDTH - MARGIN:
                x, y = MARGIN, y + 18
            self.put(f'<rect class="{name}" x="{x:.0f}" y="{y - 10}" width="12" height="12" rx="2"/>')
            self.text(x + 17, y, words, "small")
            x += width

    def axis(self):
        step = nice_step(self.end - self.begin, 9)
        for number in range((self.end - self.begin) // step + 1):
            x = self.x(self.begin + number * step)
            self.put(f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD + AXIS - 6}" y2="{self.bottom}"/>')
            self.text(x, HEAD + AXIS - 12, "0" if not number else time_words(number * step), "axis faint")

    def lanes(self):
        group = None
        for number, top in self.tops.items():
            lane = self.picture.lanes[number]
            if lane.group != group:
                group = lane.group
                self.text(MARGIN, top - 7, group.upper(), "head faint")
            self.put(f'<rect class="band" x="{MARGIN + GUTTER}" y="{top}" width="{WIDTH - 2 * MARGIN - GUTTER}" height="{lane.height}"/>')
            if not lane.label.startswith("row "):
                self.text(MARGIN, top + lane.height / 2 + 4, lane.label[:18])
        for bar in self.picture.bars:
            if bar.lane in self.tops and bar.end >= self.begin and bar.begin <= self.end:
                self.bar(bar)

    def bar(self, bar):
        top, height = self.tops[bar.lane], self.picture.lanes[bar.lane].height
        x, end = self.x(bar.begin), self.x(bar.end)
        width = max(end - x, 1)
        if (bar.lane, bar.style) == self.before[:2] and x + width < self.before[2] + 0.5:
            return                      # of many that share a pixel one is enough
        self.before = (bar.lane, bar.style, x + width)
        tip = f"<title>{escape(bar.tip)}, {time_words(bar.end - bar.begin)}</title>" if bar.tip else ""
        self.put(f'<rect class="{bar.style}" x="{x:.1f}" y="{top + 2}" width="{width:.1f}" height="{height - 4}"'
                 f'{" rx=" + chr(34) + "2" + chr(34) if width > 5 else ""}>{tip}</rect>')
        room = int((width - 8) / LETTER)
        if bar.text and height >= 16 and room >= 5:
            words = bar.text if len(bar.text) <= room else bar.text[:room - 1] + "…"
            self.text(x + 5, top + height / 2 + 4, words, f"on-{bar.style}")

    def path(self, steps):
        """A line from step to step, and their numbers; those that would lie on each other move apart."""
        points, last = [], {}
        for step in steps:
            lane = self.picture.lanes[step.lane]
            x = self.x(step.time)
            points.append([x, self.tops[step.lane] + lane.height / 2])
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.put(f'<polyline class="path" points="{line}"/>')
        for number, (x, y) in enumerate(points):
            at = max(x, last.get(y, -MOST_DOTS) + MOST_DOTS)
            last[y] = at
            self.put(f'<circle class="dot" cx="{at:.1f}" cy="{y:.1f}" r="7"/>')
            self.text(at, y + 3.2, str(number + 1), "number")

    def steps(self, steps, top):
        """What the numbers say, in two columns."""
        request = next(one for one in self.picture.model.requests if one.number == self.story)
        self.text(MARGIN, top, f"THE PATH OF REQUEST {self.story}, A {request.operation.upper()}, DOWN AND UP", "head faint")
        half = (len(steps) + 1) // 2
        for number, step in enumerate(steps):
            title, layer, words = STEPS[step.kind]
            x = MARGIN + 7 + (number // half) * (WIDTH / 2 - MARGIN / 2)
            y = top + 22 + number % half * 20
            self.put(f'<circle class="dot" cx="{x:.1f}" cy="{y - 4:.1f}" r="7"/>')
            self.text(x, y - 0.8, str(number + 1), "number")
            self.text(x + 14, y, title, "step")
            self.text(x + 168, y, "+ " + time_words(step.time - steps[0].time) if number else "", "faint")
            self.text(x + 238, y, SHORT[step.kind])
        return top + 22 + half * 20

    def document(self):
        body = "\n".join(self.out)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height:.0f}" width="{WIDTH}" '
                f'height="{self.height:.0f}" role="img" aria-label="How tasks, disk requests and interrupts follow each other">\n'
                f"<style>{style_sheet()}</style>\n"
                f'<rect class="paper" width="{WIDTH}" height="{self.height:.0f}"/>\n{body}\n</svg>\n')


# Beside the numbers there is room for a line.
SHORT = {
    "await": "AWAIT polls the request for the first time",
    "queue": "it waits in a queue: the ring is full",
    "add": "into the avail ring; the task is suspended, others run",
    "notify": "one register write, for the whole batch",
    "found": "it was still at work on the ring: no notification",
    "device": "the buffer is the device's; the processor is free",
    "done": "status byte, used ring, interrupt",
    "interrupt": "acknowledge first, only then look",
    "used": "the used entry's seat says whose request it was",
    "wake": "linked into the ready queue; it does not run yet",
    "resume": "the next batch polls it: it goes on behind its AWAIT",
}
