// What the charts show: primes by finder, peers of each node, datagrams a second. Bounded, and free of elements.

/** Seconds that are kept: ten minutes. */
const SECONDS_MAX = 600;
const PRIMES_MAX = 256;

export class Timeline {
  /** exponent → {exponent, finder, time, exact}: `exact` if the find was seen; null for the time if it was before. */
  primes = new Map();
  /** One a second: {time, PING, PONG, PRIME}. */
  seconds = [];
  /** One a second: {time, of: Map of node → peers}. */
  peers = [];
  #began = null;

  /** Takes the frame of a node's state. */
  state(frame, now) {
    for (const one of Array.isArray(frame.primes) ? frame.primes : []) {
      const { exponent, finder } = one ?? {};
      const known = this.primes.get(exponent);
      if (!known) this.#prime(exponent, finder, this.#early(now) ? null : now, false);
      else if (known.finder !== finder) known.finder = finder;
    }
    const time = Math.floor(now / 1000);
    let last = this.peers.at(-1);
    if (!last || last.time < time) {
      last = { time, of: new Map(last?.of) };
      this.peers.push(last);
      if (this.peers.length > SECONDS_MAX) this.peers.shift();
    }
    last.of.set(frame.node, frame.status === "ready" && Array.isArray(frame.peers) ? frame.peers.length : null);
  }

  /** Takes an entry. */
  take(entry) {
    if (entry.event === "sent") this.#datagram(entry);
    else if (entry.event === "prime_found") this.#prime(entry.exponent, entry.node, entry.time, true);
  }

  /** What the first frames tell was found at some time before. */
  #early(now) {
    this.#began ??= now;
    return now - this.#began < 3000;
  }

  #prime(exponent, finder, time, exact) {
    if (!Number.isFinite(exponent) || this.primes.size >= PRIMES_MAX) return;
    const known = this.primes.get(exponent);
    if (known?.exact) return;
    this.primes.set(exponent, { exponent, finder: known?.finder ?? finder, time, exact });
  }

  #datagram(entry) {
    const time = Math.floor(entry.time / 1000);
    const last = this.seconds.at(-1);
    let second = last;
    if (!last || last.time < time) {
      second = { time, PING: 0, PONG: 0, PRIME: 0 };
      this.seconds.push(second);
      if (this.seconds.length > SECONDS_MAX) this.seconds.shift();
    } else if (last.time > time) {
      second = this.seconds.findLast((one) => one.time === time);
    }
    if (second && Object.hasOwn(second, entry.msg_type)) second[entry.msg_type] += 1;
  }
}
