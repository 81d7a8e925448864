"use strict";
/* draw.js - the picture on its canvas: lanes, bars, and the path of the request that is lit. */
const D = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const GUTTER = 122, AXIS = 30, HEADING = 22, DOT = 9;
const LANE = 0, BEGIN = 1, LENGTH = 2, STYLE = 3, TEXT = 4, HEAD = 5, TIP = 6, REQUEST = 7;       /* of a bar */

/* As page.py has packed them. */
function unpack() {
        const styles = Object.keys(D.styles), kinds = Object.keys(D.steps);
        let begin = 0;
        for (const bar of D.bars) {
                while (bar.length <= REQUEST)
                        bar.push(0);
                begin = bar[BEGIN] += begin;
                bar[STYLE] = styles[bar[STYLE]];
        }
        D.requests = D.requests.map(([number, what, pieces, task, place, source, seat, queue, batch, status, begin, packed]) => {
                const steps = [];
                for (let at = 0; at < packed.length; at += 3)
                        steps.push([kinds[packed[at]], begin + packed[at + 1], packed[at + 2]]);
                return { number, what, pieces, task: D.strings[task], place: D.strings[place], source: D.strings[source], seat, queue, status: D.strings[status],
                         batch: batch === 1 ? "1 request" : `${batch} requests`, steps };
        });
        for (const bar of D.bars) {
                const request = D.requests[bar[REQUEST] - 1], text = D.strings[bar[TEXT]];
                bar[TEXT] = text === "*" ? `${request.what} · seat ${request.seat}` : text;
                bar[HEAD] = D.strings[bar[HEAD]] || (request ? `request ${request.number}: ${request.what}, in seat ${request.seat} of queue ` +
                                                               request.queue : "");
                bar[TIP] = D.strings[bar[TIP]];
        }
}
unpack();

const view = { begin: D.window[0], end: D.window[1], selected: 0, dim: false, over: 0 };
const dark = matchMedia("(prefers-color-scheme: dark)");
let printing = false, width = 0, tops = [], height = 0;

const colour = name => D.colours[name][dark.matches && !printing ? 1 : 0];
const fill = style => D.styles[style][dark.matches && !printing ? 2 : 1];
const xOf = time => GUTTER + (time - view.begin) * (width - GUTTER) / (view.end - view.begin);
const timeAt = x => view.begin + (x - GUTTER) * (view.end - view.begin) / (width - GUTTER);

/* ns, to three figures */
function timeWords(time) {
        for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]])
                if (Math.abs(time) >= size)
                        return `${Number((time / size).toPrecision(3))} ${unit}`;
        return `${Math.round(time)} ns`;
}

function place() {
        let group = null;
        height = AXIS;
        tops = D.lanes.map(([name, , tall]) => {
                if (name !== group)
                        height += HEADING;
                group = name;
                const top = height;
                height += tall + 2;
                return top;
        });
        height += 6;
}

/* A canvas of so many CSS pixels, sharp on any screen. */
function prepare(canvas, tall) {
        const ratio = Math.min(window.devicePixelRatio || 1, 16000 / tall);
        const wide = canvas.parentElement.clientWidth;
        if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(tall * ratio)) {
                canvas.width = Math.round(wide * ratio);
                canvas.height = Math.round(tall * ratio);
                canvas.style.height = `${tall}px`;
        }
        width = wide;
        const pen = canvas.getContext("2d");
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        pen.clearRect(0, 0, wide, tall);
        return pen;
}

function drawAxis(pen) {
        let step = 1;
        const span = view.end - view.begin, most = Math.max(2, (width - GUTTER) / 130);
        while (span / step > most)
                step *= String(step)[0] === "2" ? 2.5 : 2;
        const [unit, size] = [["s", 1e9], ["ms", 1e6], ["µs", 1e3]].find(one => step >= one[1]) || ["µs", 1e3];
        pen.textAlign = "center";
        for (let time = Math.ceil(Math.max(view.begin, 0) / step) * step; time <= view.end; time += step) {
                const x = Math.round(xOf(time)) + 0.5;
                pen.fillStyle = colour("line");
                pen.fillRect(x, AXIS - 6, 1, height);
                pen.fillStyle = colour("faint");
                if (x < width - 20)
                        pen.fillText(`${(time / size).toLocaleString("en")} ${unit}`, x, 15);
        }
        pen.textAlign = "left";
}

function drawLanes(pen) {
        let group = null;
        D.lanes.forEach(([name, label, tall], lane) => {
                if (name !== group) {
                        group = name;
                        pen.font = "600 10px system-ui, 'DejaVu Sans', sans-serif";
                        pen.fillStyle = colour("faint");
                        pen.fillText(name.toUpperCase(), 0, tops[lane] - 10);
                        pen.font = "11px system-ui, 'DejaVu Sans', sans-serif";
                }
                pen.fillStyle = colour("band");
                pen.fillRect(GUTTER, tops[lane], width - GUTTER, tall);
                pen.fillStyle = colour("ink");
                if (!label.startsWith("row "))
                        pen.fillText(label.length > 19 ? label.slice(0, 18) + "…" : label, 0, tops[lane] + tall / 2);
        });
}

function drawBar(pen, bar, before) {
        const end = bar[BEGIN] + bar[LENGTH];
        if (end < view.begin || bar[BEGIN] > view.end)
                return;
        const from = Math.max(xOf(bar[BEGIN]), GUTTER), to = Math.min(xOf(end), width), wide = Math.max(to - from, 1);
        const tall = D.lanes[bar[LANE]][2], top = tops[bar[LANE]] + 2;
        const lit = bar[REQUEST] && (bar[REQUEST] === view.selected || bar[REQUEST] === view.over);
        /* Of many of a colour that share a pixel one is enough. */
        const key = bar[LANE] + bar[STYLE];
        if (wide <= 1 && Math.floor(from) === before[key] && !lit)
                return;
        before[key] = Math.floor(from);
        pen.globalAlpha = view.dim && view.selected && !lit ? 0.3 : 1;
        pen.fillStyle = fill(bar[STYLE]);
        if (wide > 5 || lit) {
                pen.beginPath();
                pen.roundRect(from, top, wide, tall - 4, 2);
                pen.fill();
        } else {
                pen.fillRect(from, top, wide, tall - 4);
        }
        if (lit) {
                pen.strokeStyle = colour("path");
                pen.lineWidth = 1.5;
                pen.stroke();
        }
        if (bar[TEXT] && tall >= 16 && wide > 38)
                drawText(pen, bar[TEXT], from + 5, top + tall / 2 - 2, wide - 9, bar[STYLE]);
        pen.globalAlpha = 1;
}

function drawText(pen, text, x, y, room, style) {
        pen.fillStyle = ["run", "interrupt"].includes(style) && !(dark.matches && !printing) ? "#fff"
                        : ["run", "interrupt"].includes(style) ? "#0c1420" : colour("ink");
        const most = Math.floor(room / 5.6);
        let short = text.length > most ? text.slice(0, most) : text;
        while (short.length > 3 && pen.measureText(short === text ? text : short + "…").width > room)
                short = short.slice(0, -1);
        pen.fillText(short === text ? text : short + "…", x, y);
}

/* The steps of the lit request, joined; numbers that would lie on each other move apart. */
function drawPath(pen) {
        const request = D.requests[view.selected - 1];
        if (!request || request.steps.length < 2)
                return;
        const points = request.steps.map(([, time, lane]) => [xOf(time), tops[lane] + D.lanes[lane][2] / 2]);
        pen.save();
        pen.beginPath();
        pen.rect(GUTTER - DOT, 0, width, height);
        pen.clip();
        pen.strokeStyle = pen.fillStyle = colour("path");
        pen.lineWidth = 2;
        pen.lineJoin = "round";
        pen.beginPath();
        points.forEach(([x, y], number) => number ? pen.lineTo(x, y) : pen.moveTo(x, y));
        pen.stroke();
        const last = {};
        pen.textAlign = "center";
        pen.font = "700 10px system-ui, 'DejaVu Sans', sans-serif";
        points.forEach(([x, y], number) => {
                const at = Math.max(x, (last[y] ?? -Infinity) + 2 * DOT + 1);
                last[y] = at;
                pen.fillStyle = colour("path");
                pen.beginPath();
                pen.arc(at, y, DOT - 1, 0, 7);
                pen.fill();
                pen.fillStyle = colour("paper");
                pen.fillText(String(number + 1), at, y + 0.5);
        });
        pen.restore();
}

function drawPicture() {
        const pen = prepare($("picture"), height), before = {};
        pen.font = "11px system-ui, 'DejaVu Sans', sans-serif";
        pen.textBaseline = "middle";
        drawAxis(pen);
        drawLanes(pen);
        for (const bar of D.bars)
                drawBar(pen, bar, before);
        drawPath(pen);
}

/* All of the trace: the processor, and whether the device has anything. Drawn once for each width and scheme. */
const whole = { canvas: document.createElement("canvas"), of: "" };
function drawWhole(scale) {
        const pen = whole.canvas.getContext("2d");
        whole.canvas.width = width;
        whole.canvas.height = 36;
        pen.fillStyle = colour("band");
        pen.fillRect(GUTTER, 0, width - GUTTER, 36);
        for (const bar of D.bars)
                if (bar[LANE] === 0 || bar[STYLE] === "flight") {
                        pen.fillStyle = fill(bar[STYLE]);
                        pen.fillRect(GUTTER + (bar[BEGIN] - D.begin) * scale, bar[LANE] ? 20 : 6, Math.max(bar[LENGTH] * scale, 1), 10);
                }
}

/* And which part of it is below. */
function drawOverview() {
        const pen = prepare($("overview"), 36), scale = (width - GUTTER) / (D.end - D.begin);
        if (whole.of !== width + colour("band")) {
                whole.of = width + colour("band");
                drawWhole(scale);
        }
        pen.drawImage(whole.canvas, 0, 0, width, 36);
        const from = GUTTER + (view.begin - D.begin) * scale, to = GUTTER + (view.end - D.begin) * scale;
        pen.strokeStyle = colour("path");
        pen.lineWidth = 1.5;
        pen.strokeRect(Math.max(from, GUTTER) + 1, 1, Math.max(Math.min(to, width) - Math.max(from, GUTTER) - 2, 3), 34);
        pen.fillStyle = colour("faint");
        pen.font = "11px system-ui, 'DejaVu Sans', sans-serif";
        pen.fillText("the whole trace", 0, 22);
}

let asked = false;
function draw() {
        if (asked)
                return;
        asked = true;
        requestAnimationFrame(() => {
                asked = false;
                drawOverview();
                drawPicture();
        });
}
