"""Bundles that hold, and bundles and verifier keys named after the lie they tell, around a log of 21 leaves.

ML-DSA-44 signs with fresh randomness: the cosignature that lies in ``log.note`` is kept for as long as it holds.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from harness import rfc6962
from vectors.make import (
    FOLDER,
    GIVEN,
    JANE,
    JANES,
    JOE,
    JOES,
    STATEMENT_TYP,
    STRANGER,
    STRANGERS_KID,
    changed,
    evidence_of,
    jwk_of,
    jws,
    key_sets,
    part,
    payload,
    sd_jwt,
    stated,
)

from broker.core.consent import ConsentStatus
from broker.proof.bundle import Bundle
from broker.proof.checkpoint import Checkpoint, MlDsaSigner, MlDsaVerifier
from broker.proof.keys import SigningKey
from broker.proof.logproof import LogProof
from broker.proof.note import ED25519, Ed25519Signer, Note, NoteFailed, SignatureLine, parse_note, sign_note, vkey
from broker.proof.receipt import leaf_data

ORIGIN = "consent.example/log"
VKEYS, NOTE_FILE = "log.vkeys", "log.note"
TIME = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
LOG = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"log " * 8))
LOG_PQ = MlDsaSigner(ORIGIN, MLDSA44PrivateKey.from_seed_bytes(b"l-pq" * 8), lambda: TIME)
#: A stranger's key under the log's own name, another log's, and a witness's.
STRANGERS_LOG = Ed25519Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"lie " * 8))
OTHER_LOG = Ed25519Signer("stranger.example/log", Ed25519PrivateKey.from_private_bytes(b"othr" * 8))
WITNESS = Ed25519Signer("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"wtns" * 8))

SIZE, OLDER = 21, 9
STATEMENT = jws(stated(*evidence_of("jane")), typ=STATEMENT_TYP)
WITHDRAWN = jws(payload(ConsentStatus.WITHDRAWN, *JANE))
JOES_JWT = jws(JOES)
#: Where the evidence lies; the other leaves are of nothing in particular.
PLACES = {GIVEN: 7, JOES_JWT: 8, STATEMENT: 12, WITHDRAWN: 20}
_DATA = {place: leaf_data(jwt) for jwt, place in PLACES.items()}
LEAVES = [_DATA.get(place) or hashlib.sha256(b"leaf %d" % place).digest() for place in range(SIZE)]
Members = dict[str, object]


def tree(size: int = SIZE, *, origin: str = ORIGIN, leaves: Sequence[bytes] = LEAVES) -> Checkpoint:
    """Return the log as it was at a size."""
    return Checkpoint(origin=origin, size=size, root=rfc6962.tree_hash(leaves[:size]))


def signed(checkpoint: Checkpoint, *signers: Ed25519Signer) -> Note:
    """Return a checkpoint as a note; the log's own key signs where nobody else is named."""
    return sign_note(str(checkpoint), signers or [LOG])


@cache
def cosigned() -> Note:
    """Return the log's checkpoint with both its signatures."""
    text = str(tree())
    return Note(text, (LOG.sign(text), _kept(text) or LOG_PQ.sign(text)))


def _kept(text: str) -> SignatureLine | None:
    """Return the cosignature that lies there, if it is one of this text."""
    file = FOLDER / NOTE_FILE
    if not file.exists():
        return None
    line = parse_note(file.read_text("utf-8")).lines[-1]
    try:
        MlDsaVerifier(ORIGIN, LOG_PQ.key.public_key().public_bytes_raw()).check(text, line.signature)
    except NoteFailed:
        return None
    return line if int.from_bytes(line.signature[:8], "big") == int(TIME.timestamp()) else None


def proof_of(jwt: str, *, size: int = SIZE, note: Note | None = None) -> LogProof:
    """Return the proof of a piece of evidence."""
    path = rfc6962.audit_path(PLACES[jwt], LEAVES[:size])
    return LogProof(index=PLACES[jwt], hashes=tuple(path), note=note or signed(tree(size)))


def bundle(evidence: str, proof: LogProof | None, *, riding: Ed25519Signer = LOG, jwks: object = None) -> Bundle:
    """Put a bundle together, with the keys that ride along."""
    keys = jwks or key_sets()["jwks"]
    assert isinstance(keys, dict)
    return Bundle(evidence=evidence, proof=proof, jwks=keys, vkeys=[riding.vkey])


WHOLE = sd_jwt(GIVEN, *JANE)
PROOF = proof_of(GIVEN)


def given(**changes: object) -> str:
    """Return Jane's bundle with its proof changed."""
    return str(bundle(WHOLE, replace(PROOF, **changes)))  # type: ignore[arg-type]


def bundles_that_hold() -> Mapping[str, str]:
    """Every bundle that holds and is in the log."""
    extended = f"{tree()}an extension\n"
    witnessed = Note(PROOF.note.text, (WITNESS.sign(PROOF.note.text), *PROOF.note.lines))
    only = LogProof(index=0, hashes=(), note=signed(tree(1, leaves=[leaf_data(GIVEN)])))
    return {
        "bundle-given": str(bundle(WHOLE, proof_of(GIVEN, note=cosigned()))),
        "bundle-signed-with-ed25519-alone": given(),
        "bundle-signed-with-ml-dsa-alone": given(note=Note(str(tree()), cosigned().lines[1:])),
        "bundle-with-nothing-disclosed": str(bundle(sd_jwt(GIVEN), PROOF)),
        "bundle-of-a-statement": str(bundle(sd_jwt(STATEMENT, *evidence_of("jane")), proof_of(STATEMENT))),
        "bundle-of-the-last-leaf": str(bundle(sd_jwt(WITHDRAWN, *JANE), proof_of(WITHDRAWN))),
        "bundle-of-the-only-leaf": str(bundle(WHOLE, only)),
        "bundle-of-an-older-checkpoint": str(bundle(WHOLE, proof_of(GIVEN, size=OLDER))),
        "bundle-without-keys": str(Bundle(evidence=WHOLE, proof=PROOF)),
        "bundle-with-a-witness": given(note=witnessed),
        "bundle-with-extra-data": given(extra=b"nobody signed this"),
        "bundle-with-an-extension-line": given(note=sign_note(extended, [LOG])),
        "bundle-on-one-line": json.dumps(bundle(WHOLE, PROOF).to_json()),
    }


def lies_about_the_place() -> Mapping[str, str]:
    """Evidence that is not where its proof says; every checkpoint here is genuine."""
    long_ago = {"time": "2025-11-23T12:00:00Z", "valid_until": "2026-11-23T12:00:00Z"}
    then = int(datetime(2025, 11, 23, 12, tzinfo=UTC).timestamp())
    backdated = changed(lambda it: (it.update(iat=then, nbf=then), it["record"]["event"].update(long_ago)))
    hashes = PROOF.hashes
    return {
        "bundle-backdated-into-the-log": str(bundle(sd_jwt(jws(backdated), *JANE), PROOF)),
        "bundle-proof-of-another-leaf": str(bundle(WHOLE, proof_of(JOES_JWT))),
        "bundle-proof-of-the-withdrawal": str(bundle(WHOLE, proof_of(WITHDRAWN))),
        "bundle-evidence-of-another-bundle": str(bundle(sd_jwt(JOES_JWT, *JOE), PROOF)),
        "bundle-index-of-another-leaf": given(index=8),
        "bundle-index-past-the-end": given(index=SIZE),
        "bundle-index-beyond-all-trees": given(index=2**63),
        "bundle-longer-proof": given(hashes=(*hashes, hashes[-1])),
        "bundle-shorter-proof": given(hashes=hashes[:-1]),
        "bundle-proof-without-hashes": given(hashes=()),
        "bundle-hash-changed": given(hashes=(bytes(32), *hashes[1:])),
        "bundle-hashes-in-another-order": given(hashes=(hashes[1], hashes[0], *hashes[2:])),
        "bundle-hashes-of-another-proof": given(hashes=proof_of(WITHDRAWN).hashes),
        "bundle-checkpoint-from-before-the-leaf": given(note=signed(tree(5))),
        "bundle-checkpoint-of-another-size-than-its-proof": given(note=signed(tree(OLDER))),
    }


def lies_about_the_checkpoint() -> Mapping[str, str]:
    """Trees in which the evidence lies indeed, and that the log never signed."""
    forked = [*LEAVES[:12], hashlib.sha256(b"another history").digest(), *LEAVES[13:]]
    fork = LogProof(
        index=7, hashes=tuple(rfc6962.audit_path(7, forked)), note=Note(str(tree(leaves=forked)), PROOF.note.lines)
    )
    text, lines, both = PROOF.note.text, PROOF.note.lines, cosigned()
    larger, other = str(replace(tree(), size=24)), str(tree(origin=OTHER_LOG.name))
    return {
        "bundle-root-of-another-tree": given(note=Note(str(replace(tree(), root=bytes(32))), lines)),
        "bundle-tree-that-was-forked": str(bundle(WHOLE, fork)),
        "bundle-tree-of-another-size": given(note=Note(larger, lines)),
        "bundle-tree-of-another-size-under-ml-dsa": given(note=Note(larger, both.lines[1:])),
        "bundle-checkpoint-of-another-log": str(
            bundle(WHOLE, replace(PROOF, note=signed(tree(origin=OTHER_LOG.name), OTHER_LOG)), riding=OTHER_LOG)
        ),
        "bundle-checkpoint-of-another-log-under-this-key": given(note=Note(other, (LOG.sign(other),))),
        "bundle-checkpoint-renamed": given(note=Note(other, lines)),
        "bundle-checkpoint-signed-by-a-key-that-rides-along": str(
            bundle(WHOLE, replace(PROOF, note=signed(tree(), STRANGERS_LOG)), riding=STRANGERS_LOG)
        ),
        "bundle-checkpoint-signed-by-a-stranger-as-the-log": given(
            note=Note(text, (replace(STRANGERS_LOG.sign(text), key_hash=lines[0].key_hash),))
        ),
        "bundle-checkpoint-signed-by-a-witness-alone": given(note=signed(tree(), WITNESS)),
        "bundle-checkpoint-signed-under-another-name": given(note=Note(text, (replace(lines[0], name=WITNESS.name),))),
        "bundle-checkpoint-signature-of-another-size": given(note=Note(text, signed(tree(OLDER)).lines)),
        "bundle-checkpoint-signature-of-zeros": given(note=Note(text, (replace(lines[0], signature=bytes(64)),))),
        "bundle-checkpoint-signature-cut": given(
            note=Note(text, (replace(lines[0], signature=lines[0].signature[:-1]),))
        ),
        "bundle-checkpoint-false-signature-beside-a-true-one": given(
            note=Note(text, (lines[0], replace(lines[0], signature=bytes(64))))
        ),
        "bundle-checkpoint-extended-afterwards": given(note=Note(f"{text}an extension\n", lines)),
        "bundle-checkpoint-cosigned-at-another-time": given(
            note=Note(text, (lines[0], replace(both.lines[1], signature=bytes(8) + both.lines[1].signature[8:])))
        ),
        "bundle-checkpoint-cosignature-changed": given(
            note=Note(text, (lines[0], replace(both.lines[1], signature=both.lines[1].signature[:-1] + b"\1")))
        ),
        "bundle-checkpoint-cosignature-as-the-signature": given(
            note=Note(text, (replace(both.lines[1], key_hash=lines[0].key_hash),))
        ),
    }


def lies_about_the_evidence() -> Mapping[str, str]:
    """What no proof mends: the evidence itself is a lie."""
    strangers = SigningKey(jwk_of(STRANGER)).public()
    head, body, end = GIVEN.split(".")
    prolonged = changed(lambda it: it["record"]["event"].update(valid_until="2999-01-01T00:00:00Z"))
    return {
        "bundle-evidence-changed": str(bundle(sd_jwt(f"{head}.{part(prolonged)}.{end}", *JANE), PROOF)),
        "bundle-evidence-signed-by-a-key-that-rides-along": str(
            bundle(sd_jwt(jws(JANES, STRANGER, kid=STRANGERS_KID), *JANE), PROOF, jwks={"keys": [strangers]})
        ),
        "bundle-evidence-with-its-key": str(
            bundle(sd_jwt(jws(JANES, STRANGER, jwk=jwk_of(STRANGER).as_dict(private=False)), *JANE), PROOF)
        ),
        "bundle-disclosure-of-another-receipt": str(bundle(sd_jwt(GIVEN, JOE[0]), PROOF)),
        "bundle-evidence-in-letters-outside-ascii": str(bundle(sd_jwt(f"{head}.{body}.{end[:-1]}\u00e9"), PROOF)),
        "bundle-in-a-bundle": str(bundle(given(), PROOF)),
        "bundle-without-evidence-in-it": str(bundle("", PROOF)),
    }


def _members(change: Callable[[Members], object]) -> str:
    members: Members = json.loads(given())
    change(members)
    return json.dumps(members, indent=1) + "\n"


def _proof(old: str, new: str) -> str:
    """Return a bundle whose proof is written otherwise."""
    text = str(PROOF)
    assert old in text
    return _members(lambda it: it.update(proof=text.replace(old, new, 1)))


def lies_about_the_bundle() -> Mapping[str, str]:
    """Files that are no bundle, or are one in another writing."""
    whole, first = given(), b64encode(PROOF.hashes[0]).decode()
    false = json.dumps(sd_jwt(jws(JANES, STRANGER), *JANE))
    return {
        "bundle-cut": whole[:-10],
        "bundle-of-another-version": _members(lambda it: it.update(mediaType=f"{it['mediaType'][:-1]}2")),  # type: ignore[index]
        "bundle-of-no-type": _members(lambda it: it.pop("mediaType")),
        "bundle-without-evidence": _members(lambda it: it.pop("evidence")),
        "bundle-without-proof": _members(lambda it: it.pop("proof")),
        "bundle-with-a-member-more": _members(lambda it: it.update(verified=True)),
        "bundle-evidence-twice": whole.replace('"evidence"', f'"evidence": {false},\n "evidence"', 1),
        "bundle-evidence-as-a-list": _members(lambda it: it.update(evidence=[it["evidence"]])),
        "bundle-proof-as-an-object": _members(lambda it: it.update(proof={"index": 7})),
        "bundle-keys-as-a-list": _members(lambda it: it.update(keys=[])),
        "bundle-followed-by-another": whole + whole,
        "bundle-with-a-byte-order-mark": "\ufeff" + whole,
        "bundle-proof-of-another-version": _proof("tlog-proof@v1", "tlog-proof@v2"),
        "bundle-proof-with-line-breaks-of-another-system": _proof("\n", "\r\n"),
        "bundle-index-missing": _proof("index 7\n", ""),
        "bundle-index-with-a-zero-before-it": _proof("index 7", "index 07"),
        "bundle-index-below-zero": _proof("index 7", "index -7"),
        "bundle-hash-too-short": _proof(first, b64encode(PROOF.hashes[0][:-1]).decode()),
        "bundle-hash-in-base64url": _proof(first, b64encode(b"\xff" * 32).decode().replace("/", "_")),
        "bundle-hash-in-another-writing": _proof(first, first[:-2] + chr(ord(first[-2]) + 1) + "="),
        "bundle-checkpoint-missing": _proof(str(PROOF.note), ""),
        "bundle-note-without-signature": _proof(str(PROOF.note.lines[0]), ""),
        "bundle-note-with-too-many-signatures": given(note=Note(PROOF.note.text, PROOF.note.lines * 101)),
        "bundle-checkpoint-without-root": _proof(str(tree()), f"{ORIGIN}\n{SIZE}\n"),
        "bundle-checkpoint-of-no-number": _proof(f"\n{SIZE}\n", "\ntwenty-one\n"),
        "bundle-checkpoint-of-nothing-with-a-root": _proof(f"\n{SIZE}\n", "\n0\n"),
    }


def lies_of_bundles() -> Mapping[str, str]:
    """Every lie of a bundle, and the one that is merely early."""
    return {
        "bundle-not-in-the-log-yet": str(bundle(WHOLE, None)),
        "bundle-under-a-key-of-small-order": given(note=Note(str(tree()), (_anything_signs(),))),
        **lies_about_the_place(),
        **lies_about_the_checkpoint(),
        **lies_about_the_evidence(),
        **lies_about_the_bundle(),
    }


_NEUTRAL = (1).to_bytes(32, "little")


def _anything_signs() -> SignatureLine:
    """Return what verifies over any text under the neutral point."""
    line = parse_note(f"a\n\n\u2014 {ORIGIN} {_small_order_hash()}\n").lines[0]
    return replace(line, signature=_NEUTRAL + bytes(32))


def _small_order_hash() -> str:
    digest = bytes.fromhex(vkey(ORIGIN, ED25519, _NEUTRAL).split("+")[1])
    return b64encode(digest + b"\0").decode()


def verifier_keys() -> Mapping[str, str]:
    """Return the log's verifier keys, and files of keys that are not to be believed."""
    both = f"{LOG.vkey}\n{LOG_PQ.vkey}\n"
    digest = STRANGERS_LOG.vkey.split("+")[1]
    return {
        "log": both,
        "vkeys-of-small-order": vkey(ORIGIN, ED25519, _NEUTRAL) + "\n",
        "vkeys-of-a-stranger": STRANGERS_LOG.vkey + "\n",
        "vkeys-of-another-log": OTHER_LOG.vkey + "\n",
        "vkeys-of-nobody": "# none\n",
        "vkeys-under-the-hash-of-another-key": LOG.vkey.replace(LOG.vkey.split("+")[1], digest) + "\n",
        "vkeys-of-a-kind-unknown": vkey(ORIGIN, 0x02, b"k" * 91) + "\n",
        "vkeys-cut": LOG.vkey[:-5] + "\n",
    }


def log_files() -> Mapping[str, bytes]:
    """Every file about the log, by name."""
    bundles = {f"{name}.bundle": text for name, text in {**bundles_that_hold(), **lies_of_bundles()}.items()}
    keys = {f"{name}.vkeys": text for name, text in verifier_keys().items()}
    return {name: text.encode() for name, text in {**bundles, **keys, NOTE_FILE: str(cosigned())}.items()}


if __name__ == "__main__":
    for name, content in log_files().items():
        (FOLDER / name).write_bytes(content)
