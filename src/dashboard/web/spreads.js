// How each PRIME spread: who heard it first from whom, when, which copies came too late, who verified it. No elements here.

const SPREADS_MAX = 64;

/** Late copies remembered for one node. */
const COPIES_MAX = 64;

export class Spreads {
  /** `originator msg_id` → spread, in order of beginning. */
  all = new Map();
  /** Grows with each change. */

  /** Takes an entry; what is no part of a spread is ignored. */
  take(entry) {
    switch (entry.event) {
      case "sent":
        if (entry.msg_type === "PRIME") this.#sent(entry);
        break;
      case "received":
        if (entry.msg_type === "PRIME") this.#received(entry);
        break;
      case "prime_found": {
        const spread = this.#spread(entry.node, entry.id, entry.exponent, entry.time);
        spread.found = entry.time;
        spread.began = entry.time;
        break;
      }
      case "prime_verified":
        this.#settled(entry, "verified");
        break;
      case "claim_ended":
        this.#settled(entry, typeof entry.result === "string" ? entry.result : "ended");
        break;
      default:
    }
  }

  #spread(originator, id, exponent, time) {
    const key = `${originator} ${id}`;
    let spread = this.all.get(key);
    if (!spread) {
      spread = { key, originator, id: String(id), exponent, began: time, found: null, arrivals: new Map(), settled: new Map(), sent: 0, copies: 0 };
      this.all.set(key, spread);
      if (this.all.size > SPREADS_MAX) this.all.delete(this.all.keys().next().value);
    }
    return spread;
  }

  #sent(entry) {
    const spread = this.#spread(entry.originator, entry.msg_id, entry.data, entry.time);
    spread.sent += 1;
    if (spread.exponent === undefined) spread.exponent = entry.data;
  }

  #received(entry) {
    const spread = this.#spread(entry.originator, entry.msg_id, entry.data, entry.time);
    const copy = { from: entry.peer, ttl: entry.ttl, time: entry.time };
    const first = spread.arrivals.get(entry.node);
    if (!first && entry.node !== spread.originator) {
      spread.arrivals.set(entry.node, { ...copy, copies: [] });
      return;
    }
    spread.copies += 1;
    // One that comes back to its originator is a duplicate as well.
    const of = first ?? (spread.back ??= { copies: [] });
    if (of.copies.length < COPIES_MAX) of.copies.push(copy);
  }

  #settled(entry, word) {
    for (const spread of this.all.values()) {
      if (spread.exponent !== entry.exponent || spread.originator === entry.node || spread.settled.has(entry.node)) continue;
      if (!spread.arrivals.has(entry.node)) continue;
      spread.settled.set(entry.node, { word, time: entry.time });
    }
  }

  /** Newest first. */
  newest() {
    return [...this.all.values()].reverse();
  }
}

/**
 * A spread as a tree: the originator's place, with `children`, each in order of time. Who heard it from somebody of whose
 * hearing nothing is known stands under a place without arrival, beside the originator.
 */
export function treeOf(spread) {
  const place = (address, arrival) => ({ address, arrival, children: [] });
  const places = new Map([[spread.originator, place(spread.originator, null)]]);
  for (const [address, arrival] of spread.arrivals) places.set(address, place(address, arrival));
  const roots = [places.get(spread.originator)];
  const ordered = [...spread.arrivals].sort((a, b) => a[1].time - b[1].time);
  for (const [address, { from }] of ordered) {
    let parent = places.get(from);
    if (!parent) {
      parent = place(from, null);
      places.set(from, parent);
      roots.push(parent);
    }
    // Clocks and pipes permitting nothing goes in a circle, but the feed is not ours to trust.
    if (parent !== places.get(address) && !isBelow(places.get(address), parent)) parent.children.push(places.get(address));
    else roots.push(places.get(address));
  }
  return roots;
}

function isBelow(ancestor, place) {
  return ancestor.children.some((child) => child === place || isBelow(child, place));
}
