// Where nodes stand and how edges run between them. Geometry only.

import { turnOf } from "./store.js";

/** Up to so many nodes stand in order of address; more stand in the order of the ring. */
export const SMALL = 13;

/**
 * Places of nodes on a circle in a field of `width` × `height` pixels: {places, order, small, narrow, radius (of a node),
 * centre, ring}. `hub` is who stands in the middle of a few: the node whose page this is.
 */
export function layOut(everybody, width, height, hub) {
  const small = everybody.length <= SMALL;
  const middle = small && everybody.length > 1 ? everybody.find((node) => node.address === hub) : undefined;
  const nodes = middle ? everybody.filter((node) => node !== middle) : everybody;
  const order = small ? nodes : [...nodes].sort((a, b) => (turnOf(a) ?? 2) - (turnOf(b) ?? 2));
  const narrow = width < 520;
  const centre = { x: width / 2, y: height / 2 };
  const number = Math.max(1, nodes.length);
  let ring;
  let radius;
  if (small) {
    radius = narrow ? (number > 8 ? 20 : 26) : number > 8 ? 31 : 42;
    // Names stand beside the outer nodes, above the upper and below the lower ones.
    const beside = narrow ? 12 : number > 4 ? 110 : 60;
    const reach = (along) => Math.max(0.5, ...nodes.map((_, place) => Math.abs(along(angleOf(place, number)))));
    ring = number === 1 && !middle ? 0 : Math.min((width / 2 - radius - beside) / reach(Math.cos), (height / 2 - radius - 54) / reach(Math.sin));
  } else {
    const label = narrow ? 44 : 100;
    ring = Math.min(width, height) / 2 - label - 12;
    radius = Math.max(4, Math.min(11, (Math.PI * ring) / number - 3));
  }
  const places = new Map();
  if (middle) places.set(middle.address, { ...centre, angle: Math.PI / 2 });
  order.forEach((node, place) => {
    const angle = small ? angleOf(place, number) : -Math.PI / 2 + (2 * Math.PI * place) / number;
    places.set(node.address, { x: centre.x + ring * Math.cos(angle), y: centre.y + ring * Math.sin(angle), angle });
  });
  return { places, order: [...(middle ? [middle] : []), ...order].map((node) => node.address), small, narrow, radius, centre, ring };
}

/** Clockwise; with an even number two stand at the top, not one: four make a square. */
function angleOf(place, number) {
  return -Math.PI / 2 + (2 * Math.PI * place) / number - (number % 2 === 0 ? Math.PI / number : 0);
}

/**
 * The way between two places: a straight line among few, a bow towards the middle among more, so that neighbours can be
 * told apart from those across. `at(t, side)` is the point at share t of the way, `side` pixels to the right of it.
 */
export function wayBetween(layout, from, to) {
  const { centre, small, order, radius, ring } = layout;
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  // Of a dozen the slightest bow keeps clear of the node between two.
  const across = Math.hypot(to.x - from.x, to.y - from.y) / (ring || 1);
  const bow = small ? (order.length > 6 ? 0.17 * Math.min(1, across * across) : 0) : 0.72;
  const by = { x: middle.x + (centre.x - middle.x) * bow, y: middle.y + (centre.y - middle.y) * bow };
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  // Messages start and end at the rim of a node, not in it.
  const gap = Math.min(0.4, (radius + 8) / length);
  const at = (share, side = 0) => {
    const t = gap + (1 - 2 * gap) * share;
    const u = 1 - t;
    const x = u * u * from.x + 2 * u * t * by.x + t * t * to.x;
    const y = u * u * from.y + 2 * u * t * by.y + t * t * to.y;
    if (side === 0) return { x, y };
    const dx = 2 * u * (by.x - from.x) + 2 * t * (to.x - by.x);
    const dy = 2 * u * (by.y - from.y) + 2 * t * (to.y - by.y);
    const slope = Math.hypot(dx, dy) || 1;
    return { x: x - (side * dy) / slope, y: y + (side * dx) / slope, angle: Math.atan2(dy, dx) };
  };
  const f = (number) => number.toFixed(1);
  const path = bow === 0
    ? `M${f(from.x)} ${f(from.y)}L${f(to.x)} ${f(to.y)}`
    : `M${f(from.x)} ${f(from.y)}Q${f(by.x)} ${f(by.y)} ${f(to.x)} ${f(to.y)}`;
  return { at, path };
}
