// What the page knows: nodes as their last frames have them, the newest entries, faults in force. No elements here.

import { Spreads } from "./spreads.js";
import { Timeline } from "./timeline.js";

/** So many entries are kept; the oldest tenth goes when there are more. */
const ENTRIES_MAX = 20_000;

/** So many entries are shown on a node's card. */
const RECENT_MAX = 6;

/** Ways a node can be that is not up. */
const WORDS = { "left out": "left-out" };

export class Store {
  constructor() {
    this.clear();
    this.hello = null;
    this.connected = false;
    /** Counts for people's tests: state frames and entries taken since the page was opened. */
    this.states = 0;
    this.taken = 0;
    this.skew = 0;
    this.frozen = null;
  }

  /** Forgets all that belongs to one run of a lab or node. */
  clear() {
    this.nodes = new Map();
    this.heardOf = new Map();
    this.lab = null;
    this.exercise = null;
    /** Oldest first; each has `number`, its place since the page was opened. */
    this.entries = [];
    this.missed = 0;
    /** owner → peer → time of the last PING or PONG received, by the server's clock. */
    this.heard = new Map();
    /** node → its newest entries, oldest first. */
    this.recent = new Map();
    /** Nodes that tell what they receive. */
    this.tells = new Set();
    this.spreads = new Spreads();
    this.timeline = new Timeline();
  }

  /** The server's time in milliseconds; it stands still while there is no connection. */
  now() {
    return this.frozen ?? performance.now() + this.skew;
  }

  link(connected) {
    if (connected === this.connected) return;
    this.frozen = connected ? null : this.now();
    this.connected = connected;
  }

  /** Takes frames. Returns {fresh, entries}: whether all before is forgotten, and the new entries in order of time. */
  take(frames) {
    let fresh = false;
    const news = [];
    let tables = false;
    for (const [kind, data] of frames) {
      if (kind === "hello") fresh = this.#begin(data) || fresh;
      else if (kind === "state") tables = this.#state(data) || tables;
      else if (kind === "lab") this.lab = data;
      else if (kind === "gap") this.missed += Number(data.missed) || 0;
      else if (kind === "exercise") this.exercise = data;
      else if (kind === "entries" && Array.isArray(data)) for (const entry of data) if (entry !== null && typeof entry === "object") news.push(entry);
      if (fresh && kind === "hello") news.length = 0;
    }
    if (tables || fresh) this.#hearsay();
    // Nodes are read one after the other; by time, a message is sent before it is received.
    if (news.length > 1) news.sort((a, b) => a.time - b.time);
    for (const entry of news) this.#entry(entry);
    if (this.entries.length > ENTRIES_MAX) this.entries.splice(0, this.entries.length - ENTRIES_MAX * 0.9);
    return { fresh, entries: news };
  }

  #begin(hello) {
    const fresh = this.hello !== null && this.hello.run !== hello.run;
    if (fresh) this.clear();
    this.hello = hello;
    this.skew = hello.now - performance.now();
    this.frozen = null;
    this.connected = true;
    return fresh;
  }

  #state(frame) {
    this.states += 1;
    if (typeof frame?.node !== "string") return false;
    const peers = Array.isArray(frame.peers) ? frame.peers.filter((peer) => typeof peer?.address === "string") : [];
    const state = frame.state !== null && typeof frame.state === "object" && !Array.isArray(frame.state) ? frame.state : null;
    this.nodes.set(frame.node, { ...frame, address: frame.node, state, peers, tables: Array.isArray(frame.peers) });
    this.timeline.state(frame, this.now());
    return true;
  }

  /** Nodes of which only others tell. */
  #hearsay() {
    this.heardOf.clear();
    for (const node of this.nodes.values()) {
      if (node.status !== "ready") continue;
      for (const peer of node.peers) {
        if (this.nodes.has(peer.address) || this.heardOf.has(peer.address)) continue;
        this.heardOf.set(peer.address, { address: peer.address, status: "peer", peers: [], position: peer.position, largest: peer.known?.largest || null });
      }
    }
  }

  #entry(entry) {
    this.taken += 1;
    if (!Number.isFinite(entry.time)) entry.time = this.now();
    Object.defineProperty(entry, "number", { value: this.taken });
    this.entries.push(entry);
    const { node, peer, event } = entry;
    if (typeof node === "string") {
      let recent = this.recent.get(node);
      if (!recent) this.recent.set(node, (recent = []));
      recent.push(entry);
      if (recent.length > RECENT_MAX) recent.shift();
    }
    if (event === "received") {
      this.tells.add(node);
      if (entry.msg_type !== "PRIME") {
        let of = this.heard.get(node);
        if (!of) this.heard.set(node, (of = new Map()));
        of.set(peer, entry.time);
        // Anybody may write to a node; only its peers are of interest here.
        if (of.size > 256) of.delete(of.keys().next().value);
      }
    }
    this.spreads.take(entry);
    this.timeline.take(entry);
  }

  /** All that is drawn: nodes that tell, and those they tell of, in order of address. */
  everybody() {
    return [...this.nodes.values(), ...this.heardOf.values()].sort((a, b) => byAddress(a.address, b.address));
  }

  find(address) {
    return this.nodes.get(address) ?? this.heardOf.get(address) ?? null;
  }

  /** Whether what this node receives is told over the feed, so that what is not told did not arrive. */
  reports(address) {
    const node = this.nodes.get(address);
    if (!node) return false;
    return this.tells.has(address) || (node.status !== "left out" && this.hello?.exercise?.address !== address);
  }

  /** Fields in which nodes that are up differ though they should agree: field → Map of node → whether it is with most. */
  disagreements() {
    const up = [...this.nodes.values()].filter((node) => statusOf(node) === "awake" && node.state);
    const found = new Map();
    for (const field of ["largest_prime", "largest_prime_finder", "known"]) {
      const said = new Map();
      for (const node of up) {
        if (!(field in node.state)) continue;
        const text = JSON.stringify(node.state[field]);
        if (!said.has(text)) said.set(text, []);
        said.get(text).push(node.address);
      }
      if (said.size < 2) continue;
      const groups = [...said.values()].sort((a, b) => b.length - a.length);
      const most = groups[0].length > groups[1].length ? new Set(groups[0]) : new Set();
      found.set(field, new Map(groups.flat().map((address) => [address, most.has(address)])));
    }
    return found;
  }
}

/** How a node is, in one word: awake, asleep, starting, stopped, killed, died, left-out, or peer if only others tell of it. */
export function statusOf(node) {
  if (node.status === "ready") return node.state?.asleep === true ? "asleep" : "awake";
  return WORDS[node.status] ?? String(node.status ?? "starting");
}

const ORDER = new Intl.Collator("en", { numeric: true });

export function byAddress(a, b) {
  return ORDER.compare(a, b);
}

/** A node's largest prime: as it says, or as others say that it says. */
export function largestOf(node) {
  return node.state?.largest_prime ?? node.largest ?? null;
}

/** Where it is on the ring, from 0 to 1, or null. */
export function turnOf(node) {
  const position = node.state?.position ?? node.position;
  return typeof position === "string" && /^[0-9a-f]{1,16}$/i.test(position) ? parseInt(position.padEnd(16, "0"), 16) / 2 ** 64 : null;
}
