// The page: one stream in, one store, and panels that show it, each no more often than it has to.

import { Cards } from "./cards.js";
import { Charts } from "./charts.js";
import { Chosen } from "./chosen.js";
import { Commands } from "./commands.js";
import { Controls } from "./controls.js";
import { say } from "./dom.js";
import { Errors } from "./errors.js";
import { Exercise } from "./exercise.js";
import { Flights } from "./flights.js";
import { Log } from "./log.js";
import { Mesh } from "./mesh.js";
import { Messages } from "./messages.js";
import { Pace } from "./pace.js";
import { Path } from "./path.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { Summary } from "./summary.js";
import { Table } from "./table.js";
import { entryText, many, short } from "./words.js";

const by = (id) => document.getElementById(id);
const store = new Store();
const errors = new Errors();
const commands = new Commands(store, errors);
const pace = new Pace();
const flights = new Flights();
const messages = new Messages(by("messages"), flights);
const chosen = new Chosen(store, commands);
const mesh = new Mesh(by("mesh"), choose, (layout, width, height) => messages.fit(layout, width, height));
const log = new Log(store, () => pace.now("log"));
const path = new Path(store, () => pace.now("path"));
const cards = new Cards(store, commands);
const charts = new Charts(store);

/** Milliseconds between two looks at a panel, while it is seen. */
pace.panel("mesh", by("mesh-panel"), 250, () => showMesh());
pace.panel("summary", document.querySelector("header"), 500, panelOf(new Summary(store)));
pace.panel("exercise", by("exercise"), 500, panelOf(new Exercise(store)));
pace.panel("chosen", by("chosen"), 500, panelOf(chosen));
pace.panel("controls", by("controls"), 250, panelOf(new Controls(store, commands)));
pace.panel("path", by("path-panel"), 500, panelOf(path));
pace.panel("log", by("log-panel"), 250, panelOf(log));
pace.panel("table", by("nodes-panel"), 500, panelOf(new Table(store)));
pace.panel("cards", by("cards-panel"), 500, panelOf(cards));
pace.panel("charts", by("charts-panel"), 1000, panelOf(charts));
pace.panel("tests", document.documentElement, 250, tell);

/** Something to look at from the start, where there is room beside the mesh. */
function chooseFirst() {
  if (chosenYet || store.nodes.size === 0 || !matchMedia("(min-width: 60rem)").matches) return;
  const own = store.hello?.address ?? store.hello?.exercise?.address;
  choose({ node: store.find(own) ? own : store.everybody()[0].address });
}

function panelOf(panel) {
  return () => panel.show();
}

let chosenYet = false;

function choose(what) {
  chosenYet = true;
  chosen.choose(what);
  mesh.mark(what);
  pace.now("mesh");
}

function showMesh() {
  mesh.show(store);
  const notes = [];
  if (flights.share > 1) notes.push(`drawing 1 of ${flights.share} PINGs and PONGs`);
  if (flights.flying.some((flight) => flight.type === "PRIME")) notes.push("a PRIME spreads: shown slowly, hop by hop");
  say(by("mesh-note"), notes.join(" · "));
}

/** What people's tests look at. */
function tell() {
  const { dataset } = document.documentElement;
  for (const [name, value] of [["connected", store.connected], ["states", store.states], ["entries", store.taken]]) {
    if (dataset[name] !== String(value)) dataset[name] = String(value);
  }
}

let lost = null;

function told(connected, why) {
  store.link(connected);
  if (why === "lost" && lost === null && store.hello) lost = { since: Date.now(), error: errors.add("The connection to the server was lost; trying again") };
  if (connected && lost !== null) {
    errors.amend(lost.error, `back after ${((Date.now() - lost.since) / 1000).toFixed(1)} s`);
    lost = null;
  }
  pace.now("summary");
  pace.now("tests");
}

function take(frames) {
  const { fresh, entries } = store.take(frames);
  if (fresh) {
    // Another lab, or the node started anew, on the same port: nothing shown is true any more.
    stream.restart();
    store.clear();
    for (const panel of [flights, log, path, cards, charts]) panel.clear();
    choose(null);
    chosenYet = false;
    return;
  }
  for (const entry of entries) if (entry.event === "log") errors.add(`${entry.node ? short(entry.node) : "lab"}: ${entryText(entry)}`, entry.time);
  for (const [kind, data] of frames) if (kind === "gap" && Number(data.missed) > 0) errors.add(`${many(Number(data.missed), "entry", "entries")} of the log were gone from the server’s memory before this page could have them`);
  if (entries.length > 0) {
    flights.take(entries, store, performance.now(), store.now());
    messages.wake();
  }
  chooseFirst();
  pace.changed();
}

const stream = new Stream("feed", take, told);
stream.open();
