/* The configuration as it runs; secrets by the place where they are. */

import { fill, h } from "./dom.js";
import { visible } from "./format.js";
import { failure } from "./notices.js";
import { get } from "./server.js";

export function makeConfiguration() {
  const place = h("div.part");
  const onlySet = h("input", { type: "checkbox", id: "only-set", checked: true });
  const element = h("div.page", {},
    h("div.with-side", {}, h("h2", {}, "The configuration as it runs"),
      h("label", { for: "only-set" }, onlySet, " Only what is set")),
    place);
  const refresh = () => get("/api/config")
    .then((found) => fill(place, content(found, onlySet.checked)))
    .catch((error) => fill(place, failure(error, refresh)));
  onlySet.addEventListener("change", refresh);
  refresh();
  return { element };
}

function content({ settings, warnings = [] }, onlySet) {
  const plain = Object.entries(settings).filter(([, value]) => !isGroup(value));
  const groups = Object.entries(settings).filter(([, value]) => isGroup(value));
  return [
    warnings.map((warning) => h("p.notice.care", {}, visible(typeof warning === "string" ? warning : warning.message ?? JSON.stringify(warning)))),
    group("authproxy", plain, onlySet),
    groups.flatMap(([name, value]) => {
      const entries = Object.entries(value);
      const nested = entries.filter(([, each]) => isGroup(each) && Object.keys(each).length);
      return [
        group(name, entries.filter(([, each]) => !isGroup(each)), onlySet),
        nested.map(([inner, each]) => group(`${name}.${inner}`, Object.entries(each), onlySet)),
      ];
    }),
  ];
}

function isGroup(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSet(value) {
  return !(value === null || value === "" || value === false || (Array.isArray(value) && !value.length) || (isGroup(value) && !Object.keys(value).length));
}

function group(title, entries, onlySet) {
  const shown = entries.filter(([, value]) => !onlySet || isSet(value));
  if (!shown.length) return null;
  return h("section.part", {}, h("h3", {}, visible(title)),
    h("div.card", {}, h("table.settings", { "aria-label": `Settings of ${visible(title)}` }, h("tbody", {}, shown.map(([name, value]) =>
      h("tr", {}, h("th", { scope: "row" }, visible(name)),
        h("td", { class: isSet(value) ? "" : "unset" }, written(value))))))));
}

function written(value) {
  if (!isSet(value)) return value === false ? "false" : "not set";
  if (Array.isArray(value)) return value.map((each) => h("div", {}, visible(typeof each === "string" ? each : JSON.stringify(each))));
  return visible(isGroup(value) ? JSON.stringify(value) : value);
}
