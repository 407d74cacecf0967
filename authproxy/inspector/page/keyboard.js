/* Single keys. They can be switched off, for whoever speaks to the computer (WCAG 2.1.4). */

import { h } from "./dom.js";

const STORED = "authproxy-keys";

export const KEYS = [
  ["j  k", "the next and the one before"],
  ["Enter", "open it"],
  ["Esc", "close what is open, or leave the filter"],
  ["/", "to the filter"],
  ["p", "pause and go on"],
  ["g", "to the newest"],
  ["t", "dark or light"],
  ["?", "this list"],
];

export function areOn() {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
}

function turn(on) {
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // they stay as they are for this page
  }
}

/** `acts` has a function for each key. One that returns false has not used it. */
export function listen(acts) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    const isTyping = event.target.matches?.("input, textarea, select");
    if (event.key !== "Escape" && (isTyping || !areOn())) return;
    const act = acts[event.key];
    if (act && act(event) !== false) event.preventDefault();
  });
}

export function help() {
  const switchOff = h("input", {
    type: "checkbox", checked: areOn(), id: "keys-on", on: { change: (event) => turn(event.target.checked) },
  });
  const dialog = h("dialog.help", { "aria-labelledby": "help-title" },
    h("form", { method: "dialog" },
      h("h2", { id: "help-title" }, "Keys"),
      h("dl.keys", {}, KEYS.map(([key, what]) =>
        h("div", {}, h("dt", {}, key.split("  ").map((each) => h("kbd", {}, each))), h("dd", {}, what)))),
      h("p", {}, switchOff, h("label", { for: "keys-on" }, " Single keys act")),
      h("button.primary", { value: "close" }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
