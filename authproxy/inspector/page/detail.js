/* One exchange in full. Parts whose facts have not changed are left as they are, so that what is
 * selected, scrolled or focused stays so while messages come. */

import { acts } from "./actions.js";
import { bodyOf } from "./bodies.js";
import { button, fill, h, snippet } from "./dom.js";
import { bytes, grpcStatus, KIND_NAMES, milliseconds, moment, outcome, visible } from "./format.js";
import { answerHead, requestHead, tries } from "./heads.js";
import { splitHint } from "./hints.js";
import { calls, events, grpcMessages, sockets } from "./messages.js";
import { failure } from "./notices.js";
import { REASONS } from "./reasons.js";
import { get } from "./server.js";
import { token, waterfall } from "./timing.js";

const PAUSE_MS = 200;

export function makeDetail({ id, run, feed, close }) {
  const head = h("div.detail-head");
  const body = h("div.detail-body");
  const element = h("div", {}, head, body);
  const parts = new Map();
  let asking = false;
  let again = false;

  function draw(found) {
    part(head, "head", [found.status, found.live, found.grpc_status, found.missing, found.kinds], () => headOf(found, close));
    const shown = PARTS.filter(([, pick]) => pick(found));
    const order = shown.map(([name]) => name).join();
    for (const [name, pick, make] of shown) {
      if (!parts.has(name)) parts.set(name, { element: h("section.part", { "aria-label": name }), facts: "" });
      part(parts.get(name).element, name, pick(found), () => make(found));
    }
    if (order !== body.dataset.order) {
      body.dataset.order = order;
      fill(body, shown.map(([name]) => parts.get(name).element));
    }
  }

  function part(place, name, facts, make) {
    const known = parts.get(name) ?? parts.set(name, { element: place, facts: "" }).get(name);
    const now = JSON.stringify(facts);
    if (known.facts === now) return;
    const bottom = atBottom(place);
    const keep = place.querySelector(".messages")?.scrollTop ?? 0;
    known.facts = now;
    fill(place, make());
    const scrolled = place.querySelector(".messages");
    if (scrolled) scrolled.scrollTop = bottom ? scrolled.scrollHeight : keep;
  }

  async function refresh() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const found = await get(`/api/exchanges/${id}`);
      if (run && found.run !== run) gone();
      else draw(found);
    } catch (error) {
      if (!parts.size) showFailure(error);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    asking = false;
    if (again && element.isConnected) {
      again = false;
      refresh();
    }
  }

  function gone() {
    fill(head, titleLine("Another run", close));
    fill(body, h("div.notice", {}, h("p", {}, h("strong", {}, "This exchange was in an earlier run of authproxy. ")),
      h("p", {}, "What is recorded ends with it. A HAR file keeps exchanges for later.")));
  }

  function showFailure(error) {
    fill(head, titleLine(`Exchange ${id}`, close));
    fill(body, failure(error, refresh));
  }

  fill(head, titleLine(feed.byId.get(id) ? visible(feed.byId.get(id).target) : `Exchange ${id}`, close));
  return { element, begin: refresh, changed: refresh };
}

function atBottom(place) {
  const list = place.querySelector(".messages");
  return !list || list.scrollHeight - list.scrollTop - list.clientHeight < 24;
}

function titleLine(title, close) {
  return h("div.detail-title", {}, h("h2", {}, title), button("Close", close, { class: "small", "aria-label": "Close this exchange" }));
}

function headOf(found, close) {
  const title = [h("span.mono", {}, `${visible(found.method)} ${visible(found.target)}`)];
  return [titleLine(title, close), h("div.acts", {}, statusChip(found), acts(found))];
}

function statusChip(found) {
  const text = found.grpc_status !== null ? `${found.status} · ${grpcStatus(found.grpc_status)}`
    : found.status ? String(found.status) : found.live ? "waiting" : "no answer";
  return [h("span", { class: `chip ${outcome(found)}` }, text),
    found.kinds.map((kind) => h("span.chip", {}, KIND_NAMES[kind] ?? kind)),
    found.live ? h("span.chip", {}, "in flight") : null];
}

/* Each part: its name, the facts that it shows (none: it is left out), and what it is made of. */
const PARTS = [
  ["Advice", (d) => d.code || d.hint || d.detail || (d.aborted && !d.live) ? [d.code, d.hint, d.detail, d.aborted] : null, advice],
  ["Facts", (d) => [d.bytes_from_client, d.bytes_to_client, d.duration_ms, d.status], facts],
  ["Times", (d) => (d.waterfall.length ? [d.waterfall, d.live] : null), (d) => [heading("Where the time went"), waterfall(d)]],
  ["Calls", (d) => (d.calls.length ? d.calls : null), (d) => [heading("JSON-RPC"), calls(d.calls)]],
  ["WebSocket", (d) => d.websocket, (d) => [heading("WebSocket messages", `${d.websocket.count}`), sockets(d.websocket)]],
  ["Request", (d) => [d.request, d.tries, d.live && !d.tries.length], request],
  ["Answer", (d) => [d.answer, d.trailers, d.answer ? null : d.live], answer],
  ["Identity", (d) => d.token && { ...d.token, remaining_s: 0 }, (d) => [heading("Identity"), token(d.token)]],
  ["Tries", (d) => (d.tries.length > 1 ? d.tries : null), (d) => [heading("Tries", `${d.tries.length}`), tries(d.tries)]],
];

function heading(title, more, side) {
  return h("header", {}, h("h3", {}, title), more ? h("span.muted", {}, more) : null, side);
}

function advice(found) {
  const [words, command] = splitHint(found.hint);
  const cut = { client: "The client left before the end.", service: "The service ended it in the middle.",
    authproxy: "authproxy ended it before its end." }[found.live ? "" : found.aborted];
  const bad = found.status >= 400 || found.code;
  return h(`div.notice.${bad ? "bad" : "care"}`, {},
    found.code ? h("p", {}, h("strong", {}, "Answered by authproxy"), ": ", REASONS[found.code] ?? "", " ", h("code", {}, found.code))
      : found.hint ? h("p", {}, h("strong", {}, "Refused by Google")) : null,
    cut ? h("p", {}, cut) : null,
    found.detail ? h("p", {}, visible(found.detail)) : null,
    words ? h("p", {}, words) : null,
    command ? snippet(command) : null);
}

function facts(found) {
  const pairs = [
    ["Service", visible(found.service || "none")],
    ["Client", found.client + (found.key ? ` with key ${visible(found.key)}` : "")],
    ["Host", visible(found.host)],
    ["Protocol", found.protocol],
    ["Begun", moment(found.time)],
    ["Duration", found.live ? "in flight" : milliseconds(found.duration_ms)],
    ["From the client", soFar(found, found.bytes_from_client)],
    ["To the client", soFar(found, found.bytes_to_client)],
    ["As in the log", found.request_id],
    found.replayed_from ? ["Replay of", found.replayed_from] : null,
  ];
  return h("dl.facts", {}, pairs.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** What is under way is counted when it is over. */
function soFar(found, size) {
  return found.live && !size ? "in flight" : bytes(size);
}

function request(found) {
  return [...requestHead(found), content(found, found.request.body, "request", found.bytes_from_client)];
}

function answer(found) {
  if (!found.answer) {
    return [heading("Answer"), h("p.muted", {}, found.live ? "None yet." : "There was none.")];
  }
  return [...answerHead(found), content(found, found.answer.body, "answer", found.bytes_to_client)];
}

function content(found, body, which, size) {
  if (found.websocket || (!body && !size) || found.status === 101) return null;
  if (!body) {
    return h("p.muted", {}, `${bytes(size)} of content, not kept. `, found.records_content ? "" : howToKeep(found.service));
  }
  if (body.form === "events") return events(body);
  if (body.form === "grpc") return grpcMessages(body, found);
  return bodyOf(body, `/api/exchanges/${found.id}/${which}-body`);
}

function howToKeep(service) {
  return service ? h("span", {}, "Bodies are kept with ", h("code", {}, "record_bodies = true"), " of the service.") : "";
}
