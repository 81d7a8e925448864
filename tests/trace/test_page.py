# SPDX-License-Identifier: MIT
"""trace.html and trace.svg as a real browser shows them: in light and dark, and when they are used."""
import html
import json
import os
import re
import threading

import browser
import png
from recorded import BENCH, draw_recorded
from tap import expect, expect_equal, test
from tracing.words import COLOURS, STEPS, STYLES

# For each style the longest of its bars in the window: a point in it that no text and no line of the path covers.
POINTS = """
const points = {}, box = $("picture").getBoundingClientRect();
for (const bar of D.bars) {
        const from = Math.max(xOf(bar[BEGIN]), GUTTER), to = Math.min(xOf(bar[BEGIN] + bar[LENGTH]), width), top = box.top + tops[bar[LANE]];
        if (to - from > 8 && top < innerHeight - 30 && to - from > (points[bar[STYLE]]?.wide || 0))
                points[bar[STYLE]] = { wide: to - from, x: Math.round(box.left + to - 4), y: Math.round(top + 4) };
}
return points;
"""
lock, made = threading.RLock(), {}


def once(key, make):
    """What several tests look at is made once."""
    with lock:
        if key not in made:
            made[key] = make()
        return made[key]


def drawn():
    return once("drawn", lambda: draw_recorded(BENCH))


def with_script(t, script, name="page.html"):
    """The address of a page that runs a script when it has been drawn, and keeps what that returns."""
    path = t.path(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(drawn()["html"].replace("</body>", f"<script id=added>document.body.dataset.told = JSON.stringify((() => {{{script}}})() ?? null);"
                                              "document.getElementById('added').remove();</script></body>"))
    return "file://" + path


def shot(t, dark, request=0):
    """A screenshot, with the path of a request or none."""
    hash_or_script = (f"#request={request}", "") if request else ("", "select(0)")
    return once(("shot", dark, request), lambda: browser.screenshot(t, with_script(t, hash_or_script[1]) + hash_or_script[0], dark))


def told(text):
    found = re.search(r'data-told="([^"]*)"', text)
    expect(found, "the script has not run to its end")
    return json.loads(html.unescape(found[1]))


@test("trace: the page in light", dark=False)
@test("trace: the page in dark", dark=True)
def colours(t, dark):
    points, picture = results(t)["points"], shot(t, dark)
    expect_equal("size", (picture.width, picture.height), (browser.WIDTH, browser.HEIGHT))
    expect({"run", "ready", "wait", "ring", "flight", "interrupt", "device"} <= points.keys(), f"bars only of {sorted(points)}")
    for style, point in points.items():
        expect_equal(f"the colour of {style} at {point['x']}, {point['y']}", picture.pixel(point["x"], point["y"]),
                     png.colour(STYLES[style][1 + dark]))
    paper, ink = (png.colour(COLOURS[name][dark]) for name in ("paper", "ink"))
    everything = picture.width * picture.height
    expect(picture.count(paper) > everything / 4, "the paper is not to be seen")
    expect(picture.count(ink, 40) > 1000, "there is no text")


@test("trace: the path of a request is lit", dark=False)
@test("trace: the path of a request is lit, in dark", dark=True)
def path(t, dark):
    lit = png.colour(COLOURS["path"][dark])
    with_path, without = shot(t, dark, request=3).count(lit), shot(t, dark).count(lit)
    expect(with_path > without + 1000, f"{with_path} pixels of the path's colour, and {without} without one")


@test("trace: what the page says, and of an address that names a request")
def words(t):
    text = browser.dom(t, with_script(t, "") + "#request=3")
    plain = re.sub(r"<script.*?</script>|<style.*?</style>|<noscript>.*?</noscript>", "", text, flags=re.S)
    plain = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", plain)))
    expect('data-selected="3"' in text, "the address does not choose a request")
    expect("The path of request 3: read of 8 sectors at" in plain, f"it does not tell of request 3: {plain[:600]}")
    for kind, (title, layer, _) in STEPS.items():
        expect(kind in ("queue", "found") or (title in plain and layer in plain), f"nothing of “{title}”")
    expect("100 % found in QEMU’s own trace" in plain and "60 requests · 4 tasks" in plain, "the facts are not there")
    expect("kernel/jobs/bench.c:" in plain and "AWAIT(self->io" in plain, "no source line of an await")
    expect("{" not in plain.split("All requests")[0], "a brace is left unfilled")
    expect_equal("requests in the list", len(re.findall(r'<button data-request="\d+"', text)), 60)
    expect_equal("what has no name for those who do not see it", re.findall(r"<(?:button|canvas)(?![^>]*aria-)(?![^>]*>[^<]*\w)[^>]*>", text), [])


USES = {
    "a click lights a request": ("""
        const bar = D.bars.find(bar => bar[STYLE] === "flight" && bar[BEGIN] > view.begin && xOf(bar[BEGIN] + bar[LENGTH]) < width);
        const box = $("picture").getBoundingClientRect();
        const at = { clientX: box.left + xOf(bar[BEGIN] + bar[LENGTH] / 2), clientY: box.top + tops[bar[LANE]] + 6, pointerId: 1, buttons: 1 };
        $("picture").setPointerCapture = () => {};
        for (const kind of ["pointermove", "pointerdown", "pointerup"])
                $("picture").dispatchEvent(new PointerEvent(kind, at));
        return [view.selected === bar[REQUEST], location.hash === `#request=${bar[REQUEST]}`, !$("tip").hidden,
                $("tip").textContent.includes(`request ${bar[REQUEST]}: read 8 @`), $("path").textContent.includes(`The path of request ${bar[REQUEST]}:`)];
        """, [True] * 5),
    "a drag moves the picture": ("""
        const before = view.begin, span = view.end - view.begin, box = $("picture").getBoundingClientRect(), chosen = view.selected;
        $("picture").setPointerCapture = () => {};
        for (const [kind, x] of [["pointerdown", 600], ["pointermove", 500], ["pointerup", 500]])
                $("picture").dispatchEvent(new PointerEvent(kind, { clientX: box.left + x, clientY: box.top + 60, pointerId: 1 }));
        return [view.begin > before, Math.abs(view.end - view.begin - span) < 1e-3, view.selected === chosen];
        """, [True] * 3),
    "the wheel zooms where the pointer is": ("""
        const box = $("picture").getBoundingClientRect(), at = timeAt(700), span = view.end - view.begin;
        $("picture").dispatchEvent(new WheelEvent("wheel", { deltaY: -200, clientX: box.left + 700, clientY: box.top + 50, cancelable: true }));
        return [view.end - view.begin < span, Math.abs(xOf(at) - 700) < 1];
        """, [True] * 2),
    "the keyboard: zoom, move, requests, none": ("""
        const press = (key, target = $("picture")) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        const span = () => view.end - view.begin, found = [];
        let before = span(); press("+"); found.push(span() < before);
        before = span(); press("-"); found.push(span() > before);
        before = view.begin; press("ArrowRight"); found.push(view.begin > before);
        before = view.begin; press("ArrowLeft"); found.push(view.begin < before);
        press("Escape"); found.push(view.selected === 0 && $("path").textContent.includes("click a request"));
        press("ArrowDown"); press("ArrowDown"); found.push(view.selected === 2);
        press("ArrowUp"); found.push(view.selected === 1 && $("requests").querySelector("[aria-pressed=true]").dataset.request === "1");
        press("0"); found.push(view.begin <= D.begin && view.end >= D.end);
        press("Home"); found.push(Math.abs(span() - D.window[1] + D.window[0]) < 1);
        return found;
        """, [True] * 9),
    "the keyboard: the list of requests": ("""
        const press = key => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        const list = $("requests").querySelectorAll("button"), found = [];
        list[0].focus(); found.push(view.over === 1);
        press("ArrowDown"); found.push(document.activeElement === list[1] && view.over === 2);
        document.activeElement.click(); found.push(view.selected === 2 && location.hash === "#request=2");
        press("Escape"); found.push(view.selected === 0);
        return found;
        """, [True] * 4),
    "a request is brought into the picture": ("""
        show(D.begin, D.begin + 1000);
        select(D.requests.length, { look: true });
        const steps = D.requests[D.requests.length - 1].steps;
        return [view.begin < steps[0][1], view.end > steps[steps.length - 1][1]];
        """, [True] * 2),
    "every request has its path, top to bottom and back": ("""
        return D.requests.map(request => { select(request.number);
                const times = request.steps.map(step => step[1]);
                return request.steps.length >= 9 && times.every((time, at) => at === 0 || time >= times[at - 1]) &&
                       $("path").querySelectorAll("li").length === request.steps.length; }).filter(right => !right).length;
        """, 0),
}


def results(t):
    """{name: what its script has returned}: all in one browser, each on the page as it was in the beginning."""
    scripts = {"points": POINTS, **{name: body for name, (body, _) in USES.items()}}
    functions = ", ".join(f"{json.dumps(name)}: () => {{{body}}}" for name, body in scripts.items())
    script = f"""const found = {{}}, all = {{{functions}}};
        for (const name in all) {{
                show(...D.window);
                history.replaceState(null, "", "#");
                fromAddress();
                try {{ found[name] = all[name](); }} catch (error) {{ found[name] = String(error); }}
        }}
        return found;"""
    return once("results", lambda: told(browser.dom(t, with_script(t, script))))


def used(t, use, result):
    expect_equal("what came of it", results(t)[use], result)


for a_name, (_, a_result) in USES.items():
    test(f"trace: the page, {a_name}", use=a_name, result=a_result)(used)


@test("trace: the page asks nobody for anything, and is small")
def alone(_t):
    text = drawn()["html"]
    expect(len(text.encode()) < 500_000, f"it has {len(text.encode())} bytes")
    addresses = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\"' <)]*", text)) - {"http://www.w3.org/2000/svg"}
    expect(not addresses, f"it names {addresses}")
    expect(not re.search(r"\b(?:src|href)=|@import|url\(|fetch\(|XMLHttpRequest|import\(", text), "it loads something")


@test("trace: the still in light", dark=False)
@test("trace: the still in dark", dark=True)
def still(t, dark):
    address = t.path("trace.svg")
    with open(address, "w", encoding="utf-8") as file:
        file.write(drawn()["svg"])
    picture = browser.screenshot(t, "file://" + address, dark)
    for style in ("run", "ready", "wait", "ring", "flight", "interrupt", "device"):
        expect(picture.count(png.colour(STYLES[style][1 + dark])) > 60, f"nothing of {style}")
    expect(picture.count(png.colour(COLOURS["path"][dark])) > 500, "no path of a request")
    expect(picture.count(png.colour(COLOURS["ink"][dark]), 40) > 800, "no text")
    expect_equal("a corner", picture.pixel(3, 3), png.colour(COLOURS["paper"][dark]))


def contrast(one, other):
    """WCAG 2.1, 1.4.3."""
    def light(text):
        parts = [part / 255 for part in png.colour(text)]
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@test("trace: whatever is to be read has contrast, in light", dark=0)
@test("trace: whatever is to be read has contrast, in dark", dark=1)
def legible(_t, dark):
    palette = {name: pair[dark] for name, pair in COLOURS.items()}
    palette.update((name, colours[1 + dark]) for name, colours in STYLES.items())
    on_strong = ("#ffffff", "#0c1420")[dark]
    pairs = [(palette[text], ground) for text in ("ink", "faint", "path") for ground in ("paper", "band")]
    pairs = [(text, palette[ground]) for text, ground in pairs] + [(palette["ink"], palette[ground]) for ground in ("wait", "flight", "sleep", "notify")]
    pairs += [(on_strong, palette["run"]), (on_strong, palette["interrupt"]), (palette["paper"], palette["path"])]
    poor = [f"{one} on {other}: {contrast(one, other):.2f}" for one, other in pairs if contrast(one, other) < 4.5]
    expect(not poor, f"less than 4.5: {poor}")
