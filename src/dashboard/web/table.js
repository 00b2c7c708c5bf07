// All nodes as a table: one line a field of the state, known to the page or not; where nodes disagree, it says so.

import { h, say, set } from "./dom.js";
import { byAddress, statusOf } from "./store.js";
import { prime, readable, share, title, words } from "./words.js";

/** More columns than this are hard to read: then nodes are lines. */
const COLUMNS_MAX = 12;
const FIELDS_MAX = 80;

/** Characters of a value; the whole of it is its tooltip. */
const LENGTH_MAX = 96;

export class Table {
  #store;
  #table = document.getElementById("nodes-table");
  #note = document.getElementById("nodes-note");
  #shape = "";
  #cells = new Map();
  #heads = new Map();
  #narrow = matchMedia("(max-width: 44rem)");

  constructor(store) {
    this.#store = store;
  }

  show() {
    const nodes = [...this.#store.nodes.values()].sort((a, b) => byAddress(a.address, b.address));
    const fields = new Set(["status", "testing"]);
    for (const node of nodes) {
      if (node.state === null || typeof node.state !== "object") continue;
      for (const field of Object.keys(node.state)) if (field !== "address" && fields.size < FIELDS_MAX) fields.add(field);
    }
    const turned = this.#narrow.matches || nodes.length > COLUMNS_MAX;
    const shape = JSON.stringify([turned, [...fields], nodes.map((node) => node.address)]);
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#build([...fields], nodes, turned);
    }
    const differ = this.#store.disagreements();
    for (const node of nodes) {
      say(this.#heads.get(` ${node.address}`), title(node));
      for (const field of fields) this.#cell(node, field, differ.get(field));
    }
    for (const field of fields) {
      const head = this.#heads.get(field);
      say(head, differ.has(field) ? `≠ ${words(field)}` : words(field));
      set(head, "class", differ.has(field) ? "differs" : null);
    }
    const said = differ.size === 0 ? "All nodes that are awake agree." : `≠ Nodes disagree on ${[...differ.keys()].map((field) => (field === "known" ? "the primes they know" : words(field))).join(", ")}.`;
    say(this.#note, nodes.length > 1 ? said : "");
    set(this.#note, "class", differ.size > 0 ? "note differs" : "note");
  }

  #cell(node, field, differ) {
    const cell = this.#cells.get(field).get(node.address);
    const value = this.#value(node, field);
    // With most: what all should come to. Against them, or with nobody: a sign in front.
    const apart = differ?.get(node.address) === false;
    const text = value === undefined ? "" : readable(value, LENGTH_MAX);
    say(cell, apart ? `≠ ${text}` : text);
    set(cell, "class", apart ? "differs" : typeof value === "number" ? "number" : null);
    if (text.length > 20) set(cell, "title", readable(value, 2000));
    else if (cell.hasAttribute("title")) cell.removeAttribute("title");
  }

  #value(node, field) {
    if (field === "status") return node.detail ? `${statusOf(node).replace("-", " ")}, ${node.detail}` : statusOf(node).replace("-", " ");
    if (field === "testing") {
      const { exponent, progress } = node.search ?? {};
      if (exponent === null || exponent === undefined) return null;
      return typeof progress === "number" ? `${prime(exponent)} ${share(progress)}` : prime(exponent);
    }
    return node.state?.[field];
  }

  #build(fields, nodes, turned) {
    this.#cells = new Map(fields.map((field) => [field, new Map(nodes.map((node) => [node.address, h("td", {})]))]));
    this.#heads = new Map([
      ...fields.map((field) => [field, h("th", { scope: turned ? "col" : "row" })]),
      ...nodes.map((node) => [` ${node.address}`, h("th", { scope: turned ? "row" : "col" })]),
    ]);
    const cell = (field, node) => this.#cells.get(field).get(node.address);
    const head = (node) => this.#heads.get(` ${node.address}`);
    const corner = h("td", { class: "corner" }, turned ? "node" : "field");
    const columns = turned ? fields.map((field) => this.#heads.get(field)) : nodes.map(head);
    const lines = turned
      ? nodes.map((node) => h("tr", {}, head(node), ...fields.map((field) => cell(field, node))))
      : fields.map((field) => h("tr", {}, this.#heads.get(field), ...nodes.map((node) => cell(field, node))));
    this.#table.replaceChildren(h("thead", {}, h("tr", {}, corner, ...columns)), h("tbody", {}, ...lines));
    set(this.#table, "class", turned ? "turned" : null);
  }
}
