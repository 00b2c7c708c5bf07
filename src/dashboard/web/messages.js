// Messages seen moving: a canvas over the mesh. It draws only while something moves.

import { show } from "./dom.js";
import { wayBetween } from "./layout.js";
import { LOST_FOR } from "./flights.js";

/** Pixels beside the edge, so that the two directions are apart. */
const ASIDE = 6;

export class Messages {
  #canvas;
  #pen;
  #flights;
  #layout = null;
  #ways = new Map();
  #frame = 0;
  #colours = null;
  #told = 0;
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(canvas, flights) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    this.#flights = flights;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (this.#colours = null));
  }

  /** The mesh was laid out anew, in a field of so many pixels. */
  fit(layout, width, height) {
    this.#layout = layout;
    this.#ways.clear();
    const scale = Math.min(2, devicePixelRatio || 1);
    if (this.#canvas.width !== Math.round(width * scale) || this.#canvas.height !== Math.round(height * scale)) {
      this.#canvas.width = Math.round(width * scale);
      this.#canvas.height = Math.round(height * scale);
    }
    this.#pen.setTransform(scale, 0, 0, scale, 0, 0);
  }

  /** Something may be on its way. */
  wake() {
    if (this.#frame === 0 && this.#flights.flying.length > 0 && !document.hidden) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  #draw(now) {
    this.#frame = 0;
    const pen = this.#pen;
    pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    const going = this.#flights.move(now);
    if (this.#layout) {
      if (this.#still.matches) this.#flash(going, now);
      else for (const flight of going) this.#one(flight, now);
    }
    this.#tell(now, going.length);
    this.wake();
  }

  #way(from, to) {
    const key = `${from} ${to}`;
    let way = this.#ways.get(key);
    if (way === undefined) {
      const [a, b] = [this.#layout.places.get(from), this.#layout.places.get(to)];
      if (!a || !b) return null;
      way = wayBetween(this.#layout, a, b);
      this.#ways.set(key, way);
    }
    return way;
  }

  #one(flight, now) {
    if (now < flight.begins) return;
    const way = this.#way(flight.from, flight.to);
    if (!way) return;
    // Slow out of the node, slow into the next.
    const t = flight.lost === null ? flight.at * flight.at * (3 - 2 * flight.at) : 0.5;
    const { x, y, angle } = way.at(t, ASIDE);
    if (flight.lost !== null) this.#cross(flight, x, y, 1 - (now - flight.lost) / LOST_FOR);
    else this.#glyph(flight, x, y, angle);
  }

  /** PING: a dot. PONG: an open diamond. PRIME: a disc with its TTL, an open one if the receiver has it already. */
  #glyph(flight, x, y, angle) {
    const pen = this.#pen;
    const colours = this.#palette();
    const small = this.#layout.small;
    if (flight.type === "PRIME") {
      const few = this.#layout.order.length <= 6;
      const radius = flight.again ? (few ? 8 : 6.5) : few ? 12 : 9;
      if (!flight.again) {
        pen.beginPath();
        const tail = (radius + 14) * Math.min(1, 5 * flight.at);
        pen.moveTo(x - Math.cos(angle) * tail, y - Math.sin(angle) * tail);
        pen.lineTo(x, y);
        pen.strokeStyle = colours.prime;
        pen.globalAlpha = 0.3;
        pen.lineWidth = radius;
        pen.lineCap = "round";
        pen.stroke();
        pen.globalAlpha = 1;
      }
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fillStyle = flight.again ? colours.panel : colours.prime;
      pen.fill();
      pen.lineWidth = flight.again ? 1.3 : 1.5;
      pen.strokeStyle = flight.again ? colours.prime : colours.panel;
      pen.stroke();
      pen.fillStyle = flight.again ? colours.prime : colours.panel;
      pen.font = `${flight.again ? 600 : 700} ${Math.round(radius * 1.2)}px ${colours.font}`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(String(flight.ttl), x, y + 0.5);
      return;
    }
    const size = small ? 4 : 3;
    pen.beginPath();
    if (flight.type === "PING") {
      pen.arc(x, y, size, 0, 2 * Math.PI);
      pen.fillStyle = colours.ping;
      pen.fill();
    } else {
      const arm = size + 1.2;
      pen.moveTo(x - arm, y);
      pen.lineTo(x, y - arm);
      pen.lineTo(x + arm, y);
      pen.lineTo(x, y + arm);
      pen.closePath();
      pen.fillStyle = colours.panel;
      pen.fill();
      pen.lineWidth = 1.8;
      pen.strokeStyle = colours.pong;
      pen.stroke();
    }
  }

  /** The end of a message that nobody received. */
  #cross(flight, x, y, left) {
    const pen = this.#pen;
    const colours = this.#palette();
    const arm = flight.type === "PRIME" ? 8 : 5;
    pen.globalAlpha = Math.max(0, Math.min(1, left * 1.6));
    pen.beginPath();
    pen.moveTo(x - arm, y - arm);
    pen.lineTo(x + arm, y + arm);
    pen.moveTo(x + arm, y - arm);
    pen.lineTo(x - arm, y + arm);
    pen.lineCap = "round";
    pen.lineWidth = arm * 0.9;
    pen.strokeStyle = colours.panel;
    pen.stroke();
    pen.lineWidth = arm * 0.4;
    pen.strokeStyle = colours.bad;
    pen.stroke();
    pen.globalAlpha = 1;
  }

  /** Without motion: what is on an edge is shown in its place, with its number, while it is on its way. */
  #flash(going, now) {
    const groups = new Map();
    for (const flight of going) {
      if (now < flight.begins) continue;
      const key = `${flight.from} ${flight.to} ${flight.lost === null ? flight.type : "lost"}`;
      const group = groups.get(key);
      if (group) group.count += 1;
      else groups.set(key, { flight, count: 1 });
    }
    for (const { flight, count } of groups.values()) {
      const way = this.#way(flight.from, flight.to);
      if (!way) continue;
      const place = { PING: 0.3, PONG: 0.4, PRIME: 0.62 }[flight.type] ?? 0.5;
      const { x, y, angle } = way.at(flight.lost === null ? place : 0.5, ASIDE + 2);
      if (flight.lost === null) this.#glyph(flight, x, y, angle);
      else this.#cross(flight, x, y, 1);
      if (count < 2) continue;
      const pen = this.#pen;
      pen.fillStyle = this.#palette().ink;
      pen.font = `600 11px ${this.#palette().font}`;
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      pen.fillText(`×${count}`, x + 12, y);
    }
  }

  #palette() {
    if (!this.#colours) {
      const style = getComputedStyle(document.documentElement);
      const of = (name) => style.getPropertyValue(`--${name}`).trim();
      this.#colours = { ping: of("ping"), pong: of("pong"), prime: of("prime"), bad: of("bad"), panel: of("panel"), ink: of("ink"), font: getComputedStyle(document.body).fontFamily };
    }
    return this.#colours;
  }

  #tell(now, flying) {
    if (now - this.#told < 250 && flying > 0) return;
    this.#told = now;
    const { dataset } = this.#canvas;
    dataset.flying = flying;
    dataset.drawn = this.#flights.drawn;
    dataset.lost = this.#flights.lost;
    show(this.#canvas, true);
  }
}
