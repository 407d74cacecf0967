/* The services: whose identity goes there, how long its token lives, how they do, what went wrong. */

import { latencyChart, rateChart, statusMix } from "./charts.js";
import { splitHint } from "./hints.js";
import { button, fill, h, snippet } from "./dom.js";
import { clock, moment, outcome, visible } from "./format.js";
import { failure, say } from "./notices.js";
import { write as placeOf } from "./place.js";
import { get, post } from "./server.js";
import { life } from "./timing.js";

const EVERY_MS = 5000;
const MOST_ERRORS = 4;

export function makeServices(_place, feed) {
  const cards = h("div.services");
  const report = h("div");
  const ask = button("Run the doctor’s checks", () => examine(ask, report));
  const element = h("div.page", {},
    h("div.with-side", {}, h("h2", {}, "Services"), ask), report, cards);
  const known = new Map();

  async function refresh() {
    if (document.hidden) return;
    try {
      const { services } = await get("/api/services");
      for (const each of services) {
        if (!known.has(each.name)) known.set(each.name, makeCard());
        known.get(each.name).draw(each, feed);
      }
      const wanted = services.map((each) => known.get(each.name).element);
      if (wanted.length !== cards.children.length || wanted.some((each, at) => each !== cards.children[at])) fill(cards, wanted);
    } catch (error) {
      if (!known.size) fill(cards, failure(error, refresh));
    }
  }

  refresh();
  const ticking = setInterval(refresh, EVERY_MS);
  return { element, leave: () => clearInterval(ticking) };
}

function makeCard() {
  const element = h("article.card.service");
  const places = {};
  function part(name, facts, make) {
    places[name] ??= { element: h("div.part"), facts: "" };
    const now = JSON.stringify(facts);
    if (places[name].facts === now) return;
    places[name].facts = now;
    fill(places[name].element, make());
  }
  return {
    element,
    draw(service, feed) {
      const recent = service.last_15_min;
      part("title", [service.name, service.address, service.audience, service.impersonate], () => titleOf(service));
      part("tokens", service.tokens, () => service.tokens.map(tokenOf));
      part("charts", recent, () => chartsOf(recent));
      part("errors", service.errors, () => errorsOf(service, feed));
      if (!element.children.length) fill(element, Object.values(places).map((each) => each.element));
    },
  };
}

function titleOf(service) {
  return [
    h("h2", {}, visible(service.name)),
    h("p.address", {}, visible(service.address)),
    h("dl.facts", {},
      fact("Audience", service.audience), fact("Credentials", service.credentials),
      service.impersonate ? fact("Acts as", service.impersonate) : null,
      fact("Bodies", service.record_bodies ? "recorded" : "not recorded")),
  ];
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, visible(value || "–")));
}

const STATES = { fresh: "good", stale: "wrong", invalid: "failed" };

function tokenOf(token) {
  return h("div.token", {},
    h("div.with-side.plain", {}, h("strong", {}, visible(token.principal || "no identity yet")),
      h("span", { class: `chip ${STATES[token.state] ?? ""}` }, token.state),
      h("span.muted", {}, `from ${visible(token.source)}`)),
    token.expires_at ? life({ from: token.obtained_at, until: token.expires_at })
      : h("p.muted", {}, token.obtained_at ? `The last one came ${moment(token.obtained_at)}.` : "No token has come yet."),
    token.trouble ? trouble(token.trouble) : null);
}

function trouble({ message, hint }) {
  const [words, command] = splitHint(hint);
  return h("div.notice.bad", {}, h("p", {}, visible(message)), words ? h("p", {}, words) : null, command ? snippet(command) : null);
}

function chartsOf(recent) {
  if (!recent) return [];
  return [
    h("h3", {}, "The last 15 minutes"),
    recent.exchanges ? [h("div.charts", {}, rateChart(recent), latencyChart(recent)), statusMix(recent.statuses)]
      : h("p.muted", {}, "No exchanges."),
  ];
}

function errorsOf(service, feed) {
  if (!service.errors.length) return [];
  return [
    h("h3", {}, "The last errors"),
    h("ul.errors", {}, alike(service.errors).slice(0, MOST_ERRORS).map(([each, count]) => {
      const [words, command] = splitHint(each.hint);
      return h("li", {},
        h("a", { href: placeOf({ run: feed.run || "run", id: each.id }) },
          h("span", { class: `chip ${outcome(each)}` }, each.status || "no answer"), " ",
          h("span.mono", {}, `${visible(each.method)} ${visible(each.target)}`), " ", h("span.muted", {}, clock(each.time)),
          count > 1 ? h("span.muted", {}, ` and ${count - 1} more like it`) : null),
        each.detail ? h("p.muted", {}, visible(each.detail)) : null,
        words ? h("p", {}, words) : null,
        command ? snippet(command) : null);
    })),
    h("p", {}, h("a", { href: placeOf({ filters: { service: service.name, status: ">=400,0" } }) }, "All errors of this service")),
  ];
}

/** Those that say the same are one, the newest of them, with how many they are. */
function alike(errors) {
  const found = new Map();
  for (const each of errors) {
    const key = JSON.stringify([each.status, each.code, each.hint, each.detail, each.method, each.target]);
    const known = found.get(key);
    if (known) known[1] += 1;
    else found.set(key, [each, 1]);
  }
  return [...found.values()];
}

/* -- the doctor -- */

async function examine(pressed, place) {
  pressed.disabled = true;
  pressed.textContent = "Checking …";
  try {
    const { checks, ok } = await post("/api/doctor");
    fill(place, h("section.card", { "aria-label": "The doctor’s checks" },
      h("p.padded", { role: "status" }, h("strong", {}, ok ? "All is well." : "Something is wrong; the first that failed may be the cause of the rest.")),
      h("table.checks", {},
        h("thead", {}, h("tr", {}, h("th.result", { scope: "col" }, "Result"), h("th.check", { scope: "col" }, "Check"),
          h("th", { scope: "col" }, "What was found"))),
        grouped(checks))));
  } catch (error) {
    say(error);
  }
  pressed.disabled = false;
  pressed.textContent = "Run the doctor’s checks";
}

const RESULTS = { ok: "good", failed: "failed", warning: "wrong" };

/** By service; what concerns them all comes first. */
function grouped(checks) {
  const services = [...new Set(checks.map((check) => check.service))];
  return services.map((service) => h("tbody", {},
    service ? h("tr.of", {}, h("th", { scope: "rowgroup", colspan: 3 }, visible(service))) : null,
    checks.filter((check) => check.service === service).map(checkOf)));
}

function checkOf(check) {
  return h("tr", {},
    h("td", {}, h("span", { class: `chip ${RESULTS[check.status] ?? ""}` }, check.status)),
    h("td", {}, visible(check.check)),
    h("td", {}, visible(check.message ?? ""), check.fix ? fixOf(check.fix) : null));
}

function fixOf(fix) {
  const [words, command] = splitHint(fix);
  return h("div.part", {}, words ? h("p", {}, words) : null, command ? snippet(command) : null);
}
