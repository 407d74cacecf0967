/* What is many in one exchange: WebSocket messages, events, gRPC messages, JSON-RPC calls. */

import { write } from "./bodies.js";
import { h, unseen } from "./dom.js";
import { bytes, clock, milliseconds, visible, visibleLines } from "./format.js";

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

export function grpcMessages(body) {
  const list = newest(body.messages).map((each) => h("div.message", {},
    h("span.way.muted", {}, `${each.number}`),
    h("span.at.muted", {}, `+${milliseconds(each.at_s * 1000)}`),
    h("span", {}, messageText(each)),
    h("span.muted", {}, bytes(each.length))));
  return h("div.part", {},
    h("header", {}, h("h3", {}, "gRPC messages"), h("span.muted", {}, `${body.count} · ${bytes(body.size)}`)),
    body.omitted ? h("p.muted", {}, `Not shown: ${visible(body.omitted)}.`) : null,
    list.length ? messages("gRPC messages", body.count, list) : null);
}

function messageText(message) {
  if (message.text) return h("pre", {}, visibleLines(message.text));
  return message.compressed ? "compressed" : "its content is not kept";
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
