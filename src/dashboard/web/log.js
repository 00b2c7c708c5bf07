// The log of all nodes: filtered, paused, newest first, copied as text or as JSON lines.
//
// Of the entries that are kept only the newest that pass the filter have rows, and only new ones are made.

import { copy, h, say, set } from "./dom.js";
import { byAddress } from "./store.js";
import { clock, count, entryText, many, short, title } from "./words.js";

const ROWS_MAX = 300;

/** Milliseconds of a frame that looking through entries may take. */
const SLICE = 8;

const TYPES = ["PING", "PONG", "PRIME"];

export class Log {
  #store;
  #rows;
  #parts;
  #filter = { node: "", type: "", direction: "", text: "" };
  #paused = null;
  /** Numbers: entries up to the first have been looked at, and those above the second. */
  #drawnTo = 0;
  #older = 0;
  #changed;
  #again = true;
  #nodes = "";
  #types = new Set();
  #said = 0;

  /** `changed()` is called when what is shown should be shown at once. */
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
    const by = (id) => document.getElementById(id);
    this.#rows = by("log");
    this.#parts = { text: by("log-text"), node: by("log-node"), type: by("log-type"), direction: by("log-direction"), pause: by("log-pause"), note: by("log-note"), said: by("log-said") };
    for (const name of ["text", "node", "type", "direction"]) {
      this.#parts[name].addEventListener("input", () => {
        this.#filter[name] = this.#parts[name].value;
        this.#again = true;
        changed();
      });
    }
    this.#parts.pause.addEventListener("click", () => {
      this.#paused = this.#paused === null ? store.taken : null;
      this.#kept = this.#paused === null ? null : store.entries.slice();
      set(this.#parts.pause, "aria-pressed", this.#paused !== null);
      say(this.#parts.pause, this.#paused === null ? "Pause" : "Go on");
      this.#again = true;
      changed();
    });
    by("log-copy-text").addEventListener("click", () => this.#copy((entry) => `${clock(entry.time)}  ${short(entry.node)}  ${entryText(entry)}`, "line"));
    by("log-copy-json").addEventListener("click", () => this.#copy((entry) => JSON.stringify(entry), "JSON line"));
  }

  /** While paused: what was there, so that nothing is lost to the limit. */
  #kept = null;

  clear() {
    this.#again = true;
    if (this.#paused !== null) this.#parts.pause.click();
  }

  #passes(entry) {
    const { node, type, direction, text } = this.#filter;
    if (node !== "" && entry.node !== node) return false;
    if (direction !== "" && entry.event !== direction) return false;
    if (type !== "" && !(type === "news" ? entry.msg_type === undefined : (entry.msg_type ?? entry.event) === type)) return false;
    return text === "" || this.#search(entry).includes(text.toLowerCase());
  }

  #search(entry) {
    return `${clock(entry.time)} ${entry.node} ${title(this.#store.find(entry.node) ?? { address: entry.node })} ${entryText(entry)} ${entry.peer ?? ""} ${entry.event}`.toLowerCase();
  }

  show() {
    this.#choices();
    const entries = this.#kept ?? this.#store.entries;
    const newest = entries.at(-1)?.number ?? 0;
    if (this.#again) {
      this.#again = false;
      this.#drawnTo = this.#older = newest;
      this.#rows.replaceChildren(...this.#look(entries));
    } else {
      if (newest > this.#drawnTo) this.#prepend(this.#news(entries));
      this.#rows.append(...this.#look(entries));
    }
    const waiting = this.#paused === null ? 0 : this.#store.taken - this.#paused;
    const shown = this.#rows.childElementCount;
    const limit = shown >= ROWS_MAX ? `the newest ${ROWS_MAX} that match, of ${many(entries.length, "entry", "entries")}` : `${count(shown)} of ${many(entries.length, "entry", "entries")}`;
    const missed = this.#store.missed > 0 ? ` · ${count(this.#store.missed)} missed` : "";
    say(this.#parts.note, (this.#paused === null ? limit : `paused · ${count(waiting)} waiting · ${limit}`) + missed);
  }

  /** Rows of what came since the last time, newest first. */
  #news(entries) {
    const rows = [];
    for (let place = entries.length - 1; place >= 0 && entries[place].number > this.#drawnTo && rows.length < ROWS_MAX; place -= 1) {
      if (this.#passes(entries[place])) rows.push(this.#row(entries[place]));
    }
    this.#drawnTo = entries.at(-1).number;
    return rows;
  }

  /** Rows further back, until there are enough or the time is up; then the next frame goes on. */
  #look(entries) {
    const rows = [];
    const first = entries[0]?.number ?? 0;
    const room = ROWS_MAX - (this.#drawnTo === this.#older ? 0 : this.#rows.childElementCount);
    const until = performance.now() + SLICE;
    while (entries.length > 0 && this.#older >= first && rows.length < room) {
      const entry = entries[this.#older - first];
      this.#older -= 1;
      if (this.#passes(entry)) rows.push(this.#row(entry));
      if (this.#older % 32 === 0 && performance.now() > until) {
        this.#changed();
        break;
      }
    }
    return rows;
  }

  /** Puts new rows on top; what somebody reads further down stays in its place. */
  #prepend(rows) {
    const scroller = this.#rows.closest(".scroll");
    const before = scroller.scrollTop > 4 ? scroller.scrollHeight : 0;
    this.#rows.prepend(...rows);
    while (this.#rows.childElementCount > ROWS_MAX) this.#rows.lastElementChild.remove();
    if (before > 0) scroller.scrollTop += scroller.scrollHeight - before;
  }

  #row(entry) {
    const traffic = entry.event === "sent" || entry.event === "received";
    const type = traffic ? String(entry.msg_type) : String(entry.event ?? "entry");
    const kind = TYPES.includes(entry.msg_type) ? entry.msg_type.toLowerCase() : entry.event === "log" ? "bad" : entry.event === "lab" ? "lab" : entry.event === "prime_found" || entry.event === "prime_verified" ? "found" : "news";
    const node = this.#store.find(entry.node);
    return h("li", { "data-entry": entry.number, class: kind },
      h("time", {}, clock(entry.time)),
      h("span", { class: "who" }, entry.node ? title(node ?? { address: entry.node }) : "lab"),
      h("span", { class: "tag" }, type.replaceAll("_", " ")),
      h("span", { class: "what" }, traffic ? this.#traffic(entry) : entryText(entry)));
  }

  #traffic(entry) {
    const other = this.#store.find(entry.peer);
    const claim = entry.msg_type === "PRIME" ? ` · M${entry.data} · TTL ${entry.ttl}` : "";
    const of = entry.originator === entry.node && entry.event === "sent" ? "" : entry.originator === entry.peer ? "" : ` of ${short(entry.originator)}`;
    return `${entry.event === "sent" ? "→ sent to" : "← received from"} ${title(other ?? { address: entry.peer })}${claim} · id ${entry.msg_id}${of}`;
  }

  /** Nodes and kinds of entries that there are, to choose from. */
  #choices() {
    const nodes = [...this.#store.nodes.values()].sort((a, b) => byAddress(a.address, b.address));
    const names = nodes.map(title).join("\n");
    if (names !== this.#nodes) {
      this.#nodes = names;
      this.#parts.node.replaceChildren(h("option", { value: "" }, "all nodes"), ...nodes.map((node) => h("option", { value: node.address }, title(node))));
      this.#parts.node.value = this.#filter.node;
      if (this.#parts.node.value !== this.#filter.node) this.#parts.node.value = this.#filter.node = "";
    }
    for (let place = this.#store.entries.length - 1; place >= 0 && this.#store.entries[place].number > this.#drawnTo; place -= 1) {
      const { event, msg_type: type } = this.#store.entries[place];
      if (type !== undefined || typeof event !== "string" || this.#types.has(event) || this.#types.size > 40) continue;
      this.#types.add(event);
      this.#parts.type.append(h("option", { value: event }, event.replaceAll("_", " ")));
    }
  }

  async #copy(line, noun) {
    const chosen = (this.#kept ?? this.#store.entries).filter((entry) => this.#passes(entry));
    const copied = await copy(chosen.map(line).join("\n"));
    say(this.#parts.said, copied ? `${many(chosen.length, noun)} copied` : "the browser does not allow copying");
    clearTimeout(this.#said);
    this.#said = setTimeout(() => say(this.#parts.said, ""), 4000);
  }
}
