/* <exchange-list>: a grid of which only those rows are elements that can be seen.
 *
 * All rows have one height, so that any place can be computed. The focus is on the grid itself,
 * which names its active row: rows come and go under it. What is looked at stays where it is when
 * new exchanges come, unless one looks at the newest. */

import { fill, h } from "./dom.js";
import { bytes, clock, grpcStatus, KIND_NAMES, milliseconds, outcome, visible } from "./format.js";

const COLUMNS = [
  ["time", "Time"], ["status", "Status"], ["method", "Method"], ["target", "Path"],
  ["kinds", "Kind"], ["service", "Service"], ["client", "Client"],
  ["duration", "Duration"], ["size", "Size"],
];
const OVERSCAN = 6;
const PAGE = 10;

export class ExchangeList extends HTMLElement {
  connectedCallback() {
    if (this.grid) return;
    this.pool = [];
    this.active = "";
    this.opened = "";
    this.held = false;
    const head = h("div.list-head", { role: "row", "aria-rowindex": 1 },
      COLUMNS.map(([name, title], at) =>
        h("span", { role: "columnheader", class: `c-${name}`, "aria-colindex": at + 1 }, title)));
    this.space = h("div.list-space", { role: "rowgroup" });
    this.fresh = h("button.list-fresh", { type: "button", hidden: true, on: { click: () => this.toTop() } });
    this.grid = h("div.list-grid", {
      role: "grid", tabindex: 0, "aria-label": "Exchanges, the newest first",
      "aria-colcount": COLUMNS.length, "aria-rowcount": 1,
      on: { keydown: (event) => this.key(event), focus: () => this.draw(), scroll: () => this.draw() },
    }, h("div.list-headgroup", { role: "rowgroup" }, head), this.space);
    this.scroller = this.grid;
    this.empty = h("div.list-empty", { hidden: true });
    this.append(this.grid, this.fresh, this.empty);
    this.space.addEventListener("click", (event) => this.press(event));
    // A row must not move away between the press of a button and its release.
    this.space.addEventListener("pointerdown", () => { this.held = true; });
    addEventListener("pointerup", () => { if (this.held) setTimeout(() => this.release(), 0); });
    addEventListener("pointercancel", () => this.release());
    new ResizeObserver(() => this.measure()).observe(this.scroller);
    this.ticking = setInterval(() => { if (this.hasLive) this.draw(); }, 1000);
  }

  /** `feed` has the rows. */
  show(feed) {
    this.feed = feed;
    this.measure();
  }

  measure() {
    const height = parseFloat(getComputedStyle(this.grid).getPropertyValue("--row")) || 30;
    const isOther = height !== this.height;
    this.height = height;
    if (isOther) for (const view of this.pool) view.index = -1;
    this.room = this.scroller.clientHeight - this.space.offsetTop;
    this.keepPlace();
    if (isOther && this.opened) this.into(this.feed.indexOf(this.opened));
    this.draw();
  }

  release() {
    this.held = false;
    this.refresh();
  }

  /** The rows have changed: drawn with the next frame, however often it is said before that. */
  refresh() {
    if (this.waiting || this.held || !this.feed) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.held) return;
      this.keepPlace();
      this.draw();
    });
  }

  /** What was at the top is there again, unless the newest were looked at. */
  keepPlace() {
    if (!this.feed) return;
    const total = this.feed.shown.length;
    this.space.style.height = `${total * this.height}px`;
    this.grid.setAttribute("aria-rowcount", total + 1);
    const anchor = this.anchor;
    if (!anchor) return;
    const index = this.feed.indexOf(anchor.id);
    if (index >= 0) this.scroller.scrollTop = index * this.height + anchor.rest;
  }

  draw() {
    if (!this.feed || !this.height) return;
    const { shown } = this.feed;
    const top = this.scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / this.height) - OVERSCAN);
    const last = Math.min(shown.length, Math.ceil((top + this.room) / this.height) + OVERSCAN);
    this.note(top);
    this.hasLive = false;
    const free = new Map(this.pool.map((view) => [view.id || view, view]));
    const wanted = [];
    for (let index = first; index < last; index += 1) {
      const row = this.feed.at(index);
      wanted.push([row, index, free.get(row.id)]);
      free.delete(row.id);
    }
    // A row keeps its element while it can be seen: then often nothing but its place is set.
    const spare = [...free.values()];
    const placed = wanted.map(([row, index, view]) => this.fillRow(view ?? spare.pop() ?? this.makeRow(), row, index));
    spare.forEach((view) => this.hideRow(view));
    this.putInOrder(placed);
    this.sayActive();
  }

  /** For those who hear the page: elements are in the order in which they are seen. */
  putInOrder(views) {
    let at = this.space.firstChild;
    for (const { element } of views) {
      if (element === at) at = at.nextSibling;
      else this.space.insertBefore(element, at);
    }
  }

  /** Remember what is at the top. */
  note(top) {
    if (top < this.height / 2) {
      this.anchor = null;
      this.newest = this.feed.at(0)?.id ?? "";
      this.fresh.hidden = true;
      return;
    }
    const index = Math.floor(top / this.height);
    this.anchor = { id: this.feed.at(index)?.id ?? "", rest: top - index * this.height };
    const since = this.newest ? this.feed.indexOf(this.newest) : 0;
    this.fresh.hidden = since <= 0;
    if (since > 0) this.fresh.textContent = `${since.toLocaleString()} new ↑`;
  }

  makeRow() {
    const cells = Object.fromEntries(COLUMNS.map(([name], at) =>
      [name, h("span", { role: "gridcell", class: `c-${name}`, "aria-colindex": at + 1 })]));
    const element = h("div.row", { role: "row" }, Object.values(cells));
    this.space.append(element);
    const view = { element, cells, index: -1, id: "", written: {} };
    this.pool.push(view);
    return view;
  }

  hideRow(view) {
    view.index = -1;
    view.id = "";
    view.element.hidden = true;
    view.element.removeAttribute("id");
  }

  fillRow(view, row, index) {
    const { element } = view;
    if (row.live) this.hasLive = true;
    if (view.index !== index) {
      view.index = index;
      element.style.transform = `translateY(${index * this.height}px)`;
      element.setAttribute("aria-rowindex", index + 2);
    }
    if (view.id !== row.id) {
      view.id = row.id;
      element.hidden = false;
      element.id = `row-${row.id}`;
    }
    setClass(view, `row ${outcome(row)}${row.id === this.active ? " active" : ""}${row.id === this.opened ? " opened" : ""}${
      row.live ? " running" : ""}${(this.feed.shown.length - index) % 2 ? " odd" : ""}`);
    element.setAttribute("aria-selected", row.id === this.active);
    this.write(view, "time", clock(row.time));
    this.write(view, "status", statusOf(row));
    this.write(view, "method", visible(row.method));
    this.write(view, "target", visible(row.target), row);
    this.write(view, "kinds", kindsOf(row));
    this.write(view, "service", visible(row.service || "–"));
    this.write(view, "client", row.client);
    this.write(view, "duration", durationOf(row));
    this.write(view, "size", bytes(row.bytes_to_client));
    return view;
  }

  write(view, name, text, row) {
    if (view.written[name] === text) return;
    view.written[name] = text;
    view.cells[name].textContent = text;
    if (row) view.cells[name].title = text;
  }

  /* -- acting -- */

  press(event) {
    const row = event.target.closest(".row");
    const view = this.pool.find((each) => each.element === row);
    if (!view) return;
    this.activate(view.id);
    this.open(view.id);
  }

  open(id) {
    if (id) this.dispatchEvent(new CustomEvent("open", { detail: id, bubbles: true }));
  }

  activate(id) {
    this.active = id;
    this.draw();
  }

  setOpened(id) {
    this.opened = id;
    if (id) this.active = id;
    if (this.feed && id) this.into(this.feed.indexOf(id));
    this.draw();
  }

  move(by) {
    const total = this.feed.shown.length;
    if (!total) return;
    const at = this.active ? this.feed.indexOf(this.active) : -1;
    const index = at < 0 ? (this.anchor ? Math.ceil(this.scroller.scrollTop / this.height) : 0)
      : Math.min(total - 1, Math.max(0, at + by));
    this.active = this.feed.at(index).id;
    this.into(index);
    this.draw();
  }

  /** Scroll as little as needed. */
  into(index) {
    if (index < 0) return;
    const top = index * this.height;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + this.height > this.scroller.scrollTop + this.room) {
      this.scroller.scrollTop = top + this.height - this.room;
    }
  }

  toTop() {
    this.anchor = null;
    this.scroller.scrollTop = 0;
    this.active = this.feed.at(0)?.id ?? "";
    this.draw();
    this.grid.focus();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = Math.max(1, Math.floor(this.room / this.height) - 1) || PAGE;
    const act = {
      ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1),
      PageDown: () => this.move(rows), PageUp: () => this.move(-rows),
      Home: () => this.move(-Infinity), End: () => this.move(Infinity),
      Enter: () => this.open(this.active),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  sayActive() {
    const isThere = this.active && this.pool.some((view) => view.id === this.active);
    if (isThere) this.grid.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.grid.removeAttribute("aria-activedescendant");
  }

  /** In place of rows: what to do. */
  teach(...content) {
    this.empty.hidden = content.length === 0;
    fill(this.empty, ...content);
  }
}

function setClass(view, name) {
  if (view.written.class === name) return;
  view.written.class = name;
  view.element.className = name;
}

function statusOf(row) {
  if (row.grpc_status !== null && row.grpc_status !== undefined) {
    return row.grpc_status === 0 ? "OK" : grpcStatus(row.grpc_status);
  }
  return row.status ? String(row.status) : row.live ? "…" : "none";
}

function kindsOf(row) {
  const names = row.kinds.map((kind) => KIND_NAMES[kind] ?? kind);
  if (row.replayed_from) names.push("replay");
  if (row.aborted && !row.live) names.push(`cut by ${row.aborted}`);
  return names.join(", ");
}

function durationOf(row) {
  if (!row.live) return milliseconds(row.duration_ms);
  const seconds = Math.max(0, Date.now() / 1000 - row.time);
  return seconds < 1 ? "…" : `${Math.floor(seconds)} s …`;
}

customElements.define("exchange-list", ExchangeList);
