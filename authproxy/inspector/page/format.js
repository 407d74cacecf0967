/* How numbers, times and texts are written. */

const two = (number) => String(number).padStart(2, "0");
const three = (number) => String(number).padStart(3, "0");

/** Of the local day, from seconds since the epoch. */
export function clock(seconds) {
  const at = new Date(seconds * 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${three(at.getMilliseconds())}`;
}

export function moment(seconds) {
  if (seconds === null || seconds === undefined) return "never";
  return new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export function milliseconds(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return span(ms / 1000);
}

/** A longer time, in its two largest units. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

export function bytes(count) {
  if (count === null || count === undefined) return "–";
  if (count < 1000) return `${count} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = count / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

// Controls, and what turns the direction of a text around: a path must not look like another one.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A text for one line: what cannot be seen is spelt out. */
export function visible(text) {
  return String(text).replace(INVISIBLE, spelt);
}

const LINES = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The same for a text of many lines. */
export function visibleLines(text) {
  return String(text).replace(/\r\n/g, "\n").replace(LINES, spelt);
}

function spelt(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const GRPC = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
  "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
  "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"];

export function grpcStatus(number) {
  return GRPC[number] === undefined ? `gRPC ${number}` : GRPC[number];
}

/** `good`, `moved`, `wrong`, `failed` or `open`, for colours; the number itself is always shown. */
export function outcome(row) {
  if (row.grpc_status) return row.status >= 500 || GRPC_FAILED.has(row.grpc_status) ? "failed" : "wrong";
  if (!row.status) return row.live ? "open" : "failed";
  if (row.status < 300) return row.aborted && row.aborted !== "client" ? "failed" : "good";
  if (row.status < 400) return "moved";
  return row.status < 500 ? "wrong" : "failed";
}

const GRPC_FAILED = new Set([2, 13, 14, 15]);

export const KIND_NAMES = { grpc: "gRPC", sse: "SSE", websocket: "WebSocket", mcp: "MCP", refused: "refused" };
