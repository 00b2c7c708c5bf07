// Messages on their way: which are drawn, when they set out, and which never arrive. No elements here.
//
// On one machine a message arrives within a millisecond, so all are shown slower; what follows from a message (a PONG, a
// PRIME passed on) sets out when that one is seen to arrive. A spread is thus seen hop by hop.

/** So long a message is seen on its way, in milliseconds. */
export const FLIGHT = 750;

/** How long the end of a lost one is seen. */
export const LOST_FOR = 1100;

/** Entries older than this, in milliseconds, are history: nothing of them moves. */
const FRESH = 2500;

/** So many PINGs and PONGs, and so many PRIMEs, are drawn at a time. */
const SMALL_MAX = 70;
const PRIMES_MAX = 260;

export class Flights {
  flying = [];
  /** Drawn and lost since the page was opened. */
  drawn = 0;
  lost = 0;
  /** Of so many PINGs and PONGs one is drawn. */
  share = 1;
  #open = new Map();
  #early = new Map();
  #due = new Map();
  #rate = { since: 0, count: 0, second: 0 };
  #turn = 0;
  #primes = 0;

  clear() {
    this.flying = [];
    this.#primes = 0;
    this.#open.clear();
    this.#early.clear();
    this.#due.clear();
  }

  /** Takes new entries in order of time; `now` is the page's clock, `at` the server's. */
  take(entries, store, now, at) {
    for (const entry of entries) {
      if (entry.event !== "sent" && entry.event !== "received") continue;
      if (at - entry.time > FRESH) continue;
      if (entry.event === "sent") this.#sent(entry, store, now);
      else this.#received(entry, store, now);
    }
    this.#count(now);
  }

  #sent(entry, store, now) {
    const key = messageKey(entry.node, entry.peer, entry);
    const flight = this.#begin(entry, entry.node, entry.peer, store, now);
    if (!flight) return;
    if (!store.reports(entry.peer)) flight.arrived = now;
    else if (this.#early.delete(key)) flight.arrived = now;
    else this.#open.set(key, flight);
  }

  #received(entry, store, now) {
    const key = messageKey(entry.peer, entry.node, entry);
    const flight = this.#open.get(key);
    if (flight) {
      this.#open.delete(key);
      if (flight.lost !== null) this.lost -= 1;
      // It was only the news of it that came late.
      flight.lost = null;
      flight.arrived = now;
    } else if (!store.reports(entry.peer)) {
      const seen = this.#begin(entry, entry.peer, entry.node, store, now);
      if (seen) seen.arrived = now;
    } else {
      this.#early.set(key, now);
      if (this.#early.size > 4096) this.#early.delete(this.#early.keys().next().value);
    }
  }

  #begin(entry, from, to, store, now) {
    const type = entry.msg_type;
    let cause;
    if (type === "PRIME") {
      if (this.#primes >= PRIMES_MAX) return null;
      cause = this.#due.get(`${from} ${entry.originator} ${entry.msg_id}`);
    } else {
      this.#rate.count += 1;
      if (this.flying.length - this.#primes >= 3 * SMALL_MAX) return null;
      cause = type === "PONG" ? this.#due.get(`${from} ${to} ${entry.msg_id}`) : undefined;
      // A PONG is drawn if its PING was, so that what is seen belongs together.
      if (cause === undefined && this.share > 1 && (type === "PONG" || this.#turn++ % this.share !== 0)) return null;
    }
    const delay = (Number(store.lab?.delay?.[from]) || 0) + (Number(store.lab?.delay?.[to]) || 0);
    const lasts = Math.max(FLIGHT, 0.7 * Math.min(delay, 10_000));
    const begins = Math.max(now, Math.min(cause ?? 0, now + 6000));
    const flight = {
      from, to, type, ttl: entry.ttl, again: false, begins, lasts, arrived: null, lost: null, at: 0, last: begins,
      gives: begins + Math.max(1600, delay + 2000),
    };
    if (type === "PRIME") {
      this.#primes += 1;
      const heard = `${to} ${entry.originator} ${entry.msg_id}`;
      // Who has it already, or sent it out, gets a duplicate.
      flight.again = this.#due.has(heard) || entry.originator === to;
      if (!flight.again) this.#due.set(heard, begins + lasts);
    } else if (type === "PING") {
      this.#due.set(`${to} ${from} ${entry.msg_id}`, begins + lasts);
    }
    this.flying.push(flight);
    this.drawn += 1;
    return flight;
  }

  /** Moves everything to the time `now`, and takes away what is over. */
  move(now) {
    const going = [];
    for (const flight of this.flying) {
      if (this.#step(flight, now)) going.push(flight);
      else if (flight.type === "PRIME") this.#primes -= 1;
    }
    this.flying = going;
    return going;
  }

  #step(flight, now) {
    if (flight.lost !== null) return now - flight.lost < LOST_FOR;
    if (now < flight.begins) return true;
    const passed = (now - Math.max(flight.last, flight.begins)) / flight.lasts;
    flight.last = now;
    if (flight.arrived !== null || flight.at < 0.4) flight.at += passed;
    // Nobody has received it yet: it slows down, and ends in the middle.
    else flight.at += Math.max(0, 0.5 - flight.at) * Math.min(1, passed * 1.5);
    if (flight.at >= 1) return false;
    if (flight.arrived === null && now > flight.gives) {
      flight.lost = now;
      this.lost += 1;
    }
    return true;
  }

  #count(now) {
    const { since, count } = this.#rate;
    if (now - since < 1000) return;
    // Up at once, down slowly: entries come in bursts.
    const second = since === 0 ? 0 : Math.max((count * 1000) / (now - since), 0.75 * this.#rate.second);
    this.share = Math.max(1, Math.ceil((second * FLIGHT) / 1000 / SMALL_MAX));
    this.#rate = { since: now, count: 0, second };
    for (const [key, flight] of this.#open) if (now - flight.begins > 15_000) this.#open.delete(key);
    for (const [key, seen] of this.#early) if (now - seen > 3000) this.#early.delete(key);
    for (const [key, due] of this.#due) if (now - due > 3000) this.#due.delete(key);
  }
}

function messageKey(from, to, entry) {
  return `${from} ${to} ${entry.msg_type} ${entry.originator} ${entry.msg_id} ${entry.ttl}`;
}
