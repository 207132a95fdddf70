/** Checking evidence in numbered steps, with keys that the caller brings; the steps are those of `broker verify`. */

import { Check } from "./checks.js";
import { asObject, readJson } from "./json.js";
import { readVkeys } from "./note.js";
import { Failed, Lacking, told } from "./text.js";

const STEPS = ["form", "header", "key", "signature", "payload", "disclosures"];
const LOG_STEPS = ["inclusion", "checkpoint"];
/** It keeps its number where there are no steps of the log. */
const STATUS = { name: "status", number: 9 };

/**
 * Check a receipt or a statement, by itself or in a bundle. Never refuses for bad evidence: the verdict says so.
 *
 * `jwks` is the text of the caller's key set, `vkeys` that of their verifier keys, `status` that of a status list token,
 * null where they have none. Keys that cannot be read are refused with `Failed`. `now`, in seconds, says whether the
 * list has expired, and decides nothing else.
 */
export async function verify(text, { now, jwks = null, vkeys = null, status = null }) {
  const keys = { jwks: jwks === null ? null : readJwks(jwks), vkeys: await readVkeys(vkeys ?? "") };
  const check = new Check(text, { ...keys, status, now });
  const steps = await run(check, STEPS, { first: 1 });
  if (check.inBundle && holds(steps)) steps.push(...(await run(check, LOG_STEPS, { first: steps.length + 1 })));
  if (status !== null && holds(steps)) steps.push(...(await run(check, [STATUS.name], { first: STATUS.number })));
  return verdict(check, steps);
}

export function readJwks(text) {
  return asObject(readJson(text));
}

/** Run steps up to the first that fails. One that cannot be made, for lack of keys, is neither held nor failed. */
async function run(check, names, { first }) {
  const steps = [];
  for (const name of names) {
    const step = { number: first + steps.length, name, ok: true };
    try {
      step.detail = await check[name]();
      if (step.detail instanceof Lacking) Object.assign(step, { ok: null, detail: step.detail.why });
    } catch (failure) {
      if (!(failure instanceof Failed)) throw failure;
      Object.assign(step, { ok: false, detail: told(failure.template, failure.values) });
    }
    steps.push(step);
    if (step.ok === false) break;
  }
  return steps;
}

function holds(steps) {
  return steps.every((step) => step.ok !== false);
}

/** `anchored`: the signature is a key's that the caller brought. `logged`: so is that of the log that holds the leaf. */
function verdict(check, steps) {
  const made = Object.fromEntries(steps.map((step) => [step.name, step.ok]));
  const logged = holds(steps) && made.checkpoint === true;
  // What a compromised key signed could have been signed by its thief: only the log knows what came before.
  const anchored = holds(steps) && made.signature === true && (!check.revoked || logged);
  const says = holds(steps) ? check.says() : {};
  return { steps, holds: holds(steps), anchored, logged, revoked: Boolean(check.revoked), hint: check.hint, ...says };
}
