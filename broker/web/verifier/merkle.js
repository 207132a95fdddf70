/** The Merkle tree of RFC 6962 section 2, as far as inclusion proofs need it. Sizes are BigInt: they pass 2^53. */

import { Failed, joined, same, sha256 } from "./text.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash of a leaf. Its prefix keeps a leaf from passing for a node. */
export function leafHash(data) {
  return sha256(joined(LEAF, data));
}

function nodeHash(left, right) {
  return sha256(joined(NODE, left, right));
}

/** Refuse unless the proof leads from the leaf hash to the root. */
export async function checkInclusion(leaf, index, size, proof, root) {
  if (index >= size) throw new Failed("there is no leaf {index} in a tree of {size}", { index, size });
  const steps = [...proof];
  if (!same(await rebuilt(leaf, index, size, steps), root)) throw new Failed("the proof leads to another root");
  if (steps.length) throw new Failed("the proof is too long");
}

/** The root that a leaf and its proof make. */
async function rebuilt(leaf, index, size, steps) {
  if (size === 1n) return leaf;
  const split = 1n << BigInt((size - 1n).toString(2).length - 1);
  if (index < split) {
    const left = await rebuilt(leaf, index, split, steps);
    return nodeHash(left, next(steps));
  }
  const right = await rebuilt(leaf, index - split, size - split, steps);
  return nodeHash(next(steps), right);
}

function next(steps) {
  if (!steps.length) throw new Failed("the proof is too short");
  return steps.shift();
}
