/** The Token Status List (draft-ietf-oauth-status-list, as a JWT): whether the consent of a receipt still stands. */

import { isObject } from "./json.js";
import { checkSigned, keyNamed, publicKey, revocation } from "./keys.js";
import { headerOf, payloadOf } from "./sdjwt.js";
import { Failed, Lacking, fromBase64Url, joined, strip, told } from "./text.js";
import { VOCABULARY } from "./vocabulary.js";

const HEADER = "alg,kid,typ";
const WIDTHS = [1, 2, 4, 8];
const [VALID, INVALID] = [0, 1];
/** The year 10000, in seconds since 1970. */
const END_OF_TIME = 253_402_300_800;
/** Packed bytes that are read at most: a small file could unpack to gigabytes. */
const MOST = 2 ** 21;
/** A browser unpacks whole what it is handed, before anybody can count it: of a slice it makes a mebibyte. */
const SLICE = 1024;

/** Whether a file says that it is a status list, be it true or not. */
export function isStatusList(text) {
  try {
    return headerOf(strip(text)).typ === VOCABULARY.statusList;
  } catch {
    return false;
  }
}

/** What a token says of itself; neither its signature nor its entries are looked at. */
export function parseStatusList(text) {
  const claims = payloadOf(strip(text));
  const { sub: uri, status_list: listed } = claims;
  if (typeof uri !== "string" || !isObject(listed)) throw new Failed("the status list's token must have sub and status_list");
  const { bits, lst } = listed;
  if (!WIDTHS.includes(bits) || typeof lst !== "string") throw new Failed("a status list is bits, of 1, 2, 4 or 8, and lst");
  const [issued, expires] = ["iat", "exp", "ttl"].map((name) => seconds(claims[name] ?? null, name));
  if (issued === null) throw new Failed("the status list does not say as of when it is");
  return { uri, bits, lst, issued, expires, time: new Date(issued * 1000).toISOString().replace(".000", "") };
}

/**
 * Whether the consent of evidence stands by a list, and in what words; `claims` were checked before.
 *
 * Lacking: the list does not answer, for lack of keys, or because it is older than the receipt or has expired at `now`.
 * An end does not expire: nobody takes it back.
 */
export async function standing(text, claims, { jwks, now }) {
  const entry = entryOf(claims);
  if (entry === null) return new Lacking("this evidence has no entry in a status list");
  if (jwks === null) return new Lacking("no keys were given");
  await checkToken(strip(text), jwks);
  const list = parseStatusList(text);
  if (list.uri !== entry.uri) {
    throw new Failed("this is the status list {uri}; the receipt's is {own}", { uri: list.uri, own: entry.uri });
  }
  if (!globalThis.DecompressionStream) return new Lacking("this browser cannot unpack a status list");
  const value = valueOf(await unpacked(fromBase64Url(list.lst)), list.bits, entry.index);
  return answer(value, list, claims, now);
}

function answer(value, { time, issued, expires }, claims, now) {
  const at = { time };
  if (issued < claims.iat) return new Lacking("the list is of {time}, older than the receipt: fetch a newer one", at);
  if (stateOf(claims) !== VOCABULARY.given) {
    // A refusal and an end permit nothing, and their entries say so from the first second.
    if (value === INVALID) return told("the list of {time} agrees: there is no consent", at);
    throw new Failed("the list of {time} does not say what the receipt says: that there is no consent", at);
  }
  if (value === INVALID) {
    throw new Failed("the consent does not stand any more: withdrawn, given up or expired, as of {time}", at);
  }
  if (expires !== null && expires <= now) {
    return new Lacking("the list is of {time} and has expired since: fetch a newer one", at);
  }
  if (value === VALID) return told("the consent stands as of {time}", at);
  throw new Failed("the consent is suspended as of {time}: the business may not use it for now", at);
}

/** Refuse a token that no key of the set signed as a status list. */
async function checkToken(token, jwks) {
  const { alg, kid, typ, ...more } = headerOf(token);
  if (alg !== "ES256" || typ !== VOCABULARY.statusList || typeof kid !== "string" || Object.keys(more).length) {
    throw new Failed("the status list's header must hold {members}, its typ {form}, and nothing else", {
      members: HEADER,
      form: VOCABULARY.statusList,
    });
  }
  const jwk = keyNamed(jwks, kid);
  const key = await publicKey(jwk, kid);
  // A list lies in no log: nothing shows that it was signed before its key was lost.
  if (revocation(jwk) !== null) throw new Failed("the key was compromised, and nothing shows that the list is from before");
  await checkSigned(key, token);
}

/** Where evidence has its entry; null for a kind that has none. */
function entryOf(claims) {
  if (!("status" in claims)) return null;
  const listed = isObject(claims.status) ? claims.status.status_list : null;
  const { uri, idx: index } = isObject(listed) ? listed : {};
  if (typeof uri !== "string" || typeof index !== "number") {
    throw new Failed("the receipt does not name its entry in a status list");
  }
  return { uri, index };
}

function stateOf({ record }) {
  return isObject(record) && isObject(record.event) ? record.event.state : null;
}

function seconds(value, name) {
  if (value === null || (typeof value === "number" && value >= 0 && value < END_OF_TIME)) return value;
  throw new Failed("the status list's {name} is not a number of seconds", { name });
}

/** One entry; they lie from the lowest bit of each byte up (section 4.1). */
function valueOf(packed, bits, index) {
  const [byte, place] = [Math.floor((index * bits) / 8), index % (8 / bits)];
  if (index < 0 || byte >= packed.length) throw new Failed("the status list has no entry {index}", { index });
  return (packed[byte] >> (place * bits)) & ((1 << bits) - 1);
}

async function unpacked(compressed) {
  const reader = sliced(compressed).pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts = [];
  let size = 0;
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      size += value.length;
      if (size > MOST) break;
      parts.push(value);
    }
  } catch {
    throw new Failed("the status list is not compressed as it must be");
  }
  if (size <= MOST) return joined(...parts);
  await reader.cancel();
  throw new Failed("the status list is longer than lists are");
}

/** Bytes a slice at a time, each when the one before was taken. */
function sliced(bytes) {
  let at = 0;
  const pull = (stream) => {
    if (at >= bytes.length) return stream.close();
    stream.enqueue(bytes.subarray(at, at + SLICE));
    at += SLICE;
  };
  return new ReadableStream({ pull }, { highWaterMark: 0 });
}
