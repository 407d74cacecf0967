/* Which exchanges are shown: the same rules as the server's (docs/inspector-api.md), so that a HAR
 * file of what is shown has just that. Tried here for each row, so that typing shows at once. */

export const FILTERS = ["text", "service", "status", "method", "kind"];

const STATUS = /^(?:(\d{3}|0)|([0-5])xx|(>=|<=|>|<)(\d{3})|(\d{3})-(\d{3}))$/;

const WORDS = ["target", "host", "service", "client", "principal", "request_id", "id", "method", "code"];

/** From texts to a function of a row; `wrong` says what cannot be read. */
export function compile(filters) {
  const words = (filters.text ?? "").toLowerCase().slice(0, 200).split(/\s+/).filter(Boolean);
  const services = new Set(listed(filters.service));
  const methods = new Set(listed(filters.method).map((method) => method.toUpperCase()));
  const kinds = new Set(listed(filters.kind).map((kind) => kind.toLowerCase()));
  const ranges = [];
  let wrong = "";
  for (const word of listed(filters.status)) {
    const range = statusRange(word.toLowerCase());
    if (range) ranges.push(range);
    else wrong = `“${word}” is no status: write 404, 5xx, >=400 or 400-499.`;
  }
  const fits = (row) =>
    (!services.size || services.has(row.service)) &&
    (!methods.size || methods.has(row.method)) &&
    (!kinds.size || row.kinds.some((kind) => kinds.has(kind))) &&
    (!ranges.length || ranges.some(([low, high]) => row.status >= low && row.status <= high)) &&
    (!words.length || hasWords(row, words));
  return { fits, wrong, isEmpty: !FILTERS.some((name) => filters[name]) };
}

function listed(text = "") {
  return text.split(",").map((each) => each.trim()).filter(Boolean);
}

function statusRange(word) {
  const found = STATUS.exec(word);
  if (!found) return null;
  const [, exact, digit, sign, bound, low, high] = found;
  if (exact) return [Number(exact), Number(exact)];
  if (digit) return [Number(digit) * 100, Number(digit) * 100 + 99];
  const at = Number(bound);
  if (sign) return { ">=": [at, 999], ">": [at + 1, 999], "<=": [0, at], "<": [0, at - 1] }[sign];
  return [Number(low), Number(high)];
}

/** The text is made once for a state of a row. */
function hasWords(row, words) {
  row.searched ??= `${WORDS.map((name) => row[name] || "").join(" ").toLowerCase()} ${row.status}`;
  return words.every((word) => row.searched.includes(word));
}

/** As a query for the server: empty, or with its question mark. */
export function query(filters) {
  const given = FILTERS.filter((name) => filters[name]).map((name) => [name, filters[name]]);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
