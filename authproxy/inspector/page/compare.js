/* Two exchanges side by side. */

import { fill, h, unseen } from "./dom.js";
import { visible, visibleLines } from "./format.js";
import { failure } from "./notices.js";
import { write as placeOf } from "./place.js";
import { get } from "./server.js";

const TITLES = {
  method: "Method", target: "Path", host: "Host", service: "Service", protocol: "Protocol", status: "Status",
  grpc_status: "gRPC status", code: "Error", duration_ms: "Duration, ms", first_byte_ms: "First byte after, ms",
  bytes_from_client: "Bytes from the client", bytes_to_client: "Bytes to the client", principal: "Principal",
};

export function makeComparison({ pair, filters }, feed) {
  const element = h("div.page", {}, h("p.muted", {}, "Loading …"));
  const [first, second] = pair;
  get(`/api/exchanges/compare?a=${first ?? ""}&b=${second ?? ""}`)
    .then((found) => fill(element, content(found, filters, feed)))
    .catch((error) => fill(element, failure(error)));
  return { element };
}

function content(found, filters, feed) {
  const links = found.ids.map((id) => h("a", { href: placeOf({ run: feed.run || "run", id, filters }) }, `#${id}`));
  return [
    h("h2", {}, "Two exchanges"),
    h("div.card", {}, h("table.sides", {},
      h("thead", {}, h("tr", {}, h("td"), links.map((link) => h("th", { scope: "col" }, link)))),
      h("tbody", {}, found.facts.map(({ name, values, same }) =>
        h("tr", { class: same ? "" : "differs" }, h("th", { scope: "row" }, TITLES[name] ?? name, same ? null : unseen(" (differs)")),
          values.map((value) => h("td", {}, value === null ? "–" : visible(value)))))))),
    heads("Request head", found.request_headers), heads("Answer head", found.answer_headers),
    bodies("Request body", found.request_body), bodies("Answer body", found.answer_body),
  ];
}

function heads(title, lines) {
  const differing = lines.filter((line) => line.change !== "kept");
  return h("section.part", {},
    h("header", {}, h("h3", {}, title), h("span.muted", {}, differing.length ? "" : "the same in both")),
    differing.length ? h("div.card", {}, h("table.sides", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Field"), h("th", { scope: "col" }, "first"), h("th", { scope: "col" }, "second"))),
      h("tbody", {}, differing.map((line) => h("tr.differs", {},
        h("th", { scope: "row" }, visible(line.name)),
        h("td", {}, line.change === "added" ? "–" : visible(line.before ?? line.value)),
        h("td", {}, line.change === "removed" ? "–" : visible(line.value))))))) : null);
}

function bodies(title, lines) {
  return h("section.part", {},
    h("header", {}, h("h3", {}, title), h("span.muted", {}, lines.length ? "" : "the same in both, or not kept")),
    lines.length ? h("pre.card.diff", { tabindex: 0, "aria-label": title }, lines.map((line) =>
      h("span", { class: { "+": "plus", "-": "minus", "@": "at" }[line[0]] ?? "" }, visibleLines(line)))) : null);
}
