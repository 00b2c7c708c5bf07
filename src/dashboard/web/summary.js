// The line on top: what this is a page of, whether it is connected, and the network in four figures.

import { say, set } from "./dom.js";
import { largestOf, statusOf } from "./store.js";
import { count, many, prime, short } from "./words.js";

export class Summary {
  #store;
  #by = Object.fromEntries(["kind", "connection", "sum-nodes", "sum-largest", "sum-finder", "sum-rate", "sum-known"].map((id) => [id, document.getElementById(id)]));

  constructor(store) {
    this.#store = store;
  }

  show() {
    const store = this.#store;
    const by = this.#by;
    const hello = store.hello;
    const nodes = [...store.nodes.values()];
    const awake = nodes.filter((node) => statusOf(node) === "awake");
    const kind = !hello ? "" : hello.kind === "lab" ? `lab of ${many(nodes.length, "node")}` : `node ${short(hello.address)} and its peers`;
    say(by.kind, kind);
    const title = hello ? `mersenned · ${kind}` : "mersenned";
    if (document.title !== title) document.title = title;
    say(by.connection, store.connected ? "live" : hello ? "connection lost, trying again" : "connecting");
    set(by.connection, "data-connected", store.connected);
    say(by["sum-nodes"], hello?.kind === "lab" ? `${awake.length} of ${nodes.length}` : String(nodes[0]?.peers.length ?? "–"));
    say(by["sum-known"], hello?.kind === "lab" ? "nodes awake" : "peers");
    const best = awake.reduce((best, node) => ((largestOf(node) ?? 0) > (best ? largestOf(best) : 0) ? node : best), null);
    say(by["sum-largest"], best ? prime(largestOf(best)) : "–");
    say(by["sum-finder"], best?.state?.largest_prime_finder ? `largest prime, by ${short(best.state.largest_prime_finder)}` : "largest prime");
    say(by["sum-rate"], this.#rate());
  }

  /** Datagrams sent in the last whole seconds, a second. */
  #rate() {
    const now = Math.floor(this.#store.now() / 1000);
    let sum = 0;
    for (const second of this.#store.timeline.seconds.slice(-8)) if (second.time < now && second.time >= now - 5) sum += second.PING + second.PONG + second.PRIME;
    return count(Math.round(sum / 5));
  }
}
