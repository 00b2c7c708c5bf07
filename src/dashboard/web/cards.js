// A card for each node: what it is, what it knows, whom it talks to, what it said last, and what can be done with it.

import { button, copy, h, keep, say, set, show } from "./dom.js";
import { largestOf, statusOf } from "./store.js";
import { age, clock, entryText, prime, seconds, share, short } from "./words.js";

const OWN = ["sleep", "wake", "reset"];
const LAB = ["stop", "kill", "restart"];

/** One node's card; the mesh's neighbour shows one as well as the list of all. */
export class Card {
  #store;
  #address;
  #peers = new Map();
  #parts;

  constructor(store, commands, address) {
    this.#store = store;
    this.#address = address;
    const p = (this.#parts = {
      name: h("span", { class: "name" }), port: h("b", { class: "port" }), status: h("span", { class: "status" }),
      largest: h("dd", { class: "big" }), finder: h("dd", {}), testing: h("dd", {}), bar: h("span", { class: "bar", "aria-hidden": "true" }, h("i", {})),
      peerCount: h("b", {}), peers: h("ul", { class: "peers" }), last: h("ol", { class: "last" }), copied: h("span", { class: "said", role: "status" }), detail: h("p", { class: "note" }),
    });
    // Nobody but its author starts and stops the node of an exercise.
    const does = address === store.hello?.exercise?.address ? [] : store.hello?.kind === "lab" ? [...OWN, ...LAB] : address === store.hello?.address ? OWN : [];
    const act = (name) => button(name[0].toUpperCase() + name.slice(1), { "data-do": name, "data-node": address, "aria-label": `${name} ${short(address)}`, onclick: commands.onclick });
    p.copy = button("Copy", { class: "small", "data-do": "copy-last", "data-node": address, "aria-label": `Copy the last messages of ${short(address)}`, onclick: () => this.#copy() });
    p.lastHead = h("div", { class: "head" }, h("h4", {}, "Last messages"), p.copied, p.copy);
    this.element = h("article", { class: "card", "data-card": address },
      h("header", {}, h("h3", {}, p.port, " ", p.name), p.status),
      p.detail,
      h("dl", {}, h("dt", {}, "largest prime"), p.largest, h("dt", {}, "found by"), p.finder, h("dt", {}, "testing"), p.testing), p.bar,
      does.length > 0 ? h("div", { class: "does" }, ...does.map(act)) : null,
      h("div", { class: "head" }, h("h4", {}, p.peerCount)), p.peers, p.lastHead, p.last);
  }

  show() {
    const store = this.#store;
    const node = store.find(this.#address);
    if (!node) return;
    const p = this.#parts;
    const status = statusOf(node);
    set(this.element, "data-status", status);
    say(p.name, node.name ?? "");
    say(p.port, short(node.address));
    say(p.status, status === "peer" ? "known by hearsay" : status.replace("-", " "));
    const loss = Number(store.lab?.loss?.[node.address]) || 0;
    const delay = Number(store.lab?.delay?.[node.address]) || 0;
    const notes = [node.detail, loss > 0 ? `loses ${share(loss)} of its datagrams` : "", delay > 0 ? `${delay} ms are added each way` : ""].filter(Boolean).join(" · ");
    say(p.detail, notes);
    show(p.detail, notes !== "");
    say(p.largest, prime(largestOf(node)));
    const finder = node.state?.largest_prime_finder;
    say(p.finder, finder === undefined || finder === null ? "–" : finder === node.address ? `${short(finder)}, itself` : short(finder));
    const progress = status === "awake" ? node.search?.progress : null;
    const exponent = status === "awake" ? (node.search?.exponent ?? null) : null;
    say(p.testing, exponent === null ? "nothing" : `${prime(exponent)}${typeof progress === "number" ? ` · ${share(progress)}` : ""}`);
    const width = typeof progress === "number" ? `${(100 * Math.max(0, Math.min(1, progress))).toFixed(0)}%` : "0";
    if (p.bar.firstChild.style.width !== width) p.bar.firstChild.style.width = width;
    this.#showPeers(node, status);
    this.#showLast();
  }

  #showPeers(node, status) {
    const p = this.#parts;
    if (status === "peer") {
      const said = [...this.#store.nodes.values()].filter((one) => one.peers.some((peer) => peer.address === node.address)).map((one) => short(one.address));
      say(p.peerCount, `peer of ${said.join(", ")}`);
      return;
    }
    const peers = status === "awake" ? node.peers : [];
    say(p.peerCount, peers.length === 1 ? "1 peer" : `${peers.length} peers`);
    const elapsed = (Math.max(0, this.#store.now() - node.time) / 1000) * (Number(node.speed) || 1);
    const after = Number(node.timers?.silent_after) || 6;
    keep(p.peers, this.#peers, peers, (peer) => peer.address, () => {
      const [who, heard, trip] = [h("b", {}), h("span", { class: "heard" }), h("span", { class: "trip" })];
      return { element: h("li", {}, who, heard, trip), who, heard, trip };
    }, (drawn, peer) => {
      const received = this.#store.heard.get(node.address)?.get(peer.address);
      const told = (Number(peer.last_heard_seconds) || 0) + elapsed;
      const silence = received === undefined ? told : Math.min(told, (Math.max(0, this.#store.now() - received) / 1000) * (Number(node.speed) || 1));
      say(drawn.who, short(peer.address));
      say(drawn.heard, silence >= after ? `silent ${age(silence)}` : age(silence));
      set(drawn.element, "class", silence >= after ? "silent" : "");
      say(drawn.trip, typeof peer.rtt_seconds === "number" ? seconds(peer.rtt_seconds) : "");
      set(drawn.element, "title", `heard ${age(silence)} ago${typeof peer.rtt_seconds === "number" ? `, round trip ${seconds(peer.rtt_seconds)}` : ""}${peer.role ? `, ${peer.role}` : ""}`);
    });
  }

  #lastShown = 0;

  #showLast() {
    const recent = this.#store.recent.get(this.#address) ?? [];
    show(this.#parts.lastHead, recent.length > 0);
    const newest = recent.at(-1)?.number ?? 0;
    if (newest === this.#lastShown) return;
    this.#lastShown = newest;
    this.#parts.last.replaceChildren(...recent.toReversed().map((entry) => h("li", {}, h("time", {}, clock(entry.time).slice(0, 8)), " ", entryText(entry))));
  }

  async #copy() {
    const recent = this.#store.recent.get(this.#address) ?? [];
    const copied = await copy(recent.map((entry) => `${clock(entry.time)}  ${short(entry.node)}  ${entryText(entry)}`).join("\n"));
    say(this.#parts.copied, copied ? "copied" : "not allowed to copy");
    setTimeout(() => say(this.#parts.copied, ""), 3000);
  }
}

/** The cards of all nodes that tell of themselves. Those out of sight are not kept up to date. */
export class Cards {
  #store;
  #commands;
  #list = document.getElementById("cards");
  #drawn = new Map();
  #seen = new Set();
  #watch = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) this.#seen.add(target);
      else this.#seen.delete(target);
    }
  }, { rootMargin: "200px" });

  constructor(store, commands) {
    this.#store = store;
    this.#commands = commands;
  }

  clear() {
    for (const { element } of this.#drawn.values()) this.#watch.unobserve(element);
    this.#drawn.clear();
    this.#seen.clear();
    this.#list.replaceChildren();
  }

  show() {
    const nodes = this.#store.everybody().filter((node) => this.#store.nodes.has(node.address));
    keep(this.#list, this.#drawn, nodes, (node) => node.address, (node) => {
      const card = new Card(this.#store, this.#commands, node.address);
      card.show();
      this.#watch.observe(card.element);
      return card;
    }, (card) => {
      if (this.#seen.has(card.element)) card.show();
    });
  }
}
