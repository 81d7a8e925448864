/* page.js - what the reader does: zoom, move, ask, and light a request's path. */

const SHORTEST = 200;   /* ns across the picture */

function show(begin, end) {
        const span = Math.min(Math.max(end - begin, SHORTEST), 1.2 * (D.end - D.begin));
        const air = 0.1 * span, middle = (begin + end) / 2;
        view.begin = Math.min(Math.max(middle - span / 2, D.begin - air), D.end + air - span);
        view.end = view.begin + span;
        draw();
}

function zoom(factor, time = (view.begin + view.end) / 2) {
        show(time - (time - view.begin) * factor, time + (view.end - time) * factor);
}

const move = part => show(view.begin + part * (view.end - view.begin), view.end + part * (view.end - view.begin));

/* In plain words -------------------------------------------------------------------------------- */

function element(name, text, ...children) {
        const made = document.createElement(name);
        if (text)
                made.textContent = text;
        made.append(...children);
        return made;
}

const longer = what => what.replace(/^(\S+) (\d+) @ (\d+)$/, (_, kind, count, sector) =>
        `${kind} of ${count} ${count === "1" ? "sector" : "sectors"} at ${sector}`);
const filled = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const sentence = words => words[0].toUpperCase() + words.slice(1);
const GENERIC = { task: "the task", place: "in a line of its coroutine", seat: "n", queue: "n", batch: "one request, or many",
                  status: "well, or with an error" };

function explain(request) {
        const steps = request ? request.steps : Object.keys(D.steps).map(kind => [kind]);
        const values = { ...GENERIC, ...request };
        const list = element("ol");
        steps.forEach(([kind, time], number) => {
                const [title, layer, words] = D.steps[kind];
                const since = time === undefined ? "" : number ? ` · + ${timeWords(time - steps[0][1])}` : ` · at ${timeWords(time)}`;
                list.append(element("li", "", element("b", String(number + 1)),
                        element("span", "", element("strong", title), element("small", layer + since)),
                        element("p", sentence(filled(words, values)), ...(kind === "await" && values.source ? [element("code", values.source)] : []))));
        });
        const head = request ? `The path of request ${request.number}: ${longer(request.what)}` : "The path of a request";
        $("path").replaceChildren(element("h2", head), element("p", request ? summary(request) :
                D.requests.length ? "Down once, up once: click a request above, or choose one on the right, and its path is lit." :
                "This trace has no request; of one that goes to a disk it would tell this."), list);
}

function summary(request) {
        const at = kind => (request.steps.find(step => step[0] === kind) || [])[1];
        const last = request.steps[request.steps.length - 1], all = last[1] - request.steps[0][1];
        const device = at("done") - at("device");
        const pieces = request.pieces > 1 ? ` The device took it in ${request.pieces} pieces: down with the first, up with the last.` : "";
        return sentence(`${request.task} waited ${timeWords(all)} for it`) +
               (device >= 0 ? `, of which the device was at work for ${timeWords(device)}.` : ".") +
               " Where the line goes down, the request goes to the device; where it comes up, its end comes back." + pieces;
}

/* Selection ------------------------------------------------------------------------------------- */

function select(number, { look = false, dim = true, remember = true } = {}) {
        const request = D.requests[number - 1];
        view.selected = request ? number : 0;
        view.dim = dim;
        document.body.dataset.selected = view.selected;
        for (const button of $("requests").querySelectorAll("[aria-pressed=true]"))
                button.setAttribute("aria-pressed", "false");
        const button = $("requests").querySelector(`[data-request="${view.selected}"]`);
        if (button) {
                button.setAttribute("aria-pressed", "true");
                $("requests").scrollTop = button.offsetTop - $("requests").offsetTop - 100;
        }
        explain(request);
        if (remember)
                history.replaceState(null, "", request ? `#request=${number}` : "#");
        if (look && request)
                lookAt(request);
        draw();
}

/* Bring a request into the picture, if it is not there or too small to be read. */
function lookAt(request) {
        const times = request.steps.map(step => step[1]), begin = Math.min(...times), end = Math.max(...times), long = Math.max(end - begin, 1);
        if (begin < view.begin || end > view.end || long * 12 < view.end - view.begin)
                show(begin - long, end + long);
}

function fromAddress() {
        const match = /^#request=(\d+)$/.exec(location.hash);
        if (match && D.requests[match[1] - 1])
                select(Number(match[1]), { look: true });
        else
                select(D.example, { dim: false, remember: false });
}

function fillList() {
        for (const request of D.requests) {
                const button = element("button", "", element("span", String(request.number)), element("span", request.what),
                        element("span", request.steps.length ? timeWords(request.steps[request.steps.length - 1][1] - request.steps[0][1]) : ""));
                button.dataset.request = request.number;
                button.setAttribute("aria-pressed", "false");
                button.setAttribute("aria-label", `request ${request.number}, ${request.what}, of ${request.task}`);
                button.onclick = () => select(request.number, { look: true });
                button.onfocus = () => { view.over = request.number; draw(); };
                button.onblur = () => { view.over = 0; draw(); };
                $("requests").append(element("li", "", button));
        }
}

/* The pointer ----------------------------------------------------------------------------------- */

/* The bar that is drawn last wins, but something thin may be missed by a few pixels. */
function barAt(x, y) {
        const time = timeAt(x), slack = 3 * (view.end - view.begin) / (width - GUTTER);
        let best = null, nearest = Infinity;
        for (const bar of x < GUTTER ? [] : D.bars) {
                const top = tops[bar[LANE]];
                if (y < top || y > top + D.lanes[bar[LANE]][2])
                        continue;
                const far = Math.max(bar[BEGIN] - time, time - bar[BEGIN] - bar[LENGTH], 0);
                if (far <= slack && far <= nearest) {
                        best = bar;
                        nearest = far;
                }
        }
        return best;
}

function hover(event) {
        const box = $("picture").getBoundingClientRect(), bar = barAt(event.clientX - box.left, event.clientY - box.top), tip = $("tip");
        view.over = bar ? bar[REQUEST] : 0;
        $("picture").classList.toggle("over", Boolean(view.over));
        tip.hidden = !bar;
        if (bar) {
                const more = bar[TIP] ? "\n" + bar[TIP] : "";
                tip.textContent = `${bar[HEAD]}${more}\n${timeWords(bar[LENGTH])}, from ${timeWords(bar[BEGIN])}`;
                tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
                tip.style.top = `${Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8)}px`;
        }
        draw();
        return bar;
}

function listenToPointer() {
        const picture = $("picture"), overview = $("overview");
        let from = null;
        picture.onpointerdown = event => {
                from = { x: event.clientX, y: event.clientY, begin: view.begin, end: view.end, scroll: scrollY, moved: false };
                picture.setPointerCapture(event.pointerId);
        };
        picture.onpointermove = event => {
                if (!from) {
                        hover(event);
                        return;
                }
                from.moved ||= Math.abs(event.clientX - from.x) + Math.abs(event.clientY - from.y) > 4;
                if (!from.moved)
                        return;
                const by = (from.x - event.clientX) * (from.end - from.begin) / (width - GUTTER);
                picture.classList.add("moving");
                $("tip").hidden = true;
                show(from.begin + by, from.end + by);
                scrollTo(scrollX, from.scroll + from.y - event.clientY);
        };
        picture.onpointerup = event => {
                picture.classList.remove("moving");
                if (from && !from.moved) {
                        const bar = hover(event);
                        select(bar ? bar[REQUEST] : 0);
                }
                from = null;
        };
        picture.onpointercancel = () => { from = null; picture.classList.remove("moving"); };
        picture.onpointerleave = () => { $("tip").hidden = true; view.over = 0; draw(); };
        picture.addEventListener("wheel", event => {
                event.preventDefault();
                if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
                        move((event.deltaX || event.deltaY) / 1000);
                else
                        zoom(Math.exp(event.deltaY / 400), timeAt(Math.max(event.clientX - picture.getBoundingClientRect().left, GUTTER)));
        }, { passive: false });
        overview.onpointerdown = overview.onpointermove = event => {
                if (event.buttons !== 1)
                        return;
                const part = (event.clientX - overview.getBoundingClientRect().left - GUTTER) / (width - GUTTER);
                const middle = D.begin + part * (D.end - D.begin), half = (view.end - view.begin) / 2;
                show(middle - half, middle + half);
        };
}

/* The keyboard ---------------------------------------------------------------------------------- */

const step = by => select(Math.min(Math.max(view.selected + by, 1), D.requests.length), { look: true });
const KEYS = {
        "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), "0": () => show(D.begin, D.end), Home: () => show(...D.window),
        ArrowLeft: () => move(-0.15), ArrowRight: () => move(0.15), ArrowUp: () => step(-1), ArrowDown: () => step(1),
        Enter: () => step(0), Escape: () => select(0),
};

function listenToKeys() {
        document.addEventListener("keydown", event => {
                if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key])
                        return;
                const button = event.target.closest("button");
                const arrow = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
                if (event.key === "Enter" && button)
                        return;         /* it is pressed */
                event.preventDefault();
                if (button && arrow && $("requests").contains(button))
                        button.parentElement[arrow]?.firstChild.focus();
                else
                        KEYS[event.key]();
        });
}

function begin() {
        for (const style of D.key) {
                const spot = element("i");
                spot.style.background = `var(--${style})`;
                $("key").append(element("li", "", spot, D.styles[style][0]));
        }
        $("facts").textContent = D.facts;
        $("picture").setAttribute("aria-label", `${D.facts}. Lanes from above: ${[...new Set(D.lanes.map(lane => lane[0]))].join("; ")}.`);
        $("in").onclick = () => zoom(0.6);
        $("out").onclick = () => zoom(1 / 0.6);
        $("all").onclick = () => show(D.begin, D.end);
        $("start").onclick = () => show(...D.window);
        fillList();
        $("requests").parentElement.hidden = D.requests.length === 0;
        place();
        listenToPointer();
        listenToKeys();
        addEventListener("resize", draw);
        addEventListener("hashchange", fromAddress);
        addEventListener("beforeprint", () => { printing = true; drawPicture(); });
        addEventListener("afterprint", () => { printing = false; draw(); });
        dark.addEventListener("change", draw);
        fromAddress();
        drawOverview();
        drawPicture();
}

begin();
