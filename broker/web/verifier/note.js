/** Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint), and the keys that check them. */

import { Failed, SPACE, fromBase64, joined, same, sha256, strip, toHex, utf8 } from "./text.js";
import { VOCABULARY } from "./vocabulary.js";

const HASH_SIZE = 4;
const KEY_SIZE = 32;
const TIME_SIZE = 8;
const MAX_SIGNATURES = 100;
const DASH = "\u2014 ";
const NAME = new RegExp(`^[^${SPACE}+]+$`);
const SIZE = /^(?:0|[1-9][0-9]{0,18})$/;
const MOST = 2n ** 63n - 1n;
/** The root of the tree of nothing: SHA-256 of no bytes. */
const EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** Keys that are some, whoever's, to see which algorithms this browser has. */
const ED25519 = { name: "Ed25519", format: "raw", sample: Uint8Array.of(0x58, ...Array(KEY_SIZE - 1).fill(0x66)) };
const ML_DSA_44 = { name: "ML-DSA-44", format: "raw-public", sample: new Uint8Array(1312) };
/** What signs notes, by the first byte of the key: a log, a witness, and a log against the day when curves fall. */
const KINDS = {
  1: { algorithm: ED25519, signed: (text, { signature }) => [utf8(text), signature] },
  4: { algorithm: ED25519, signed: witnessed },
  6: { algorithm: ML_DSA_44, signed: cosigned },
};
const LINES = /\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]/;

/** Take a note apart: its text, and who signed it. */
export function parseNote(raw) {
  const at = raw.lastIndexOf("\n\n");
  if (at < 0 || !raw.endsWith("\n") || raw.length < at + 3 || /[\0-\t\v-\x1f]/.test(raw)) {
    throw new Failed("a note is a text, an empty line and signature lines");
  }
  const lines = raw.slice(at + 2, -1).split("\n").map(signatureLine);
  if (lines.length > MAX_SIGNATURES) throw new Failed("a note has too many signatures");
  return { text: raw.slice(0, at + 1), lines };
}

/** Verifier keys, one a line, as ``/log/vkeys`` gives them; lines of # are comments. */
export async function readVkeys(text) {
  const lines = text.split(LINES).map(strip);
  return Promise.all(lines.filter((line) => line && !line.startsWith("#")).map(readVkey));
}

/**
 * The keys that signed a note, and those whose signature this browser has no algorithm for.
 *
 * A signature of an unknown key is left aside, as the format asks; one of a known key that does not verify is a lie, be
 * it the key's second.
 */
export async function checkNote(note, vkeys) {
  const known = new Map(vkeys.map((vkey) => [`${vkey.name}+${toHex(vkey.hash)}`, vkey]));
  const found = { signed: new Set(), unchecked: new Set() };
  for (const line of note.lines) {
    const vkey = known.get(`${line.name}+${toHex(line.hash)}`);
    if (vkey) found[(await checkLine(note.text, line, vkey)) ? "signed" : "unchecked"].add(vkey);
  }
  return { signed: [...found.signed], unchecked: [...found.unchecked] };
}

/** Read a checkpoint's text. Further lines are extensions: nothing in them is believed. */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.pop() || lines.length < 3 || lines.includes("") || !SIZE.test(lines[1])) {
    throw new Failed("a checkpoint is an origin, a size and a root, a line each");
  }
  const [origin, size, root] = [lines[0], BigInt(lines[1]), fromBase64(lines[2])];
  if (root?.length !== KEY_SIZE || size > MOST) throw new Failed("a root is 32 bytes, and a size is below 2^63");
  if (size === 0n && toHex(root) !== EMPTY_ROOT) throw new Failed("a tree of nothing has another root");
  return { origin, size, root };
}

function signatureLine(text) {
  const [name, encoded = ""] = cut(text.slice(DASH.length), " ");
  const raw = fromBase64(encoded);
  if (!text.startsWith(DASH) || !NAME.test(name) || !(raw?.length > HASH_SIZE)) {
    throw new Failed("a signature line is a dash, a name and base64");
  }
  return { name, hash: raw.slice(0, HASH_SIZE), signature: raw.slice(HASH_SIZE) };
}

async function readVkey(text) {
  const [name, rest = ""] = cut(text, "+");
  const [digest, encoded = ""] = cut(rest, "+");
  const raw = fromBase64(encoded) ?? [];
  const hash = (await sha256(joined(utf8(`${name}\n`), raw))).slice(0, HASH_SIZE);
  if (!NAME.test(name) || raw.length < 2 || toHex(hash) !== digest) {
    throw new Failed("a verifier key is name+hash+base64, its hash that of the key");
  }
  const kind = KINDS[raw[0]];
  if (!kind) throw new Failed("verifier keys of type {kind} are not known", { kind: raw[0] });
  return { name, hash, kind, key: checked(kind.algorithm, raw.slice(1)) };
}

function checked({ name, sample }, key) {
  // Under a key of small order a signature verifies over anything.
  if (key.length !== sample.length || VOCABULARY.smallOrder.includes(toHex(key))) {
    throw new Failed("the verifier key is no {name} public key, or one under which anything verifies", { name });
  }
  return key;
}

/** Whether the browser could look, and found the signature to be the key's. One that is not, is refused. */
async function checkLine(text, line, { name, kind, key }) {
  const { algorithm } = kind;
  const [message, signature] = kind.signed(text, line);
  if (!(await knows(algorithm))) return false;
  const held = await imports(algorithm, key).then(
    (imported) => crypto.subtle.verify({ name: algorithm.name }, imported, signature, message),
    () => false,
  );
  if (!held) throw new Failed("the signature is not {name}'s over this text", { name });
  return true;
}

/** Whether this browser has an algorithm: whether it takes a key that is one. */
function knows(algorithm) {
  algorithm.known ??= imports(algorithm, algorithm.sample).then(
    () => true,
    () => false,
  );
  return algorithm.known;
}

function imports({ name, format }, raw) {
  return crypto.subtle.importKey(format, raw, { name }, false, ["verify"]);
}

/** What a witness signs (C2SP tlog-cosignature): the checkpoint's whole text, under a time. */
function witnessed(text, { signature }) {
  parseCheckpoint(text);
  const [time, rest] = timed(signature);
  return [utf8(`cosignature/v1\ntime ${new DataView(time.buffer).getBigUint64(0)}\n${text}`), rest];
}

/** What an ML-DSA-44 key signs: the tree from 0 to its size, and a time. Lines of extensions are not in it. */
function cosigned(text, { name, signature }) {
  const { origin, size, root } = parseCheckpoint(text);
  const [time, rest] = timed(signature);
  const begin = [utf8("subtree/v1\n\0"), counted(name), time, counted(origin)];
  return [joined(...begin, number(0n), number(size), root), rest];
}

/** The time and the signature proper. */
function timed(signature) {
  if (signature.length <= TIME_SIZE || signature[0] > 127) {
    throw new Failed("a cosignature is a time of eight bytes and a signature");
  }
  return [signature.slice(0, TIME_SIZE), signature.slice(TIME_SIZE)];
}

function counted(text) {
  const raw = utf8(text);
  if (raw.length > 255) throw new Failed("the name of a log or a cosigner is at most 255 bytes");
  return joined(Uint8Array.of(raw.length), raw);
}

function number(value) {
  const raw = new DataView(new ArrayBuffer(8));
  raw.setBigUint64(0, value);
  return new Uint8Array(raw.buffer);
}

/** What stands before the first sign, and what behind it. */
function cut(text, sign) {
  const at = text.indexOf(sign);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + sign.length)];
}
