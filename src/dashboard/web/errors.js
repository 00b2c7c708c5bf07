// What went wrong: stays on top of the page until it is dismissed.

import { button, h, keep, say, show } from "./dom.js";
import { clock } from "./words.js";

const ERRORS_MAX = 50;

export class Errors {
  #panel = document.getElementById("errors");
  #list = h("ul", {});
  #title = h("h2", {});
  #drawn = new Map();
  #errors = [];
  #next = 1;

  constructor() {
    const all = button("Dismiss all", { "data-do": "dismiss-all", onclick: () => this.#keep(() => false) });
    this.#panel.append(h("div", { class: "head" }, this.#title, all), this.#list);
  }

  /** Adds a text; the same text again is counted. Returns a handle for `amend`. */
  add(text, time = Date.now()) {
    let error = this.#errors.find((one) => one.text === text);
    if (error) {
      error.count += 1;
      error.time = time;
    } else {
      error = { key: this.#next++, text, time, count: 1 };
      this.#errors.unshift(error);
      this.#errors.length = Math.min(this.#errors.length, ERRORS_MAX);
    }
    this.#show();
    return error;
  }

  /** Says more about one. */
  amend(error, more) {
    error.more = more;
    this.#show();
  }

  clear() {
    this.#keep(() => false);
  }

  #keep(wanted) {
    this.#errors = this.#errors.filter(wanted);
    this.#show();
  }

  #show() {
    show(this.#panel, this.#errors.length > 0);
    say(this.#title, this.#errors.length === 1 ? "One error" : `${this.#errors.length} errors`);
    keep(this.#list, this.#drawn, this.#errors, (error) => error.key, (error) => this.#make(error), (drawn, error) => {
      say(drawn.text, error.more ? `${error.text} — ${error.more}` : error.text);
      say(drawn.time, clock(error.time));
      say(drawn.count, error.count > 1 ? `× ${error.count}` : "");
    });
  }

  #make(error) {
    const [text, time, count] = [h("span", { class: "text" }), h("time", {}), h("b", {})];
    const element = h("li", { "data-error": error.key }, h("span", { class: "sign", "aria-hidden": "true" }, "!"), time, text, count,
      button("Dismiss", { "data-do": "dismiss", onclick: () => this.#keep((one) => one !== error) }));
    return { element, text, time, count };
  }
}
