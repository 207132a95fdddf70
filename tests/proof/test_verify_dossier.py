"""Whatever stands in a dossier is answered by a step that fails, and in no time that a stranger can make long."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from types import FrameType
from typing import Any

import pytest

from broker.proof.batch import TYP as BATCH
from broker.proof.batch import batch_root
from broker.proof.dossier import TYP
from broker.proof.dossier_parts import DecisionPart
from broker.proof.merkle import leaf_hash
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import encode
from broker.proof.verify import Verdict
from broker.proof.verify_dossier import verify_file

ASKED = {"platform": "x", "accounts": ["a"], "identifier": None, "day": "2026-11-23", "policy": None}
PARTS: dict[str, Any] = {"decisions": [], "evidence": [], "policies": []}
SAID: dict[str, Any] = {"asked": ASKED, "parts": PARTS, "standing": [], "answers": []}
ROW = {
    "client_id": "c",
    "account": "a",
    "identifier": "i",
    "decision_id": "d",
    "decided_at": "2026-11-23T12:00:00+00:00",
}


def jwt(payload: object, *, typ: str) -> str:
    """A JWT that nobody signed: whoever brings no keys is told what is in it, and no more."""
    header = {"alg": "ES256", "typ": typ, "kid": "k" * 43}
    return ".".join(encode(json.dumps(part).encode()) for part in (header, payload)) + "." + encode(b"s" * 64)


def checked(said: object, **parts: object) -> Verdict:
    """Check a dossier that says so, without keys."""
    names = {"iss": "https://consent.example", "jti": "j", "sub": "s", "aud": "c", "vct": "v", "iat": 1}
    payload = {**names, "_sd_alg": "sha-256", "_sd": [], "dossier": said}
    whole = {
        "mediaType": "application/vnd.consent-broker.dossier+json;version=1",
        "statement": f"{jwt(payload, typ=TYP)}~",
        **{name: [] for name in ("decisions", "batches", "evidence", "policies")},
        "keys": {},
    }
    return verify_file(json.dumps({**whole, **parts}), jwks=None)


@pytest.mark.parametrize(
    "said",
    [
        {**SAID, "parts": {**PARTS, "decisions": 5}},
        {**SAID, "parts": {**PARTS, "policies": None}},
        {**SAID, "asked": {**ASKED, "day": "9999-12-31"}},
        {**SAID, "asked": {**ASKED, "day": []}},
        {**SAID, "standing": [{"basis": "consent", "grant_id": [], "receipt_id": {}}]},
    ],
)
def test_whatever_a_statement_says_is_answered(said: object) -> None:
    assert not checked(said).holds


def test_a_batch_is_read_once_however_many_decisions_it_chains() -> None:
    part = DecisionPart(row={"table": "decisions", "row": ROW}, salt=b"", batch=b"", index=0, hashes=[])
    chains = {"number": 0, "entries": 1, "root": encode(batch_root([part.digest])), "previous": None}
    batch = jwt({"iss": "https://consent.example", "jti": "b", "iat": 1, "batch": chains}, typ=BATCH)
    leaf = leaf_data(batch)
    note = f"o\n1\n{b64encode(leaf_hash(leaf)).decode()}\n\n\u2014 o {b64encode(b'12345').decode()}\n"
    decisions = [{"row": part.row, "salt": "", "batch": encode(leaf), "index": 0, "hashes": []}] * 20
    read: list[str] = []

    def count(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_name == "read_batch":
            read.append(event)

    sys.setprofile(count)
    try:
        verdict = checked(
            {**SAID, "parts": {**PARTS, "decisions": [encode(part.digest)] * 20}},
            decisions=decisions,
            batches=[{"jwt": batch, "proof": f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}"}],
        )
    finally:
        sys.setprofile(None)
    assert ("20 decisions in 1 batches", 1) == (verdict.steps[8].detail, len(read))
