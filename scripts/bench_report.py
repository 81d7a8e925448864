# SPDX-License-Identifier: MIT
"""The pictures of scripts/bench: bench.svg for a slide, and bench.html with the same and the numbers, in one file."""
import html
import math

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 560, 320, 78, 56, 20, 44
STYLE = """
  .bench text { font: 13px system-ui, sans-serif; fill: #24292f } .bench .title { font-weight: 600; font-size: 15px }
  .bench .grid { stroke: #d0d7de } .bench .line { fill: none; stroke-width: 2.2 } .bench .published { stroke-dasharray: 5 4 }
  .bench .ground { fill: #ffffff }
  .bench .c0 { stroke: #0969da; fill: #0969da } .bench .c1 { stroke: #bc4c00; fill: #bc4c00 }
  .bench .c2 { stroke: #1a7f37; fill: #1a7f37 } .bench .c3 { stroke: #8250df; fill: #8250df }
  .bench tspan { stroke: none }
  .bench .line { fill: none }
  @media (prefers-color-scheme: dark) { .bench text { fill: #e6edf3 } .bench .grid { stroke: #30363d } .bench .ground { fill: #0d1117 }
    .bench .c0 { stroke: #4493f8; fill: #4493f8 } .bench .c1 { stroke: #f0883e; fill: #f0883e }
    .bench .c2 { stroke: #3fb950; fill: #3fb950 } .bench .c3 { stroke: #ab7df8; fill: #ab7df8 } .bench .line { fill: none } }
"""


class Series:
    """A line of a chart: {x: y}. Published ones are not ours, and drawn as such."""

    def __init__(self, name, points, published=False):
        self.name, self.points, self.published = name + (" (published)" if published else ""), points, published


def short(value):
    """A number for an axis."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


class Chart:
    """Both axes are logarithmic: depths double, and so do most of the things that depend on them."""

    def __init__(self, title, unit, series):
        self.title, self.unit, self.series = title, unit, series
        self.xs = sorted({x for one in series for x in one.points})
        ys = [y for one in series for y in one.points.values() if y > 0]
        self.low, self.high = 10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys)))

    def x(self, value):
        first, last = math.log2(self.xs[0]), math.log2(self.xs[-1])
        return LEFT + (math.log2(value) - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - math.log10(max(value, self.low) / self.low) / math.log10(self.high / self.low) * (HEIGHT - TOP - BOTTOM)

    def axes(self):
        yield f'<text class="title" x="{LEFT}" y="20">{html.escape(self.title)}</text>'
        decade = self.low
        while decade <= self.high:
            y = self.y(decade)
            yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/><text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(decade)}</text>'
            decade *= 10
        for x in self.xs:
            yield f'<text x="{self.x(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x}</text>'
        yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">requests in flight</text>'
        yield f'<text x="{LEFT}" y="{HEIGHT - 8}">{html.escape(self.unit)}</text>'

    def lines(self):
        for number, one in enumerate(self.series):
            colour, dashed = f"c{number % 4}", " published" if one.published else ""
            points = sorted(one.points.items())
            path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
            yield f'<polyline class="line {colour}{dashed}" points="{path}"/>'
            yield "".join(f'<circle class="{colour}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3"><title>'
                          f'{html.escape(one.name)}, {x} in flight: {y:,.0f}</title></circle>' for x, y in points)

    def legend(self):
        """Below the title, in the colours of the lines."""
        names = "".join(f'<tspan class="c{number % 4}" dx="{14 if number else 0}">{html.escape(one.name)}</tspan>'
                        for number, one in enumerate(self.series))
        yield f'<text x="{LEFT}" y="40">{names}</text>'

    def svg(self, dx=0, dy=0):
        return f'<g transform="translate({dx} {dy})">' + "".join([*self.axes(), *self.lines(), *self.legend()]) + "</g>"


def drawing(charts, columns):
    rows = math.ceil(len(charts) / columns)
    width, height = columns * WIDTH, rows * (HEIGHT + 10)
    inner = "".join(chart.svg(index % columns * WIDTH, index // columns * (HEIGHT + 10)) for index, chart in enumerate(charts))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="bench" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{html.escape("; ".join(chart.title for chart in charts))}"><style>{STYLE}</style>'
            f'<rect class="ground" width="{width}" height="{height}"/>{inner}</svg>\n')


def table(chart):
    head = "".join(f"<th>{x}</th>" for x in chart.xs)
    body = "".join(f"<tr><th>{html.escape(one.name)}</th>" +
                   "".join(f"<td>{one.points[x]:,.0f}</td>" if x in one.points else "<td></td>" for x in chart.xs) + "</tr>"
                   for one in chart.series)
    return f"<h2>{html.escape(chart.title)}</h2><p>{html.escape(chart.unit)}</p><table><tr><th></th>{head}</tr>{body}</table>"


PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Squall: what a disk request costs</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 1140px; margin: 2em auto; padding: 0 1em; color: #24292f; background: #fff }}
  table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }} td, th {{ padding: .2em .7em; text-align: right }}
  th:first-child {{ text-align: left }} tr + tr {{ border-top: 1px solid #d0d7de }}
  @media (prefers-color-scheme: dark) {{ body {{ color: #e6edf3; background: #0d1117 }} tr + tr {{ border-color: #30363d }} }}
</style>
<h1>What a disk request costs</h1>
<p>{words}</p>
{drawing}
{tables}
</html>
"""

WORDS = """Random reads of 4 KiB from a disk that does nothing, so that only the way there and back is seen. Lines that are drawn
through were measured on this machine, in this run; those that are dashed were published by others, and are scaled
to the rate of the same hand-written loop. Rates swing from run to run: only their ratio is worth something.
Instructions are exact."""


def charts(rates, latencies, instructions, published):
    """The three charts. rates, instructions: {name: {depth: value}}; latencies: {percentile: {depth: ns}};
    published: {name: ({depth: share of the loop's rate}, {depth: instructions})}."""
    loop = rates["loop"]
    rate = [Series(name, points) for name, points in rates.items()]
    rate += [Series(name, {depth: share * loop[depth] for depth, share in shares.items() if depth in loop}, True)
             for name, (shares, _) in published.items()]
    cost = [Series(name, points) for name, points in instructions.items()]
    cost += [Series(name, costs, True) for name, (_, costs) in published.items()]
    return [Chart("Requests per second", "requests per second", rate),
            Chart("Instructions per request", "guest instructions", cost),
            Chart("Latency, by percentile", "nanoseconds", [Series(name, points) for name, points in latencies.items()])]


def write(svg_path, html_path, all_charts):
    with open(svg_path, "w", encoding="utf-8") as file:
        file.write(drawing(all_charts, 2))
    with open(html_path, "w", encoding="utf-8") as file:
        file.write(PAGE.format(words=WORDS, drawing=drawing(all_charts, 2), tables="".join(map(table, all_charts))))
