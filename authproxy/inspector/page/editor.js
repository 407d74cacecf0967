/* A request to be changed and sent once more. The token is put on by authproxy, as for any client. */

import { button, h } from "./dom.js";

const REDACTED = "[redacted:";

export function openEditor(found, send) {
  const { request } = found;
  const fields = {
    method: h("input", { value: request.method, spellcheck: "false", autocomplete: "off" }),
    target: h("input", { value: request.target, spellcheck: "false", autocomplete: "off" }),
    headers: h("textarea", { rows: 8, spellcheck: "false", value: linesOf(request.headers) }),
    body: h("textarea", { rows: 8, spellcheck: "false", value: textOf(request.body) }),
  };
  const first = values(fields);
  const wrong = h("p.wrong", { role: "alert" });
  const sending = h("button.primary", { type: "submit" }, "Send");
  const form = h("form", {
    on: {
      submit: async (event) => {
        event.preventDefault();
        wrong.textContent = "";
        sending.disabled = true;
        try {
          await send(found, changes(first, values(fields), found.missing));
          dialog.close();
        } catch (error) {
          wrong.textContent = [error.message, error.hint].filter(Boolean).join(" ");
        }
        sending.disabled = false;
      },
    },
  },
  h("h2", { id: "edit-title" }, "Edit and send"),
  found.missing.length ? h("p.notice.care", {}, `Not kept, so not in it: ${found.missing.join(", ")}. Add what the service needs.`) : null,
  label("Method", fields.method), label("Path and query", fields.target),
  label("Header fields, one to a line", fields.headers), label("Body", fields.body),
  h("p.muted", {}, "authproxy puts a fresh token on it. Fields of the connection are its own business."),
  wrong,
  h("div.ends", {}, button("Cancel", () => dialog.close()), sending));
  const dialog = h("dialog", { "aria-labelledby": "edit-title" }, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function label(title, field) {
  return h("label.wide", {}, title, field);
}

const OF_CONNECTION = new Set(["host", "connection", "content-length", "transfer-encoding", "content-encoding", "te", "keep-alive"]);

function linesOf(headers) {
  return headers
    .filter(([name, value]) => !value.includes(REDACTED) && !OF_CONNECTION.has(name.toLowerCase()))
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

function textOf(body) {
  return body?.text && !body.redacted && !body.truncated ? body.text : "";
}

function values(fields) {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
}

/** Only what is other than it was, and what was not kept. */
function changes(first, now, missing) {
  const found = {};
  if (now.method !== first.method) found.method = now.method.trim();
  if (now.target !== first.target || missing.includes("query")) found.target = now.target.trim();
  if (now.body !== first.body || missing.includes("body")) found.body = now.body;
  if (now.headers !== first.headers) found.headers = readLines(now.headers);
  return found;
}

function readLines(text) {
  return text.split("\n").filter((line) => line.trim()).map((line) => {
    const at = line.indexOf(":");
    if (at < 1) throw new Error(`“${line.trim().slice(0, 60)}” is no header field: write Name: value.`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
}
