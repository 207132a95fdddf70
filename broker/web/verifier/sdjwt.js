/** SD-JWT (RFC 9901) in its plain form: flat, salted disclosures over a JWS; no key binding. */

import { asObject, readJsonBytes } from "./json.js";
import { Failed, ascii, fromBase64Url, sha256, strip, toBase64Url } from "./text.js";

const PARTS = 3;

/** Take ``<jwt>~<disclosure>~...~`` apart. */
export function parse(text) {
  ascii(text);
  const [jwt, ...rest] = strip(text).split("~");
  if (!rest.length) throw new Failed("an SD-JWT holds at least one ~");
  if (rest.pop()) throw new Failed("a receipt ends with ~; it carries no key binding");
  return { jwt, disclosures: rest.map(disclosure) };
}

export function headerOf(jwt) {
  return part(jwt, 0);
}

export function payloadOf(jwt) {
  return part(jwt, 1);
}

/** What stands for a disclosure in the signed payload (section 4.2.3). */
export async function digestOf(entry) {
  return toBase64Url(await sha256(ascii(entry.encoded)));
}

/** What the log holds of a file: SHA-256 of the issuer-signed JWT. */
export async function leafData(jwt) {
  return sha256(ascii(jwt));
}

function part(jwt, index) {
  const parts = jwt.split(".");
  if (parts.length !== PARTS) throw new Failed("a compact JWS has three parts");
  return asObject(readJsonBytes(fromBase64Url(parts[index])));
}

function disclosure(encoded) {
  const members = readJsonBytes(fromBase64Url(encoded));
  const [salt, name, value] = Array.isArray(members) && members.length === PARTS ? members : [];
  if (typeof salt !== "string" || typeof name !== "string" || name === "_sd" || name === "...") {
    throw new Failed("a disclosure is an array of salt, name and value");
  }
  return { encoded, name, value };
}
