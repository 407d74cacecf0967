/* What is said beside the content: a banner that stays while something is so, and short messages. */

import { button, fill, h } from "./dom.js";

const STAYS_MS = 6000;

/** In place of what the banner says; nothing: it goes. */
export function banner(...content) {
  fill(document.getElementById("banner"), ...content);
}

export function toast(text, action) {
  const shown = h("div.toast", {}, h("span", {}, text));
  if (action) shown.append(button(action.label, () => { shown.remove(); action.act(); }, { class: "small" }));
  shown.append(button("Close", () => shown.remove(), { class: "small quiet" }));
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), STAYS_MS);
}

/** An error in words; of ServerError, with what to do. */
export function say(error) {
  toast([error.message, error.hint].filter(Boolean).join(" "));
}

/** For the place where something should have been. */
export function failure(error, again) {
  return h("div.notice.bad", { role: "alert" },
    h("p", {}, h("strong", {}, error.message)),
    error.hint ? h("p", {}, error.hint) : null,
    again ? button("Try again", again) : null);
}
