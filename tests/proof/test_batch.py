"""A batch of the trail, and whose signature is under it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import NOON, the_keys

from broker.errors import MalformedRequest
from broker.proof.batch import TYP, BatchClaims, batch_root, read_batch, sign_batch
from broker.proof.claims import StepFailed
from broker.proof.signatures import check_signature

DIGESTS = [bytes([number]) * 32 for number in range(5)]
BROKER = "https://consent.example"
CLAIMS = BatchClaims(issuer=BROKER, batch_id="b", issued_at=NOON, number=3, digests=DIGESTS, previous=b"p" * 32)


def signed() -> str:
    """A batch as the broker signs it."""
    return sign_batch(CLAIMS, the_keys().receipts)


def jwks(**members: object) -> dict[str, list[dict[str, Any]]]:
    """The broker's key, with more said of it."""
    return {"keys": [{**the_keys().receipts.public(), **members}]}


def test_a_batch_is_read_as_it_was_signed() -> None:
    batch = read_batch(signed())
    assert (BROKER, int(NOON.timestamp()), 3, 5) == (batch.issuer, batch.issued_at, batch.number, batch.entries)
    assert (batch_root(DIGESTS), b"p" * 32) == (batch.root, batch.previous)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": -1},
        {"number": True},
        {"entries": "5"},
        {"root": "AAAA"},
        {"root": 5},
        {"previous": None},
        {"number": 0},
    ],
    ids=str,
)
def test_a_batch_that_does_not_say_what_it_must_is_refused(changes: dict[str, object]) -> None:
    batch = {"number": 3, "entries": 5, "root": "A" * 43, "previous": "A" * 43, **changes}
    payload = {"iss": BROKER, "iat": 5, "jti": "b", "batch": batch}
    with pytest.raises(MalformedRequest):
        read_batch(the_keys().receipts.sign(json.dumps(payload).encode(), typ=TYP))


def test_a_batch_without_its_members_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        read_batch(the_keys().receipts.sign(b'{"iss": "x", "iat": "now"}', typ=TYP))


def test_a_batch_is_signed_by_a_key_of_the_broker() -> None:
    check_signature(signed(), typ=TYP, jwks=jwks(), index=None)


OTHER = {**the_keys().tokens.public()}
REFUSED: dict[str, tuple[str, dict[str, Any], int | None]] = {
    "no JWT": ("no.jwt", jwks(), 1),
    "of another type": (the_keys().receipts.sign(b"{}", typ="at+jwt"), jwks(), 1),
    "of an unknown key": (signed(), {"keys": [OTHER]}, 1),
    "of a key that is there twice": (signed(), {"keys": [*jwks()["keys"], *jwks()["keys"]]}, 1),
    "of a key set that is none": (signed(), {"keys": {}}, 1),
    "of a key under another's name": (signed(), {"keys": [{**OTHER, "kid": the_keys().receipts.kid}]}, 1),
    "of a key for tokens": (signed(), jwks(signs="tokens"), 1),
    "of a key that was compromised before": (signed(), jwks(revoked={"log_size": 1}), 1),
    "of a key compromised at no place": (signed(), jwks(revoked={"log_size": True}), 0),
    "of a compromised key, and in no log": (signed(), jwks(revoked={"log_size": 5}), None),
    "with another signature": (signed()[:-4] + "AAAA", jwks(), 1),
    "of a key without its y": (signed(), {"keys": [{k: v for k, v in jwks()["keys"][0].items() if k != "y"}]}, 1),
}


@pytest.mark.parametrize(("jwt", "keys", "index"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_signed_otherwise_is_refused(jwt: str, keys: dict[str, Any], index: int | None) -> None:
    with pytest.raises(StepFailed):
        check_signature(jwt, typ=TYP, jwks=keys, index=index)


def test_what_a_compromised_key_signed_before_counts_by_its_place() -> None:
    check_signature(signed(), typ=TYP, jwks=jwks(revoked={"log_size": 5}), index=4)
