/* What can be done with an exchange: replay, edit and send, copy, compare, HAR. */

import { button, h, snippet } from "./dom.js";
import { say, toast } from "./notices.js";
import { go, read } from "./place.js";
import { get, load, post } from "./server.js";

let marked = "";

export function acts(found) {
  const cannot = found.kinds.includes("websocket") ? "WebSockets cannot be sent again from here." : null;
  const replay = button("Replay", () => again(found, replay), { class: "small primary", disabled: Boolean(cannot), title: cannot });
  return [
    replay,
    button("Edit and send", () => edit(found), { class: "small", disabled: Boolean(cannot), title: cannot }),
    button("Copy as …", () => copyAs(found), { class: "small" }),
    compareButton(found),
    h("a.button.small", { href: `/api/exchanges/${found.id}/har`, download: `authproxy-${found.id}.har` }, "HAR"),
  ];
}

async function again(found, pressed) {
  if (found.missing.includes("query") || found.missing.includes("body")) return edit(found);
  pressed.disabled = true;
  await send(found, undefined).catch(say);
  pressed.disabled = false;
}

/** Send it, and look at what came of it. */
export async function send(found, changes) {
  const done = await post(`/api/exchanges/${found.id}/replay`, changes);
  const lacks = done.left_out.length ? ` Left out, since it was not kept: ${done.left_out.join(", ")}.` : "";
  const as = done.principal ? ` as ${done.principal}` : "";
  toast(`Sent${as}: ${done.status || "no answer"}.${lacks}`);
  if (done.id) go({ ...read(), id: done.id });
}

async function edit(found) {
  try {
    const { openEditor } = await load("./editor.js");
    openEditor(found, send);
  } catch (error) {
    say(error);
  }
}

const SHAPES = [
  ["curl", "curl, straight to the service"],
  ["python", "Python"],
  ["local", "curl, through authproxy"],
  ["authproxy", "the token alone"],
];

async function copyAs(found) {
  try {
    const texts = await get(`/api/exchanges/${found.id}/commands`);
    const dialog = h("dialog", { "aria-labelledby": "copy-title" },
      h("div.stack", {},
        h("h2", { id: "copy-title" }, "Copy as"),
        h("p.muted", {}, "A token is fetched when it runs; secrets are not in it."),
        SHAPES.filter(([name]) => texts[name]).map(([name, title]) => [h("h3", {}, title), snippet(texts[name])]),
        h("div.ends", {}, button("Close", () => dialog.close()))));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  } catch (error) {
    say(error);
  }
}

function compareButton(found) {
  const other = marked && marked !== found.id ? marked : found.replayed_from;
  if (other) {
    return button(`Compare with ${other === found.replayed_from ? "the original" : `#${other}`}`, () => {
      marked = "";
      go({ view: "compare", pair: [other, found.id] });
    }, { class: "small" });
  }
  const mark = button("Compare", () => {
    marked = found.id;
    toast("Marked. Open another exchange and press Compare there.");
    mark.setAttribute("aria-pressed", "true");
  }, { class: "small" });
  return mark;
}
