// The lab's controls over all nodes, and the list of what is in force with a way to undo each; on a node's own page its token.

import { button, h, keep, say, set, show } from "./dom.js";
import { byAddress, statusOf } from "./store.js";
import { share, short, title } from "./words.js";

const SPEEDS = [0.1, 0.5, 1, 2, 5, 10, 20];

export class Controls {
  #store;
  #commands;
  #body = document.getElementById("controls-body");
  #kind = null;
  #parts = {};
  #inForce = new Map();
  #sides = new Map();
  #side = new Set();
  #nodes = "";

  constructor(store, commands) {
    this.#store = store;
    this.#commands = commands;
  }

  show() {
    const hello = this.#store.hello;
    if (!hello) return;
    const kind = `${hello.kind} ${hello.controls}`;
    if (kind !== this.#kind) {
      this.#kind = kind;
      if (hello.kind === "lab") this.#buildLab();
      else this.#buildNode(hello);
    }
    if (hello.kind === "lab") this.#showLab();
  }

  #buildNode(hello) {
    const act = (name) => button(name[0].toUpperCase() + name.slice(1), { "data-do": name, "data-node": hello.address, onclick: this.#commands.onclick });
    const token = h("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false", oninput: (event) => (this.#commands.token = event.target.value.trim()) });
    this.#body.replaceChildren(
      h("div", { class: "does" }, act("sleep"), act("wake"), act("reset")),
      ...(hello.controls === "token" ? [h("form", { onsubmit: (event) => event.preventDefault() }, h("label", { class: "stack" }, h("span", {}, "Token (the file “token” in the node’s state directory; kept only while this page is open)"), token))] : []));
  }

  #buildLab() {
    const p = this.#parts;
    p.speeds = SPEEDS.map((value) => button(`${value}×`, { "data-do": "speed", "data-value": value, onclick: this.#commands.onclick }));
    p.add = button("Add a node", { "data-do": "add", onclick: this.#commands.onclick });
    p.one = h("select", { id: "cut-one", "aria-label": "one end of the link" });
    p.other = h("select", { id: "cut-other", "aria-label": "the other end of the link" });
    p.cut = button("Cut", { "data-do": "cut", onclick: () => this.#commands.send({ do: "cut", node: p.one.value, other: p.other.value }) });
    p.sides = h("div", { class: "sides", role: "group", "aria-label": "Nodes of one side of the split" });
    p.halves = button("Half of them", { onclick: () => this.#halves() });
    p.split = button("Split", { "data-do": "split", onclick: () => this.#commands.send({ do: "split", nodes: [...this.#side].sort(byAddress) }) });
    p.heal = button("Heal all cuts", { "data-do": "heal", onclick: this.#commands.onclick });
    p.list = h("ul", { class: "in-force" });
    p.seed = h("p", { class: "note" });
    p.none = h("p", { class: "empty" }, "Nothing: no fault, real time.");
    this.#body.replaceChildren(
      h("div", { class: "field" }, h("span", { class: "of", id: "speed-of" }, "Speed of all timers"), h("div", { class: "segments", role: "group", "aria-labelledby": "speed-of" }, ...p.speeds)),
      h("div", { class: "field" }, h("span", { class: "of" }, "Cut a link"), h("div", { class: "row" }, p.one, h("span", { "aria-hidden": "true" }, "–"), p.other, p.cut)),
      h("details", { class: "field" }, h("summary", {}, "Split the network in two"), p.sides, h("div", { class: "does" }, p.halves, p.split)),
      h("div", { class: "does" }, p.add, p.heal),
      h("h3", {}, "In force"), p.none, p.list, p.seed);
  }

  #halves() {
    const nodes = [...this.#store.nodes.keys()].sort(byAddress);
    this.#side = new Set(nodes.slice(0, Math.ceil(nodes.length / 2)));
    this.#showSides();
  }

  #showSides() {
    for (const [address, { element }] of this.#sides) set(element, "aria-pressed", this.#side.has(address));
  }

  #showLab() {
    const p = this.#parts;
    const lab = this.#store.lab ?? {};
    for (const one of p.speeds) set(one, "aria-pressed", Number(one.dataset.value) === Number(lab.speed ?? 1));
    const nodes = [...this.#store.nodes.values()].sort((a, b) => byAddress(a.address, b.address));
    const names = nodes.map(title).join("\n");
    if (names !== this.#nodes) {
      this.#nodes = names;
      for (const [select, place] of [[p.one, 0], [p.other, 1]]) {
        const before = select.value;
        select.replaceChildren(...nodes.map((node) => h("option", { value: node.address }, title(node))));
        select.value = this.#store.nodes.has(before) ? before : (nodes[place]?.address ?? "");
      }
      for (const address of this.#side) if (!this.#store.nodes.has(address)) this.#side.delete(address);
      keep(p.sides, this.#sides, nodes, (node) => node.address, (node) => ({
        element: button(short(node.address), {
          "data-side": node.address, "aria-pressed": "false",
          onclick: () => {
            if (!this.#side.delete(node.address)) this.#side.add(node.address);
            this.#showSides();
          },
        }),
      }), () => {});
    }
    show(p.add, nodes.length < (Number(lab.nodes_max) || 64));
    const items = this.#items(lab, nodes);
    show(p.none, items.length === 0);
    say(p.seed, lab.seed === null || lab.seed === undefined ? "" : `Chance in faults follows from seed ${lab.seed}.`);
    keep(p.list, this.#inForce, items, (item) => item.key, (item) => {
      const text = h("span", {});
      const undo = button(item.undo, { onclick: this.#commands.onclick });
      for (const [name, value] of Object.entries(item.command)) undo.dataset[name] = String(value);
      return { element: h("li", { "data-in-force": item.key }, text, undo), text };
    }, (drawn, item) => say(drawn.text, item.text));
  }

  /** What is not as it is in a lab left alone. Keys name also the undoing, so that it never belongs to another. */
  #items(lab, nodes) {
    const items = [];
    const add = (text, undo, command) => items.push({ key: `${undo} ${JSON.stringify(command)}`, text, undo, command });
    const speed = Number(lab.speed ?? 1);
    if (speed !== 1) add(`All timers run ${speed}× as fast`, "1×", { do: "speed", value: 1 });
    for (const [address, value] of Object.entries(lab.loss ?? {})) if (Number(value) > 0) add(`${short(address)} loses ${share(value)} of its datagrams`, "No loss", { do: "loss", node: address, value: 0 });
    for (const [address, value] of Object.entries(lab.delay ?? {})) if (Number(value) > 0) add(`${short(address)}: ${value} ms added each way`, "No delay", { do: "delay", node: address, value: 0 });
    if (lab.split) add(`Split: ${lab.split.map(short).join(", ")} | the others`, "Heal", { do: "heal" });
    for (const [one, other] of lab.cuts ?? []) add(`${short(one)} – ${short(other)} is cut`, "Mend", { do: "mend", node: one, other });
    for (const node of nodes) {
      const status = statusOf(node);
      if (status === "asleep") add(`${title(node)} is asleep`, "Wake", { do: "wake", node: node.address });
      else if (["stopped", "killed", "died"].includes(status)) add(`${title(node)} ${status === "died" ? "died" : `was ${status}`}`, "Restart", { do: "restart", node: node.address });
    }
    return items;
  }
}
