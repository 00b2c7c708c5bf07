// Three charts: primes over time by finder, peers of each node, datagrams a second.

import uPlot from "./vendor/uPlot.esm.js";
import { h, keep, s, say } from "./dom.js";
import { byAddress } from "./store.js";
import { Mark, SHAPES } from "./marks.js";
import { count, many, prime, short } from "./words.js";

/** More nodes than this are shown as the fewest, the median and the most peers. */
const LINES_MAX = 12;

/** Seconds that the charts of peers and datagrams show. */
const WINDOW = 300;

const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [14, 4]];

export class Charts {
  #store;
  #charts = new Map();
  #colours = null;
  #legend = new Map();
  #finders = [];

  constructor(store) {
    this.#store = store;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#colours = null;
      this.#forget();
    });
    const watch = new ResizeObserver((changes) => {
      for (const { target, contentRect } of changes) {
        const chart = this.#charts.get(target.id)?.plot;
        if (chart && Math.abs(chart.width - contentRect.width) > 1) chart.setSize({ width: contentRect.width, height: chart.height });
      }
    });
    for (const id of ["chart-primes", "chart-peers", "chart-rates"]) watch.observe(document.getElementById(id));
  }

  clear() {
    this.#forget();
  }

  #forget() {
    for (const { plot } of this.#charts.values()) plot.destroy();
    this.#charts.clear();
    this.#finders = [];
  }

  show() {
    this.#primes();
    this.#peers();
    this.#rates();
  }

  /** A chart whose `shape` is as wanted: made anew only when it is not. */
  #chart(id, shape, options, data) {
    const place = document.getElementById(id);
    const known = this.#charts.get(id);
    if (known?.shape === shape) {
      known.plot.setData(data);
      return;
    }
    known?.plot.destroy();
    const width = place.clientWidth;
    if (width === 0) return;
    const axis = { stroke: this.#palette().soft, grid: { stroke: this.#palette().line, width: 1 }, ticks: { show: false }, font: `12px ${this.#palette().font}` };
    const plot = new uPlot({
      width, height: 190, padding: [12, 10, 0, 0], legend: { show: false }, cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      ...options,
      hooks: { draw: [], ...options.hooks, setCursor: [(u) => this.#values(id, u)], setData: [(u) => this.#values(id, u)] },
      axes: [{ ...axis, size: 26, gap: 6, space: 70, values: times }, { ...axis, size: 46, space: 34, ...options.yAxis }],
    }, data, place);
    this.#charts.set(id, { plot, shape, values: options.lines ? this.#lines(id, options.lines) : [] });
    this.#values(id, plot);
  }

  /** A legend of lines, each with its stroke, its name, and its value. */
  #lines(id, lines) {
    const values = lines.map(() => h("b", {}));
    const time = h("span", { class: "time" });
    document.getElementById(`${id}-legend`).replaceChildren(...lines.map(({ label, dash, kind }, place) =>
      h("li", {}, s("svg", { class: `stroke ${kind}`, viewBox: "0 0 26 10", "aria-hidden": "true" }, s("path", { d: "M0 5H26", "stroke-dasharray": dash?.join(" ") ?? "" })), label, values[place])), h("li", {}, time));
    return [...values, time];
  }

  /** Values under the pointer, or the last ones. */
  #values(id, u) {
    const values = this.#charts.get(id)?.values ?? [];
    if (values.length === 0) return;
    const at = u.cursor.idx ?? u.data[0].length - 1;
    values.slice(0, -1).forEach((element, place) => say(element, u.data[place + 1]?.[at] ?? "–"));
    say(values.at(-1), u.cursor.idx === null || u.cursor.idx === undefined ? "" : `at ${time(u.data[0][at])}`);
  }

  #primes() {
    const known = [...this.#store.timeline.primes.values()];
    const edge = Math.min(this.#store.now(), ...known.filter((one) => one.time !== null).map((one) => one.time)) - 2000;
    const primes = known.map((one) => ({ ...one, early: one.time === null, time: one.time ?? edge })).sort((a, b) => a.time - b.time || a.exponent - b.exponent);
    const note = document.getElementById("chart-primes-note");
    if (primes.length === 0) return void say(note, "No prime is known yet.");
    for (const { finder } of primes) if (!this.#finders.includes(finder)) this.#finders.push(finder);
    const now = this.#store.now() / 1000;
    const points = primes.map((one) => ({ ...one, mark: this.#finders.indexOf(one.finder) }));
    const x = [...points.map((one) => one.time / 1000), now];
    let top = 0;
    const y = [...points.map((one) => (top = Math.max(top, one.exponent))), top];
    this.#points = points;
    this.#chart("chart-primes", "primes", {
      scales: { x: { range: (u, low, high) => [low - Math.max(1, (high - low) / 60), Math.max(high, low + 30)] }, y: { distr: 3, range: (u, low, high) => [1, Math.max(100, 10 ** Math.ceil(Math.log10(high * 1.3)))] } },
      series: [{}, { stroke: this.#palette().edge, width: 1.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }],
      cursor: { show: false },
      yAxis: { size: 62, filter: decades, grid: { stroke: this.#palette().line, width: 1, filter: decades }, values: (u, splits) => splits.map((value) => (value === null ? "" : count(value))) },
      hooks: { draw: [(u) => this.#marks(u)] },
    }, [x, y]);
    const by = new Map();
    for (const { finder } of points) by.set(finder, (by.get(finder) ?? 0) + 1);
    keep(document.getElementById("chart-primes-legend"), this.#legend, [...by].sort((a, b) => byAddress(a[0], b[0])), ([finder]) => `${finder} ${this.#finders.indexOf(finder)}`, ([finder]) => {
      const place = this.#finders.indexOf(finder);
      const text = h("span", {});
      return { element: h("li", {}, Mark.svg(place), text), text };
    }, (drawn, [finder, number]) => say(drawn.text, `${short(finder)} · ${number}`));
    const early = known.some((one) => one.time === null);
    const largest = points.reduce((best, one) => (one.exponent > best.exponent ? one : best));
    say(note, `${many(primes.length, "prime")} known, the largest ${prime(largest.exponent)}, found by ${short(largest.finder)}. ${early ? "Those found before this page could see it stand at the left edge." : ""}`);
  }

  #points = [];

  /** A mark of the finder's at each prime, and its number where there is room. */
  #marks(u) {
    const pen = u.ctx;
    const scale = devicePixelRatio || 1;
    pen.save();
    let free = -Infinity;
    for (const { exponent, time, mark, exact, early } of this.#points) {
      const x = u.valToPos(time / 1000, "x", true);
      const y = u.valToPos(exponent, "y", true);
      Mark.draw(pen, mark, x, y, 5 * scale, this.#palette().marks[mark % this.#palette().marks.length], this.#palette().panel, exact);
      pen.font = `600 ${11 * scale}px ${this.#palette().font}`;
      pen.textAlign = "center";
      const text = prime(exponent);
      if (early) continue;
      const half = pen.measureText(text).width / 2;
      if (x - half < free || x + half > u.bbox.left + u.bbox.width) continue;
      free = x + half + 4 * scale;
      pen.fillStyle = this.#palette().ink;
      pen.fillText(text, x, y - 9 * scale);
    }
    pen.restore();
  }

  #peers() {
    const seconds = this.#store.timeline.peers.slice(-WINDOW);
    if (seconds.length < 2) return;
    const x = seconds.map((one) => one.time);
    const nodes = [...seconds.at(-1).of.keys()].sort(byAddress);
    const { marks, ink } = this.#palette();
    const step = uPlot.paths.stepped({ align: 1 });
    const base = { width: 1.8, paths: step, points: { show: false } };
    let series;
    let data;
    if (nodes.length <= LINES_MAX) {
      series = nodes.map((node, place) => ({ ...base, label: short(node), stroke: marks[place % marks.length], dash: DASHES[place % DASHES.length], kind: `mark-${(place % marks.length) + 1}` }));
      data = nodes.map((node) => seconds.map((one) => one.of.get(node) ?? null));
    } else {
      const sorted = seconds.map((one) => [...one.of.values()].filter((value) => value !== null).sort((a, b) => a - b));
      series = [{ label: "fewest", dash: DASHES[1] }, { label: "median", width: 2.4, kind: "stroke-ink" }, { label: "most", dash: DASHES[2] }].map((one, place) => ({ ...base, stroke: place === 1 ? ink : marks[place], kind: `mark-${place + 1}`, ...one }));
      data = [(all) => all[0], (all) => all[all.length >> 1], (all) => all.at(-1)].map((pick) => sorted.map((all) => pick(all) ?? null));
    }
    this.#chart("chart-peers", `peers ${nodes.length <= LINES_MAX ? nodes.join(" ") : "many"}`, {
      scales: { x: { range: (u, low, high) => [Math.min(low, high - 60), high] }, y: { range: (u, low, high) => [0, Math.max(4, (high ?? 0) * 1.15)] } },
      series: [{}, ...series], lines: series,
      yAxis: { incrs: [1, 2, 5, 10, 20] },
    }, [x, ...data]);
  }

  #rates() {
    const kept = this.#store.timeline.seconds;
    const now = Math.floor(this.#store.now() / 1000);
    if (kept.length === 0) return;
    const of = new Map(kept.map((one) => [one.time, one]));
    const first = Math.max(kept[0].time, now - WINDOW);
    const x = [];
    // The last second is not over yet.
    for (let second = first; second < now - 1; second += 1) x.push(second);
    if (x.length < 2) return;
    const { ping, pong, prime: primeColour } = this.#palette();
    const line = (label, stroke, dash) => ({ label, stroke, dash, width: label === "PRIME" ? 2.2 : 1.6, points: { show: false }, kind: `stroke-${label.toLowerCase()}` });
    const lines = [line("PING", ping, DASHES[0]), line("PONG", pong, DASHES[1]), line("PRIME", primeColour, DASHES[2])];
    this.#chart("chart-rates", "rates", {
      scales: { x: { range: (u, low, high) => [Math.min(low, high - 60), high] }, y: { range: (u, low, high) => [0, Math.max(5, (high ?? 0) * 1.15)] } },
      series: [{}, ...lines], lines,
      yAxis: { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
    }, [x, ...["PING", "PONG", "PRIME"].map((type) => x.map((second) => of.get(second)?.[type] ?? 0))]);
  }

  #palette() {
    if (!this.#colours) {
      const style = getComputedStyle(document.documentElement);
      const of = (name) => style.getPropertyValue(`--${name}`).trim();
      this.#colours = {
        ink: of("ink"), soft: of("soft"), line: of("line"), edge: of("edge"), panel: of("panel"), ping: of("ping"), pong: of("pong"), prime: of("prime"),
        marks: SHAPES.map((shape, place) => of(`mark-${place + 1}`)), font: getComputedStyle(document.body).fontFamily,
      };
    }
    return this.#colours;
  }
}

/** Of a scale by powers of ten only these. */
function decades(u, splits) {
  return splits.map((value) => (value !== null && Number.isInteger(Math.log10(value)) ? value : null));
}

function time(second) {
  return new Date(second * 1000).toTimeString().slice(0, 8);
}

function times(u, splits) {
  return splits.map((value) => (value === null ? "" : time(value)));
}
