// Marks that tell finders apart by shape as well as by colour, on a canvas and in a legend.

import { s } from "./dom.js";

const turn = (corners, from, inner = 1) => Array.from({ length: corners }, (_, corner) => {
  const angle = from + (2 * Math.PI * corner) / corners;
  const reach = corner % 2 === 1 ? inner : 1;
  return [reach * Math.cos(angle), reach * Math.sin(angle)];
});
const UP = -Math.PI / 2;

/** Corners within a circle of radius 1; an empty list is the circle itself. */
export const SHAPES = [[], turn(4, Math.PI / 4), turn(3, UP), turn(4, UP), turn(10, UP, 0.45), turn(3, -UP), turn(6, UP), turn(8, UP, 0.4)];

export class Mark {
  /** Draws mark number `place`; hollow in each second turn of the list. A pale one stands for what was seen too late. */
  static draw(pen, place, x, y, radius, colour, ground, exact) {
    const corners = SHAPES[place % SHAPES.length];
    pen.beginPath();
    if (corners.length === 0) pen.arc(x, y, radius * 0.9, 0, 2 * Math.PI);
    for (const [dx, dy] of corners) pen.lineTo(x + dx * radius * 1.15, y + dy * radius * 1.15);
    pen.closePath();
    pen.globalAlpha = exact ? 1 : 0.65;
    pen.fillStyle = Math.floor(place / SHAPES.length) % 2 === 1 ? ground : colour;
    pen.fill();
    pen.globalAlpha = 1;
    pen.lineWidth = radius / 3;
    pen.strokeStyle = colour;
    pen.stroke();
  }

  /** The same as a small picture. */
  static svg(place) {
    const corners = SHAPES[place % SHAPES.length];
    const hollow = Math.floor(place / SHAPES.length) % 2 === 1;
    const shape = corners.length === 0 ? s("circle", { r: 5 }) : s("polygon", { points: corners.map(([x, y]) => `${(6 * x).toFixed(2)},${(6 * y).toFixed(2)}`).join(" ") });
    return s("svg", { class: `mark mark-${(place % SHAPES.length) + 1}${hollow ? " hollow" : ""}`, viewBox: "-8 -8 16 16", width: 14, height: 14, "aria-hidden": "true" }, shape);
  }
}
