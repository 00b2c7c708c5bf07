// An exercise: what is to be done, where, and which of its conditions hold now.

import { h, keep, say, set, show } from "./dom.js";

const SIGNS = new Map([[true, ["✓", "holds", "holds"]], [false, ["✗", "does not hold", "fails"]]]);
const UNSEEN = ["?", "not seen yet", "unseen"];

export class Exercise {
  #store;
  #panel = document.getElementById("exercise");
  #title = document.getElementById("exercise-title");
  #task = h("p", { class: "task" });
  #where = h("p", { class: "where" });
  #list = h("ol", { class: "conditions", "aria-live": "polite" });
  #summary = h("p", { class: "note" });
  #drawn = new Map();

  constructor(store) {
    this.#store = store;
    this.#panel.append(this.#task, this.#where, this.#list, this.#summary);
  }

  show() {
    const exercise = this.#store.hello?.exercise ?? null;
    show(this.#panel, exercise !== null);
    if (exercise === null) return;
    say(this.#title, `Exercise ${exercise.number}: ${exercise.title}`);
    say(this.#task, exercise.task ?? "");
    say(this.#where, `Your node’s address: ${exercise.address}`);
    const found = this.#store.exercise?.conditions;
    const conditions = Array.isArray(found) ? found.filter((one) => one !== null && typeof one === "object") : [];
    // What is the same of all is said once.
    const same = conditions.length > 1 && conditions.every(({ why }) => why === conditions[0].why) ? conditions[0].why : null;
    keep(this.#list, this.#drawn, conditions.map((condition, place) => ({ ...condition, place })), (condition) => condition.place, () => {
      const [sign, state, text, why] = [h("span", { class: "sign", "aria-hidden": "true" }), h("b", {}), h("span", { class: "text" }), h("span", { class: "why" })];
      return { element: h("li", {}, sign, h("div", {}, text, " ", state, why)), sign, state, text, why };
    }, (drawn, condition) => {
      const [sign, words, kind] = SIGNS.get(condition.holds) ?? UNSEEN;
      set(drawn.element, "class", kind);
      say(drawn.sign, sign);
      say(drawn.state, words);
      say(drawn.text, condition.text ?? "");
      say(drawn.why, same === null ? (condition.why ?? "") : "");
    });
    const hold = conditions.filter((condition) => condition.holds === true).length;
    say(this.#summary, conditions.length === 0 ? "Nothing has been seen yet." : hold === conditions.length ? "✓ All conditions hold: solved." : `${hold} of ${conditions.length} conditions hold${same ? `: ${same}` : ""}.`);
  }
}
