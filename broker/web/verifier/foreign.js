/** Files of a broker's that this page does not check: it says so, and what does. */

import { told } from "./text.js";
import { VOCABULARY } from "./vocabulary.js";

/** Each begins with the member that tells its kind; a dossier may be too large to be read whole. */
const FIRST = /^\s*\{\s*"(mediaType|@context)"\s*:\s*"?([^"]*)/;
/** How much of a file is enough to know it by. */
export const ENOUGH = 1024;

/** Why a file is not checked here; null for all that is. */
export function foreign(text) {
  const [, member, type] = FIRST.exec(text) ?? [];
  if (member === "@context") {
    return told(
      "this is what a receipt says, as linked data; nobody signed it, so that there is nothing to check: bring the receipt or its bundle",
    );
  }
  if (!type?.startsWith(VOCABULARY.dossier)) return null;
  return told("this is a dossier, which this page does not check: the command broker verify does, with the same keys");
}
