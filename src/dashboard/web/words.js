// How addresses, times and numbers are written. No elements here.

/** The port of an address on 127.0.0.1, the whole address of others: how people name nodes. */
export function short(address) {
  const text = String(address ?? "?");
  return text.startsWith("127.0.0.1:") ? text.slice(10) : text;
}

/** A node's name, if it has one, and its port. */
export function title(node) {
  return node?.name ? `${clip(node.name, 24)} ${short(node.address)}` : short(node?.address);
}

/** Text of at most so many characters. */
export function clip(text, length) {
  const characters = [...String(text).slice(0, 2 * length)];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : characters.join("");
}

/** Seconds as people say them, with the unit that fits. */
export function seconds(value) {
  if (!Number.isFinite(value)) return "–";
  if (value < 0) return `−${seconds(-value)}`;
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`;
  if (value < 1) return `${(value * 1e3).toFixed(value < 0.01 ? 1 : 0)} ms`;
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 120) return `${Math.round(value)} s`;
  if (value < 7200) return `${Math.round(value / 60)} min`;
  return `${Math.round(value / 3600)} h`;
}

/** Seconds of an age that is looked at again and again: whole, so that figures do not flicker. */
export function age(value) {
  if (!Number.isFinite(value)) return "–";
  return value < 120 ? `${Math.max(0, Math.floor(value))} s` : seconds(value);
}

const pad = (number, length) => String(number).padStart(length, "0");

/** A time of day, to the millisecond, where the reader is. */
export function clock(millis) {
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) return "–";
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${pad(date.getMilliseconds(), 3)}`;
}

/** A number with its thousands apart. */
export function count(number) {
  return Number(number).toLocaleString("en");
}

/** A number and its noun. */
export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}

/** The prime 2^p − 1 by its exponent. */
export function prime(exponent) {
  return exponent === null || exponent === undefined ? "–" : `M${exponent}`;
}

/** A share, in per cent. */
export function share(ratio) {
  return `${Math.round(ratio * 100)}\u00a0%`;
}

/** Any JSON value so that a person can read it, however it is nested; never longer than `length`. */
export function readable(value, length = 160) {
  return clip(written(value, 0), length);
}

function written(value, depth) {
  if (value === null || value === undefined) return "–";
  if (value === true) return "yes";
  if (value === false) return "no";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
  if (typeof value === "string") return value.startsWith("127.0.0.1:") ? short(value) : value;
  if (depth > 3) return "…";
  if (Array.isArray(value)) {
    if (value.length === 0) return "none";
    const shown = value.slice(0, 32).map((item) => written(item, depth + 1));
    return (value.length > 32 ? [...shown, `… ${value.length - 32} more`] : shown).join(depth === 0 ? " · " : ", ");
  }
  const fields = Object.entries(value).slice(0, 32).map(([name, field]) => `${words(name)} ${written(field, depth + 1)}`);
  return fields.length === 0 ? "none" : fields.join(", ");
}

/** A field's name with spaces. */
export function words(name) {
  return String(name).replaceAll("_", " ");
}

/** An entry of the log in words. */
export function entryText(entry) {
  if (entry.event === "sent" || entry.event === "received") {
    const [arrow, other] = entry.event === "sent" ? ["to", entry.peer] : ["from", entry.peer];
    const claim = entry.msg_type === "PRIME" ? `, M${entry.data}, TTL ${entry.ttl}` : "";
    return `${entry.event} ${entry.msg_type} ${arrow} ${short(other)}${claim}, id ${entry.msg_id} of ${short(entry.originator)}`;
  }
  if (entry.event === "unlogged" && entry.text === undefined) return `${many(Number(entry.messages) || 0, "message")} not logged`;
  return typeof entry.text === "string" ? clip(entry.text, 2000) : readable(entry.text ?? entry, 400);
}
