/* Bodies: JSON is set out, images are shown, everything else is text. */

import { fill, button, h } from "./dom.js";
import { bytes, visible, visibleLines } from "./format.js";

const MOST_SHOWN = 200_000;
const MOST_PIECES = 12_000;
const IMAGES = /^image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)$/;

export function bodyOf(body, path) {
  const head = h("header", {}, h("h3", {}, "Body"), h("span.muted", {}, describe(body)));
  if (body.omitted) return h("div.part", {}, head, h("p.muted", {}, `Not shown: ${visible(body.omitted)}.`));
  if (body.form === "image" && IMAGES.test(body.type)) {
    return h("div.part", {}, head, imageAt(path));
  }
  if (!body.text) return body.size ? h("div.part", {}, head) : null;
  const isDrawing = body.type === "image/svg+xml" && !body.truncated;
  return h("div.part", {}, head, isDrawing ? imageAt(path) : null, h("div.card", {}, textOf(body)));
}

/** In an `img` nothing of a drawing runs, and nothing is loaded for it. */
function imageAt(path) {
  return h("div.card", {}, h("img.body-image", { src: path, alt: "The image in this body" }));
}

function describe(body) {
  const facts = [visible(body.type || "no type"), bytes(body.size)];
  if (body.encoding) facts.push(`was ${visible(body.encoding)}`);
  if (body.truncated) facts.push("only its beginning is kept");
  if (body.redacted) facts.push("secrets replaced");
  return facts.join(" · ");
}

function textOf(body) {
  const { text } = body;
  if (body.form === "form" && text.length < MOST_SHOWN) return formOf(text);
  const pre = h("pre.body-text", { tabindex: 0, "aria-label": "Content" });
  const isLong = text.length > MOST_SHOWN;
  write(pre, isLong ? text.slice(0, MOST_SHOWN) : text);
  if (!isLong) return pre;
  const more = button(`Show all of ${bytes(text.length)}`, () => {
    write(pre, text);
    more.remove();
  });
  return [pre, h("p.padded", {}, more)];
}

export function write(pre, text) {
  const start = text.trimStart()[0];
  if (start === "{" || start === "[") fill(pre, setOut(text));
  else fill(pre, visibleLines(text));
  return pre;
}

function formOf(text) {
  return h("table.head-lines", { "aria-label": "Fields of the form" },
    h("tbody", {}, [...new URLSearchParams(text)].map(([name, value]) =>
      h("tr", {}, h("th.name", { scope: "row" }, visible(name)), h("td.value", {}, visibleLines(value))))));
}

const PIECES = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/gs;

/** JSON with lines and indents, every piece as it was written: to parse it would change large
 *  numbers and leave out members that are there twice. Also of JSON that was cut off. */
export function setOut(text) {
  const out = [];
  let depth = 0;
  let pieces = 0;
  let plain = "";
  const line = () => { plain += `\n${"  ".repeat(depth)}`; };
  const mark = (kind, piece) => {
    if (++pieces > MOST_PIECES) {
      plain += piece;
      return;
    }
    out.push(plain, h("span", { class: kind }, piece));
    plain = "";
  };
  const found = text.match(PIECES) ?? [];
  found.forEach((piece, at) => {
    const next = found[at + 1];
    if (piece === "{" || piece === "[") {
      plain += piece;
      if (next !== "}" && next !== "]") { depth += 1; line(); }
    } else if (piece === "}" || piece === "]") {
      if (found[at - 1] !== "{" && found[at - 1] !== "[") { depth = Math.max(0, depth - 1); line(); }
      plain += piece;
    } else if (piece === ",") { plain += piece; line(); }
    else if (piece === ":") plain += ": ";
    else if (piece[0] === '"') mark(next === ":" ? "k" : "s", visibleLines(piece));
    else mark(/^[-\d]/.test(piece) ? "n" : "w", visibleLines(piece));
  });
  out.push(plain);
  return out;
}
