// The mesh: nodes on a circle and the edges between them, as SVG; every one can be focused and chosen.

import { s, say, set } from "./dom.js";
import { layOut, wayBetween } from "./layout.js";
import { linksOf, stateOf } from "./links.js";
import { largestOf, statusOf } from "./store.js";
import { age, clip, many, prime, share, short, title } from "./words.js";

export class Mesh {
  #svg;
  #edges = s("g", { class: "edges" });
  #nodes = s("g", { class: "nodes" });
  #drawnEdges = new Map();
  #drawnNodes = new Map();
  #choose;
  #fitted;
  #layout = null;
  #shape = "";
  #size = { width: 0, height: 0 };
  #chosen = null;
  #links = new Map();

  /** `choose(what)` hears of a node {node} or an edge {a, b} that was picked; `fitted(layout, width, height)` of a new layout. */
  constructor(svg, choose, fitted) {
    this.#svg = svg;
    this.#choose = choose;
    this.#fitted = fitted;
    svg.append(this.#edges, this.#nodes);
    svg.addEventListener("keydown", (event) => this.#key(event));
    svg.addEventListener("focusin", (event) => this.#rove(event.target));
    new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      this.#size = { width: Math.round(width), height: Math.round(height) };
    }).observe(svg);
  }

  /** What is chosen: {node}, {a, b} or null. */
  mark(chosen) {
    this.#chosen = chosen;
  }

  /** Draws what the store knows at its time. */
  show(store) {
    const { width, height } = this.#size;
    if (width === 0 || height === 0) return;
    const nodes = store.everybody();
    const layout = layOut(nodes, width, height, store.hello?.address);
    const shape = `${width} ${height} ${layout.order.join(" ")}`;
    const moved = shape !== this.#shape;
    if (moved) {
      this.#shape = shape;
      this.#layout = layout;
      set(this.#svg, "viewBox", `0 0 ${width} ${height}`);
      set(this.#svg, "class", layout.small ? (layout.narrow ? "small narrow" : "small") : "large");
      this.#fitted(layout, width, height);
    }
    const now = store.now();
    this.#links = linksOf(store);
    for (const [key, drawn] of this.#drawnEdges) {
      if (this.#links.has(key)) continue;
      drawn.group.remove();
      this.#drawnEdges.delete(key);
    }
    for (const link of this.#links.values()) this.#edge(store, link, now, moved);
    for (const [address, drawn] of this.#drawnNodes) {
      if (this.#layout.places.has(address)) continue;
      drawn.group.remove();
      this.#drawnNodes.delete(address);
    }
    for (const node of nodes) this.#node(store, node, moved);
    if (!this.#svg.querySelector("[tabindex='0']")) this.#drawnNodes.values().next().value?.group.setAttribute("tabindex", "0");
  }

  #edge(store, link, now, moved) {
    const { places, small, order } = this.#layout;
    const [a, b] = [places.get(link.a), places.get(link.b)];
    if (!a || !b) return;
    let drawn = this.#drawnEdges.get(link.key);
    const made = !drawn;
    if (made) {
      drawn = { hit: s("path", { class: "hit" }), line: s("path", { class: "line" }), arrow: s("path", { class: "arrow" }), cut: s("text", { class: "cut" }), label: s("text", { class: "countdown" }) };
      drawn.group = s("g", { class: "edge", role: "button", tabindex: -1, "data-edge": link.key, onclick: () => this.#choose({ a: link.a, b: link.b }) },
        drawn.hit, drawn.line, drawn.arrow, drawn.cut, drawn.label);
      this.#drawnEdges.set(link.key, drawn);
      this.#edges.append(drawn.group);
    }
    const is = stateOf(store, link, now);
    if (made || moved) {
      drawn.way = wayBetween(this.#layout, a, b);
      set(drawn.hit, "d", drawn.way.path);
      set(drawn.line, "d", drawn.way.path);
      const middle = drawn.way.at(0.42);
      set(drawn.cut, "x", middle.x.toFixed(1));
      set(drawn.cut, "y", middle.y.toFixed(1));
      drawn.shown = null;
    }
    const oneWay = Boolean(link.ab) !== Boolean(link.ba);
    const forward = Boolean(link.ab);
    const shown = `${is.state} ${oneWay} ${forward} ${is.owner}`;
    if (drawn.shown !== shown) {
      drawn.shown = shown;
      set(drawn.group, "data-state", is.state);
      set(drawn.group, "class", `edge${oneWay ? " one" : ""}${is.silent ? " fades" : ""}`);
      set(drawn.arrow, "d", oneWay ? this.#arrow(drawn.way, forward) : "");
      const place = drawn.way.at(is.owner === link.b ? 0.68 : 0.32);
      set(drawn.label, "x", place.x.toFixed(1));
      set(drawn.label, "y", place.y.toFixed(1));
    }
    // One label an edge: why it is silent, and for how long it still may be.
    const why = is.state !== "cut" ? "" : link.cut ? "✂ cut" : small ? "split" : "";
    say(drawn.cut, is.silent ? "" : why);
    const left = `${Math.ceil(is.left)} s`;
    const few = order.length <= 5;
    const countdown = few ? `${age(is.silence)} … evicted in ${left}` : small ? `out in ${left}` : left;
    say(drawn.label, !is.silent ? "" : few && why !== "" ? `${why} · ${countdown}` : link.cut ? `✂ ${countdown}` : countdown);
    const faded = is.silent ? (1 - 0.7 * is.fading).toFixed(2) : "1";
    if (drawn.faded !== faded) drawn.line.style.opacity = drawn.faded = faded;
    const chosen = this.#chosen?.a === link.a && this.#chosen?.b === link.b;
    set(drawn.group, "aria-pressed", chosen);
    // Words for who cannot see it; they change once a second at most.
    const words = this.#edgeWords(store, link, is, oneWay, forward);
    set(drawn.group, "aria-label", words);
  }

  #edgeWords(store, link, is, oneWay, forward) {
    const [a, b] = [title(store.find(link.a) ?? { address: link.a }), title(store.find(link.b) ?? { address: link.b })];
    const who = oneWay ? (forward ? `only ${a} has ${b} as a peer` : `only ${b} has ${a} as a peer`) : link.ab ? "peers of each other" : "no peers";
    const silent = is.silent ? `, silent for ${age(is.silence)}, evicted in ${Math.ceil(is.left)} s` : "";
    return `Edge ${a} – ${b}: ${who}${link.cut ? ", cut" : link.apart ? ", apart by the split" : ""}${silent}`;
  }

  #arrow(way, forward) {
    const { x, y, angle } = way.at(forward ? 0.56 : 0.44, 0.001);
    const turn = forward ? angle : angle + Math.PI;
    const point = (along, beside) => `${(x + along * Math.cos(turn) - beside * Math.sin(turn)).toFixed(1)} ${(y + along * Math.sin(turn) + beside * Math.cos(turn)).toFixed(1)}`;
    return `M${point(7, 0)}L${point(-5, 5.5)}L${point(-5, -5.5)}Z`;
  }

  #node(store, node, moved) {
    const { address } = node;
    let drawn = this.#drawnNodes.get(address);
    if (!drawn) {
      drawn = {
        hit: s("circle", { class: "hit" }), halo: s("circle", { class: "halo" }), disc: s("circle", { class: "disc" }), track: s("circle", { class: "track" }),
        ring: s("circle", { class: "progress", pathLength: 100, transform: "rotate(-90)" }), port: s("text", { class: "port" }), prime: s("text", { class: "prime" }),
        name: s("text", { class: "name" }), note: s("text", { class: "note" }), slash: s("path", { class: "slash" }),
      };
      drawn.label = s("g", { class: "label" }, drawn.name, drawn.note);
      drawn.group = s("g", { class: "node", role: "button", tabindex: -1, "data-node": address, onclick: () => this.#choose({ node: address }) },
        drawn.hit, drawn.halo, drawn.track, drawn.disc, drawn.slash, drawn.ring, drawn.port, drawn.prime, drawn.label);
      this.#drawnNodes.set(address, drawn);
      this.#nodes.append(drawn.group);
      drawn.fresh = true;
    }
    if (moved || drawn.fresh) this.#place(drawn, address);
    drawn.fresh = false;
    const status = statusOf(node);
    const { small, narrow } = this.#layout;
    set(drawn.group, "data-status", status);
    const chosen = this.#chosen?.node === address;
    set(drawn.group, "aria-pressed", chosen);
    const progress = status === "awake" && typeof node.search?.progress === "number" ? Math.max(0, Math.min(1, node.search.progress)) : null;
    set(drawn.ring, "stroke-dasharray", progress === null ? "0 100" : `${(100 * progress).toFixed(1)} 100`);
    set(drawn.ring, "class", progress === null || progress < 0.005 ? "progress none" : "progress");
    const largest = largestOf(node);
    const faults = this.#faults(store, address);
    const state = status === "awake" ? "" : status === "peer" ? "by hearsay" : status.replace("-", " ");
    const note = [state, ...faults].filter(Boolean).join(" · ");
    const port = address.slice(address.lastIndexOf(":") + 1);
    const far = short(address) !== port;
    if (small) {
      say(drawn.port, clip(port, 6));
      say(drawn.prime, largest === null ? "–" : clip(prime(largest), 11));
      set(drawn.prime, "class", String(largest).length > 6 ? "prime long" : "prime");
      const name = [node.name ? clip(node.name, narrow ? 9 : 16) : "", far ? clip(short(address), 21) : ""].filter(Boolean).join(" ");
      say(drawn.name, narrow && this.#layout.order.length > 8 ? "" : name);
      say(drawn.note, note);
      set(drawn.note, "y", drawn.name.textContent === "" ? (drawn.above ? 16 : 0) : 16);
    } else {
      say(drawn.name, far ? clip(short(address), 21) : port);
      say(drawn.note, narrow ? "" : note || (largest === null ? "" : prime(largest)));
    }
    const doing = progress === null ? "" : `, testing ${prime(node.search.exponent)}, ${share(progress)} done`;
    set(drawn.group, "aria-label", `Node ${title(node)}, ${state || "awake"}${faults.length > 0 ? `, ${faults.join(", ")}` : ""}, largest prime ${largest === null ? "none" : prime(largest)}, ${many(node.peers.length, "peer")}${doing}`);
  }

  #faults(store, address) {
    const loss = Number(store.lab?.loss?.[address]) || 0;
    const delay = Number(store.lab?.delay?.[address]) || 0;
    return [loss > 0 ? `loses ${share(loss)}` : "", delay > 0 ? `+${delay} ms` : ""].filter(Boolean);
  }

  #place(drawn, address) {
    const { places, radius, small } = this.#layout;
    const { x, y, angle } = places.get(address);
    set(drawn.group, "transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    set(drawn.hit, "r", radius + (small ? 10 : 5));
    set(drawn.halo, "r", radius + (small ? 9 : 6));
    set(drawn.disc, "r", radius);
    set(drawn.track, "r", radius + (small ? 4 : 2));
    set(drawn.ring, "r", radius + (small ? 4 : 2));
    const d = radius * 0.55;
    set(drawn.slash, "d", small ? "" : `M${-d} ${-d}L${d} ${d}M${d} ${-d}L${-d} ${d}`);
    if (small) {
      set(drawn.port, "y", -2);
      set(drawn.prime, "y", 13);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      // On a narrow screen there is no room beside a node.
      const beside = !this.#layout.narrow && Math.abs(sin) < 0.35 && this.#layout.order.length > 1;
      const away = radius + 14;
      set(drawn.label, "transform", beside ? `translate(${(Math.sign(cos) * (away + 2)).toFixed(1)} -3)` : `translate(0 ${(sin < 0 ? -away - 15 : away + 11).toFixed(1)})`);
      set(drawn.label, "text-anchor", beside ? (cos < 0 ? "end" : "start") : "middle");
      drawn.above = !beside && sin < 0;
    } else {
      // Along the spoke, and never upside down.
      const flip = Math.cos(angle) < 0;
      set(drawn.label, "transform", `rotate(${((angle * 180) / Math.PI + (flip ? 180 : 0)).toFixed(1)})`);
      set(drawn.label, "text-anchor", flip ? "end" : "start");
      const start = (flip ? -1 : 1) * (radius + 9);
      const next = (flip ? -1 : 1) * (radius + 46);
      set(drawn.name, "x", start);
      set(drawn.note, "x", next);
      set(drawn.name, "y", 4);
      set(drawn.note, "y", 4);
    }
  }

  /** One stop of the Tab key; the arrow keys go on from there. */
  #rove(target) {
    const group = target.closest?.(".node, .edge");
    if (!group) return;
    for (const other of this.#svg.querySelectorAll("[tabindex='0']")) if (other !== group) other.setAttribute("tabindex", "-1");
    group.setAttribute("tabindex", "0");
  }

  #key(event) {
    const group = event.target.closest?.(".node, .edge");
    if (!group || event.altKey || event.ctrlKey || event.metaKey) return;
    const { node, edge } = group.dataset;
    const { order } = this.#layout;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    if (event.key === "Enter" || event.key === " ") group.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    else if (event.key === "Escape") this.#choose(null);
    else if (event.key === "Home" || event.key === "End") this.#focusNode(order.at(event.key === "Home" ? 0 : -1));
    else if (step === 0) return;
    else if (node !== undefined && (event.key === "ArrowRight" || event.key === "ArrowLeft")) this.#focusNode(order.at((order.indexOf(node) + step) % order.length));
    else if (node !== undefined) this.#focusEdge(node, null, step);
    else if (event.key === "ArrowRight" || event.key === "ArrowLeft") this.#focusNode(edge.split(" ")[step > 0 ? 1 : 0]);
    else this.#focusEdge(this.#from ?? edge.split(" ")[0], edge, step);
    event.preventDefault();
  }

  #from = null;

  #focusNode(address) {
    this.#drawnNodes.get(address)?.group.focus();
  }

  /** The next edge of a node, in the order of the ring. */
  #focusEdge(address, edge, step) {
    this.#from = address;
    const { order } = this.#layout;
    const of = [...this.#links.values()].filter((link) => link.a === address || link.b === address);
    const place = (link) => order.indexOf(link.a === address ? link.b : link.a);
    of.sort((one, other) => place(one) - place(other));
    if (of.length === 0) return;
    const now = of.findIndex((link) => link.key === edge);
    const next = now < 0 ? (step > 0 ? 0 : of.length - 1) : (now + step + of.length) % of.length;
    this.#drawnEdges.get(of[next].key)?.group.focus();
  }
}
