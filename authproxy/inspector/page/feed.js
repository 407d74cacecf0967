/* All exchanges that authproxy keeps, as they come. Rows are in the order of their numbers.
 *
 * The newest are read first and shown at once, the others in pieces while nothing else waits. What
 * changes comes by server-sent events. When the connection is lost it is tried anew until authproxy
 * answers; what it was is told by `state`: connecting, live, lost, locked (another key), off. */

import { compile } from "./filters.js";
import { get } from "./server.js";

const FIRST = 200;
const PIECE = 500;
const MOST_ROWS = 50_000;
const PATIENCE_MS = [500, 1000, 2000, 4000];

export class Feed extends EventTarget {
  constructor() {
    super();
    this.run = "";
    this.rows = [];
    this.shown = [];
    this.byId = new Map();
    this.kept = 0;
    this.paused = false;
    this.state = "connecting";
    this.filters = {};
    this.filter = compile({});
    this.isLoading = false;
    this.failures = 0;
    this.turn = 0;
    this.source = null;
  }

  /** Read everything anew, then follow. */
  async start() {
    const turn = ++this.turn;
    this.source?.close();
    this.isLoading = true;
    try {
      const listed = await get(`/api/exchanges?limit=${FIRST}`);
      if (turn !== this.turn) return;
      this.begin(listed);
      this.follow(`${listed.run}-${listed.position}`, turn);
      await this.loadOlder(listed.more, turn);
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    }
  }

  begin(listed) {
    const isOther = this.run !== "" && this.run !== listed.run;
    this.run = listed.run;
    this.failures = 0;
    this.kept = listed.kept;
    this.paused = listed.paused;
    this.memory = listed.memory;
    this.rows = listed.exchanges.reverse();
    this.byId = new Map(this.rows.map((row) => [row.id, row]));
    this.refilter();
    this.tell("live");
    if (isOther) this.dispatchEvent(new Event("restarted"));
  }

  async loadOlder(more, turn) {
    while (more && this.rows.length && this.rows.length < MOST_ROWS) {
      await idle();
      const listed = await get(`/api/exchanges?limit=${PIECE}&before=${this.rows[0].id}`);
      if (turn !== this.turn) return;
      const older = listed.exchanges.reverse().filter((row) => !this.byId.has(row.id));
      for (const row of older) this.byId.set(row.id, row);
      this.rows = older.concat(this.rows);
      this.shown = older.filter(this.filter.fits).concat(this.shown);
      more = listed.more && older.length > 0;
      this.tell();
    }
    this.isLoading = false;
    this.tell();
  }

  follow(since, turn) {
    const source = new EventSource(`/api/exchanges/stream?since=${encodeURIComponent(since)}`);
    this.source = source;
    const hear = (name, act) => source.addEventListener(name, (event) => {
      if (turn === this.turn) act(JSON.parse(event.data));
    });
    hear("hello", ({ paused }) => { this.paused = paused; this.tell("live"); });
    hear("changes", (news) => this.take(news));
    hear("reset", () => this.start());
    source.addEventListener("error", () => {
      source.close();
      if (turn === this.turn) this.retry("lost");
    });
  }

  take({ exchanges, kept, paused }) {
    this.kept = kept;
    this.paused = paused;
    for (const row of exchanges) this.put(row);
    this.trim();
    this.tell("live", exchanges);
  }

  put(row) {
    const known = this.byId.get(row.id);
    if (known) {
      const was = this.filter.fits(known);
      Object.assign(known, row, { searched: undefined });
      if (was !== this.filter.fits(known)) this.refilter();
      return;
    }
    this.byId.set(row.id, row);
    insert(this.rows, row);
    if (this.filter.fits(row)) insert(this.shown, row);
  }

  /** authproxy has forgotten the oldest that have ended. */
  trim() {
    let excess = this.isLoading ? this.rows.length - MOST_ROWS : this.rows.length - Math.min(this.kept, MOST_ROWS);
    if (excess <= 0) return;
    const gone = new Set();
    for (const row of this.rows) {
      if (excess <= 0) break;
      if (row.live) continue;
      gone.add(row);
      this.byId.delete(row.id);
      excess -= 1;
    }
    this.rows = this.rows.filter((row) => !gone.has(row));
    this.shown = this.shown.filter((row) => !gone.has(row));
  }

  setFilters(filters) {
    if (JSON.stringify(filters) === JSON.stringify(this.filters)) return;
    this.filters = filters;
    this.filter = compile(filters);
    this.refilter();
    this.tell();
  }

  refilter() {
    this.shown = this.filter.isEmpty ? this.rows.slice() : this.rows.filter(this.filter.fits);
  }

  /** The place in `shown`, newest first; -1 when it is not there. */
  indexOf(id) {
    const at = search(this.shown, Number(id));
    return this.shown[at]?.id === id ? this.shown.length - 1 - at : -1;
  }

  at(index) {
    return this.shown[this.shown.length - 1 - index];
  }

  fail(error) {
    if (error.status === 401) this.tell("locked");
    else if (error.status === 404) this.tell("off");
    else this.retry("lost");
  }

  retry(state) {
    this.tell(state);
    const wait = PATIENCE_MS[Math.min(this.failures++, PATIENCE_MS.length - 1)];
    const turn = ++this.turn;
    setTimeout(() => { if (turn === this.turn) this.start(); }, wait);
  }

  /** Something is different; `changed` has rows that are new or other than they were. */
  tell(state = this.state, changed = []) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }
}

/** Where `number` is or belongs, in rows by their numbers. */
function search(rows, number) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(rows[middle].id) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(rows, row) {
  const number = Number(row.id);
  if (!rows.length || Number(rows.at(-1).id) < number) rows.push(row);
  else rows.splice(search(rows, number), 0, row);
}

function idle() {
  return new Promise((resolve) => {
    if (window.requestIdleCallback) requestIdleCallback(() => resolve(), { timeout: 300 });
    else setTimeout(resolve, 20);
  });
}
