// When each panel is drawn: in a frame of the screen, not more often than it is worth, rarely while it is out of sight,
// never while the page is hidden or nothing has changed.

/** Milliseconds between two looks at a panel that is scrolled out of sight. */
const OUT_OF_SIGHT = 1000;

/** Ages and countdowns go on without news: so often everything is drawn anyway. */
const TICK = 250;

export class Pace {
  #panels = new Map();
  #frame = 0;
  #watch = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      for (const panel of this.#panels.values()) if (panel.element === target) panel.seen = isIntersecting;
    }
    this.changed();
  }, { rootMargin: "120px" });

  constructor() {
    setInterval(() => this.changed(), TICK);
  }

  /** A panel in an element, drawn by `show` at most every `every` milliseconds. */
  panel(name, element, every, show) {
    this.#panels.set(name, { element, every, show, seen: true, drawn: -Infinity });
    this.#watch.observe(element);
  }

  /** Something changed: draws what is due. */
  changed() {
    if (this.#frame === 0 && !document.hidden) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  /** This panel in the next frame, whether due or not: somebody waits for it. */
  now(name) {
    const panel = this.#panels.get(name);
    if (panel) panel.drawn = -Infinity;
    this.changed();
  }

  #draw(now) {
    this.#frame = 0;
    const due = [];
    for (const panel of this.#panels.values()) {
      const late = now - panel.drawn - (panel.seen ? panel.every : Math.max(panel.every, OUT_OF_SIGHT));
      if (late >= -8) due.push([late, panel]);
    }
    // The longest overdue first; what does not fit into this frame comes in the next.
    due.sort((a, b) => b[0] - a[0]);
    const began = performance.now();
    for (const [, panel] of due) {
      panel.drawn = now;
      try {
        panel.show();
      } catch (error) {
        // One panel's trouble is not the others'; the console says what it was.
        reportError(error);
      }
      if (performance.now() - began > 12) {
        this.changed();
        return;
      }
    }
  }
}
