// What is chosen in the mesh, beside it: a node's card with its faults, or an edge with both ends' view of it.

import { button, h, say, set, show } from "./dom.js";
import { Card } from "./cards.js";
import { keyOf, linksOf, stateOf } from "./links.js";
import { byAddress } from "./store.js";
import { age, seconds, share, short, title } from "./words.js";

export class Chosen {
  #store;
  #commands;
  #body = document.getElementById("chosen-body");
  #title = document.getElementById("chosen-title");
  #what = null;
  #parts = null;

  constructor(store, commands) {
    this.#store = store;
    this.#commands = commands;
    this.choose(null);
  }

  /** {node}, {a, b} or null. */
  choose(what) {
    this.#what = what;
    this.#parts = null;
    if (what?.node !== undefined) this.#node(what.node);
    else if (what?.a !== undefined) this.#edge(what.a, what.b);
    else {
      say(this.#title, "Choose a node or an edge");
      this.#body.replaceChildren(h("p", { class: "empty" }, "Click one in the mesh, or reach it by the Tab key: ← and → go from node to node, ↑ and ↓ along the edges of one, Enter chooses, Escape lets go."));
    }
    this.show();
  }

  get #lab() {
    return this.#store.hello?.kind === "lab";
  }

  #node(address) {
    const card = new Card(this.#store, this.#commands, address);
    this.#parts = { card };
    this.#body.replaceChildren(card.element);
    if (this.#lab && this.#store.nodes.has(address)) this.#body.append(this.#faults(address));
  }

  #faults(address) {
    const p = this.#parts;
    const range = (what, max, step, unit) => {
      const output = h("output", {});
      const input = h("input", { type: "range", min: 0, max, step, "data-do": what, "data-node": address, "aria-label": `${what} of ${short(address)}` });
      const value = () => Number(input.value) / unit;
      input.addEventListener("input", () => say(output, said(what, value())));
      input.addEventListener("change", () => this.#commands.send({ do: what, node: address, value: value() }));
      p[what] = { input, output, unit };
      return h("label", { class: "range" }, h("span", {}, what === "loss" ? "Lose datagrams" : "Delay each way"), input, output);
    };
    p.other = h("select", { "aria-label": "the other end of the link" });
    const cut = button("Cut", { "data-do": "cut", "data-node": address, onclick: () => p.other.value && this.#commands.send({ do: "cut", node: address, other: p.other.value }) });
    // What a node of somebody's own does with its datagrams is its own business; links with it are cut at the other end.
    const ours = this.#store.hello?.exercise?.address !== address;
    const ranges = ours ? [range("loss", 100, 5, 100), range("delay", 5000, 50, 1)] : [];
    return h("div", { class: "faults" }, ...ranges, h("div", { class: "row" }, h("span", {}, "Link to"), p.other, cut));
  }

  #edge(a, b) {
    const p = (this.#parts = { lines: [h("p", {}), h("p", {})], state: h("p", { class: "big" }) });
    p.cut = button("Cut this link", { "data-do": "cut", "data-node": a, "data-other": b, onclick: this.#commands.onclick });
    p.mend = button("Mend this link", { "data-do": "mend", "data-node": a, "data-other": b, onclick: this.#commands.onclick });
    this.#body.replaceChildren(p.state, ...p.lines, ...(this.#lab ? [h("div", { class: "does" }, p.cut, p.mend)] : []));
  }

  show() {
    const p = this.#parts;
    if (this.#what === null || p === null) return;
    if (this.#what.node !== undefined) {
      const node = this.#store.find(this.#what.node);
      say(this.#title, node ? `Node ${title(node)}` : `Node ${short(this.#what.node)}, gone`);
      p.card.show();
      if (p.loss) this.#showFaults(node);
      return;
    }
    const { a, b } = this.#what;
    say(this.#title, `Edge ${short(a)} – ${short(b)}`);
    const link = linksOf(this.#store).get(keyOf(a, b)) ?? { a, b, ab: null, ba: null, cut: false, apart: false };
    const is = stateOf(this.#store, link, this.#store.now());
    const said = { both: "Peers of each other", "one-way": "One-way: only one has the other as a peer", silent: "Silent", cut: link.cut ? "Cut" : "Apart by the split" }[is.state];
    say(p.state, !link.ab && !link.ba && !link.cut ? "No peers any more" : is.silent ? `${said} for ${age(is.silence)}, evicted in ${Math.ceil(is.left)} s` : said);
    [[a, b, link.ab], [b, a, link.ba]].forEach(([from, to, peer], place) => say(p.lines[place], this.#view(from, to, peer)));
    show(p.cut, !link.cut);
    show(p.mend, link.cut);
  }

  #view(from, to, peer) {
    if (peer === null) return `${short(from)} does not have ${short(to)} as a peer.`;
    if (peer === "said") return `${short(from)} says that it has ${short(to)} as a peer.`;
    const facts = [`active for ${age(Number(peer.active_seconds))}`, typeof peer.rtt_seconds === "number" ? `round trip ${seconds(peer.rtt_seconds)}` : "", peer.role ? `role ${peer.role}` : "", peer.kind ? `speaks as ${peer.kind}` : ""];
    return `${short(from)} has ${short(to)}: ${facts.filter(Boolean).join(", ")}.`;
  }

  #showFaults(node) {
    const p = this.#parts;
    const lab = this.#store.lab;
    if (!node || !lab) return;
    for (const what of ["loss", "delay"]) {
      const { input, output, unit } = p[what];
      const value = Number(lab[what]?.[node.address]) || 0;
      // What somebody is just setting is not taken out of his hand.
      if (document.activeElement !== input && Number(input.value) !== Math.round(value * unit)) input.value = String(Math.round(value * unit));
      if (document.activeElement !== input || Number(input.value) === Math.round(value * unit)) say(output, said(what, value));
    }
    const others = [...this.#store.nodes.keys()].filter((address) => address !== node.address).sort(byAddress);
    const key = others.join(" ");
    if (p.others === key) return;
    p.others = key;
    const before = p.other.value;
    p.other.replaceChildren(...others.map((address) => h("option", { value: address }, title(this.#store.find(address)))));
    if (others.includes(before)) p.other.value = before;
    set(p.other, "data-node", node.address);
  }
}

function said(what, value) {
  if (value === 0) return "none";
  return what === "loss" ? share(value) : `${value} ms`;
}
