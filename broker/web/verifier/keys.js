/** The broker's keys, as the caller's key set has them: ES256, named by their thumbprint. */

import { isObject } from "./json.js";
import { Failed, ascii, fromBase64Url, sha256, toBase64Url, utf8 } from "./text.js";

/** Longer ones are not read: the command line's library has these limits. */
const MOST = { header: 512, payload: 128_000 };
const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** The number of leaves in the last checkpoint before a key was compromised; null for a key that was not. */
export function revocation(jwk) {
  if (!("revoked" in jwk)) return null;
  const size = isObject(jwk.revoked) ? jwk.revoked.log_size : null;
  if (typeof size !== "number" || size < 0) throw new Failed("the key's revocation cannot be read");
  return BigInt(size);
}

/** The one entry of a key set that has some id. */
export function keyNamed({ keys }, kid) {
  if (!Array.isArray(keys)) throw new Failed("the key set must be an object with a list of keys");
  const named = keys.filter((entry) => isObject(entry) && entry.kid === kid);
  if (named.length === 1) return named[0];
  throw new Failed("the key set must hold exactly one key {kid}; it holds {count}", { kid, count: named.length });
}

/** The key of a JWK, under the id that it must have (RFC 7638). */
export async function publicKey(jwk, kid) {
  const { kty, crv, x, y } = jwk;
  if (kty !== "EC" || crv !== "P-256" || "d" in jwk) throw new Failed("the key must be a public key on P-256");
  if ("signs" in jwk && jwk.signs !== "evidence") throw new Failed("the key signs no evidence");
  const key = await imported({ kty, crv, x, y });
  const thumbprint = await sha256(utf8(JSON.stringify({ crv, kty, x, y })));
  if (toBase64Url(thumbprint) !== kid) throw new Failed("the key's id is not its thumbprint");
  return key;
}

/** The browser's own key; it refuses points that are not on the curve. */
async function imported(jwk) {
  try {
    return await crypto.subtle.importKey("jwk", jwk, ES256, false, ["verify"]);
  } catch {
    throw new Failed("the key set's key cannot be read");
  }
}

/** Whether a public key, given as it is, signed a compact JWS; its id is nobody's word. */
export async function isSignedBy(jwk, jwt) {
  const { kty, crv, x, y } = jwk;
  try {
    await checkSigned(await imported({ kty, crv, x, y }), jwt);
    return true;
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure;
    return false;
  }
}

/** Refuse a compact JWS that a key did not sign. */
export async function checkSigned(key, jwt) {
  const [header, payload, signature] = jwt.split(".");
  const short = header.length <= MOST.header && payload.length <= MOST.payload;
  if (!short || !(await isSigned(key, `${header}.${payload}`, signature))) {
    throw new Failed("the signature is not that key's over these bytes");
  }
}

async function isSigned(key, message, encoded) {
  const signature = fromBase64Url(encoded);
  return crypto.subtle.verify(ES256, key, signature, ascii(message));
}
