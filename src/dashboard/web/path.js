// One prime's path: a tree from its originator, hop by hop; copies that came too late are struck through.

import { h, keep, say, set } from "./dom.js";
import { statusOf } from "./store.js";
import { treeOf } from "./spreads.js";
import { clock, many, prime, seconds, short, title } from "./words.js";

/** Late copies named for one node; of the others there is the number. */
const COPIES_SHOWN = 6;

export class Path {
  #store;
  #tree = document.getElementById("path");
  #choices = document.getElementById("path-choices");
  #note = document.getElementById("path-note");
  #drawn = new Map();
  #chosen = null;
  #shown = "";
  #changed;

  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  clear() {
    this.#chosen = null;
    this.#shown = "";
  }

  show() {
    const spreads = this.#store.spreads.newest();
    keep(this.#choices, this.#drawn, spreads, (spread) => spread.key, (spread) => this.#choice(spread), (drawn, spread) => this.#update(drawn, spread));
    const spread = this.#store.spreads.all.get(this.#chosen) ?? this.#best(spreads);
    if (!spread) {
      if (this.#shown !== "none") this.#tree.replaceChildren(h("p", { class: "empty" }, "No PRIME has been seen yet. It is drawn here as soon as one is announced."));
      this.#shown = "none";
      say(this.#note, "");
      return;
    }
    const shown = `${spread.key} ${spread.arrivals.size} ${spread.copies} ${spread.settled.size} ${spread.sent}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    set(this.#tree, "class", spread.arrivals.size > 5 ? "scroll long" : "scroll");
    this.#tree.replaceChildren(h("ul", { class: "tree" }, ...treeOf(spread).map((place) => this.#place(spread, place, 0))));
    const last = Math.max(0, ...[...spread.arrivals.values()].map((arrival) => arrival.time));
    const heard = spread.arrivals.size > 0 ? `${many(spread.arrivals.size, "node")} heard it, the last after ${seconds((last - spread.began) / 1000)}` : "nobody has been seen to hear it";
    say(this.#note, `${prime(spread.exponent)} of ${short(spread.originator)}: ${heard}; ${many(spread.sent, "copy", "copies")} sent, ${spread.copies} of them heard too late.`);
  }

  /** Unless one is chosen: the newest that went from node to node. */
  #best(spreads) {
    return spreads.find((spread) => spread.found !== null && spread.arrivals.size > 0) ?? spreads.find((spread) => spread.arrivals.size > 0) ?? spreads[0];
  }

  #choice(spread) {
    const exponent = h("b", {});
    const from = h("span", {});
    const element = h("button", {
      type: "button", "data-spread": spread.key,
      onclick: () => {
        this.#chosen = this.#chosen === spread.key ? null : spread.key;
        this.#shown = "";
        this.#changed();
      },
    }, exponent, from);
    return { element, exponent, from };
  }

  #update(drawn, spread) {
    const chosen = this.#store.spreads.all.has(this.#chosen) ? this.#chosen : null;
    set(drawn.element, "aria-pressed", chosen === spread.key);
    say(drawn.exponent, prime(spread.exponent));
    say(drawn.from, `${short(spread.originator)} · ${spread.arrivals.size} heard`);
  }

  #place(spread, place, depth) {
    const { address, arrival } = place;
    const node = this.#store.find(address) ?? { address, status: "" };
    const origin = address === spread.originator;
    const settled = spread.settled.get(address);
    const copies = arrival?.copies ?? (origin ? (spread.back?.copies ?? []) : []);
    const late = (copy) => h("del", { title: `came from ${short(copy.from)} at ${clock(copy.time)}` }, `${short(copy.from)} · TTL ${copy.ttl} · ${this.#after(spread, copy.time)}`);
    const row = h("div", { class: "hop" },
      h("span", { class: "who" }, h("b", {}, short(address)), node.name ? ` ${node.name}` : ""),
      h("span", { class: "how" }, ...this.#how(spread, place, origin)),
      h("span", { class: "when" }, arrival ? this.#after(spread, arrival.time) : origin ? clock(spread.began) : ""),
      h("span", { class: "settled" }, this.#verdict(spread, settled, origin, node)),
      copies.length > 0 ? h("span", { class: "late" }, h("span", { class: "sr" }, "heard again, too late: "), ...copies.slice(0, COPIES_SHOWN).map(late), copies.length > COPIES_SHOWN ? h("span", {}, `and ${copies.length - COPIES_SHOWN} more`) : null) : null);
    return h("li", { "data-hop": depth, class: origin ? "origin" : "" }, row,
      place.children.length > 0 ? h("ul", {}, ...place.children.map((child) => this.#place(spread, child, depth + 1))) : null);
  }

  #how(spread, place, origin) {
    if (origin) return [spread.found === null ? "originator; the find itself was not seen" : "found it and told its peers"];
    if (!place.arrival) return ["passed it on; from whom it heard it was not seen"];
    return ["from ", h("b", {}, short(place.arrival.from)), " · ", h("span", { class: "ttl" }, `TTL ${place.arrival.ttl}`)];
  }

  #verdict(spread, settled, origin, node) {
    if (origin) return "";
    if (!settled) return statusOf(node) === "awake" ? "not verified yet" : "";
    const after = this.#after(spread, settled.time);
    return settled.word === "verified" ? `✓ verified ${after}` : `${settled.word.replaceAll("_", " ")} ${after}`;
  }

  #after(spread, time) {
    const passed = (time - spread.began) / 1000;
    return `${passed < 0 ? "" : "+"}${seconds(passed)}`;
  }
}
