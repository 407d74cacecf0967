/* Where the time went, and how long a token still lives. */

import { h } from "./dom.js";
import { milliseconds, moment, span, visible } from "./format.js";

const NAMES = {
  token: "Token", queue: "Queue", connect: "Connect", tls: "TLS", "first byte": "First byte", body: "Body",
};
const MEANINGS = {
  token: "waited for an identity token",
  queue: "waited for a free connection",
  connect: "TCP connection to the service",
  tls: "TLS handshake",
  "first byte": "from sending to the first byte of the answer",
  body: "the rest of the answer",
};
const THINNEST = 0.004;

export function waterfall(found) {
  const end = Math.max(...found.waterfall.map((each) => each.to_ms), found.duration_ms ?? 0, 0.001);
  return h("div.card.water", { role: "list" }, found.waterfall.map((each) => {
    const bar = h("i");
    const share = Math.max((each.to_ms - each.from_ms) / end, THINNEST);
    bar.style.transform = `translateX(${Math.min(each.from_ms / end, 1 - share) * 100}%) scaleX(${share})`;
    const took = milliseconds(each.to_ms - each.from_ms);
    return h("div.line", { role: "listitem", title: `${MEANINGS[each.name] ?? ""}: ${took}, from ${milliseconds(each.from_ms)} on`, data: { name: each.name } },
      h("span", {}, NAMES[each.name] ?? each.name),
      h("span.lane", { "aria-hidden": "true" }, bar),
      h("span.took", {}, took));
  }));
}

export function token(note) {
  const claims = Object.entries(note.claims ?? {});
  return h("div.card.padded.token", {},
    h("dl.facts", {},
      h("div.wide", {}, h("dt", {}, "Principal"), h("dd", {}, visible(note.principal || "–"))), fact("Audience", note.audience), fact("From", note.source),
      fact("Expires", note.expires_at ? moment(note.expires_at) : "never")),
    note.expires_at ? life({ from: note.issued_at, until: note.expires_at }) : null,
    claims.length ? h("details", {}, h("summary", {}, "Claims"),
      h("dl.claims", {}, claims.map(([name, value]) => [h("dt", {}, visible(name)), h("dd", {}, written(name, value))])))
      : null,
    h("p.muted", {}, "The token itself is never kept."));
}

const MOMENTS = new Set(["exp", "iat", "nbf", "auth_time"]);

function written(name, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return visible(MOMENTS.has(name) && Number.isFinite(Number(value)) ? `${text} (${moment(Number(value))})` : text);
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, visible(value || "–")));
}

/** A bar that runs while it is shown: from `from` to `until`, both in seconds since the epoch. */
export function life({ from, until }) {
  const bar = h("i");
  const lane = h("div.lifebar", { "aria-hidden": "true" }, bar);
  const words = h("p.muted");
  const element = h("div.token", {}, lane, words);
  const whole = Math.max(until - (from ?? until - 3600), 1);
  function draw() {
    const left = until - Date.now() / 1000;
    bar.style.transform = `scaleX(${Math.max(0, Math.min(1, left / whole))})`;
    lane.classList.toggle("late", left <= whole / 5 && left > 0);
    lane.classList.toggle("over", left <= 0);
    words.textContent = left > 0 ? `${span(left)} left of ${span(whole)}` : `ended ${span(-left)} ago`;
  }
  draw();
  const ticking = setInterval(() => (element.isConnected ? draw() : seen && clearInterval(ticking)), 1000);
  let seen = false;
  requestAnimationFrame(() => { seen = true; });
  return element;
}
