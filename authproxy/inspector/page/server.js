/* Questions to authproxy itself, and its errors in words. */

export class ServerError extends Error {
  constructor(status, code, message, hint) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

export const get = (path) => ask(path, { method: "GET" });

/** What acts goes by POST. */
export function post(path, body) {
  const given = body === undefined ? {} : {
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  };
  return ask(path, { method: "POST", ...given });
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", cache: "no-store", redirect: "error", ...options });
  } catch {
    throw new ServerError(0, "unreachable", "authproxy does not answer.", "Is it still running?");
  }
  if (answer.ok) return answer.json();
  const error = await answer.json().catch(() => ({}));
  throw new ServerError(
    answer.status,
    error.error ?? "unknown",
    error.message ?? `authproxy answered ${answer.status}.`,
    error.hint ?? "",
  );
}

/** Load a part of the page when it is wanted. After an update of authproxy the old one is gone. */
export async function load(module) {
  try {
    return await import(module);
  } catch {
    throw new ServerError(0, "outdated", "A part of this page cannot be loaded.",
      "authproxy may have been updated, or has ended: reload the page.");
  }
}
