/** The bundle: evidence, its inclusion proof (C2SP tlog-proof@v1) and the checkpoint. Keys in it are a hint. */

import { asObject, isObject, readJson } from "./json.js";
import { checkInclusion, leafHash } from "./merkle.js";
import { parseCheckpoint, parseNote } from "./note.js";
import { Failed, fromBase64, strip } from "./text.js";
import { VOCABULARY } from "./vocabulary.js";

const MEMBERS = ["evidence", "keys", "mediaType", "proof"];
/** What an `extra` line holds is signed by nobody, and believed by nobody. */
const HEAD = /^c2sp\.org\/tlog-proof@v1\n(?:extra ([^\n]+)\n)?index (0|[1-9][0-9]{0,18})((?:\n[^\n]+){0,63})$/;
const HASH_SIZE = 32;

/** Whether a file is a bundle rather than an SD-JWT by itself. */
export function isBundle(text) {
  return strip(text).startsWith("{");
}

export function parseBundle(text) {
  const value = asObject(readJson(text));
  if (Object.keys(value).sort().join() !== MEMBERS.join() || value.mediaType !== VOCABULARY.bundle) {
    throw new Failed("a bundle holds {members}, its mediaType {form}", {
      members: MEMBERS.join(", "),
      form: VOCABULARY.bundle,
    });
  }
  const { evidence, proof, keys } = value;
  if (typeof evidence !== "string" || (proof !== null && typeof proof !== "string") || !isObject(keys)) {
    throw new Failed("a bundle's evidence and proof are text, its keys an object");
  }
  return { evidence, proof: proof === null ? null : parseProof(proof), hint: keys };
}

/** Refuse unless the leaf lies where the proof says; signatures are not looked at. */
export async function checkProof({ index, hashes, checkpoint: { size, root } }, data) {
  await checkInclusion(await leafHash(data), index, size, hashes, root);
}

function parseProof(text) {
  const at = text.indexOf("\n\n");
  const found = at < 0 ? null : HEAD.exec(text.slice(0, at));
  if (!found) throw new Failed("a proof file begins with c2sp.org/tlog-proof@v1, an index and at most 63 hashes");
  const [, extra = "", index, lines] = found;
  const hashes = lines.split("\n").slice(1).map(fromBase64);
  if (fromBase64(extra) === null || hashes.some((hash) => hash?.length !== HASH_SIZE)) {
    throw new Failed("a hash of the proof is not 32 bytes in base64");
  }
  const note = parseNote(text.slice(at + 2));
  return { index: BigInt(index), hashes, note, checkpoint: parseCheckpoint(note.text) };
}
