/* Small charts of the last quarter of an hour, oldest first. What they show is also said in words. */

import { h, svg } from "./dom.js";
import { count, milliseconds } from "./format.js";

const WIDTH = 300;
const HEIGHT = 84;
const TOP = 6;

function frame(label, ...content) {
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }), content);
}

/** Exchanges in each step, those that failed below in another colour. */
export function rateChart({ rate, failed, step_s: step, exchanges }) {
  const most = Math.max(...rate, 1);
  const width = WIDTH / rate.length;
  const bars = rate.flatMap((value, at) => [
    value - failed[at] > 0 ? bar("bar-rate", at * width, width, value / most) : null,
    failed[at] > 0 ? bar("bar-failed", at * width, width, failed[at] / most) : null,
  ]);
  const bad = failed.reduce((sum, value) => sum + value, 0);
  const words = `${count(exchanges, "exchange")} in 15 minutes, ${bad} with 4xx, 5xx or no answer; most: ${(most / step).toFixed(1)} per second`;
  return h("div.chart", {}, frame(words, bars),
    h("p.legend", {}, h("span.all", {}, h("b", {}, perSecond(exchanges / (rate.length * step))), " mean"),
      h("span.all", {}, h("b", {}, perSecond(Math.max(...rate) / step)), " most"), h("span.bad", {}, h("b", {}, String(bad)), " failed")));
}

function bar(name, x, width, share) {
  const height = Math.max(share * (HEIGHT - TOP), 1.5);
  return svg("rect", { class: name, x: x.toFixed(2), y: (HEIGHT - height).toFixed(2), width: Math.max(width - 0.6, 0.6).toFixed(2), height: height.toFixed(2) });
}

function perSecond(value) {
  return `${value >= 10 ? Math.round(value) : value.toFixed(value >= 1 ? 1 : 2)}/s`;
}

/** p50, p95 and p99, on a logarithmic scale: they are often far from each other. */
export function latencyChart(rates) {
  const values = [...rates.p50, ...rates.p95, ...rates.p99].filter((value) => value !== null && value > 0);
  const low = Math.log(Math.max(Math.min(...values, Infinity), 0.01));
  const high = Math.max(Math.log(Math.max(...values, 0.1)), low + 0.7);
  const y = (value) => TOP + (1 - (Math.log(Math.max(value, 0.01)) - low) / (high - low)) * (HEIGHT - TOP - 4);
  const lines = values.length ? ["p99", "p95", "p50"].map((name) => line(name, rates[name], y)) : [];
  const words = ["p50", "p95", "p99"].map((name) => `${name} ${milliseconds(rates[`${name}_ms`])}`);
  return h("div.chart", {}, frame(`Durations of 15 minutes: ${words.join(", ")}`, lines),
    h("p.legend", {}, ["p50", "p95", "p99"].map((name) => h("span", { class: name }, name, " ", h("b", {}, milliseconds(rates[`${name}_ms`]))))));
}

/** Steps without exchanges are gaps; one alone is a short line. */
function line(name, values, y) {
  const step = WIDTH / values.length;
  let path = "";
  values.forEach((value, at) => {
    if (value === null) return;
    const from = values[at - 1] ?? null;
    const x = at * step;
    path += from === null ? `M${x.toFixed(1)} ${y(value).toFixed(1)}h${(step * 0.6).toFixed(1)}` : `L${(x + step / 2).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return svg("path", { class: `line-${name}`, d: path || "M0 0" });
}

const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

export function statusMix(statuses) {
  const total = Object.values(statuses).reduce((sum, value) => sum + value, 0);
  if (!total) return null;
  const present = CLASSES.filter((name) => statuses[name]);
  const parts = present.map((name) => {
    const part = h("i", { data: { class: name } });
    part.style.flexGrow = String(statuses[name] / total);
    return part;
  });
  return h("div.chart", {}, h("div.mix", { "aria-hidden": "true" }, parts),
    h("p.legend", {}, present.map((name) =>
      h("span", { class: name === "none" ? "c0" : `c${name[0]}` }, name === "none" ? "no answer" : name, " ", h("b", {}, statuses[name].toLocaleString())))));
}
