/* The view of exchanges: filters, the list, and one exchange beside it. */

import "./exchange-list.js";
import { button, fill, h, snippet } from "./dom.js";
import { count, KIND_NAMES } from "./format.js";
import { FILTERS, query } from "./filters.js";
import { failure, say } from "./notices.js";
import { go, read } from "./place.js";
import { get, load, post } from "./server.js";

const TYPED_MS = 120;
const SURE_MS = 3000;

export class ExchangesView {
  constructor(feed) {
    this.feed = feed;
    this.list = h("exchange-list");
    this.count = h("span.count", { "aria-live": "off" });
    this.paused = button("Pause", () => this.pause(), { "aria-pressed": "false" });
    this.cleared = button("Clear", () => this.clear());
    this.har = h("a.button", { download: "authproxy.har", href: "/api/exchanges/har" }, "HAR");
    this.wrong = h("p.wrong", { role: "alert", id: "filter-wrong" });
    this.fields = this.makeFields();
    this.more = button("Filters", () => this.openFilters(), { class: "more-filters", "aria-expanded": "false" });
    this.detail = h("section.detail", { hidden: true, "aria-label": "One exchange" });
    this.element = h("div.exchanges", {},
      h("div.bar", { role: "search", "aria-label": "Filters" },
        h("div.bar-filters", {}, this.fields.text.around, this.more,
          Object.values(this.fields).slice(1).map(({ around }) => around)),
        h("div.bar-acts", {}, this.count, this.paused, this.cleared, this.har)),
      this.wrong,
      h("div.split", {}, this.list, this.detail));
    this.list.addEventListener("open", (event) => this.open(event.detail));
    feed.addEventListener("change", (event) => this.changed(event.detail));
  }

  makeFields() {
    const field = (name, label, input) => {
      input.setAttribute("aria-label", label);
      input.addEventListener("input", () => this.typed());
      return { input, around: h("span", { class: `f f-${name}` }, input) };
    };
    const text = (attributes) => h("input", { autocomplete: "off", spellcheck: "false", ...attributes });
    const choice = (first, values) =>
      h("select", {}, h("option", { value: "" }, first), values.map(([value, title]) => h("option", { value }, title)));
    return {
      text: field("text", "Words in path, service, client or id", text({ type: "search", placeholder: "Filter by words  /" })),
      service: field("service", "Service", choice("All services", [])),
      status: field("status", "Status", text({ placeholder: "Status: 5xx, >=400", list: "statuses", "aria-describedby": "filter-wrong" })),
      method: field("method", "Method", text({ placeholder: "Method" })),
      kind: field("kind", "Kind", choice("All kinds", Object.entries(KIND_NAMES))),
    };
  }

  /** Shown as `place` says. */
  show(place) {
    this.setFields(place.filters);
    this.feed.setFilters(place.filters);
    this.har.href = `/api/exchanges/har${query(place.filters)}`;
    this.wrong.textContent = this.feed.filter.wrong;
    this.fields.status.input.setAttribute("aria-invalid", this.feed.filter.wrong ? "true" : "false");
    if (this.list.feed) this.list.refresh();
    else this.list.show(this.feed);
    this.showDetail(place);
    this.changed([]);
  }

  /** Where there is little room they are folded up. */
  openFilters() {
    const isOpen = this.element.querySelector(".bar").classList.toggle("wide-open");
    this.more.setAttribute("aria-expanded", String(isOpen));
  }

  setFields(filters) {
    const folded = FILTERS.filter((name) => name !== "text" && filters[name]).length;
    this.more.textContent = folded ? `Filters (${folded})` : "Filters";
    this.addServices();
    for (const [name, { input }] of Object.entries(this.fields)) {
      const wanted = filters[name] ?? "";
      if (input.tagName === "SELECT" && wanted && ![...input.options].some((option) => option.value === wanted)) {
        input.append(h("option", { value: wanted }, wanted));
      }
      if (document.activeElement !== input && input.value !== wanted) input.value = wanted;
      input.classList.toggle("set", Boolean(wanted));
    }
  }

  typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      const filters = {};
      for (const name of FILTERS) {
        const value = this.fields[name].input.value.trim();
        if (value) filters[name] = value;
      }
      go({ ...read(), filters }, { replace: true });
    }, TYPED_MS);
  }

  addServices() {
    const { input } = this.fields.service;
    const known = new Set([...input.options].map((option) => option.value));
    for (const row of this.feed.rows.slice(-500)) {
      if (row.service && !known.has(row.service)) {
        known.add(row.service);
        input.append(h("option", { value: row.service }, row.service));
      }
    }
  }

  changed(rows) {
    const { feed } = this;
    const [all, shown] = [feed.rows.length, feed.shown.length];
    this.count.textContent = feed.filter.isEmpty ? count(all, "exchange") : `${shown.toLocaleString()} of ${count(all, "exchange")}`;
    this.paused.textContent = feed.paused ? "Resume" : "Pause";
    this.paused.setAttribute("aria-pressed", String(feed.paused));
    if (rows.some((row) => row.service)) this.addServices();
    this.list.refresh();
    this.teach();
    if (this.openedElement && rows.some((row) => row.id === this.openedId)) this.openedElement.changed();
  }

  teach() {
    const { feed } = this;
    const lesson = feed.shown.length || feed.state !== "live" ? "" : feed.rows.length ? "filtered" : feed.paused ? "paused" : "empty";
    if (lesson === this.lesson) return;
    this.lesson = lesson;
    if (!lesson) this.list.teach();
    else if (lesson === "filtered") {
      this.list.teach(h("h2", {}, "None of them fits"), h("p", {}, "Exchanges are there, but none that the filters want."),
        button("Clear the filters", () => go({ ...read(), filters: {} })));
    } else if (lesson === "paused") {
      this.list.teach(h("h2", {}, "Paused"), h("p", {}, "What comes now is not kept."), button("Resume", () => this.pause()));
    } else this.teachFirst();
  }

  async teachFirst() {
    const status = await get("/api/status").catch(() => null);
    if (this.lesson !== "empty") return;
    const listeners = status?.listeners ?? [];
    const lines = listeners.slice(0, 3).map(({ url }) =>
      url.startsWith("unix:") ? `curl --unix-socket ${url.slice(5)} http://localhost/` : `curl ${url}/`);
    this.list.teach(
      h("h2", {}, "Nothing has come yet"),
      h("p", {}, "Send a request to authproxy. It appears here at once."),
      lines.map((line) => snippet(line)),
      h("p.muted", {}, "It goes on with a fresh identity token to ",
        (status?.services ?? []).slice(0, 5).map((each) => each.address).join(", ") || "your service", "."));
  }

  async pause() {
    await post(`/api/exchanges/${this.feed.paused ? "resume" : "pause"}`)
      .then(({ paused }) => { this.feed.paused = paused; this.feed.tell(); })
      .catch(say);
  }

  /** Twice, since nothing brings them back. */
  async clear() {
    clearTimeout(this.surely);
    if (this.cleared.dataset.sure) {
      this.unsure();
      await post("/api/exchanges/clear").catch(say);
      go({ ...read(), id: "" }, { replace: true });
      return;
    }
    this.cleared.dataset.sure = "1";
    this.cleared.textContent = "Really?";
    this.surely = setTimeout(() => this.unsure(), SURE_MS);
  }

  unsure() {
    delete this.cleared.dataset.sure;
    this.cleared.textContent = "Clear";
  }

  open(id) {
    go({ ...read(), view: "exchanges", run: this.feed.run, id });
  }

  close() {
    const { id } = read();
    if (!id) return false;
    go({ ...read(), id: "" });
    this.list.grid.focus();
    return true;
  }

  async showDetail({ id, run }) {
    this.list.setOpened(id);
    this.element.classList.toggle("with-detail", Boolean(id));
    this.detail.hidden = !id;
    const key = id && `${run}-${id}`;
    if (key === this.openedKey) return;
    this.openedKey = key;
    this.openedElement = null;
    this.openedId = id;
    if (!id) return void fill(this.detail);
    try {
      const { makeDetail } = await load("./detail.js");
      if (this.openedKey !== key) return;
      this.openedElement = makeDetail({ id, run, feed: this.feed, close: () => this.close() });
      fill(this.detail, this.openedElement.element);
      this.openedElement.begin();
    } catch (error) {
      fill(this.detail, failure(error), button("Close", () => this.close()));
    }
  }
}
