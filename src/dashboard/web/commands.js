// What people do with nodes: one POST each. What is refused, or fails, is an error on the page.

import { short } from "./words.js";

/** So long, in milliseconds, an answer may take; stopping a node waits for its goodbye. */
const PATIENCE = 15_000;

export class Commands {
  #store;
  #errors;
  /** Of a node that asks for one; kept nowhere but here. */
  token = "";

  constructor(store, errors) {
    this.#store = store;
    this.#errors = errors;
  }

  /** Sends a command of the lab's, or of a node's own; whether it was done. */
  async send(command) {
    const own = this.#store.hello?.kind !== "lab";
    const what = [command.do, command.node, command.other, command.value].filter((part) => part !== undefined).map((part) => short(part)).join(" ");
    try {
      const headers = { "Content-Type": "application/json" };
      if (own && this.#store.hello?.controls === "token") headers.Authorization = `Bearer ${this.token}`;
      const answer = await fetch(own ? encodeURIComponent(command.do) : "lab", {
        method: "POST", headers, body: own ? "{}" : JSON.stringify(command), signal: AbortSignal.timeout(PATIENCE), cache: "no-store",
      });
      if (answer.ok) return true;
      this.#errors.add(`“${what}” was refused: ${await reason(answer)}`);
    } catch (error) {
      this.#errors.add(`“${what}” failed: ${error.name === "TimeoutError" ? "no answer came" : "the server cannot be reached"}`);
    }
    return false;
  }

  /** A listener that sends the command that is in a button's data: `data-do`, `data-node`, `data-other`, `data-value`. */
  onclick = (event) => {
    const { dataset } = event.currentTarget;
    const command = { do: dataset.do };
    if (dataset.node !== undefined) command.node = dataset.node;
    if (dataset.other !== undefined) command.other = dataset.other;
    if (dataset.value !== undefined) command.value = Number(dataset.value);
    this.send(command);
  };
}

async function reason(answer) {
  try {
    const said = (await answer.json()).error;
    if (typeof said === "string") return said;
  } catch {
    // No JSON: the status has to do.
  }
  return answer.status === 401 || answer.status === 403 ? "the token is missing or wrong" : `status ${answer.status}`;
}
