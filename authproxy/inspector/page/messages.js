/* What is many in one exchange: WebSocket messages, events, gRPC messages, JSON-RPC calls. */

import { write } from "./bodies.js";
import { fill, h, unseen } from "./dom.js";
import { bytes, clock, milliseconds, visible, visibleLines } from "./format.js";
import { post } from "./server.js";

const MOST = 400;

function newest(list) {
  return list.length > MOST ? list.slice(-MOST) : list;
}

function left(count, shown) {
  return count > shown ? h("p.padded.muted", {}, `${(count - shown).toLocaleString()} before these are not shown.`) : null;
}

function messages(label, count, list) {
  return h("div.card.messages", { tabindex: 0, role: "log", "aria-label": label, "aria-live": "off" }, left(count, list.length), list);
}

export function sockets(found) {
  const list = newest(found.messages).map((each) => {
    const isSent = each.direction === "sent";
    return h(`div.message.${isSent ? "sent" : "received"}`, {},
      h("span.way", { title: isSent ? "from the client" : "from the service" },
        h("span", { "aria-hidden": "true" }, isSent ? "↑" : "↓"), unseen(isSent ? "from the client" : "from the service")),
      h("span.at.muted", {}, clock(each.at)),
      h("pre", {}, socketText(each)),
      h("span.muted", {}, bytes(each.size)));
  });
  const broken = Object.entries(found.unreadable ?? {}).map(([way, why]) =>
    h("p.padded.muted", {}, `What was ${way} cannot be read on: ${visible(why)}.`));
  return [messages("WebSocket messages", found.count, list), broken];
}

function socketText(message) {
  if (message.kind === "text") return visibleLines(message.text) + (message.truncated ? " …" : "");
  if (message.kind === "close") return `close ${message.code ?? "without a code"} ${visible(message.reason ?? "")}`;
  return `${message.kind}${message.kind === "binary" ? ", its content is not kept" : ""}`;
}

export function events(body) {
  const list = newest(body.events).map((each) => h("div.message.received", {},
    h("span.way", { "aria-hidden": "true" }, "↓"),
    h("span.at.muted", {}, `+${milliseconds(each.at_s * 1000)}`),
    h("pre", {}, eventText(each)),
    h("span.muted", {}, visible([each.event, each.id && `id ${each.id}`].filter(Boolean).join(" · ")))));
  return h("div.part", {}, h("header", {}, h("h3", {}, "Events"), h("span.muted", {}, String(body.count))),
    list.length ? messages("Events", body.count, list) : h("p.muted", {}, body.omitted ? `Not shown: ${visible(body.omitted)}.` : "None yet."));
}

function eventText(event) {
  if (event.data) return visibleLines(event.data);
  return event.comment ? `: ${visibleLines(event.comment)}` : "";
}

/** Asks the service what its messages are made of, once for each gRPC service, and says what came
 *  of that. Messages that have come already are not read again: nothing of them is kept to read. */
const described = new Map();

function description(found) {
  const service = `${found.service} ${found.target.split("/").slice(-2, -1)}`;
  if (!described.has(service)) {
    described.set(service, post(`/api/exchanges/${found.id}/description`).catch((error) => {
      described.delete(service);
      return { why: error.message };
    }));
  }
  const place = h("p.muted", { role: "status" }, "Field names: asking the service …");
  described.get(service).then(({ why }) => fill(place, why
    ? `Without field names: ${visible(why)} Texts and large numbers are left out, since any of them may be a secret.`
    : "These came before the service had said what their fields are called. Those that come from now on have names."));
  return place;
}

const OUTLINE = /^\{"#\d/;

export function grpcMessages(body, found) {
  const list = newest(body.messages).map((each) => h("div.message", {},
    h("span.way.muted", {}, `${each.number}`),
    h("span.at.muted", {}, `+${milliseconds(each.at_s * 1000)}`),
    messageText(each),
    h("span.muted", {}, bytes(each.length))));
  return h("div.part", {},
    h("header", {}, h("h3", {}, "gRPC messages"), h("span.muted", {}, `${body.count} · ${bytes(body.size)}`)),
    body.omitted ? h("p.muted", {}, `Not shown: ${visible(body.omitted)}.`) : null,
    body.messages.some((each) => OUTLINE.test(each.text)) ? description(found) : null,
    list.length ? messages("gRPC messages", body.count, list) : null);
}

function messageText(message) {
  if (message.text) return write(h("pre"), message.text);
  return h("span.muted", {}, `Not shown: ${visible(message.omitted ?? "its content is not kept")}.`);
}

export function calls(list) {
  return h("div.card.messages", { tabindex: 0, role: "group", "aria-label": "JSON-RPC calls" }, list.slice(0, MOST).map((call) => {
    const state = call.error ? ["failed", "error"] : call.result !== undefined ? ["good", "result"]
      : call.id === null ? ["", "notification"] : ["", "no answer yet"];
    return h("div.call", {},
      h("div.with-side", {}, h("strong.mono", {}, visible(call.method)),
        call.id === null ? null : h("span.muted", {}, `id ${visible(call.id)}`),
        call.from === "service" ? h("span.chip", {}, "from the service") : null,
        h("span", { class: `chip ${state[0]}` }, state[1])),
      h("div.call-sides", {}, json(call.params), json(call.error ?? call.result)));
  }));
}

function json(value) {
  if (value === null || value === undefined) return null;
  return write(h("pre", { tabindex: 0, "aria-label": "JSON" }), JSON.stringify(value));
}
