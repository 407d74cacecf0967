/* The page of authproxy's inspector: starts here, with what is always there. Views and parts that
 * are not wanted at once are loaded when they are. */

import { fill, h } from "./dom.js";
import { ExchangesView } from "./exchanges-view.js";
import { Feed } from "./feed.js";
import { makeKeyForm } from "./key-form.js";
import { help, listen } from "./keyboard.js";
import { banner, failure, toast } from "./notices.js";
import { read } from "./place.js";
import { load } from "./server.js";

const main = document.getElementById("main");
const connection = document.getElementById("connection");
const feed = new Feed();
const exchanges = new ExchangesView(feed);
const MODULES = {
  services: ["./services.js", "makeServices"],
  configuration: ["./configuration.js", "makeConfiguration"],
  compare: ["./compare.js", "makeComparison"],
};
let leave = () => {};
let shownView = "";

async function show() {
  const place = read();
  for (const link of document.querySelectorAll("nav [data-view]")) {
    const isHere = link.dataset.view === (place.view === "compare" ? "exchanges" : place.view);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const view = place.view === "compare" ? `compare ${place.pair}` : place.view;
  if (view === "exchanges") {
    if (shownView !== view) enter(view, exchanges.element);
    exchanges.show(place);
    return;
  }
  if (shownView === view) return;
  enter(view, h("p.page-note", {}, "Loading …"));
  const [module, make] = MODULES[place.view];
  try {
    const loaded = await load(module);
    if (shownView !== view) return;
    const made = loaded[make](place, feed);
    leave = made.leave ?? leave;
    fill(main, made.element);
  } catch (error) {
    if (shownView === view) fill(main, failure(error, () => location.reload()));
  }
}

function enter(view, element) {
  leave();
  leave = () => {};
  const isFirst = shownView === "";
  shownView = view;
  document.title = view === "exchanges" ? "authproxy" : `${view.split(" ")[0]} – authproxy`;
  fill(main, element);
  if (!isFirst) main.focus({ preventScroll: true });
}

/* -- the connection -- */

const STATES = {
  connecting: "connecting", live: "live", lost: "not connected", locked: "locked", off: "not recording",
};
let told = "";

function tellState() {
  const state = feed.state === "live" && feed.paused ? "paused" : feed.state;
  if (state === told) return;
  told = state;
  connection.dataset.state = state;
  connection.textContent = STATES[state] ?? state;
  if (state === "lost") {
    banner(h("p", {}, h("strong", {}, "authproxy does not answer. "),
      "What was seen stays here. The page goes on by itself once authproxy is back."));
  } else if (state === "locked") banner(makeKeyForm());
  else if (state === "off") {
    banner(h("p", {}, h("strong", {}, "Exchanges are not recorded here. "), "Start authproxy with ",
      h("code", {}, "--inspect"), " to see them. Services and the configuration are shown without it."));
  } else banner();
}

feed.addEventListener("change", tellState);
feed.addEventListener("restarted", () => toast("authproxy has been started again; the list has begun anew."));

/* -- theme and keys -- */

const themeButton = document.getElementById("theme");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return (document.documentElement.dataset.theme ?? (prefersDark.matches ? "dark" : "light")) === "dark";
}

function sayTheme() {
  themeButton.textContent = isDark() ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", isDark() ? "Light theme" : "Dark theme");
}

function turnTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("authproxy-theme", theme);
  } catch {
    // then it is for this page only
  }
  sayTheme();
}

themeButton.addEventListener("click", turnTheme);
prefersDark.addEventListener("change", sayTheme);
document.getElementById("help").addEventListener("click", help);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment says which view is shown
  main.focus();
});

const inList = (act) => () => (shownView === "exchanges" ? act() : false);
listen({
  j: inList(() => { exchanges.list.grid.focus({ preventScroll: true }); exchanges.list.move(1); }),
  k: inList(() => { exchanges.list.grid.focus({ preventScroll: true }); exchanges.list.move(-1); }),
  g: inList(() => exchanges.list.toTop()),
  Enter: (event) => (shownView === "exchanges" && event.target === document.body
    ? exchanges.list.open(exchanges.list.active) : false),
  p: inList(() => exchanges.pause()),
  "/": inList(() => exchanges.fields.text.input.focus()),
  "?": () => help(),
  t: () => turnTheme(),
  Escape: () => {
    if (document.activeElement?.matches("input, select, textarea")) {
      exchanges.list.grid.focus();
      return true;
    }
    return shownView === "exchanges" ? exchanges.close() : false;
  },
});

sayTheme();
addEventListener("hashchange", show);
show();
feed.start();
