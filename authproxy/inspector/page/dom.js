/* Elements are built here and nowhere else. Whatever came over the wire becomes a text node or the
 * value of an attribute that is no address: it can neither run nor fetch anything. */

/** An element with attributes and children. `on` has listeners, `class` names, `data` a dataset;
 *  names in PROPERTIES are set as properties. Children that are null or false are left out. */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) set(element, key, value);
  element.append(...kept(children));
  return element;
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "selected", "readOnly"]);

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key === "on") {
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  } else if (key === "data") {
    Object.assign(element.dataset, value);
  } else if (key === "class") {
    element.classList.add(...value.split(" ").filter(Boolean));
  } else if (PROPERTIES.has(key)) {
    element[key] = value;
  } else {
    element.setAttribute(key, value === true ? "" : String(value));
  }
}

function kept(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(key, String(value));
  }
  element.append(...kept(children));
  return element;
}

/** Replace what is in `element`. */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
  return element;
}

/** For those who hear the page. */
export function unseen(text) {
  return h("span.unseen", {}, text);
}

export function button(label, press, attributes = {}) {
  return h("button", { type: "button", ...attributes, on: { click: press } }, label);
}

/** A text to paste, with a button that copies it. */
export function snippet(text, label = "Copy") {
  const copy = button(label, async () => {
    copy.textContent = (await copied(text)) ? "Copied" : "Select and copy it";
    setTimeout(() => { copy.textContent = label; }, 1600);
  }, { class: "small" });
  return h("div.snippet", {}, h("pre", { tabindex: 0, "aria-label": "Text to copy" }, text), copy);
}

export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text);
  }
}

function copiedBySelection(text) {
  const field = h("textarea", { value: text, class: "unseen", "aria-hidden": "true" });
  const around = document.querySelector("dialog[open]") ?? document.body;
  around.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
