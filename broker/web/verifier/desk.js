/** Where files and keys come in: chosen, dropped or pasted. What stands in the boxes is what is checked. */

import { ENOUGH, foreign } from "./foreign.js";
import { readVkeys } from "./note.js";
import { isStatusList, parseStatusList } from "./status.js";
import { Failed } from "./text.js";
import { readJwks } from "./verify.js";
import { moment, say, saying } from "./words.js";

/** No receipt or bundle is as large; a film dropped by mistake is not read. */
const MOST_BYTES = 2 * 1024 * 1024;
const VKEY = /^[^\s+]+\+[0-9a-f]{8}\+/m;

const boxes = Object.fromEntries(
  ["evidence", "jwks", "vkeys", "status"].map((kind) => [kind, document.getElementById(`${kind}-text`)]),
);
let servedBy = null;

/** What is to be checked, and with what; null where there are no keys, and no status list. */
export function brought() {
  const [jwks, vkeys, status] = [boxes.jwks, boxes.vkeys, boxes.status].map(({ value }) => (value.trim() ? value : null));
  return { text: boxes.evidence.value, keys: { jwks, vkeys }, status, sources: { servedBy: jwks && servedBy } };
}

/** Take files; those that say what they are go where they belong, the others where they were put. */
export async function take(files, kind) {
  for (const file of files) {
    if (file.size > MOST_BYTES) await refuse(file);
    const text = await textOf(file);
    fill(kind ?? kindOf(text), text);
  }
}

/** Say why a large file is not read. */
async function refuse(file) {
  const known = foreign(await textOf(file.slice(0, ENOUGH)));
  if (known) throw new Failed(known.template, known.values);
  throw new Failed("{name} is too large to be a receipt, a bundle or keys", { name: file.name });
}

/** As the command line reads it: what is no UTF-8 is shown as such, and fails where it stands. */
async function textOf(file) {
  try {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Failed("{name} cannot be read", { name: file.name });
  }
}

function fill(kind, text) {
  boxes[kind].value = text;
  if (kind === "jwks" || kind === "vkeys") servedBy = null;
}

/** Fetch the keys of the broker that served this page: on a click, and never otherwise. */
export async function fetchKeys() {
  const [jwks, vkeys] = await Promise.all(["/.well-known/jwks.json", "/log/vkeys"].map(fetched));
  fill("jwks", jwks);
  fill("vkeys", vkeys);
  servedBy = location.origin;
}

async function fetched(path) {
  try {
    const answer = await fetch(path, { credentials: "omit", cache: "no-store" });
    if (answer.ok) return await answer.text();
  } catch {
    // Whether it is away or says no, there are no keys.
  }
  throw new Failed("the broker did not hand out its keys");
}

/** Say beneath each box of keys how many were read, or why none; and of which list and time a status list is. */
export async function note() {
  await Promise.all([
    noted("jwks", async (text) => {
      const { keys } = readJwks(text);
      return counted(Array.isArray(keys) ? keys.length : 0);
    }),
    noted("vkeys", async (text) => counted((await readVkeys(text)).length)),
    noted("status", async (text) => {
      const { uri, time } = parseStatusList(text);
      return say("It says that it is the list {uri}, as of {time}.", { uri, time: moment(time) });
    }),
  ]);
}

function counted(found) {
  return found === 1 ? say("1 key read.") : say("{count} keys read.", { count: found });
}

export function forget() {
  servedBy = null;
}

async function noted(kind, read) {
  const text = boxes[kind].value;
  const [faulty, words] = await read(text).then(
    (found) => [false, found],
    (failure) => [true, unread(kind, { why: saying(failure) })],
  );
  const blank = !text.trim();
  boxes[kind].setAttribute("aria-invalid", String(faulty && !blank));
  document.getElementById(`${kind}-note`).textContent = blank ? "" : words;
}

function unread(kind, why) {
  return kind === "status" ? say("This is no status list: {why}.", why) : say("These are no keys: {why}.", why);
}

function kindOf(text) {
  if (isStatusList(text)) return "status";
  if (VKEY.test(text) && !text.trimStart().startsWith("{")) return "vkeys";
  try {
    const { keys, evidence } = readJwks(text);
    return keys && !evidence ? "jwks" : "evidence";
  } catch {
    return "evidence";
  }
}
