/* An advice is a sentence, and mostly ends with a command to paste. */

import { visible } from "./format.js";

const COMMAND = /(?:^|[:.;] )(?=(?:gcloud|authproxy|curl|export|sudo) )/;

/** The words, and the command or nothing. */
export function splitHint(hint) {
  const text = visible(hint ?? "");
  const found = COMMAND.exec(text);
  if (!found) return [text, ""];
  const start = found.index + found[0].length;
  return [text.slice(0, start).trim(), text.slice(start).trim()];
}
