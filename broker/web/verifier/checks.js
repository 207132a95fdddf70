/** What each numbered step looks at. */

import { checkProof, isBundle, parseBundle } from "./bundle.js";
import { KINDS } from "./claims.js";
import { checkSigned, keyNamed, publicKey, revocation } from "./keys.js";
import { checkNote } from "./note.js";
import { digestOf, headerOf, leafData, parse, payloadOf } from "./sdjwt.js";
import { standing } from "./status.js";
import { Failed, Lacking, told } from "./text.js";

const HEADER = ["alg", "kid", "typ"];
const KID = /^[A-Za-z0-9_-]{43}$/;

/** The steps, in order; each leaves what the next one needs. */
export class Check {
  constructor(text, { jwks, vkeys, status, now }) {
    Object.assign(this, { text, jwks, vkeys, list: status, now, inBundle: isBundle(text), revoked: null, proof: null, hint: null });
  }

  async form() {
    const alone = { evidence: this.text, proof: null, hint: null };
    const { evidence, proof, hint } = this.inBundle ? parseBundle(this.text) : alone;
    const { jwt, disclosures } = parse(evidence);
    const digests = await Promise.all(disclosures.map(digestOf));
    Object.assign(this, { proof, hint, jwt });
    this.entries = disclosures.map((entry, at) => ({ ...entry, digest: digests[at] }));
    return told("an SD-JWT with {count} disclosures", { count: disclosures.length });
  }

  header() {
    const header = headerOf(this.jwt);
    // A key that travels with the message proves nothing: jwk, jku, x5u and crit are refused unread.
    if (Object.keys(header).sort().join() !== HEADER.join()) {
      throw new Failed("the header must hold {members} and nothing else", { members: HEADER.join(", ") });
    }
    const typed = typeof header.typ === "string" && Object.hasOwn(KINDS, header.typ);
    if (header.alg !== "ES256" || !typed || typeof header.kid !== "string" || !KID.test(header.kid)) {
      throw new Failed("the header must say alg ES256 and typ {types}", { types: Object.keys(KINDS).join(", ") });
    }
    this.kid = header.kid;
    this.kind = KINDS[header.typ];
    return told("ES256, key {kid}", { kid: this.kid });
  }

  async key() {
    if (this.jwks === null) return new Lacking("no keys were given");
    const jwk = keyNamed(this.jwks, this.kid);
    this.public = await publicKey(jwk, this.kid);
    this.revoked = revocation(jwk);
    if (this.revoked === null) return told("found in the given key set");
    if (this.proof === null) {
      throw new Failed("the key was compromised: what it signed counts only by its place in the log, and the file shows none");
    }
    return told("found in the given key set; compromised, so that only the place in the log counts");
  }

  async signature() {
    if (this.jwks === null) return new Lacking("no keys were given");
    await checkSigned(this.public, this.jwt);
    return told("the signature is that key's");
  }

  payload() {
    this.claims = payloadOf(this.jwt);
    const member = this.kind.names.find((name) => typeof this.claims[name] !== "string");
    if (member) throw new Failed("{member} is missing", { member });
    return this.kind.check(this.claims);
  }

  disclosures() {
    const { _sd: signed, _sd_alg: algorithm } = this.claims;
    if (algorithm !== "sha-256") throw new Failed("_sd_alg must be sha-256");
    const listed = Array.isArray(signed) && signed.every((digest) => typeof digest === "string");
    if (!listed || new Set(signed).size !== signed.length) throw new Failed("_sd must be a list of distinct digests");
    const names = this.entries.map((entry) => entry.name);
    if (new Set(names).size !== names.length || names.some((name) => name in this.claims)) {
      throw new Failed("a value is disclosed twice");
    }
    for (const { name, digest } of this.entries) this.checkDisclosed(name, signed.includes(digest));
    this.kind.checkDisclosures(this.claims, this.entries);
    const count = signed.length - names.length;
    if (!names.length) return told("nothing disclosed, {count} withheld", { count });
    return told("{names} disclosed, {count} withheld", { names: names.join(", "), count });
  }

  checkDisclosed(name, isSigned) {
    if (!this.kind.disclosed.includes(name)) throw new Failed("{name} is disclosed, which no such file holds", { name });
    if (!isSigned) throw new Failed("the disclosed {name} is not the one that was signed", { name });
  }

  async inclusion() {
    if (this.proof === null) return new Lacking("the bundle has no proof yet");
    await checkProof(this.proof, await leafData(this.jwt));
    const { index, checkpoint } = this.proof;
    if (this.revoked !== null && index >= this.revoked) {
      throw new Failed("the key was compromised when the log held {size} leaves; this is leaf {index}", {
        size: this.revoked,
        index,
      });
    }
    return told("leaf {index} of {size}", { index, size: checkpoint.size });
  }

  async checkpoint() {
    if (this.proof === null) return new Lacking("the bundle has no proof yet");
    const { origin } = this.proof.checkpoint;
    const { iss } = this.claims;
    const own = `${iss.includes("://") ? iss.slice(iss.indexOf("://") + 3) : ""}/log`;
    // No other log vouches for an issuer's evidence.
    if (origin !== own) throw new Failed("the checkpoint is of {origin}, and the log of {iss} is {own}", { origin, iss, own });
    if (!this.vkeys.length) return new Lacking("no verifier keys were given");
    const { signed, unchecked } = await checkNote(this.proof.note, this.vkeys);
    const isLogs = (vkey) => vkey.name === origin;
    if (!signed.some(isLogs)) {
      if (!unchecked.some(isLogs)) throw new Failed("none of your verifier keys signed for {origin}", { origin });
      return new Lacking("this browser has no algorithm for the signature of {origin}: it was left unchecked", { origin });
    }
    const values = { origin, count: signed.length, left: unchecked.length };
    return unchecked.length
      ? told("{origin}, signed with {count} of your keys; {left} more left unchecked: this browser lacks the algorithm", values)
      : told("{origin}, signed with {count} of your keys", values);
  }

  status() {
    return standing(this.list, this.claims, this);
  }

  /** What the evidence says, for the page; only asked when no step failed. */
  says() {
    const disclosed = Object.fromEntries(this.entries.map(({ name, value }) => [name, value]));
    const place = this.proof && { ...this.proof.checkpoint, index: this.proof.index };
    return { kind: this.kind.name, kid: this.kid, payload: this.claims, disclosed, place };
  }
}
