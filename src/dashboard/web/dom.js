// Elements without markup: whatever comes over the feed becomes text, never HTML, a selector or an attribute's name.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes, listeners (`onclick: f`) and children; strings become text. */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function s(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/** Sets text only where it differs, so that nothing is laid out again for nothing. */
export function say(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

/** Sets an attribute only where it differs; `null` takes it away. */
export function set(element, name, value) {
  if (value === null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** Shows or hides. */
export function show(element, wanted) {
  if (element.hidden === wanted) element.hidden = !wanted;
}

/**
 * Children by key, in order: those that stay are kept (with focus and scroll), others come and go.
 * `known` is the caller's Map of key → drawn; `make(item)` gives an object whose `element` is put in.
 */
export function keep(parent, known, items, keyOf, make, update) {
  const gone = new Set(known.keys());
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    gone.delete(key);
    let drawn = known.get(key);
    if (!drawn) known.set(key, (drawn = make(item)));
    if (drawn.element === place) place = place.nextElementSibling;
    else parent.insertBefore(drawn.element, place);
    update(drawn, item);
  }
  for (const key of gone) {
    known.get(key).element.remove();
    known.delete(key);
  }
}

/** A button that says what it does in `data-do`, for people's scripts as for ours. */
export function button(text, attributes = {}) {
  return h("button", { type: "button", ...attributes }, text);
}

/** Puts text on the clipboard; where the browser does not let us, by way of a selection. Whether it is there. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "aside", readonly: true, "aria-hidden": "true" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    focused?.focus?.({ preventScroll: true });
    return copied;
  }
}
