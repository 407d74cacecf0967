/* Heads of messages: as they came, as they went on, and what authproxy changed, with the reason. */

import { button, fill, h, unseen } from "./dom.js";
import { milliseconds, visible } from "./format.js";

const MARKS = { added: "+", removed: "−", replaced: "~", kept: "" };

export function requestHead(found) {
  const last = found.tries.at(-1);
  const came = `${found.request.method} ${found.request.target} HTTP/${found.request.version}`;
  const lines = last ? last.headers : unchanged(found.request.headers);
  const went = last ? `${last.method} ${last.target} HTTP/${last.version}` : "";
  return head({
    title: "Request",
    came: ["came", came],
    went: last ? ["went on to", `${last.origin}`, went] : ["", "It was not sent to the service."],
    lines,
    isWhole: Boolean(last),
  });
}

export function answerHead(found) {
  const { answer } = found;
  const line = `HTTP/${answer.version} ${answer.status} ${answer.reason}`;
  const own = answer.from === "authproxy";
  return [
    ...head({
      title: own ? "Answer, by authproxy itself" : "Answer",
      came: [own ? "made here" : "came", line],
      went: null,
      lines: answer.headers,
      isWhole: !own,
    }),
    found.trailers.length ? h("h3", {}, "Trailers") : null,
    found.trailers.length ? h("div.card", {}, table(unchanged(found.trailers), "changes")) : null,
  ];
}

function unchanged(pairs) {
  return pairs.map(([name, value]) => ({ name, value, change: "kept" }));
}

function head({ title, came, went, lines, isWhole }) {
  const changed = lines.filter((line) => line.change !== "kept").length;
  const place = h("div");
  const views = [["changes", changed ? `Changes (${changed})` : "Changes"], ["came", "As it came"], ["went", "As it went on"]];
  const buttons = views.map(([view, label]) =>
    button(label, () => choose(view), { "aria-pressed": "false", data: { shows: view } }));
  function choose(view) {
    for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.shows === view));
    fill(place, table(lines, view));
  }
  choose("changes");
  return [
    h("header", {}, h("h3", {}, title), isWhole ? h("div.choice", { role: "group", "aria-label": `${title}: what is shown of its head` }, buttons) : null),
    h("div.card", {}, startLine(came), went ? startLine(went) : null, place),
  ];
}

function startLine([label, ...parts]) {
  return h("p.start-line", {}, label ? h("b", {}, label) : null, parts.map(visible).join("  "));
}

function table(lines, view) {
  const shown = lines.filter((line) => view === "changes" || line.change !== (view === "came" ? "added" : "removed"));
  if (!shown.length) return h("p.padded.muted", {}, "No fields.");
  return h("table.head-lines", { "aria-label": "Fields of the head" },
    h("tbody", {}, shown.map((line) => (view === "changes" ? changedLine(line) : plainLine(line, view)))));
}

function plainLine(line, view) {
  const value = view === "came" && line.change === "replaced" ? line.before : line.value;
  return h("tr", {}, h("th.name", { scope: "row" }, visible(line.name)), h("td.value", {}, visible(value)));
}

function changedLine(line) {
  const { change } = line;
  return h("tr", { class: change, title: change === "kept" ? null : `${change} by authproxy${line.why ? `: ${line.why}` : ""}` },
    h("td.mark", {}, h("span", { "aria-hidden": "true" }, MARKS[change]), change === "kept" ? null : unseen(`${change}: `)),
    h("th.name", { scope: "row" }, visible(line.name)),
    h("td.value", {},
      change === "replaced" ? h("span.before", {}, unseen("before: "), visible(line.before)) : null,
      h("span.now", {}, visible(line.value)),
      line.why ? h("span.why", {}, `${change}: ${line.why}`) : null));
}

export function tries(list) {
  return h("div.card", {}, h("table.checks", {},
    h("thead", {}, h("tr", {}, ["After", "To", "Connection", "As"].map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, list.map((each) => h("tr", {},
      h("td", {}, milliseconds(each.at_ms)),
      h("td", {}, visible(each.origin)),
      h("td", {}, each.new_connection ? "new" : "used before"),
      h("td", {}, visible(each.principal || "–")))))));
}
