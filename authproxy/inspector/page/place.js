/* Where one is in the page, kept in the URL's fragment: a link leads to the same list and exchange.
 *
 *   #/exchanges?text=invoices&status=5xx        a list with filters
 *   #/exchanges/9f2c41d0-12?status=5xx          the same with exchange 12 of that run
 *   #/compare/12/15  #/services  #/configuration
 */

import { FILTERS } from "./filters.js";

export function read(fragment = location.hash) {
  const [path, query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [view = "", ...rest] = path.split("/");
  const given = new URLSearchParams(query);
  const filters = {};
  for (const name of FILTERS) if (given.get(name)) filters[name] = given.get(name);
  if (view === "compare") {
    return { view, pair: rest.slice(0, 2).filter((id) => /^\d{1,15}$/.test(id)), filters };
  }
  if (view === "services" || view === "configuration") return { view, filters };
  const [, run = "", id = ""] = /^(\w+)-(\d{1,15})$/.exec(rest[0] ?? "") ?? [];
  return { view: "exchanges", run, id, filters };
}

export function write({ view = "exchanges", run = "", id = "", pair = [], filters = {} }) {
  const parts = [view];
  if (view === "exchanges" && id) parts.push(`${run}-${id}`);
  if (view === "compare") parts.push(...pair);
  const query = new URLSearchParams(
    FILTERS.filter((name) => filters[name]).map((name) => [name, filters[name]]),
  ).toString();
  return `#/${parts.join("/")}${query ? `?${query}` : ""}`;
}

/** Go there. `replace`: Back does not lead to where one is now. */
export function go(to, { replace = false } = {}) {
  const fragment = write(to);
  if (fragment === location.hash) return;
  if (replace) {
    history.replaceState(null, "", fragment);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = fragment;
  }
}
