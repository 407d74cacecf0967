/* After a restart authproxy has another key: where to get it, and a field to paste it into. Always
 * loaded: when it is needed, there is no key to load it with. */

import { h } from "./dom.js";

export function makeKeyForm() {
  const wrong = h("p.wrong", { role: "alert" });
  const field = h("input", {
    type: "password", id: "key-field", autocomplete: "off", spellcheck: "false", placeholder: "http://127.0.0.1:4040/?key=…",
  });
  return h("form.key-form", {
    on: {
      submit: (event) => {
        event.preventDefault();
        const found = addressOf(field.value.trim());
        if (found) location.assign(found);
        else wrong.textContent = "That is neither an address of this machine nor a key.";
      },
    },
  },
  h("p", {}, h("strong", {}, "authproxy has been started again, with another key. "),
    "Open the address that it printed in the terminal, or paste it here. What was seen stays until then."),
  h("p.row-of", {}, h("label", { for: "key-field" }, "Address or key "), field, h("button.primary", { type: "submit" }, "Open")),
  wrong);
}

/** Where to go, with the place where one is now; null for what is no key of this machine's. */
function addressOf(pasted) {
  if (/^[\w~.+/=-]{16,}$/.test(pasted)) return here(location.origin, pasted);
  let url;
  try {
    url = new URL(pasted);
  } catch {
    return null;
  }
  const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname) || url.hostname === location.hostname;
  const key = url.searchParams.get("key");
  return isHere && /^https?:$/.test(url.protocol) && key ? here(url.origin, key) : null;
}

/** The query makes it another address: with the same one only the fragment would change. */
function here(origin, key) {
  return `${origin}/?key=${encodeURIComponent(key)}${location.hash}`;
}
