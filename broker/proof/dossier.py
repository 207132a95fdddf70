"""The dossier: which ground allowed what on a day, under which words and which policy, in one file that stands alone.

A signed statement (an SD-JWT, so that account and identifier can be left out) says what was asked and lists every part
by its digest. The parts: the decisions of that day, each with its salt and its way into a batch of the trail, and the
sheets in which there are more of them, if any; the batches; receipts and provenance statements; the policy documents.
Batches, receipts and statements have their proofs in the log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.core.reading import read_json_object
from broker.errors import MalformedRequest
from broker.proof.dossier_parts import (
    DecisionPart,
    SheetPart,
    decision_json,
    read_decision,
    read_sheet,
    sheet_json,
)
from broker.proof.keys import JwsSigner
from broker.proof.logproof import LogProof, parse_logproof
from broker.proof.merkle import ProofFailed
from broker.proof.note import NoteFailed
from broker.proof.sdjwt import Disclosure, SdJwt, commit

TYP = "decision-dossier+sd-jwt"
MEDIA_TYPE = "application/vnd.consent-broker.dossier+json"
_FORM = f"{MEDIA_TYPE};version=1"
_MEMBERS = {"mediaType", "statement", "decisions", "batches", "evidence", "policies", "keys"}
#: A member only where there are any.
SHEETS = "sheets"
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Proved:
    """A JWT, for a receipt or a statement with its disclosures, and its proof in the log."""

    text: str
    proof: LogProof


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """The whole file. Keys ride along as a hint and are never trusted."""

    statement: str
    decisions: Sequence[DecisionPart]
    batches: Sequence[Proved]
    evidence: Sequence[Proved]
    policies: Sequence[str]
    sheets: Sequence[SheetPart] = ()
    jwks: Mapping[str, object] = field(default_factory=dict)
    vkeys: Sequence[str] = ()

    def __str__(self) -> str:
        whole = {
            "mediaType": _FORM,
            "statement": self.statement,
            "decisions": [decision_json(part) for part in self.decisions],
            **({SHEETS: [sheet_json(part) for part in self.sheets]} if self.sheets else {}),
            "batches": [{"jwt": part.text, "proof": str(part.proof)} for part in self.batches],
            "evidence": [{"evidence": part.text, "proof": str(part.proof)} for part in self.evidence],
            "policies": list(self.policies),
            "keys": {"jwks": dict(self.jwks), "vkeys": list(self.vkeys)},
        }
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, kw_only=True)
class DossierClaims:
    """What the statement says in clear. ``asked`` and ``standing`` are as docs/audit.md has them."""

    issuer: str
    dossier_id: str
    issued_at: datetime
    pairwise: str
    client_id: str
    asked: Mapping[str, object]
    parts: Mapping[str, Sequence[str]]
    standing: Sequence[Mapping[str, object]]
    answers: Sequence[Mapping[str, object]]


def sign_dossier(claims: DossierClaims, disclosures: Sequence[Disclosure], key: JwsSigner) -> SdJwt:
    """Sign what a dossier says, and which parts it has."""
    issued = int(claims.issued_at.timestamp())
    payload = {
        "iss": claims.issuer,
        "jti": claims.dossier_id,
        "iat": issued,
        "sub": claims.pairwise,
        "aud": claims.client_id,
        "vct": f"{claims.issuer}/schemas/decision-dossier/1",
        "dossier": {
            "asked": dict(claims.asked),
            "parts": {name: list(digests) for name, digests in claims.parts.items()},
            "standing": [dict(entry) for entry in claims.standing],
            "answers": [dict(entry) for entry in claims.answers],
        },
    }
    raw = json.dumps(commit(payload, disclosures), ensure_ascii=False, separators=(",", ":")).encode()
    return SdJwt(jwt=key.sign(raw, typ=TYP), disclosures=tuple(disclosures))


def text_digest(text: str) -> str:
    """A policy document's digest, as decisions and receipts name it."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def is_dossier(text: str) -> bool:
    """Whether a file is a dossier rather than a bundle or a receipt by itself."""
    return text.lstrip().startswith("{") and f'"{_FORM}"' in text[:200]


def parse_dossier(text: str) -> Dossier:
    """Take a dossier apart, or raise :class:`MalformedRequest` naming what is wrong."""
    value: Any = read_json_object(text.encode(errors="surrogatepass"), max_bytes=_MAX_BYTES)
    if set(value) - {SHEETS} != _MEMBERS or value["mediaType"] != _FORM:
        raise MalformedRequest(f"a dossier holds {', '.join(sorted(_MEMBERS))}, its mediaType {_FORM}")
    try:
        return Dossier(
            statement=_text(value["statement"]),
            decisions=[read_decision(part) for part in value["decisions"]],
            sheets=[read_sheet(part) for part in value.get(SHEETS, ())],
            batches=[_proved(part, "jwt") for part in value["batches"]],
            evidence=[_proved(part, "evidence") for part in value["evidence"]],
            policies=[_text(part) for part in value["policies"]],
        )
    except (ProofFailed, NoteFailed, KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedRequest(f"a part of the dossier is not as it should be: {error}") from error


def _proved(part: Any, name: str) -> Proved:  # noqa: ANN401 - a file's content
    if set(part) != {name, "proof"}:
        raise TypeError(f"it holds {name} and its proof")
    return Proved(text=_text(part[name]), proof=parse_logproof(_text(part["proof"])))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text is expected")
    return value
