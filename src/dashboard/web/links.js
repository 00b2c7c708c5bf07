// Edges of the mesh, as the tables of peers have them, and how long each has been silent. No elements here.

/** The name of an edge: both addresses, the smaller one (as text) first. */
export function keyOf(one, other) {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

/**
 * All edges, by key: {key, a, b, ab, ba, cut, apart}. `ab` is what a's table says of b, or null; `cut` if the link was cut
 * by hand, `apart` if the network is split between the two.
 */
export function linksOf(store) {
  const links = new Map();
  const link = (one, other) => {
    const key = keyOf(one, other);
    let found = links.get(key);
    if (!found) {
      const [a, b] = one < other ? [one, other] : [other, one];
      links.set(key, (found = { key, a, b, ab: null, ba: null, cut: false, apart: false }));
    }
    return found;
  };
  for (const node of store.nodes.values()) {
    // The last table of a node that has ended holds nobody any more.
    if (node.status !== "ready") continue;
    for (const peer of node.peers) {
      if (peer.address === node.address) continue;
      const found = link(node.address, peer.address);
      const forward = node.address === found.a;
      if (forward) found.ab = peer;
      else found.ba = peer;
      // Of one whose table nobody can see, the word it has given counts.
      const other = store.nodes.get(peer.address);
      if ((!other || !other.tables || other.state === null) && peer.accepts === true) {
        if (forward) found.ba ??= "said";
        else found.ab ??= "said";
      }
    }
  }
  for (const [one, other] of store.lab?.cuts ?? []) if (store.find(one) && store.find(other)) link(one, other).cut = true;
  const side = store.lab?.split ? new Set(store.lab.split) : null;
  if (side) for (const found of links.values()) found.apart = side.has(found.a) !== side.has(found.b);
  return links;
}

/** For how long `owner` has heard nothing of its peer, in seconds of the node's own clock. */
function silenceOf(store, owner, peer, now) {
  const node = store.nodes.get(owner);
  const speed = Number(node.speed) || 1;
  const told = (Number(peer.last_heard_seconds) || 0) + (Math.max(0, now - node.time) / 1000) * speed;
  const heard = store.heard.get(owner)?.get(peer.address);
  return heard === undefined ? told : Math.min(told, (Math.max(0, now - heard) / 1000) * speed);
}

/**
 * How an edge is now: {state, silence, left, fading, owner}. `state` is both, one-way, silent or cut; `silence` and `left`
 * (until its owner gives the peer up) are seconds of the owner's clock, `fading` goes from 0 to 1 between the two timers.
 */
export function stateOf(store, link, now) {
  let worst = null;
  for (const [owner, peer] of [[link.a, link.ab], [link.b, link.ba]]) {
    if (peer === null || peer === "said") continue;
    const timers = store.nodes.get(owner).timers ?? {};
    const after = Number(timers.silent_after) || 6;
    const timeout = Number(timers.peer_timeout) || 10;
    const silence = silenceOf(store, owner, peer, now);
    const fading = Math.min(1, Math.max(0, (silence - after) / Math.max(0.001, timeout - after)));
    if (!worst || silence > worst.silence) worst = { owner, silence, left: Math.max(0, timeout - silence), fading, silent: silence >= after };
  }
  const silent = worst?.silent === true;
  let state = link.ab && link.ba ? "both" : "one-way";
  if (silent) state = "silent";
  if (link.cut || link.apart) state = "cut";
  return { state, silent, silence: worst?.silence ?? 0, left: worst?.left ?? 0, fading: worst?.fading ?? 0, owner: worst?.owner ?? null };
}
