"""What is genuine, before anything is changed: receipts and statements of several people, in a log and its checkpoints.

The keys are those of the vectors, known to everybody. Beside the log stands another one that holds the same leaves
under another name, and a fork of it: what an insider could sign or a stranger would like to pass off.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from random import Random

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from vectors.bundles import LOG, LOG_PQ, ORIGIN, OTHER_LOG, STRANGERS_LOG
from vectors.make import (
    RECEIPTS,
    STATEMENT_TYP,
    Claims,
    claims_of,
    disclosures_of,
    evidence_of,
    jws,
    key_sets,
    payload,
    stated,
)

from broker.core.consent import ConsentStatus
from broker.proof.bundle import Bundle
from broker.proof.checkpoint import Checkpoint
from broker.proof.logproof import LogProof
from broker.proof.merkle import Subtree, leaf_hash, prove_inclusion, tree_root
from broker.proof.note import Note, sign_note
from broker.proof.receipt import TYP, leaf_data
from broker.proof.sdjwt import Disclosure
from broker.proof.tiles import grow, reading_tiles

PEOPLE = ("jane", "joe", "zoë", "李雷")
#: A size with paths of many lengths, and an older one.
SIZE, OLDER = 700, 530
#: Long past for every reader: some refuse what is dated after their own clock.
THEN = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Specimen:
    """A genuine piece of evidence, what it discloses, and where it lies in the log."""

    typ: str
    claims: Claims
    jwt: str
    disclosures: tuple[Disclosure, ...]
    index: int

    @property
    def shown(self) -> tuple[str, ...]:
        """The disclosures as they travel."""
        return tuple(entry.encoded for entry in self.disclosures)

    def signed_by(self, key: EllipticCurvePrivateKey = RECEIPTS, claims: object = None, **header: object) -> str:
        """Sign these claims, or others, as this kind of evidence."""
        return jws(self.claims if claims is None else claims, key, **{"typ": self.typ, **header})


@dataclass(frozen=True)
class World:
    """Everything genuine that a campaign begins with."""

    specimens: Sequence[Specimen]
    steps: Subtree
    fork: Subtree
    notes: Mapping[str, Note]
    paths: dict[tuple[int, int, bool], tuple[bytes, ...]] = field(default_factory=dict)

    @cached_property
    def jwks(self) -> str:
        """The published keys."""
        return json.dumps(key_sets()["jwks"])

    @cached_property
    def vkeys(self) -> tuple[str, ...]:
        """The log's verifier keys."""
        return (LOG.vkey, LOG_PQ.vkey)

    def proof(self, specimen: Specimen, *, note: str = "both", size: int = SIZE) -> LogProof:
        """The proof of a specimen under a checkpoint."""
        hashes = self.path(specimen.index, size)
        return LogProof(index=specimen.index, hashes=hashes, note=self.notes[note])

    def path(self, index: int, size: int = SIZE, *, forked: bool = False) -> tuple[bytes, ...]:
        """The way from a leaf to the root."""
        asked = index, size, forked
        if asked not in self.paths:
            self.paths[asked] = tuple(prove_inclusion(index, size, self.fork if forked else self.steps))
        return self.paths[asked]

    def bundle(self, evidence: str, proof: LogProof | None) -> str:
        """A bundle, with the genuine keys as its hint."""
        return str(Bundle(evidence=evidence, proof=proof, jwks=json.loads(self.jwks), vkeys=self.vkeys))


def seeded(seed: int) -> Random:
    """Randomness that can be repeated."""
    return Random(seed)  # noqa: S311 - that is the point


def make_world(rng: Random) -> World:
    """Sign everything once."""
    made = [*_receipts(), *_statements()]
    places = sorted(rng.sample(range(OLDER), len(made)))
    specimens = [
        Specimen(typ, claims, jws(claims, typ=typ), shown, place)
        for (typ, claims, shown), place in zip(made, places, strict=True)
    ]
    leaves = [hashlib.sha256(b"leaf %d" % number).digest() for number in range(SIZE)]
    for specimen in specimens:
        leaves[specimen.index] = leaf_data(specimen.jwt)
    fork = [*leaves[: OLDER + 1], hashlib.sha256(b"another history").digest(), *leaves[OLDER + 2 :]]
    steps, forked = (_tree(it) for it in (leaves, fork))
    return World(specimens, steps, forked, _notes(steps, forked))


def _receipts() -> list[tuple[str, Claims, tuple[Disclosure, ...]]]:
    ends = [status for status in ConsentStatus if status is not ConsentStatus.REQUESTED]
    made = []
    for number, person in enumerate(PEOPLE):
        shown = disclosures_of(person)
        for status in ends:
            event = claims_of(status, shown[-1]).event
            changes = {"receipt_id": f"{person}-{status.value}", "grant_id": f"the-grant-of-{person}"}
            dated = type(event)(**{**vars(event), "time": THEN})
            claims = payload(status, *shown, event=dated, status_index=number, **changes)
            made += [(TYP, claims, shown[:more]) for more in ((3, 1) if status is ConsentStatus.GIVEN else (3,))]
    return _each_once(made)


def _each_once(
    made: Sequence[tuple[str, Claims, tuple[Disclosure, ...]]],
) -> list[tuple[str, Claims, tuple[Disclosure, ...]]]:
    """A leaf is a piece of evidence: where the same shows less, it is another piece with an id of its own."""
    return [
        (typ, {**claims, "jti": f"{claims['jti']}-{place}"}, shown) for place, (typ, claims, shown) in enumerate(made)
    ]


def _statements() -> list[tuple[str, Claims, tuple[Disclosure, ...]]]:
    made = []
    for person in PEOPLE:
        shown = evidence_of(person)
        made.append((STATEMENT_TYP, stated(*shown, statement_id=f"statement-of-{person}", issued_at=THEN), shown))
    return made


def _tree(leaves: Sequence[bytes]) -> Subtree:
    return reading_tiles(grow(0, [leaf_hash(leaf) for leaf in leaves], {}.__getitem__).__getitem__)


def _notes(steps: Subtree, forked: Subtree) -> Mapping[str, Note]:
    """Checkpoints by name: genuine ones of two sizes, and those that nobody should take for the log's."""

    def text(size: int, origin: str = ORIGIN, tree: Subtree = steps) -> str:
        return str(Checkpoint(origin=origin, size=size, root=tree_root(size, tree)))

    return {
        "both": sign_note(text(SIZE), [LOG, LOG_PQ]),
        "ed25519": sign_note(text(SIZE), [LOG]),
        "older": sign_note(text(OLDER), [LOG, LOG_PQ]),
        "other-log": sign_note(text(SIZE, OTHER_LOG.name), [OTHER_LOG]),
        "strangers": sign_note(text(SIZE), [STRANGERS_LOG]),
        "strangers-fork": sign_note(text(SIZE, tree=forked), [STRANGERS_LOG]),
        "other-name": sign_note(text(SIZE, OTHER_LOG.name), [LOG]),
    }
